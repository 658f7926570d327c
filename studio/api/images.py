"""Pictures as files: from the disk, with ranges, thumbnails and a cache that never asks twice."""

import logging
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from studio.api.dependencies import StudioDep
from studio.api.errors import error_response, faults
from studio.api.generations import GenerationId
from studio.errors import NotFound
from studio.gallery import THUMBNAIL_EDGES
from studio.job import Image
from studio.service import Studio

log = logging.getLogger(__name__)

router = APIRouter(tags=["Generations and pictures"])

ImageId = Annotated[
    str, Path(description="a picture's id", examples=["0199c0de-8d01-7e42-9a77-0242ac120002"])
]
Thumb = Annotated[
    int | None,
    Query(
        description="a WEBP no side of which is longer than this: " + ", ".join(map(str, THUMBNAIL_EDGES)),
        examples=[256],
    ),
]
# Files up to this many bytes are read at once: half the time of streaming, and little memory even for many.
AT_ONCE = 2**20
REMEMBERED = 4096
# A picture never changes: its id means these pixels for ever.
_CACHE = "private, max-age=31536000, immutable"
_FILE: dict[int | str, dict[str, object]] = {
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


@router.get(
    "/images/{image_id}", response_class=FileResponse, responses={**faults(400, 404, 416), **_FILE},
    summary="A picture", operation_id="get_image",
)  # fmt: skip
@router.head("/images/{image_id}", include_in_schema=False)
async def get_image(request: Request, image_id: ImageId, thumb: Thumb = None) -> Response:
    """The file as it was made, or a thumbnail of it. Takes `Range` and `If-None-Match`."""

    def answer() -> Response:
        records: PictureRecords = request.app.state.picture_records
        return _answer(request, *records.file(image_id, thumb), thumb)

    return await run_in_threadpool(answer)


@router.get(
    "/generations/{generation_id}/image", response_class=FileResponse,
    responses={**faults(400, 404, 416), **_FILE},
    summary="The first picture of a generation", operation_id="get_first_image",
)  # fmt: skip
@router.head("/generations/{generation_id}/image", include_in_schema=False)
async def get_first_image(
    request: Request, generation_id: GenerationId, studio: StudioDep, thumb: Thumb = None
) -> Response:
    """As `GET /images/{id}`."""

    def answer() -> Response:
        images = studio.generation(generation_id).images
        if not images:
            raise NotFound(f"Generation {generation_id} has no pictures.")
        return _answer(request, images[0], file_of(studio, images[0], thumb), thumb)

    return await run_in_threadpool(answer)


class PictureRecords:
    """The records of the pictures asked for lately: a gallery page asks for the same ones again and again.

    A record never changes, and a deleted picture's file is gone before its deletion is answered: so a record
    found here counts only as long as its file is there. Owner: the API. Any thread.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._known = lru_cache(REMEMBERED)(studio.image)

    def file(self, image_id: str, thumb: int | None) -> tuple[Image, FilePath]:
        """The picture's record and its file, or its thumbnail's. Errors: NotFound; InvalidRequest."""
        image = self._known(image_id)
        try:
            return image, file_of(self._studio, image, thumb)
        except NotFound:
            self._known.cache_clear()
            return image, file_of(self._studio, self._known(image_id), thumb)


def file_of(studio: Studio, image: Image, thumb: int | None) -> FilePath:
    """The picture's file, or its thumbnail's. Errors: NotFound; InvalidRequest."""
    try:
        return studio.image_file(image) if thumb is None else studio.thumbnail(image, thumb)
    except NotFound as error:
        log.warning("picture %s: %s", image.id, error)  # with its path, which is nobody else's business
        raise NotFound(f"The file of picture {image.id} is missing.") from None


def _answer(request: Request, image: Image, path: FilePath, thumb: int | None) -> Response:
    """The file, a part of it, or 304 if the client has it."""
    etag = f'"{image.sha256}"' if thumb is None else f'"{image.sha256}-{thumb}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE}
    if _is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    # The name is ours: what a prompt or an upload was called never reaches a header.
    kind, suffix = (image.mime_type, "png") if thumb is None else ("image/webp", "webp")
    name = f'inline; filename="{image.id}.{suffix}"'
    headers |= {"Accept-Ranges": "bytes", "Content-Disposition": name}
    try:
        status = path.stat()
        if status.st_size <= AT_ONCE and request.method == "GET" and "range" not in request.headers:
            return Response(path.read_bytes(), headers=headers, media_type=kind)
    except FileNotFoundError:  # deleted this very moment
        raise NotFound(f"The file of picture {image.id} is missing.") from None
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
