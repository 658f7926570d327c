"""A receiver of webhooks on this machine, which answers as a test tells it and checks what it gets."""

import hashlib
import hmac
import http.server
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """As the documentation tells receivers to check it."""
        parts = dict(part.split("=", 1) for part in self.headers["x-studio-signature"].split(","))
        signed = f"{parts['t']}.".encode() + self.body
        return hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), parts["v1"])


class Receiver(http.server.ThreadingHTTPServer):
    """`answers` are the statuses of the next requests, then 204; `told` is what came; `most` at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.told: list[Told] = []
        self.answers: deque[int] = deque()
        self.more_headers: dict[str, str] = {}
        self.most = 0
        self.changed = threading.Condition()
        self.is_held = False
        self._now = 0

    @property
    def host(self) -> str:
        """What the setting names."""
        return f"127.0.0.1:{self.server_address[1]}"

    def address(self, path: str = "/hook?token=s3cret") -> str:
        return f"http://{self.host}{path}"

    def hold(self) -> None:
        """Answer nobody until `release`."""
        with self.changed:
            self.is_held = True

    def release(self) -> None:
        with self.changed:
            self.is_held = False
            self.changed.notify_all()

    def wait(self, count: int, seconds: float = 30) -> list[Told]:
        """Everything that came, once it is so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, seconds), (
                f"{len(self.told)} of {count} came"
            )
            return list(self.told)

    def take(self, told: Told) -> int:
        """Note a request; the status to answer with."""
        with self.changed:
            self.told.append(told)
            self._now += 1
            self.most = max(self.most, self._now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.is_held)
            self._now -= 1
            return self.answers.popleft() if self.answers else 204

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a studio that hangs up or dies is part of the tests."""


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.take(Told(self.path, headers, body))
        self.send_response(status)
        for name, value in self.server.more_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens while the context is open."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.release()
            receiver.shutdown()
            thread.join()
