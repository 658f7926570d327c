"""Addresses: which hosts the studio may talk to because somebody said so: for a download, or with a webhook.

So nobody reaches this machine's network through it.

A host must have only public addresses, and the connection goes to the very address that was looked at: a name
that means another machine a moment later leads nowhere else.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection
from typing import NamedTuple

import httpx

from studio.errors import AddressRefused, InvalidRequest

Resolve = Callable[[str, int], list[str]]
"""(host, port) -> the addresses of the host. Errors: OSError."""

Pin = Callable[[httpx.URL], str | None]
"""The IP address to connect to for a URL; None: as the name says. Raises AddressRefused to refuse it."""

_HTTPS = 443
# Translates to IPv4 addresses, which then have to be public themselves.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """What this machine's resolver knows. Errors: OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(f"{host[:64]!r} is no name of a host") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether the whole internet can reach that IP address; False for what is none."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Addresses:
    """Says of an address whether it may be asked. Any thread."""

    def __init__(
        self, named: Collection[str] = (), *, setting: str = "download_hosts", resolve: Resolve = resolve
    ) -> None:
        """`named` are "host" or "host:port" that may be anywhere, and speak plain http; by that `setting`."""
        self._named = frozenset(name.strip().lower() for name in named if name.strip())
        flag = setting.replace("_", "-")
        self._way_out = f" If you trust that host, name it in --{flag} (STUDIO_{setting.upper()})."
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Errors: InvalidRequest unless it may be asked now."""
        try:
            self.pin(httpx.URL(url))
        except AddressRefused as error:
            raise InvalidRequest(error.message, field="url") from None
        except OSError as error:
            raise InvalidRequest(f"its host can't be found ({error})", field="url") from None

    def check_text(self, url: httpx.URL) -> None:
        """What can be said before its host is looked up. Errors: AddressRefused."""
        if self._is_named(url):
            if url.scheme not in ("https", "http"):
                raise AddressRefused(f"{origin(url)} is refused: it is neither https nor http.")
            return
        if url.scheme != "https":
            raise AddressRefused(f"{origin(url)} is refused: it may be asked by https only.{self._way_out}")
        if (url.port or _HTTPS) != _HTTPS:
            raise AddressRefused(
                f"{origin(url)} is refused: it is not at the usual port {_HTTPS}.{self._way_out}"
            )
        if is_ip(url.host):
            self._check_public(url, [url.host])

    def pin(self, url: httpx.URL) -> str | None:
        """The IP address to connect to for this URL; None: whatever the name means, it was named.

        Errors: AddressRefused for what must not be asked; OSError if the name means nothing now.
        """
        self.check_text(url)
        if self._is_named(url):
            return None
        found = self._resolve(url.host, _HTTPS)
        self._check_public(url, found)
        return found[0]

    def _check_public(self, url: httpx.URL, found: Collection[str]) -> None:
        # One private address among them is enough: who can add it can also have it asked for.
        if not found or not all(is_public(address) for address in found):
            raise AddressRefused(
                f"{origin(url)} is refused: its host is not on the public internet.{self._way_out}"
            )

    def _is_named(self, url: httpx.URL) -> bool:
        host = url.host.lower()
        return bool({host, f"{host}:{url.port or (_HTTPS if url.scheme == 'https' else 80)}"} & self._named)


class Aim(NamedTuple):
    """How to ask for a URL at a certain IP address: what httpx needs to be told."""

    url: httpx.URL
    headers: dict[str, str]
    extensions: dict[str, str]

    @classmethod
    def at(cls, url: httpx.URL, address: str | None) -> "Aim":
        """`address` is what `pin` gave. The certificate is still the name's."""
        headers = {"Host": url.netloc.decode("ascii")}
        if address is None:
            return cls(url, headers, {})
        return cls(url.copy_with(host=address), headers, {"sni_hostname": url.host})


def is_ip(host: str) -> bool:
    """Whether it names no host but is an IP address itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def origin(url: httpx.URL) -> str:
    """Scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def shown(url: httpx.URL) -> str:
    """The URL without what may be secret in it: signatures are in the query."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))
