"""The whole page over a real server and the fake engine, and a browser tab that notices every complaint."""

import contextlib
import gc
import re
import socket
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    HttpCredentials,
    Locator,
    Page,
    Response,
)

from studio.api.app import install
from studio.assembly import open_studio
from studio.service import Studio
from studio.settings import read_settings
from tests.fake_engine import FakeEngine
from ui.mount import mount_page

MODELS = """
default: demo
models:
  demo:
    name: Demonstration
    description: Small and quick.
    builtin: demo
    defaults: {size: 128x128, steps: 8, cfg_scale: 2, sampler: euler}
    limits: {multiple: 16, max_pixels: 262144}
    examples: [a red circle, a blue square]
  other:
    name: Other model
    builtin: demo
    defaults: {size: 256x192, steps: 20, cfg_scale: 7, sampler: heun, negative_prompt: blurry, clip_skip: 2}
    limits: {multiple: 16, max_pixels: 262144}
  absent:
    name: Not here
    files: {model: weights/not-here.safetensors}
"""
READY_MS = 30_000


class LivelyEngine(FakeEngine):
    """Goes on reporting while it is held, as a real engine does: not each report is written down."""

    def _wait_for_change(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._interrupted, timeout=0.1)
            was_interrupted, self._interrupted = self._interrupted, False
            return was_interrupted or self._held


class Served:
    """A studio whose page is at `base`; `engine` is its fake engine."""

    def __init__(self, studio: Studio, engine: FakeEngine, base: str, app: FastAPI) -> None:
        self.app = app
        self.studio = studio
        self.engine = engine
        self.base = base


@contextlib.contextmanager
def serve_page(folder: Path, **changes: Any) -> Iterator[Served]:
    """A studio at work with its page, gone when the context ends; `changes` are settings.

    With an `sd_server` it is the real engine that works.
    """
    catalogue = folder / "models.yml"
    catalogue.write_text(MODELS)
    wildcards = folder / "wildcards"
    wildcards.mkdir(exist_ok=True)
    (wildcards / "colour.txt").write_text("red\nblue\ngreen\n")
    settings = read_settings({"outputs": folder / "outputs", "models": catalogue, "port": 0, **changes})
    engine = LivelyEngine()
    studio = open_studio(settings, engine=None if "sd_server" in changes else engine)
    page = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    mount_page(page, studio)
    forget_what_gradio_leaves_open()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with page.router.lifespan_context(page):
            yield

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    install(app, studio, page)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), name="server")
    thread.start()
    studio.start()
    try:
        yield Served(studio, engine, f"http://127.0.0.1:{listener.getsockname()[1]}/", app)
    finally:
        engine.release()
        studio.hurry()
        studio.stop_accepting()
        server.should_exit = True
        thread.join(30)
        studio.close()
        listener.close()
        forget_what_gradio_leaves_open()


def forget_what_gradio_leaves_open() -> None:
    """Gradio never closes the event loop its queue was made with; only here that is no fault of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class StudioPage:
    """A browser tab with the page. `faults` are errors of scripts, of the console and of the server."""

    def __init__(self, served: Served, context: BrowserContext) -> None:
        self.served = served
        self.context = context
        self.faults: list[str] = []
        self.page = context.new_page()
        self._watch(self.page)

    def _watch(self, page: Page) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.faults.append(f"console: {message.text}")

        def on_response(response: Response) -> None:
            if response.status >= 400:
                self.faults.append(f"{response.status} for {response.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("response", on_response)

    def open(self, tab: str = "txt2img") -> None:
        """Load the page and wait until its forms hold what they should."""
        self.page.goto(self.served.base)
        self.settled()
        if tab != "txt2img":
            self.show(tab)

    def reload(self) -> None:
        self.page.reload()
        self.settled()

    def settled(self) -> None:
        """The form was filled in by the server, and our own elements are there."""
        self.page.locator("#txt2img-stage .st-stage").wait_for(timeout=READY_MS)
        self.page.locator("#pulse .st-bar").wait_for(timeout=READY_MS)
        filled = "form => (document.body.dataset.filled ?? '').split(' ').includes(form)"
        for form in ("txt2img", "edit", "variations"):
            self.page.wait_for_function(filled, arg=form, timeout=READY_MS)

    def show(self, tab: str) -> None:
        self.page.locator(f'#tabs button[role=tab][data-tab-id="{tab}"]').first.click()

    def field(self, name: str, form: str = "txt2img") -> Locator:
        """The widget's field in which one types; of a slider that of its number."""
        return self.page.locator(
            f'#{form}-{name} :is(textarea, input[type="number"], input[type="text"], input[role="combobox"])'
        ).first

    def fill(self, name: str, text: str, form: str = "txt2img") -> None:
        self.field(name, form).fill(text)

    def go(self, form: str = "txt2img") -> Locator:
        return self.page.locator(f"#{form}-go")

    def stage(self, form: str = "txt2img") -> Locator:
        return self.page.locator(f"#{form}-stage")

    def shots(self, form: str = "txt2img") -> Locator:
        """The pictures on the stage, the latest first."""
        return self.stage(form).locator(".st-shot[data-id]")

    def value(self, name: str, form: str = "txt2img") -> str:
        return self.field(name, form).input_value()

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def new_page(
    served: Served, browser: Browser, *, width: int = 1280, height: int = 800, key: str | None = None
) -> StudioPage:
    """A tab of a fresh browser profile, signed in with the key."""
    login = None if key is None else HttpCredentials(username="somebody", password=key)
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=width < 500, http_credentials=login
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return StudioPage(served, context)


def whole(text: str) -> re.Pattern[str]:
    """Matches exactly this text."""
    return re.compile(rf"^\s*{re.escape(text)}\s*$")


def prompts(served: Served, count: int) -> list[str]:
    """The prompts of the newest jobs, in the order of submission."""
    return [job.recipe.prompt for job in reversed(served.studio.jobs(limit=count).rows)]
