"""Transfer: the bytes of one remote file, going on where a dropped connection or an earlier try left off."""

import errno
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from studio.addresses import Aim, Pin, shown
from studio.clock import Clock
from studio.errors import AddressRefused, DownloadFailed, StopRequested

RESERVE_BYTES = 256 * 2**20
"""What a download leaves free on its disk: the studio itself has to go on."""
ATTEMPTS = 5
MOST_REDIRECTS = 5
MOST_PAUSE = 30.0
# A stop is seen between two chunks, so a silent server delays it by the read time-out at most.
_TIMEOUT = httpx.Timeout(10.0)
_REDIRECTS = (301, 302, 303, 307, 308)
_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Remote:
    """A file somewhere else. `headers` go to the host of `url` only, not to where that sends us."""

    url: str
    sha256: str
    size: int | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    by_proxy: bool = False
    """The environment's proxy may be used, which then looks up names in our place."""
    help_401: str = "it wants to know who asks"
    """What helps if the host says 401 or 403."""


class Transfer:
    """Fetches. Stateless; any thread."""

    def __init__(self, clock: Clock, *, pause: float = 1.0, trusted: ssl.SSLContext | None = None) -> None:
        """`pause`: seconds before another try, doubled with each that got nothing; `trusted`
        replaces the usual certificates."""
        self._clock = clock
        self._pause = pause
        self._verify = True if trusted is None else trusted

    def fetch(
        self,
        remote: Remote,
        part: Path,
        *,
        pin: Pin,
        report: Callable[[int, int | None], None],
        stop: threading.Event,
    ) -> None:
        """Complete `part`, whose bytes of an earlier call are kept; its hash is for the caller to check.

        `report` gets how many bytes are there, and how many there will be if that is known.
        Errors: DownloadFailed, with the bytes so far kept; StopRequested.
        """
        failures = 0
        with httpx.Client(timeout=_TIMEOUT, trust_env=remote.by_proxy, verify=self._verify) as client:
            while True:
                before = size_of(part)
                try:
                    if remote.size is not None and before > remote.size:
                        part.unlink()
                    self._once(client, remote, part, pin, report, stop)
                    return
                except (httpx.HTTPError, socket.gaierror, _Again) as error:
                    # A line that drops now and then but moves on is not given up.
                    failures = 0 if size_of(part) > before else failures + 1
                    if failures >= ATTEMPTS:
                        raise DownloadFailed(_given_up(remote, error, size_of(part))) from error
                except OSError as error:
                    raise cant_write(part, error) from error
                wait = min(MOST_PAUSE, self._pause * 2 ** max(0, failures - 1))
                if self._clock.wait(stop, wait):
                    raise StopRequested

    def _once(
        self,
        client: httpx.Client,
        remote: Remote,
        part: Path,
        pin: Pin,
        report: Callable[[int, int | None], None],
        stop: threading.Event,
    ) -> None:
        have = size_of(part)
        report(have, remote.size)
        if stop.is_set():
            raise StopRequested
        if remote.size is not None and have == remote.size:
            return
        response = _open(client, remote, {"Range": f"bytes={have}-"} if have else {}, pin)
        try:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # nothing is missing, or it is another file: the hash will tell
            _check_status(remote, response)
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                have = 0  # the server sends all of it
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                raise _Again("the server sent another part than the one asked for")
            coming = response.headers.get("Content-Length", "")
            total = have + int(coming) if coming.isdigit() else None
            _check_size(remote, total, part)
            with part.open("ab" if have else "wb") as file:
                for chunk in response.iter_raw():
                    if stop.is_set():
                        raise StopRequested
                    have += len(chunk)
                    if remote.size is not None and have > remote.size:
                        raise _other_file(remote, have)
                    if free_bytes(part) < RESERVE_BYTES:
                        raise _no_room(part)
                    file.write(chunk)
                    report(have, remote.size or total)
        finally:
            response.close()
        if total is not None and have < total:
            raise _Again(f"the connection ended after {have} of {total} bytes")


