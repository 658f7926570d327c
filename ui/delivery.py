"""Delivery: the page and our own files travel compressed, which counts on any line but this machine's own."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.api.proxies import path_within

_OURS = "/studio-assets/"
# Half of the highest level's work for all but two percent of its gain.
_LEVEL = 5


class Delivery:
    """Compresses the page, our scripts and styles; all else passes: streams, and what Gradio compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_within(scope) if scope["type"] == "http" else ""
        is_ours = path == "/" or path.startswith(_OURS)
        await (self._compressed if is_ours else self._app)(scope, receive, send)
