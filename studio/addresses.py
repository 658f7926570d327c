"""Addresses: which hosts a download may be had from, so that nobody reads this machine's network through it.

A host must have only public addresses, and the connection goes to the very address that was looked at: a name
that means another machine a moment later leads nowhere else.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection

import httpx

from studio.errors import DownloadFailed, InvalidRequest

Resolve = Callable[[str, int], list[str]]
"""(host, port) -> the addresses of the host. Errors: OSError."""

_HTTPS = 443
# Translates to IPv4 addresses, which then have to be public themselves.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """What this machine's resolver knows. Errors: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
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
    """Says of an address whether it may be fetched. Any thread."""

    def __init__(self, named: Collection[str] = (), *, resolve: Resolve = resolve) -> None:
        """`named` are "host" or "host:port" that may be anywhere, and speak plain http."""
        self._named = frozenset(name.strip().lower() for name in named if name.strip())
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Errors: InvalidRequest unless it may be fetched now."""
        try:
            self.pin(httpx.URL(url))
        except DownloadFailed as error:
            raise InvalidRequest(error.message, field="url") from None
        except OSError as error:
            raise InvalidRequest(f"its host can't be found ({error})", field="url") from None

    def pin(self, url: httpx.URL) -> str | None:
        """The IP address to connect to for this URL; None: whatever the name means, it was named.

        Errors: DownloadFailed for what must not be fetched; OSError if the name means nothing now.
        """
        host = url.host.lower()
        if {host, f"{host}:{url.port or (_HTTPS if url.scheme == 'https' else 80)}"} & self._named:
            if url.scheme not in ("https", "http"):
                raise DownloadFailed(f"{shown(url)} is refused: it is neither https nor http.")
            return None
        if url.scheme != "https":
            raise DownloadFailed(f"{shown(url)} is refused: files are downloaded by https only.")
        if (url.port or _HTTPS) != _HTTPS:
            raise DownloadFailed(f"{shown(url)} is refused: it is not at the usual port {_HTTPS}.{_WAY_OUT}")
        found = self._resolve(url.host, _HTTPS)
        # One private address among them is enough: who can add it can also have it asked for.
        if not found or not all(is_public(address) for address in found):
            raise DownloadFailed(
                f"{shown(url)} is refused: its host is not on the public internet.{_WAY_OUT}"
            )
        return found[0]


_WAY_OUT = " If you trust that host, name it in --download-hosts (STUDIO_DOWNLOAD_HOSTS)."


def shown(url: httpx.URL) -> str:
    """The URL without what may be secret in it: signatures are in the query."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))
