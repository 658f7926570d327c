"""Settings from flags and environment, one definition for both; every fault is reported at once.

A field `log_level` is the flag `--log-level` and the variable `STUDIO_LOG_LEVEL`; flags win. Gradio's own
GRADIO_SERVER_NAME and GRADIO_SERVER_PORT are honoured, and on a Hugging Face Space (SPACE_ID is set) the
studio listens where Spaces expect it unless told otherwise.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from studio.errors import ConfigurationError

Source = PydanticBaseSettingsSource
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]

SPACE_STORAGE = Path("/data")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
# A path of the studio's own would be taken for the one that comes before it.
_OWN_PATHS = frozenset({"api", "v1", "sdapi", "mcp", "gradio_api", "studio-assets"})


def _check_root_path(text: str) -> str:
    path = text.rstrip("/")
    if _ROOT_PATH.fullmatch(path) is None:
        raise ValueError("is a path such as /studio, of letters, digits, dots, dashes and underscores")
    if path.split("/")[1:2] and path.split("/")[1] in _OWN_PATHS:
        raise ValueError("begins with a path of the studio's own; choose another, such as /studio")
    return path


def _check_proxies(text: str) -> str:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name == "*" and len(names) > 1:
            raise ValueError("is either * or addresses and networks")
        if name != "*":
            try:
                ipaddress.ip_network(name)
            except ValueError:
                raise ValueError(f"{name!r} is no address and no network such as 10.0.0.0/8") from None
    return ",".join(names)


class Settings(BaseSettings):
    """How this studio runs: sd.cpp Studio, the web studio for stable-diffusion.cpp."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, env_prefix="STUDIO_", env_ignore_empty=True
    )

    host: str = Field(
        "127.0.0.1",
        description="address to listen on; anything but loopback needs --api-key or --public",
    )
    port: int = Field(3000, ge=0, le=65535, description="TCP port")
    outputs: AbsolutePath = Field(Path("outputs"), description="folder of everything made")
    models: AbsolutePath = Field(Path("models.yml"), description="the catalogue of models")
    database: str = Field(
        "",
        description="postgresql://… or a path to an SQLite file; default: studio.db in outputs",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much to log")
    log_format: Literal["text", "json"] = Field(
        "text", description="log lines for people, or one JSON object a line for programs"
    )
    sd_server: AbsolutePath | None = Field(None, description="path to an sd-server to use instead of our own")
    backend: Literal["auto", "cpu", "cuda", "vulkan", "metal"] = Field(
        "auto", description="what to build the engine for"
    )
    api_key: str = Field(
        "",
        description="a key every request must carry (Authorization: Bearer, X-Api-Key or Basic password)",
        repr=False,
    )
    owners: bool = Field(
        False, description="show jobs and pictures only to the key that made them, and to admins"
    )
    public: bool = Field(False, description="listen beyond this machine without a key")
    share: bool = Field(
        False, description="make a public link through Gradio's relay; needs --api-key or --public"
    )
    allowed_hosts: str = Field(
        "",
        description="further names this studio is reached by, separated by commas",
    )
    download_hosts: str = Field(
        "",
        description="hosts (or host:port) models may be downloaded from though they are not public or speak "
        "plain http, separated by commas",
    )
    webhook_hosts: str = Field(
        "",
        description="hosts (or host:port) that webhooks may be sent to though they are not public or speak "
        "plain http, separated by commas",
    )
    root_path: Annotated[str, AfterValidator(_check_root_path)] = Field(
        "", description="the path under which a reverse proxy serves the studio, such as /studio"
    )
    trusted_proxies: Annotated[str, AfterValidator(_check_proxies)] = Field(
        "127.0.0.1,::1",
        description="addresses and networks of reverse proxies whose X-Forwarded headers are believed, or *",
    )
    max_pending: int = Field(1000, ge=1, le=1_000_000, description="longest queue; then 429")
    stall_seconds: float = Field(
        300, ge=5, le=86400,
        description="an engine that shows no sign of progress for this long is restarted",
    )  # fmt: skip
    stop_seconds: float = Field(
        30, ge=0, le=3600,
        description="how long a shutdown waits for the running job before it goes back to the queue",
    )  # fmt: skip
    wait_seconds: float = Field(
        300, ge=1, le=3600,
        description="how long a synchronous request waits before it answers 504",
    )  # fmt: skip

    @classmethod
    def settings_customise_sources(cls, *_: Source, **sources: Source) -> tuple[Source, ...]:  # type: ignore[override]
        # gather() reads the sources: Gradio's names and a Space's defaults lie between flags and defaults.
        return (sources["init_settings"],)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_exposed(self) -> bool:
        """Whether strangers may get here who are not meant to be let in without a key."""
        return not self.public and (not self.is_loopback or self.share)

    @property
    def database_url(self) -> str:
        """A PostgreSQL URL as given, or the path of the SQLite file."""
        return self.database or str(self.outputs / "studio.db")


def gather(argv: Sequence[str], *, space_storage: Path = SPACE_STORAGE) -> dict[str, Any]:
    """The raw values of flags over environment over what the surroundings ask for, unchecked.

    `space_storage` is where a Space keeps what must outlive it, if its owner rented that.

    Errors: ConfigurationError for a flag that doesn't exist; SystemExit(0) after printing `--help`.
    """
    try:
        flags = CliSettingsSource[Any](
            Settings, cli_parse_args=list(argv), cli_kebab_case=True, cli_exit_on_error=False,
            cli_implicit_flags=True, cli_prog_name="app.py", cli_hide_none_type=True, cli_avoid_json=True,
        )()  # fmt: skip
    except SettingsError as error:
        raise ConfigurationError([f"command line: {error}"]) from None
    return {**_platform_defaults(space_storage), **EnvSettingsSource(Settings)(), **flags}


def read_settings(
    values: Mapping[str, Any], *, has_keys: Callable[[Settings], bool] = lambda _: False
) -> Settings:
    """Checked settings from what `gather` found. Errors: ConfigurationError with one sentence per fault.

    `has_keys` tells whether the database of such settings holds a valid key; asked only if that matters.
    """
    faults = []
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults = [_sentence(fault) for fault in error.errors()]
        # The rules that need several fields are told too, on whatever fields are sound.
        broken = {fault["loc"][0] for fault in error.errors() if fault["loc"]}
        settings = Settings(**{key: value for key, value in values.items() if key not in broken})
    faults += _conflicts(settings, has_keys)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _platform_defaults(space_storage: Path) -> dict[str, object]:
    """What the surroundings ask for where neither a flag nor a STUDIO_ variable says otherwise."""
    values: dict[str, object] = {}
    if os.environ.get("SPACE_ID"):
        values |= {"host": "0.0.0.0", "port": 7860, "public": True}
        # Only the Space's own proxy can reach it, from an address that changes.
        values["trusted_proxies"] = "*"
        if os.access(space_storage, os.W_OK):
            values["outputs"] = space_storage / "outputs"
    for key, name in (("host", "GRADIO_SERVER_NAME"), ("port", "GRADIO_SERVER_PORT")):
        if os.environ.get(name):
            values[key] = os.environ[name]
    return values


def _sentence(fault: ErrorDetails) -> str:
    """One fault as people read it: the key, both its spellings, and what is allowed."""
    text = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return text
    key = str(fault["loc"][0])
    flag = key.replace("_", "-")
    return f"{key}: {text}, got {fault['input']!r} (--{flag} or STUDIO_{key.upper()})"


def _conflicts(settings: Settings, has_keys: Callable[[Settings], bool]) -> Iterator[str]:
    """What can't be true of these values together, or on this machine."""
    if settings.is_exposed and not settings.api_key and not has_keys(settings):
        ways = (
            "set --api-key (STUDIO_API_KEY), make a key (python app.py keys add NAME), or say --public to "
            "let everybody in"
        )
        if not settings.is_loopback:
            yield f"host: {settings.host} is reachable from other machines; {ways}"
        if settings.share:
            yield f"share: whoever has the public link could use this studio; {ways}"
    if "://" in settings.database and not settings.database.startswith(("postgres://", "postgresql://")):
        kind = settings.database.partition("://")[0]
        yield (
            f"database: {kind}:// is no database we know; give postgresql://… or the path of an SQLite file "
            "(--database or STUDIO_DATABASE)"
        )
    if not settings.models.is_file():
        yield f"models: no file {settings.models}; name the catalogue with --models or STUDIO_MODELS"
    if settings.sd_server is not None and not settings.sd_server.is_file():
        yield f"sd_server: no file {settings.sd_server}; --sd-server or STUDIO_SD_SERVER names an sd-server"
    if settings.outputs.exists() and not settings.outputs.is_dir():
        yield f"outputs: {settings.outputs} is not a folder; name one with --outputs or STUDIO_OUTPUTS"
