"""LatePage: the page joins the running server when it is ready; until then the API already answers.

Importing Gradio and building the page takes seconds of processor time; nobody who only wants the API, or to
know whether the studio lives, should wait for that.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.api.app import waiting_page
from studio.api.proxies import path_within
from studio.service import Studio

log = logging.getLogger(__name__)


class LatePage:
    """An ASGI application that becomes the page. Owner: app.py, which also runs its `lifespan`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._page: ASGIApp | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Builds the page in the background while the application runs, and puts it away after."""
        end = asyncio.Event()
        task = asyncio.create_task(self._serve(end))
        try:
            yield
        finally:
            end.set()
            await task

    async def _serve(self, end: asyncio.Event) -> None:
        try:
            application = await asyncio.to_thread(self._build)
            async with application.router.lifespan_context(application):
                self._page = application
                log.info("the page is ready")
                await end.wait()
        except Exception:
            log.exception("the page could not be built; the API goes on without it")

    def _build(self) -> FastAPI:
        # Here and not above: this is the import that takes seconds.
        from ui.mount import mount_page

        application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        mount_page(application, self._studio)
        return application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._page is not None:
            await self._page(scope, receive, send)
        elif scope["type"] == "http":
            if path_within(scope) == "/":
                response = await waiting_page()
                response.headers["Refresh"] = "1"
                await response(scope, receive, send)
            else:
                text = "The page is not ready yet; try again in a moment."
                await PlainTextResponse(text, 503, headers={"Retry-After": "1"})(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013, "reason": "not ready yet"})