class _Again(Exception):
    """It went wrong, and another try may do."""


def _open(client: httpx.Client, remote: Remote, headers: Mapping[str, str], pin: Pin) -> httpx.Response:
    """The answer at the end of all redirects, each of which is looked at as the first address was."""
    url = origin = httpx.URL(remote.url)
    for _ in range(MOST_REDIRECTS + 1):
        aim = Aim.at(url, _pinned(url, pin))
        own = remote.headers if _same_origin(url, origin) else {}
        # A transfer that is packed on the way has other offsets than the file.
        sent = {**own, "Accept-Encoding": "identity", **headers, **aim.headers}
        response = client.send(
            client.build_request("GET", aim.url, headers=sent, extensions=aim.extensions), stream=True
        )
        if response.status_code not in _REDIRECTS:
            return response
        response.close()
        try:
            url = url.join(response.headers["Location"])
        except (KeyError, httpx.InvalidURL):
            break
    raise DownloadFailed(f"{shown(origin)} leads nowhere: too many redirects, or one to no address.")


def _pinned(url: httpx.URL, pin: Pin) -> str | None:
    try:
        return pin(url)
    except AddressRefused as error:
        raise DownloadFailed(error.message) from None


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _check_status(remote: Remote, response: httpx.Response) -> None:
    status, where = response.status_code, shown(httpx.URL(remote.url))
    if response.is_success:
        return
    if status in (401, 403):
        raise DownloadFailed(f"{where} may not be downloaded ({status}): {remote.help_401}.")
    if status in (404, 410):
        raise DownloadFailed(f"{where} does not exist ({status}); check the address, it may have moved.")
    if status in _RETRIED:
        raise _Again(f"the server answered {status} {response.reason_phrase}")
    raise DownloadFailed(f"{where} could not be downloaded: the server answered {status}.")


def _check_size(remote: Remote, total: int | None, part: Path) -> None:
    """Errors: DownloadFailed if that many bytes are not the file's, or find no room."""
    if total is None:
        return
    if remote.size is not None and total != remote.size:
        raise _other_file(remote, total)
    check_room(part, total - size_of(part))


def check_room(path: Path, needed: int) -> None:
    """Errors: DownloadFailed unless so many bytes more find room where `path` is to be."""
    free = free_bytes(path)
    if needed > 0 and needed + RESERVE_BYTES > free:
        raise _no_room(path, needed)


def free_bytes(path: Path) -> int:
    """Room on the disk where `path` is, or would be."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    return shutil.disk_usage(folder).free


def size_of(path: Path) -> int:
    """Bytes; 0 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _no_room(path: Path, needed: int = 0) -> DownloadFailed:
    wanted = f" {_gb(needed)} are needed and" if needed else ""
    return DownloadFailed(
        f"No room for {path.name.split('.part')[0]}:{wanted} {_gb(free_bytes(path))} are free, of which "
        f"{_gb(RESERVE_BYTES)} stay free. Make room in {path.parent}, then resume."
    )


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def cant_write(path: Path, error: OSError) -> DownloadFailed:
    """What to tell people when the file system refused."""
    if error.errno in _NO_ROOM:
        return _no_room(path)
    return DownloadFailed(
        f"{path.parent} can't be written ({error.strerror}); make it writable for the studio, then resume."
    )


def _other_file(remote: Remote, found: int) -> DownloadFailed:
    return DownloadFailed(
        f"{shown(httpx.URL(remote.url))} is not the expected file: it has {found} bytes, not {remote.size}."
    )


def _given_up(remote: Remote, error: Exception, kept: int) -> str:
    where = shown(httpx.URL(remote.url))
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | socket.gaierror):
        return (
            f"{httpx.URL(remote.url).host} can't be reached ({error}). Check that this machine is online, "
            f"then resume: {kept} bytes are kept."
        )
    reason = str(error) or type(error).__name__
    return f"{where} could not be downloaded: {reason}. {kept} bytes are kept: resume to go on from there."
