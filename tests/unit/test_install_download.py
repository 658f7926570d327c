import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studio.errors import EngineUnavailable, StopRequested
from studio.sdserver.install_download import download
from studio.sdserver.install_progress import InstallProgress

CONTENT = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class FileServer(ThreadingHTTPServer):
    """Serves CONTENT from this machine; breaks off each answer after the next of `drops` bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FileRequest)
        self.drops: list[int] = []
        self.ranges: list[str | None] = []
        self.knows_ranges = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up is part of the tests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/engine.zip"


class FileRequest(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path == "/gone.zip":
            self.send_error(404)
            return
        if self.path == "/away.zip":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/engine.zip")
            self.end_headers()
            return
        found = re.fullmatch(r"bytes=(\d+)-", asked or "") if self.server.knows_ranges else None
        start = int(found[1]) if found is not None else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if found is not None else 200)
        if found is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        length = self.server.drops.pop(0) if self.server.drops else len(CONTENT)
        self.wfile.write(CONTENT[start : start + length])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at `ranges`."""


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ignore(_progress: InstallProgress) -> None:
    """A Reporter for tests that don't look at progress."""


def get(url: str, folder: Path, sha256: str = SHA256, limit: int = 4 << 20) -> Path:
    return download(url, sha256, folder, report=ignore, stop=threading.Event(), limit=limit, pause=0.01)


def test_a_file_arrives_whole_and_its_bytes_are_counted(server: FileServer, tmp_path: Path) -> None:
    seen: list[InstallProgress] = []

    path = download(server.url, SHA256, tmp_path, report=seen.append, stop=threading.Event())

    assert path.read_bytes() == CONTENT
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert (seen[-1].done, seen[-1].total, seen[-1].in_bytes) == (len(CONTENT), len(CONTENT), True)
    assert seen[0].fraction < 1.0


def test_a_dropped_connection_is_resumed_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    server.drops = [1_000_000, 500_000]

    assert get(server.url, tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 3
    starts = [
        int(asked.removeprefix("bytes=").removesuffix("-")) for asked in server.ranges if asked is not None
    ]
    assert len(starts) == 2
    assert 0 < starts[0] <= 1_000_000
    assert starts[0] < starts[1] <= starts[0] + 500_000


def test_a_later_download_goes_on_where_an_earlier_one_was_stopped(
    server: FileServer, tmp_path: Path
) -> None:
    stop = threading.Event()

    def stop_at_half(progress: InstallProgress) -> None:
        if progress.fraction > 0.5:
            stop.set()

    with pytest.raises(StopRequested):
        download(server.url, SHA256, tmp_path, report=stop_at_half, stop=stop)
    (part,) = tmp_path.iterdir()
    kept = part.stat().st_size

    assert get(server.url, tmp_path).read_bytes() == CONTENT
    assert kept > 0
    assert server.ranges == [None, f"bytes={kept}-"]


def test_a_server_without_ranges_sends_it_all_again(server: FileServer, tmp_path: Path) -> None:
    server.knows_ranges = False
    server.drops = [1_000_000]

    assert get(server.url, tmp_path).read_bytes() == CONTENT


def test_a_complete_part_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / f"{SHA256}.part").write_bytes(CONTENT)

    assert get(server.url, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_file_of_another_hash_is_refused_and_not_kept(server: FileServer, tmp_path: Path) -> None:
    wrong = "0" * 64

    with pytest.raises(EngineUnavailable, match=f"{SHA256}, not {wrong}"):
        get(server.url, tmp_path, wrong)

    assert list(tmp_path.iterdir()) == []


def test_a_part_spoilt_on_disk_is_thrown_away(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / f"{SHA256}.part").write_bytes(b"something else")

    with pytest.raises(EngineUnavailable, match="not the expected file"):
        get(server.url, tmp_path)

    assert get(server.url, tmp_path).read_bytes() == CONTENT


def test_a_file_over_the_limit_is_refused_before_it_is_fetched(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="larger than 1000000 bytes"):
        get(server.url, tmp_path, limit=1_000_000)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_reported_at_once(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="404 Not Found"):
        get(server.url.replace("engine", "gone"), tmp_path)

    assert len(server.ranges) == 1


def test_a_line_that_never_moves_on_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.drops = [0] * 100

    with pytest.raises(EngineUnavailable, match="0 bytes are kept and the same command goes on"):
        get(server.url, tmp_path)

    assert len(server.ranges) == 5


@pytest.mark.parametrize(
    "url", ["http://example.com/engine.zip", "ftp://127.0.0.1/engine.zip", "file:///etc/passwd"]
)
def test_only_https_reaches_other_machines(tmp_path: Path, url: str) -> None:
    with pytest.raises(EngineUnavailable, match="by https only"):
        get(url, tmp_path)


def test_a_redirect_to_plain_http_is_refused(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"http://192\.0\.2\.1/engine\.zip is refused"):
        get(server.url.replace("engine", "away"), tmp_path)
