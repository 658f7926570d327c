"""Pictures as files: from the disk, with ranges, thumbnails and a cache that never asks twice."""

import logging
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep
from studio.api.errors import faults
from studio.api.generations import GenerationId
from studio.api.picture_files import PICTURE_FILE, Thumb, answer_file
from studio.errors import NotFound
from studio.job import Image
from studio.service import Studio
from studio.sight import sight

log = logging.getLogger(__name__)

router = APIRouter(tags=["Generations and pictures"])

ImageId = Annotated[
    str, Path(description="a picture's id", examples=["0199c0de-8d01-7e42-9a77-0242ac120002"])
]
REMEMBERED = 4096


@router.get(
    "/images/{image_id}", response_class=FileResponse, responses={**faults(400, 404, 416), **PICTURE_FILE},
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
    responses={**faults(400, 404, 416), **PICTURE_FILE},
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
        if not sight().shows(image.owner):
            # Somebody else's, found because they asked for it lately.
            raise NotFound(f"No image has the id {image_id!r}.")
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
    missing = f"The file of picture {image.id} is missing."
    return answer_file(request, path, name=image.id, sha256=image.sha256, thumb=thumb, missing=missing)
