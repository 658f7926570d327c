"""Who may talk to the studio: rules about names, origins and keys. Pure."""

import base64
import binascii
import contextlib
import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from studio.caller import Caller
from studio.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NAME = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
# Whoever publishes on a Hugging Face Space is reached by a name under this one, and shown in a frame there.
SPACE_DOMAIN = ".hf.space"
# What answers without a key: a probe has none.
OPEN_PATHS = frozenset({"/api/health", "/healthz", "/readyz"})


@dataclass(frozen=True)
class Refusal:
    """Why a request is turned away."""

    status: int
    sentence: str
    headers: Mapping[str, str] = field(default_factory=dict)


def host_of(text: str) -> tuple[str, int | None] | None:
    """(name in lower case, port) of a Host header or an origin's authority; None if it is no such thing."""
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or _NAME.fullmatch(name) is None:
        return None
    spelled = f"[{name}]" if ":" in name else name
    if text.lower() not in (spelled, f"{spelled}:{port}"):
        return None  # userinfo, a path, an empty or padded port
    return name, port


class HostRule:
    """The names this studio answers to.

    A page of another site can make its own name lead here (DNS rebinding) and then reads everything as its
    own origin; the Host header tells. Addresses can't be rebound, so each is welcome.
    """

    def __init__(self, settings: Settings) -> None:
        further = (name.strip().lower() for name in settings.allowed_hosts.split(","))
        self._names = frozenset({"localhost", settings.host.lower(), *(name for name in further if name)})
        self._domains: Collection[str] = (SPACE_DOMAIN,) if settings.public else ()

    def admit(self, name: str) -> None:
        """Answer to this name as well from now on: a tunnel's is known only once it stands."""
        # A new set, not a changed one: requests in other threads may be looking.
        self._names |= {name.lower()}

    def refusal(self, headers: Headers) -> Refusal | None:
        """Why a request with these headers can't go on, or None."""
        hosts = headers.getlist("host")
        host = host_of(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return Refusal(400, "The request needs exactly one valid Host header.")
        name = host[0]
        if name in self._names or name.endswith(tuple(self._domains)) or _is_address(name):
            return None
        return Refusal(
            421, f"This studio does not go by the name {name[:100]!r}; --allowed-hosts adds further names."
        )


def origin_refusal(headers: Headers, *, changes: bool) -> Refusal | None:
    """Why a page of another site may not send this, or None; programs that are no browsers send no origin.

    `changes`: the request may change something, so browsers that only tell Sec-Fetch-Site are heard too.
    """
    origins = headers.getlist("origin")
    if not origins:
        site = headers.get("sec-fetch-site", "none").lower()
        if changes and site not in ("same-origin", "none"):
            return Refusal(403, "A page of another site sent this request; only the studio's own may.")
        return None
    if len(origins) == 1 and _same_origin(origins[0], headers["host"]):
        return None
    return Refusal(403, "The Origin of this request is not the studio's own address.")


def _same_origin(origin: str, host: str) -> bool:
    scheme, separator, authority = origin.partition("://")
    theirs, ours = host_of(authority), host_of(host)
    if not separator or scheme not in ("http", "https") or theirs is None or ours is None:
        return False
    # Behind a proxy that ends TLS the page's scheme is not ours; its default port is what Host leaves out.
    default = _DEFAULT_PORTS[scheme]
    return theirs[0] == ours[0] and (theirs[1] or default) == (ours[1] or default)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def caller_of(scope: Scope) -> Caller | None:
    """Who the guard found to be asking; None: a stranger, at one of the open paths."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    return caller


def offered_keys(headers: Headers) -> list[bytes]:
    """The keys that a request carries: Authorization: Bearer or Basic (as password), or X-Api-Key."""
    # Headers come as latin-1; the bytes behind them are what the client meant.
    offered = [headers.get("x-api-key", "").encode("latin-1")]
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        offered.append(credentials.strip().encode("latin-1"))
    elif scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError):
            offered.append(base64.b64decode(credentials, validate=True).partition(b":")[2])
    return [offer for offer in offered if offer]
