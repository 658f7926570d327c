"""Guard: what stands before the whole application, pages and websockets included.

Names, origins and keys are checked before anything else sees the request; every answer gets the same
protective headers and an id; every request is one line of the access log.
"""

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.api.access import (
    OPEN_PATHS,
    SPACE_DOMAIN,
    HostRule,
    Refusal,
    caller_of,
    offered_keys,
    origin_refusal,
)
from studio.api.errors import Respond, error_response, unexpected_sentence
from studio.api.metrics import method_of, route_of
from studio.api.permissions import needed_scope
from studio.api.proxies import path_within
from studio.caller import HOUSE, STRANGER, Caller, asking
from studio.clock import Clock
from studio.key_ring import KeyRing
from studio.logs import about
from studio.meter import Meter
from studio.store import new_id

log = logging.getLogger(__name__)
access_log = logging.getLogger("studio.access")

REQUEST_ID = "x-request-id"
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_READING = ("GET", "HEAD")
_LOGGED_PATH = 200
_NO_KEY = Refusal(
    401,
    "This studio needs a key: Authorization: Bearer, X-Api-Key, or as password of Basic.",
    {"WWW-Authenticate": 'Basic realm="sd.cpp Studio", charset="UTF-8"'},
)
_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
_OWN_FRAME = ("x-frame-options", "SAMEORIGIN")
_SPACE_FRAME = ("content-security-policy", "frame-ancestors 'self' https://huggingface.co")


class Guard:
    """ASGI middleware; outermost. Stateless but for its rules."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: HostRule,
        keys: KeyRing,
        clock: Clock,
        meter: Meter,
        responds: Mapping[str, Respond] = MappingProxyType({}),
    ) -> None:
        """`keys` says whether requests need one, and whose it is. `responds`: {path of a door: what makes its
        answers}, for doors whose clients expect faults in a shape of their own.
        """
        self._responds = responds
        self._app = app
        self._clock = clock
        self._meter = meter
        self._hosts = hosts
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        wanted = headers.get(REQUEST_ID, "")
        request_id = wanted if _PLAIN_TOKEN.fullmatch(wanted) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, is_space=_is_space(headers))
        with about(request_id=request_id):
            await self._pass_on(scope, receive, answer, headers, request_id)

    async def _pass_on(
        self, scope: Scope, receive: Receive, answer: "_Answer", headers: Headers, request_id: str
    ) -> None:
        # Now: routers change the scope.
        root, path = scope.get("root_path", ""), path_within(scope)
        begin = self._clock.monotonic()
        try:
            refusal = await self._refusal(scope, path, headers)
            if refusal is None:
                with asking(caller_of(scope) or STRANGER):
                    await self._app(scope, receive, answer.send)
            else:
                await _refuse(refusal, self._respond(path), scope, receive, answer.send)
        except Exception:
            # The last border: whatever nobody caught ends here, told once.
            log.exception("request %s failed", request_id)
            if scope["type"] == "http" and answer.status is None:
                await self._respond(path)(500, unexpected_sentence(scope))(scope, receive, answer.send)
        finally:
            self._meter.answered(route_of(scope).removeprefix(root), method_of(scope), answer.status or 0)
            access_log.info(
                "method=%s path=%s status=%s ms=%.1f request_id=%s key=%s",
                scope.get("method", "WEBSOCKET"),
                quote(path[:_LOGGED_PATH], safe="/", errors="replace"),
                answer.status or "-",
                (self._clock.monotonic() - begin) * 1000,
                request_id,
                _name_of(scope),
            )

    def _respond(self, path: str) -> Respond:
        return next(
            (made for door, made in self._responds.items() if f"{path}/".startswith(f"{door}/")),
            error_response,
        )

    async def _refusal(self, scope: Scope, path: str, headers: Headers) -> Refusal | None:
        is_websocket = scope["type"] == "websocket"
        refusal = self._hosts.refusal(headers) or origin_refusal(
            headers, changes=is_websocket or scope["method"] not in _READING
        )
        if refusal is not None:
            return refusal
        if self._keys.is_stale:
            await run_in_threadpool(self._keys.refresh)
        is_needed = self._keys.is_needed
        caller = self._keys.caller_of(offered_keys(headers)) if is_needed else HOUSE
        scope["state"]["caller"] = caller
        if not is_websocket and path in OPEN_PATHS and scope["method"] in _READING:
            return None
        return _NO_KEY if caller is None else self._limit(caller, scope)

    def _limit(self, caller: Caller, scope: Scope) -> Refusal | None:
        """Why this caller can't do this, or not now."""
        needed = needed_scope(scope)
        if not caller.scope.covers(needed):
            return Refusal(403, f"This key is for {caller.scope}; this request needs one for {needed}.")
        wait = self._keys.wait_of(caller)
        if wait:
            sentence = f"This key may ask {caller.per_minute} times a minute; try again in {wait} s."
            return Refusal(429, sentence, {"Retry-After": str(wait)})
        return None


def _name_of(scope: Scope) -> str:
    """Whose key it was, for the log."""
    caller = caller_of(scope)
    return "-" if caller is None else caller.name or "-"


class _Answer:
    """One answer on its way out: its status, and the headers every answer gets."""

    def __init__(self, send: Send, request_id: str, *, is_space: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._is_space = is_space
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in _HEADERS:
                headers.setdefault(name, value)
            if self._is_space:
                # Beside a policy of the page's own, not instead of it: browsers obey every one they get.
                headers.append(*_SPACE_FRAME)
            else:
                headers.setdefault(*_OWN_FRAME)
            headers[REQUEST_ID] = self._request_id
        elif message["type"] == "websocket.accept":
            self.status = 101
        elif message["type"] == "websocket.close" and self.status is None:
            self.status = 403  # what a server answers if a handshake is closed
        await self._send(message)


def _is_space(headers: Headers) -> bool:
    """Whether the request came by a Hugging Face Space's name, whose page shows the studio in a frame."""
    return headers.get("host", "").partition(":")[0].endswith(SPACE_DOMAIN)


async def _refuse(refusal: Refusal, respond: Respond, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.sentence})
        return
    await respond(refusal.status, refusal.sentence, headers=refusal.headers)(scope, receive, send)
