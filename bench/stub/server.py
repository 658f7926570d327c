"""The listening socket, its threads, and which path leads where."""

import re
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import HTTPServer
from pathlib import Path
from typing import Any

from stub import native, openai, sdapi
from stub.bodies import constant_bodies
from stub.engine import Engine
from stub.exchange import Exchange
from stub.jobs import JobQueue
from stub.journal import Record

_THREADS = 8
_JOB = re.compile(r"/sdcpp/v1/jobs/([A-Za-z0-9_\-]+)(/cancel)?")
_POSTS: dict[str, Callable[[Exchange, bytes, Record], None]] = {
    "/v1/images/generations": openai.generations,
    "/v1/images/edits": openai.edits,
    "/sdapi/v1/txt2img": sdapi.txt2img,
    "/sdapi/v1/img2img": sdapi.img2img,
    "/sdcpp/v1/img_gen": native.img_gen,
    "/sdcpp/v1/vid_gen": native.vid_gen,
}


class Handler(Exchange):
    """Sends each request to its family."""

    def do_OPTIONS(self) -> None:  # noqa: N802  # the base class's name
        """Allow everything, as the real server does."""
        self.read_body()
        self.answer(204)

    def do_GET(self) -> None:  # noqa: N802
        """Answer what can be read."""
        self.read_body()
        path = self.path.split("?", 1)[0]
        job = _JOB.fullmatch(path)
        if path == "/":
            self._page()
        elif job and not job[2]:
            native.job(self, job[1])
        elif path in self.server.constant_bodies:
            self.answer(200, self.server.constant_bodies[path])
        else:
            self.answer(404)

    def do_POST(self) -> None:  # noqa: N802
        """Take work, or a wish to cancel it."""
        arrival = time.monotonic()
        body = self.read_body()
        path = self.path.split("?", 1)[0]
        number = self.server.next_number()
        job = _JOB.fullmatch(path)
        if job and job[2]:
            return native.cancel(self, job[1])
        journal, route = self.server.engine.journal, _POSTS.get(path)
        if route is None:
            journal.write("http404", path=path)
            return self.answer(404)
        try:
            return route(self, body, {"rid": number, "path": path, "t_arr": arrival, "id": None})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            journal.write("bad", rid=number, path=path, err=str(error))
            if path.startswith("/sdcpp"):
                return self.refuse(400, "invalid json", message=str(error))
            return self.refuse(500, "server_error", message=str(error))

    def _page(self) -> None:
        """The page given by --serve-html-path, read anew each time, or the server's own."""
        page = self.server.engine.config.page
        if not page:
            return self.answer(200, b"Stable Diffusion Server is running", "text/html")
        try:
            return self.answer(200, Path(page).read_bytes(), "text/html")
        except FileNotFoundError:
            return self.answer(500, b"Error: Unable to read HTML file", "text/plain")


class Server(HTTPServer):
    """A pool of threads, each kept by one connection while that is open, as in cpp-httplib."""

    allow_reuse_address = True
    request_queue_size = 5

    def __init__(self, engine: Engine, jobs: JobQueue, process: int) -> None:
        super().__init__((engine.config.ip, engine.config.port), Handler, bind_and_activate=False)
        self.engine = engine
        self.jobs = jobs
        self.constant_bodies = constant_bodies(engine.config)
        self._pool = ThreadPoolExecutor(_THREADS)
        self._process = process
        self._requests = 0
        self._counting = threading.Lock()

    def next_number(self) -> str:
        """A name for a request, unlike every other one's of any stub."""
        with self._counting:
            self._requests += 1
            return f"{self._process}-{self._requests}"

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.engine.config.ip, self.engine.config.port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection to a thread of the pool."""
        self._pool.submit(self._serve, request, client_address)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass
        finally:
            self.shutdown_request(request)
