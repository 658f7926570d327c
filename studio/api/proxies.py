"""Proxies: what a reverse proxy changed on a request's way is put right before anything else looks at it.

The address a visitor sees may differ from ours in its scheme, its name and in a path that comes first
(`--root-path`). From here on every scope holds the visitor's own: `path` with the root path, as ASGI has it,
whether or not the proxy took it off, and `root_path`; `path_within` tells the path without it.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from studio.api.access import HostRule

_HOST = b"host"
# Whoever reads these later would believe them, whoever sent them.
_TOLD = frozenset({
    b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix",
    b"x-forwarded-proto", b"x-gradio-server",
})  # fmt: skip


class BehindProxies:
    """ASGI middleware, around the guard. Stateless but for its rules."""

    def __init__(self, app: ASGIApp, *, hosts: HostRule, root_path: str, trusted: str) -> None:
        """`root_path`: "" or a path such as /studio. `trusted`: addresses and networks of proxies, separated
        by commas, or "*"; nobody else is believed what was asked of him.
        """
        self._app = app
        self._hosts = hosts
        self._root_path = root_path
        # It puts right who asks and by which scheme.
        self._proxied = ProxyHeadersMiddleware(self._enter, trusted_hosts=trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        self._restore_host(scope)
        await self._proxied(scope, receive, send)  # type: ignore[arg-type]

    def _restore_host(self, scope: Scope) -> None:
        """The name a visitor used, where a proxy asks us by another one and tells."""
        headers = Headers(scope=scope)
        told = ",".join(headers.getlist("x-forwarded-host")).partition(",")[0].strip()
        client = scope.get("client")
        is_proxy = client is not None and client[0] in self._proxied.trusted_hosts
        # A page whose name was made to lead here could send that header as well: the name it used in truth
        # must be one of ours, too. The guard judges the other one.
        if told and is_proxy and self._hosts.refusal(headers) is None:
            others = [header for header in scope["headers"] if header[0] != _HOST]
            scope["headers"] = [(_HOST, told.encode("latin-1")), *others]

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = [header for header in scope["headers"] if header[0] not in _TOLD]
        root = self._root_path
        if scope["type"] == "http" and root and scope["path"] == root:
            # Everything the page asks for is relative to its address, which must end in a slash.
            query = scope.get("query_string", b"").decode("latin-1")
            await RedirectResponse(f"{root}/?{query}" if query else f"{root}/", 308)(scope, receive, send)
            return
        if root:
            scope["root_path"] = root
            if not scope["path"].startswith(f"{root}/"):
                scope["path"] = root + scope["path"]
                scope["raw_path"] = root.encode() + scope.get("raw_path", b"")
        await self._app(scope, receive, _unbuffered(send))


def path_within(scope: Scope) -> str:
    """The path that was asked for, as the application at hand counts it: without what comes before it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _unbuffered(send: Send) -> Send:
    """Tells proxies to pass on streams as they come; Gradio's do not say it themselves."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            if headers.get("content-type", "").startswith("text/event-stream"):
                headers.setdefault("x-accel-buffering", "no")
        await send(message)

    return pass_on
