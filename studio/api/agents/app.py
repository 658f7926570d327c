"""The door for agents as an ASGI application, with a life of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_REQUEST
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from studio.api.agents.server import create_server
from studio.api.limits import BASE64_BYTES, BodyLimit
from studio.service import Studio

PATH = "/mcp"
_ONLY_POST = "Only POST: this server keeps no sessions and no streams of its own to listen to."


def respond(status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for a fault outside of the protocol: a JSON-RPC error for no request in particular."""
    message = sentence.encode("utf-8", "backslashreplace").decode()
    error = {"code": INVALID_REQUEST, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status, headers=headers)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None of a client that hung up before its end: no fault that anybody should log."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
    return None


def _again(body: bytes, receive: Receive) -> Receive:
    """What hands out the body first and then what comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    return replay


class AgentDoor:
    """The protocol over HTTP, without sessions: any request can be answered after a restart.

    Names and origins are the guard's business, so the library's own check of them is left off.
    """

    def __init__(self, studio: Studio, decoders: asyncio.Semaphore) -> None:
        self._manager = StreamableHTTPSessionManager(
            create_server(studio, decoders), stateless=True, max_request_body_size=BASE64_BYTES
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await respond(405, _ONLY_POST, headers={"Allow": "POST"})(scope, receive, send)
            return
        body = await _body(receive)
        if body is not None:
            await self._manager.handle_request(scope, _again(body, receive), send)

    def open(self, app: FastAPI) -> None:
        """Hang the door into an application, whose life it then shares."""
        limited = BodyLimit(self, BASE64_BYTES, answer=respond)
        for path in (PATH, f"{PATH}/"):
            app.router.routes.append(Route(path, endpoint=limited))
        outer = app.router.lifespan_context

        @asynccontextmanager
        async def both(of: Any) -> AsyncIterator[Any]:
            async with outer(of) as state, self._manager.run():
                yield state

        app.router.lifespan_context = both
