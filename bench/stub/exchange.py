"""One HTTP connection as cpp-httplib keeps it, and what every HTTP family needs of it."""

import socketserver
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from stub.bodies import to_json
from stub.journal import Record
from stub.request import ImageRequest

if TYPE_CHECKING:
    from stub.server import Server

_REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    429: "Too Many Requests",
}
_IDLE_SECONDS = 5
_REQUESTS_PER_CONNECTION = 100


class Exchange(BaseHTTPRequestHandler):
    """Reads bodies, sends answers, and keeps the connection open as long as the real server would."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server_version = "stub-sd-server"

    def __init__(self, request: object, client_address: object, server: socketserver.BaseServer) -> None:
        self._left = _REQUESTS_PER_CONNECTION
        super().__init__(request, client_address, server)  # type: ignore[arg-type]  # serves at once

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard output is the engine's."""

    def answer(self, status: int, body: bytes = b"", content_type: str = "application/json") -> None:
        """Send an answer, in one write."""
        self._left -= 1
        if self._left <= 0:
            self.close_connection = True
        head = [
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}",
            f"Access-Control-Allow-Origin: {self.headers.get('Origin') or '*'}",
            "Access-Control-Allow-Credentials: true",
            "Access-Control-Allow-Methods: *",
            "Access-Control-Allow-Headers: *",
        ]
        if body:
            head.append(f"Content-Type: {content_type}")
        head.append(f"Content-Length: {len(body)}")
        keep = f"Keep-Alive: timeout={_IDLE_SECONDS}, max={self._left}"
        head.append("Connection: close" if self.close_connection else keep)
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n").encode())
        self.wfile.write(body)
        self.wfile.flush()

    def answer_json(self, status: int, body: object) -> None:
        """Send an answer of JSON."""
        self.answer(status, to_json(body))

    def refuse(self, status: int, error: str, **more: str) -> None:
        """Send an error in the engine's form."""
        self.answer_json(status, {"error": error, **more})

    def read_body(self) -> bytes:
        """The request's body, whichever way its length is told."""
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            size = int(self.headers.get("Content-Length") or 0)
            return self.rfile.read(size) if size else b""
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return body
            body += self.rfile.read(size)
            self.rfile.readline()

    def finish_work(self, record: Record, status: int, body: object) -> None:
        """Answer a synchronous request and log its end, also if the client has gone."""
        text = to_json(body)
        record["t_fin"] = time.monotonic()
        try:
            self.answer(status, text)
            sent = True
        except OSError:
            sent = False
            self.close_connection = True
        end = {
            "t": record["t_fin"],
            "t_sent": time.monotonic(),
            "status": status,
            "bytes": len(text),
            "sent": sent,
        }
        self.server.engine.journal.write("fin", **{**record, **end})


def describe(record: Record, request: ImageRequest) -> None:
    """Put what the request asks for into its record."""
    record.update(
        id=request.directive.get("id"),
        n=request.count,
        w=request.width,
        h=request.height,
        steps=request.steps,
        cfg=request.cfg_scale,
        sampler=request.sampler,
        seed=request.seed,
        negative=request.negative_prompt[:200],
        prompt=request.prompt[:300],
        kind=request.kind,
        strength=request.strength,
    )


def work_now(exchange: Exchange, request: ImageRequest, record: Record) -> list[bytes] | None:
    """Do a synchronous request's work; None if it has been refused or has failed, and is answered."""
    if not request.resolve():
        exchange.refuse(400, "invalid params")
        return None
    describe(record, request)
    engine = exchange.server.engine
    engine.journal.write("arr", **{**record, "t": record["t_arr"]})
    pictures = engine.generate(request, record)
    if not pictures:
        exchange.finish_work(record, 500, {"error": "generate_image returned no results"})
        return None
    return pictures
