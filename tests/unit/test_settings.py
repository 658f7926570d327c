"""Settings: where each value comes from, and everything that is wrong told at once."""

from pathlib import Path
from typing import Any

import pytest

from studio.errors import ConfigurationError
from studio.settings import Settings, gather, read_settings

FOREIGN = ("SPACE_ID", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT")


@pytest.fixture(autouse=True)
def plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder with a catalogue, and no variable that settings look at."""
    for name in (*FOREIGN, *(f"STUDIO_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("models.yml").touch()


def _settings(*argv: str) -> Settings:
    return read_settings(gather(argv))


def _faults(*argv: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        _settings(*argv)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_without_flags_the_studio_listens_to_this_machine_alone(tmp_path: Path) -> None:
    settings = _settings()

    assert (settings.host, settings.port, settings.is_loopback) == ("127.0.0.1", 3000, True)
    assert (settings.outputs, settings.models) == (tmp_path / "outputs", tmp_path / "models.yml")
    assert settings.database_url == str(tmp_path / "outputs" / "studio.db")
    assert (settings.api_key, settings.public, settings.sd_server) == ("", False, None)


# Each field once, as a flag or variable spells it and as it is read; what is left out is tested by name.
SPELLED: list[tuple[str, str, Any]] = [
    ("host", "127.0.0.9", "127.0.0.9"),
    ("port", "8080", 8080),
    ("outputs", "/srv/made", Path("/srv/made")),
    ("models", "models.yml", None),
    ("database", "postgresql://db/studio", "postgresql://db/studio"),
    ("log_level", "debug", "debug"),
    ("log_format", "json", "json"),
    ("sd_server", "models.yml", None),
    ("backend", "vulkan", "vulkan"),
    ("api_key", "s3cret", "s3cret"),
    ("allowed_hosts", "studio.local,gpu", "studio.local,gpu"),
    ("download_hosts", "nas.local,mirror:8000", "nas.local,mirror:8000"),
    ("webhook_hosts", "home.local:8123", "home.local:8123"),
    ("root_path", "/studio", "/studio"),
    ("trusted_proxies", "10.0.0.0/8,192.168.1.5", "10.0.0.0/8,192.168.1.5"),
    ("max_pending", "7", 7),
    ("stall_seconds", "12.5", 12.5),
    ("stop_seconds", "0", 0.0),
    ("wait_seconds", "60", 60.0),
]


def test_every_field_is_in_the_table_of_this_test() -> None:
    assert {name for name, _, _ in SPELLED} | {"public", "share", "owners"} == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), SPELLED)
def test_every_setting_is_a_flag_and_a_variable_of_the_same_name(
    name: str, text: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tmp_path / text if value is None else value

    assert getattr(_settings(f"--{name.replace('_', '-')}", text), name) == expected
    monkeypatch.setenv(f"STUDIO_{name.upper()}", text)
    assert getattr(_settings(), name) == expected


def test_public_is_a_switch_and_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings("--public").public
    monkeypatch.setenv("STUDIO_PUBLIC", "true")
    assert _settings().public
    assert not _settings("--no-public").public


def test_that_everybody_sees_their_own_only_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _settings().owners
    assert _settings("--owners").owners
    monkeypatch.setenv("STUDIO_OWNERS", "true")
    assert _settings().owners
    assert not _settings("--no-owners").owners


def test_a_public_link_needs_a_key_or_the_word_public(monkeypatch: pytest.MonkeyPatch) -> None:
    (fault,) = _faults("--share")

    assert fault.startswith("share:")
    assert "--api-key" in fault
    assert "--public" in fault
    assert _settings("--share", "--public").share
    monkeypatch.setenv("STUDIO_SHARE", "true")
    assert _settings("--api-key", "s3cret").share
    assert not _settings("--no-share").share


def test_flags_win_over_variables_over_gradios_over_a_spaces_over_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def address() -> tuple[str, int]:
        settings = _settings()
        return settings.host, settings.port

    monkeypatch.setenv("SPACE_ID", "somebody/studio")
    assert address() == ("0.0.0.0", 7860)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "127.0.0.2")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7000")
    assert address() == ("127.0.0.2", 7000)
    monkeypatch.setenv("STUDIO_HOST", "127.0.0.3")
    monkeypatch.setenv("STUDIO_PORT", "8000")
    assert address() == ("127.0.0.3", 8000)
    settings = _settings("--host", "127.0.0.4", "--port", "9000")
    assert (settings.host, settings.port) == ("127.0.0.4", 9000)


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STUDIO_PORT", "SPACE_ID", "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME"):
        monkeypatch.setenv(name, "")

    settings = _settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 3000)


def test_a_wrong_variable_of_gradio_is_told_like_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", "seven")

    assert [_faults()[0].split(":")[0], _faults()[0].split("got ")[1].split(" ")[0]] == ["port", "'seven'"]


def test_a_space_keeps_its_pictures_in_its_lasting_storage_where_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(*argv: str, storage: Path) -> Path:
        return read_settings(gather(argv, space_storage=storage)).outputs

    lasting, here = tmp_path / "data", tmp_path / "outputs"
    lasting.mkdir()
    assert outputs(storage=lasting) == here, "it is no Space yet"
    monkeypatch.setenv("SPACE_ID", "somebody/studio")
    assert outputs(storage=lasting) == lasting / "outputs"
    assert outputs(storage=tmp_path / "not rented") == here
    assert outputs("--outputs", "elsewhere", storage=lasting) == tmp_path / "elsewhere"


def test_a_space_is_public_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/studio")

    assert _settings().public


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "studio.local", "127.studio.local", ""])
def test_beyond_loopback_a_key_or_the_word_public_is_needed(host: str) -> None:
    (fault,) = _faults("--host", host) if host else _faults_of({"host": ""})

    assert fault.startswith("host:")
    assert "--api-key" in fault
    assert "--public" in fault
    if host:
        assert not _settings("--host", host, "--public").is_loopback
        assert _settings("--host", host, "--api-key", "s3cret").host == host


def _faults_of(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(values)
    return caught.value.faults


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_neither(host: str) -> None:
    assert _settings("--host", host).is_loopback


def test_every_fault_is_told_at_once_with_its_key_and_both_spellings(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("models.yml").unlink()
    Path("outputs").touch()
    monkeypatch.setenv("STUDIO_MAX_PENDING", "0")
    monkeypatch.setenv("STUDIO_LOG_LEVEL", "loud")

    faults = _faults(
        "--port", "99999", "--stall-seconds", "soon", "--host", "0.0.0.0", "--sd-server", "/no/such/file",
        "--database", "mysql://db/studio",
    )  # fmt: skip

    told = {fault.split(":")[0]: fault for fault in faults}
    assert set(told) == {
        "port", "stall_seconds", "max_pending", "log_level", "host", "models", "sd_server", "outputs",
        "database",
    }  # fmt: skip
    assert len(faults) == len(told)
    assert "65535" in told["port"]
    assert "'99999'" in told["port"]
    assert "(--stall-seconds or STUDIO_STALL_SECONDS)" in told["stall_seconds"]
    assert "'debug', 'info', 'warning' or 'error'" in told["log_level"]
    assert "greater than or equal to 1" in told["max_pending"]
    assert "/no/such/file" in told["sd_server"]
    assert "mysql://" in told["database"]


@pytest.mark.parametrize("argv", [["--nonsense", "1"], ["serve"], ["--port"], ["--no-such-flag"]])
def test_a_flag_that_does_not_exist_is_told(argv: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="command line"):
        gather(argv)


def test_help_names_every_flag_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        gather(["--help"])

    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown


def test_a_password_or_key_is_not_shown_with_the_settings() -> None:
    settings = _settings("--api-key", "s3cret")

    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)


def test_paths_are_made_absolute_and_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert _settings("--outputs", "made").outputs == tmp_path / "made"
    assert _settings("--outputs", "~/made").outputs == tmp_path / "home" / "made"


@pytest.mark.parametrize("text", ["/studio/", "/a/b-c/d.e", "/~me", "/", ""])
def test_a_root_path_is_kept_without_the_slash_at_its_end(text: str) -> None:
    assert _settings("--root-path", text).root_path == text.rstrip("/")


@pytest.mark.parametrize(
    "text", ["studio", "//other.example", "/a//b", "/a/../b", "https://studio.example/", "/a b", "/a?b", "/é"]
)
def test_a_root_path_that_is_none_is_refused(text: str) -> None:
    (fault,) = _faults("--root-path", text)

    assert fault.startswith("root_path: is a path such as /studio")


@pytest.mark.parametrize("text", ["/api", "/v1/studio", "/sdapi/"])
def test_a_root_path_that_begins_like_the_studios_own_is_refused(text: str) -> None:
    (fault,) = _faults("--root-path", text)

    assert fault.startswith("root_path: begins with a path of the studio's own")


@pytest.mark.parametrize(
    ("text", "kept"), [("*", "*"), (" 10.0.0.0/8 , ::1,", "10.0.0.0/8,::1"), ("fd00::/8", "fd00::/8")]
)
def test_trusted_proxies_are_addresses_and_networks(text: str, kept: str) -> None:
    assert _settings("--trusted-proxies", text).trusted_proxies == kept


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "*,10.0.0.1", "10.0.0", "/studio.sock"])
def test_a_trusted_proxy_that_is_no_address_is_refused(text: str) -> None:
    (fault,) = _faults("--trusted-proxies", text)

    assert fault.startswith("trusted_proxies: ")


def test_a_space_believes_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings().trusted_proxies == "127.0.0.1,::1"
    monkeypatch.setenv("SPACE_ID", "somebody/studio")
    assert _settings().trusted_proxies == "*"
