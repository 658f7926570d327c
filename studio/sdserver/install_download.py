"""Downloading one file of known hash, going on where a dropped connection left off."""

import hashlib
import ipaddress
import threading
from pathlib import Path

import httpx

from studio.errors import EngineUnavailable, StopRequested
from studio.sdserver.install_progress import InstallProgress, Reporter

_ATTEMPTS = 5
# A stop is seen between two chunks, so a silent server delays it by the read time-out at most.
_TIMEOUT = httpx.Timeout(10.0)

DOWNLOAD_LIMIT_BYTES = 4 << 30
"""The largest engine archives, those with CUDA's libraries, are about 1 GiB."""


def download(
    url: str,
    sha256: str,
    folder: Path,
    *,
    report: Reporter,
    stop: threading.Event,
    limit: int = DOWNLOAD_LIMIT_BYTES,
    pause: float = 0.5,
) -> Path:
    """The file of `url` in `folder`, complete and of that hash (64 hexadecimal digits).

    What an earlier call got of it is kept and resumed from; after a lost connection it waits `pause` seconds,
    and longer each time nothing came. Only https, except from this machine itself.
    Errors: EngineUnavailable, StopRequested.
    """
    _check_address(httpx.URL(url))
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{sha256}.part"
    with _client() as client:
        failures = 0
        most = _size(part)
        while True:
            try:
                _fetch(client, url, part, report, stop, limit)
                break
            except httpx.HTTPError as error:
                # A line that drops now and then but moves on is not given up.
                failures = 0 if _size(part) > most else failures + 1
                most = max(most, _size(part))
                if failures >= _ATTEMPTS or _is_final(error):
                    raise EngineUnavailable(
                        f"{url} could not be downloaded: {_describe(error)}; "
                        f"{_size(part)} bytes are kept and the same command goes on from there"
                    ) from error
                report(InstallProgress("The connection was lost; trying again"))
                if stop.wait(pause * (failures + 1)):
                    raise StopRequested from None
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        part.unlink()
        raise EngineUnavailable(f"{url} is not the expected file: its SHA-256 is {found}, not {sha256}")
    return part


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=_TIMEOUT,
        follow_redirects=True,
        # Also of every redirect.
        event_hooks={"request": [lambda request: _check_address(request.url)]},
        # A transfer that is packed on the way has other offsets than the file.
        headers={"Accept-Encoding": "identity"},
    )


def _fetch(
    client: httpx.Client, url: str, part: Path, report: Reporter, stop: threading.Event, limit: int
) -> None:
    """Get what is missing of `part`; returns when the server says there is no more."""
    have = _size(part)
    with client.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing, or the file is another one: the hash will tell
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0  # the server sends all of it
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise httpx.RemoteProtocolError("the server sent another part than the one asked for")
        coming = response.headers.get("Content-Length", "")
        total = have + int(coming) if coming.isdigit() else 0
        if max(total, have) > limit:
            raise _too_large(url, limit)
        with part.open("ab" if have else "wb") as file:
            for chunk in response.iter_raw():
                if stop.is_set():
                    raise StopRequested
                have += len(chunk)
                if have > limit:
                    raise _too_large(url, limit)
                file.write(chunk)
                report(InstallProgress("Downloading the engine", done=have, total=total, in_bytes=True))
        if total > 0 and have < total:
            raise httpx.RemoteProtocolError(f"the connection ended after {have} of {total} bytes")


def _check_address(url: httpx.URL) -> None:
    if url.scheme == "https" or (url.scheme == "http" and _is_this_machine(url.host)):
        return
    raise EngineUnavailable(f"{url} is refused: an engine is downloaded by https only")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_final(error: httpx.HTTPError) -> bool:
    """Whether the same request will get the same answer: the file isn't there, or isn't ours."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.is_client_error


def _describe(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answered {error.response.status_code} {error.response.reason_phrase}"
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _too_large(url: str, limit: int) -> EngineUnavailable:
    return EngineUnavailable(f"{url} is refused: it is larger than {limit} bytes")
