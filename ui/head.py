"""Head: what stands in the served page's head before anything is drawn.

Gradio's own `head` comes too late for that: its scripts add it when the page is there already.
"""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EARLY_THEME = Path(__file__).parent / "assets" / "early_theme.js"

_HEAD = b"<head>"
# Gradio names a file that it doesn't have, at the root of the host, which behind a proxy is somebody else's.
_MANIFEST = b'<link rel="manifest" href="/manifest.json" />'
# The colours are those that Gradio gives the page from its theme, but chosen by the system alone.
_COLOURS = (
    'html[data-theme="light"] body { background: var(--bg); color: var(--col); }'
    'html[data-theme="dark"] body { background: var(--bg-dark); color: var(--col-dark); }'
)


def head_of_page() -> str:
    """The icon, which browsers else look for at the root of the host, and the theme, for the first paint."""
    icon = '<link rel="icon" type="image/svg+xml" href="studio-assets/icon.svg">'
    return f"{icon}<style>{_COLOURS}</style><script>{EARLY_THEME.read_text(encoding='utf-8')}</script>"


class EarlyHead:
    """ASGI middleware: `markup` comes first in the head of every HTML page that is served whole."""

    def __init__(self, app: ASGIApp, markup: str) -> None:
        self._app = app
        self._markup = markup.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = send if scope["type"] != "http" else _Answer(send, self._markup).send
        await self._app(scope, receive, answer)


class _Answer:
    """One answer on its way out; a page is held back until all of it is there."""

    def __init__(self, send: Send, markup: bytes) -> None:
        self._send = send
        self._markup = markup
        self._page: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._page = message
        elif self._page is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._page)

    async def _finish(self, start: Message) -> None:
        body = self._body.replace(_HEAD, _HEAD + self._markup, 1).replace(_MANIFEST, b"", 1)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(raw=start.setdefault("headers", []))
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
