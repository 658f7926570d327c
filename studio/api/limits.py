"""Caps on request bodies, before anything is parsed."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.api.errors import Respond, error_response
from studio.pictures import MAX_UPLOAD_BYTES

JSON_BYTES = 2**20
# A picture, its mask, and room for the fields and the parts' headers.
FORM_BYTES = 2 * MAX_UPLOAD_BYTES + 2**20
# The same where pictures are text: three bytes are four letters of base64.
BASE64_BYTES = 2 * (MAX_UPLOAD_BYTES * 4 // 3) + 2**20


class BodyLimit:
    """Refuses a body that is or grows larger than its kind may be, with 413 in our shape.

    The framework's own `max_body_size` answers a declared length in plain text, so it can't be used here.
    """

    def __init__(
        self,
        app: ASGIApp,
        json_bytes: int = JSON_BYTES,
        answer: Respond = error_response,
    ) -> None:
        """`json_bytes` is the limit of everything that is no form; `answer` has the door's shape."""
        self._app = app
        self._answer = answer
        self._json_bytes = json_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/")
        limit = FORM_BYTES if is_form else self._json_bytes
        sentence = f"The body is too large; the limit is {limit} bytes."
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await self._answer(413, sentence, headers={"Connection": "close"})(scope, receive, send)
            return
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > limit:
                # Raised where the body is read; the framework's handlers turn it into the answer.
                raise HTTPException(413, sentence, headers={"Connection": "close"})
            return message

        await self._app(scope, counted, send)
