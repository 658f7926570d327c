"""A studio behind a real server on a free port of this machine, with the fake engine."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from PIL import Image

from studio.api.app import install
from studio.assembly import open_studio
from studio.clock import Clock
from studio.service import Studio
from studio.settings import Settings, read_settings
from tests.fake_engine import FakeEngine

MODELS = """
default: demo
models:
  demo:
    name: Demonstration
    builtin: demo
    aliases: [small]
    defaults: {size: 128x128, steps: 8, cfg_scale: 2, sampler: euler}
    limits: {multiple: 16, max_pixels: 262144}
    examples: [a red circle]
  generator:
    name: Words only
    builtin: demo
    defaults: {size: 128x128}
    capabilities: {edit: false, variation: false}
  absent:
    name: Not here
    files: {model: weights/not-here.safetensors}
"""

PROMPT = {"prompt": "a red circle on a blue background"}


class Served:
    """A studio that listens at `base`; `engine` is its fake engine."""

    def __init__(self, studio: Studio, engine: FakeEngine, app: FastAPI, base: str) -> None:
        self.studio = studio
        self.app = app
        self.engine = engine
        self.base = base
        self.http = httpx.Client(base_url=base, timeout=60, trust_env=False)
        self.api = httpx.Client(base_url=f"{base}/api", timeout=60, trust_env=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for raw sockets."""
        url = httpx.URL(self.base)
        assert url.port is not None
        return url.host, url.port

    def raw(self, request: bytes) -> bytes:
        """Everything the server answers to these bytes until it closes the connection."""
        with socket.create_connection(self.address, timeout=30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def status(self, request: bytes) -> int:
        """The status the server answers to these bytes with; then the connection is closed."""
        with (
            socket.create_connection(self.address, timeout=30) as connection,
            connection.makefile("rb") as lines,
        ):
            connection.sendall(request)
            return int(lines.readline().split(b" ", 2)[1])

    def submit(self, **body: Any) -> str:
        """The id of a new job."""
        answer = self.api.post("/queue/generate", json=PROMPT | body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def final(self, job_id: str, seconds: float = 30) -> dict[str, Any]:
        """The job once it is over."""
        changed = threading.Event()
        with self.studio.bus.listen(lambda _: changed.set(), job_id):
            while True:
                changed.clear()
                if self.studio.job(job_id).is_final:
                    return self.job(job_id)
                assert changed.wait(seconds), f"job {job_id} does not end"

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it."""
        answer = self.api.get(f"/queue/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def generation_answer(self, **body: Any) -> httpx.Response:
        """The answer of a synchronous request, on a connection of its own."""
        return httpx.post(f"{self.base}/api/generate", json=PROMPT | body, timeout=60, trust_env=False)

    def generation(self, **body: Any) -> dict[str, Any]:
        """What a new job made."""
        answer = self.api.post("/generate", json=PROMPT | body)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


def png(width: int = 96, height: int = 64, mode: str = "RGB", color: Any = "teal") -> bytes:
    """A plain PNG."""
    out = io.BytesIO()
    Image.new(mode, (width, height), color).save(out, "PNG")
    return out.getvalue()


def picture_file(content: bytes | None = None) -> tuple[str, bytes, str]:
    """What httpx sends as a file."""
    return ("picture.png", png() if content is None else content, "image/png")


@contextmanager
def serving(
    folder: Path,
    *,
    start: bool = True,
    clock: Clock | None = None,
    models: str = MODELS,
    has_keys: Callable[[Settings], bool] = lambda _: False,
    page: FastAPI | None = None,
    **changes: Any,
) -> Iterator[Served]:
    """A studio at work, stopped and gone when the context ends; `models` is its models.yml, `changes` are
    settings.

    Without `start` it serves and nothing works yet, as in the first moments of a studio's life.
    """
    catalogue = folder / "models.yml"
    catalogue.write_text(models)
    settings = read_settings(
        {"outputs": folder / "outputs", "models": catalogue, "port": 0, **changes}, has_keys=has_keys
    )
    engine = FakeEngine()
    studio = open_studio(settings, engine=engine, clock=clock)
    # A page that is an application of its own wants to know when it begins and ends.
    lifespan = None if page is None else lambda _: page.router.lifespan_context(page)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    install(app, studio, page)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on", proxy_headers=False
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), name="server")
    thread.start()
    if start:
        studio.start()
    served = Served(studio, engine, app, f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield served
    finally:
        served.http.close()
        served.api.close()
        engine.release()
        studio.hurry()
        studio.stop_accepting()
        server.should_exit = True
        thread.join(30)
        studio.close()
        listener.close()
