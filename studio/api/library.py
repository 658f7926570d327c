"""Pictures as a collection: the list, what people say about them, cleaning up, and taking them along."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep, only
from studio.api.errors import faults
from studio.api.forms import body_of, read_form
from studio.api.images import ImageId
from studio.api.library_views import (
    ChosenBody,
    CleanBody,
    CleanedView,
    InfoView,
    ItemView,
    LibraryQuery,
    LibraryView,
    MarkBody,
    RemovedView,
    StockView,
    chosen,
)
from studio.service import Studio

router = APIRouter(tags=["Library"])

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The archive.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_IMAGE_ID = "0199c0de-8d01-7e42-9a77-0242ac120002"

Chosen = Annotated[
    str,
    AfterValidator(lambda value: ",".join(chosen(value))),
    Field(description="ids of pictures, parted by commas", examples=[_IMAGE_ID]),
]


class ChosenForm(BaseModel):
    """Pictures to take along."""

    model_config = ConfigDict(extra="forbid")

    ids: Chosen


@router.get(
    "/library", response_model=LibraryView, responses=faults(400),
    summary="The pictures, a part at a time", operation_id="list_library",
)  # fmt: skip
async def list_library(studio: StudioDep, query: Annotated[LibraryQuery, Query()]) -> LibraryView:
    """All filters given must apply. `next` leads to the rest: pictures made meanwhile don't move the list."""

    def look() -> LibraryView:
        return LibraryView.of(
            studio.shelf.page(query.to_filter(), limit=query.limit, order=query.sort, before=query.before)
        )

    return await run_in_threadpool(look)


@router.get(
    "/library/stats", response_model=StockView, responses=faults(400), dependencies=[only()],
    summary="How much there is", operation_id="library_stats",
)  # fmt: skip
async def library_stats(studio: StudioDep) -> StockView:
    """Counted at each call: for a page that people open, not for asking every second."""
    return StockView.of(await run_in_threadpool(studio.shelf.stock))


@router.post(
    "/library/clean", response_model=CleanedView, responses=faults(400, 507), dependencies=[only()],
    summary="Delete pictures by rule, or count them", operation_id="clean_library",
)  # fmt: skip
async def clean_library(studio: StudioDep, body: CleanBody) -> CleanedView:
    """Favourites are always kept. At least one rule is needed; every one given must apply."""

    def clean() -> CleanedView:
        return CleanedView.of(studio.shelf.clean(**body.model_dump()))

    return await run_in_threadpool(clean)


@router.get(
    "/images/{image_id}/info", response_model=InfoView, responses=faults(400, 404), dependencies=[only()],
    summary="Everything about a picture", operation_id="get_image_info",
)  # fmt: skip
async def get_image_info(studio: StudioDep, image_id: ImageId) -> InfoView:
    """Its line of the library, all of what ran, and the same as text."""
    return await run_in_threadpool(lambda: InfoView.of(studio.shelf.entry(image_id), studio.shelf))


@router.patch(
    "/images/{image_id}", response_model=ItemView, responses=faults(400, 404, 507), dependencies=[only()],
    summary="Make a picture a favourite, or tag it", operation_id="mark_image",
)  # fmt: skip
async def mark_image(studio: StudioDep, image_id: ImageId, body: MarkBody) -> ItemView:
    """What is left out stays as it is; `tags` replaces all tags."""

    def mark() -> ItemView:
        return ItemView.of(studio.shelf.mark(image_id, favourite=body.favourite, tags=body.tags))

    return await run_in_threadpool(mark)


@router.post(
    "/images/delete", response_model=RemovedView, responses=faults(400, 507), dependencies=[only()],
    summary="Delete pictures", operation_id="delete_images",
)  # fmt: skip
async def delete_images(studio: StudioDep, body: ChosenBody) -> RemovedView:
    """Favourites stay unless `force` is true. A generation goes with its last picture; its job stays."""

    def delete() -> RemovedView:
        removal = studio.shelf.delete(body.ids, even_favourites=body.force)
        return RemovedView(deleted=len(removal.images), protected=removal.protected)

    return await run_in_threadpool(delete)


@router.get(
    "/images.zip", response_class=StreamingResponse, responses={**faults(400, 404), **_ZIP},
    dependencies=[only("ids")], summary="Pictures as one archive", operation_id="get_archive",
)  # fmt: skip
async def get_archive(studio: StudioDep, ids: Annotated[Chosen, Query()]) -> StreamingResponse:
    """Of each the PNG and a JSON of its making, named by its id. More than fits an address goes by POST."""
    return await _archive(studio, ids)


@router.post(
    "/images.zip", response_class=StreamingResponse, responses={**faults(400, 404), **_ZIP},
    dependencies=[only()], summary="Many pictures as one archive", operation_id="post_archive",
    openapi_extra=body_of(ChosenForm),
)  # fmt: skip
async def post_archive(studio: StudioDep, request: Request) -> StreamingResponse:
    """As `GET /images.zip`, with the ids in the field `ids` of a form."""
    async with read_form(request, ChosenForm) as form:
        return await _archive(studio, form.ids)


async def _archive(studio: Studio, ids: str) -> StreamingResponse:
    archive = await run_in_threadpool(studio.shelf.archive, chosen(ids))

    def pieces() -> Iterator[bytes]:
        yield from archive

    headers = {
        "Content-Length": str(archive.size),
        "Content-Disposition": 'attachment; filename="sd.cpp-studio-pictures.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces(), headers=headers, media_type="application/zip")
