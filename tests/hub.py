"""A stand-in for the hub on this machine: its answers about files, and a store that serves their bytes.

As the hub does, it sends whoever wants a file of a repository on to another address, where the bytes are.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np

from studio.demo.tensor_file import write_tensors

COMMIT = "5e" * 20
_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_CHUNK = 65536


def some_weights(folder: Path, seed: int = 1, count: int = 500_000) -> bytes:
    """A sound safetensors file of four bytes for each of `count` numbers; `folder` must exist."""
    path = folder / "made.safetensors"
    numbers = np.random.default_rng(seed).standard_normal((count,), np.float32)
    write_tensors(path, {"weight": numbers})
    content = path.read_bytes()
    path.unlink()
    return content


class Asked(NamedTuple):
    """A request that came."""

    verb: str
    path: str
    range: str | None
    authorization: str | None
    agent: str


class Hub(ThreadingHTTPServer):
    """`files` are by "owner/name/path"; `drops` break off the next transfers after so many bytes each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.files: dict[str, bytes] = {}
        self.gated: dict[str, str] = {}
        """{repository: the token it wants}"""
        self.lies: dict[str, str] = {}
        """{file: the hash the hub claims it has}"""
        self.stores: dict[str, str] = {}
        """{file: where its bytes are, if not here}"""
        self.drops: list[int] = []
        self.statuses: list[int] = []
        """What the next transfers are answered with instead."""
        self.asked: list[Asked] = []
        self.free = threading.Event()
        """While it is not set, transfers stop in the middle."""
        self.free.set()
        self.halfway = threading.Event()
        """A transfer stopped in the middle."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up is part of the tests."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def url(self, name: str) -> str:
        """Where the bytes of a file are: at another host than the hub, as browsers and clients see it."""
        return f"http://localhost:{self.server_address[1]}/store/{name}"

    def transfers(self) -> list[Asked]:
        """The requests for bytes."""
        return [each for each in self.asked if each.path.startswith("/store/")]

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self.files[name]).hexdigest()


class _Request(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        asked = Asked(
            self.command,
            self.path,
            self.headers.get("Range"),
            self.headers.get("Authorization"),
            self.headers.get("User-Agent", ""),
        )
        self.server.asked.append(asked)
        found = _RESOLVE.fullmatch(self.path)
        if found is not None:
            self._resolve(found["repo"], found["path"])
        elif self.path.startswith("/store/") and self.path.removeprefix("/store/") in self.server.files:
            self._send(self.server.files[self.path.removeprefix("/store/")])
        else:
            self._say(404, {})

    def _resolve(self, repo: str, path: str) -> None:
        name = f"{repo}/{path}"
        token = self.server.gated.get(repo)
        if token is not None and self.headers.get("Authorization") != f"Bearer {token}":
            known = self.headers.get("Authorization") is not None
            self._say(403 if known else 401, {"X-Error-Code": "GatedRepo"})
        elif not any(each.startswith(f"{repo}/") for each in self.server.files):
            self._say(404, {"X-Error-Code": "RepoNotFound"})
        elif name not in self.server.files:
            self._say(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            sha256 = self.server.lies.get(name) or self.server.sha256(name)
            headers = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(self.server.files[name])),
                "Location": self.server.stores.get(name) or self.server.url(name),
            }
            self._say(302, headers)

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, content: bytes) -> None:
        if self.server.statuses:
            self._say(self.server.statuses.pop(0), {})
            return
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(match[1]) if match is not None else 0
        if start >= len(content):
            self._say(416, {})
            return
        self.send_response(206 if match is not None else 200)
        if match is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + self.server.drops.pop(0) if self.server.drops else len(content)
        for place in range(start, min(end, len(content)), _CHUNK):
            if place - start >= (len(content) - start) // 2 and not self.server.free.is_set():
                self.wfile.flush()
                self.server.halfway.set()
                self.server.free.wait(60)
            self.wfile.write(content[place : min(place + _CHUNK, end)])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at `asked`."""


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """A hub without files, gone when the context ends."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            hub.free.set()
            hub.shutdown()
            thread.join()
