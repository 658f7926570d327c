"""Files as answers: whole, in part, or not at all if the client holds them; a cache never asks twice."""

from pathlib import Path
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from studio.api.errors import error_response
from studio.errors import NotFound
from studio.gallery import THUMBNAIL_EDGES

Thumb = Annotated[
    int | None,
    Query(
        description="a WEBP no side of which is longer than this: " + ", ".join(map(str, THUMBNAIL_EDGES)),
        examples=[256],
    ),
]
# Files up to this many bytes are read at once: half the time of streaming, and little memory even for many.
AT_ONCE = 2**20
# A picture never changes: its id means these pixels for ever.
_CACHE = "private, max-age=31536000, immutable"
PICTURE_FILE: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The picture, or its thumbnail.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/png", "image/webp")
        },
        "headers": {
            "ETag": {"description": "strong; names these very bytes", "schema": {"type": "string"}},
            "Accept-Ranges": {"description": "bytes", "schema": {"type": "string"}},
        },
    },
    206: {"description": "The part of the file that `Range` asked for."},
    304: {"description": "`If-None-Match` holds the ETag: you have it already."},
}


def answer_file(
    request: Request, path: Path, *, name: str, sha256: str, thumb: int | None, missing: str
) -> Response:
    """The file of a picture or, with `thumb`, of its thumbnail; a part of it; or 304 if the client has it.

    `name` is ours, without an ending: what a prompt or an upload was called never reaches a header.
    Errors: NotFound with the sentence `missing` if the file went this very moment.
    """
    etag = f'"{sha256}"' if thumb is None else f'"{sha256}-{thumb}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE}
    if _is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    kind, suffix = ("image/png", "png") if thumb is None else ("image/webp", "webp")
    headers |= {"Accept-Ranges": "bytes", "Content-Disposition": f'inline; filename="{name}.{suffix}"'}
    try:
        status = path.stat()
        if status.st_size <= AT_ONCE and request.method == "GET" and "range" not in request.headers:
            return Response(path.read_bytes(), headers=headers, media_type=kind)
    except FileNotFoundError:
        raise NotFound(missing) from None
    return PictureResponse(path, headers=headers, media_type=kind, stat_result=status)


class PictureResponse(FileResponse):
    """A file, or parts of it; a range that can't be had is told in our shape."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_refused = False

        async def told(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                is_refused = True
                size = self.headers["content-length"]
                sentence = (
                    f"Range: {Headers(scope=scope)['range']!r:.60} is no part of a file of {size} bytes."
                )
                headers = {"Content-Range": f"bytes */{size}"}
                await error_response(message["status"], sentence, headers=headers)(scope, receive, send)
            elif not is_refused:
                await send(message)

        await super().__call__(scope, receive, told)


def _is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the client holds these bytes already (RFC 9110 §13.1.2: compared weakly)."""
    if if_none_match is None:
        return False
    held = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return etag in held or "*" in held
