"""What was made: generations and the records of their pictures."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import MAX_OFFSET, MAX_PAGE, TOTAL_COUNT, TOTAL_HEADER, StudioDep
from studio.api.errors import faults
from studio.api.library_views import PictureQuery
from studio.api.views import DeletedView, GenerationView, GenerationWithImagesView, ImageView
from studio.errors import InvalidRequest
from studio.filters import EVERYTHING

router = APIRouter(prefix="/generations", tags=["Generations and pictures"])

GenerationId = Annotated[
    str, Path(description="a generation's id", examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"])
]


class GenerationsQuery(PictureQuery):
    """Which generations: those with a picture to which all that is given applies; and which part of them."""

    model_config = ConfigDict(extra="ignore")

    limit: int = Field(MAX_PAGE, ge=1, le=MAX_PAGE, description="at most this many")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="skip this many of the newest")


class ClearQuery(PictureQuery):
    """Which generations go: those with a picture to which all that is given applies."""

    all: bool = Field(False, description="every generation: needed if nothing else is given")
    force: bool = Field(False, description="favourites, too")
    dry_run: bool = Field(False, description="delete nothing, only count")


class ClearedView(BaseModel):
    """What is gone, or with `dry_run` would go."""

    dry_run: bool
    generations: int = Field(description="without the ones that keep a favourite", examples=[3])
    images: int = Field(examples=[4])
    bytes: int = Field(description="of the pictures' files", examples=[81920])
    protected: int = Field(description="favourites that stay", examples=[1])


@router.get(
    "", response_model=list[GenerationView], responses={**faults(400), 200: TOTAL_HEADER},
    summary="What was made, newest first", operation_id="list_generations",
)  # fmt: skip
async def list_generations(
    response: Response, studio: StudioDep, query: Annotated[GenerationsQuery, Query()]
) -> list[GenerationView]:
    """Without the pictures' records; `X-Total-Count` tells how many generations match in all."""

    def look() -> tuple[list[GenerationView], int]:
        page = studio.generations(limit=query.limit, offset=query.offset, wanted=query.to_filter())
        return [GenerationView.of(generation) for generation in page.rows], page.total

    views, total = await run_in_threadpool(look)
    response.headers[TOTAL_COUNT] = str(total)
    return views


@router.delete(
    "", response_model=ClearedView, responses=faults(400, 503, 507),
    summary="Delete many generations, or count them", operation_id="delete_generations",
)  # fmt: skip
async def delete_generations(studio: StudioDep, query: Annotated[ClearQuery, Query()]) -> ClearedView:
    """All of the pictures of each that matches go; favourites stay unless `force` is said. Jobs stay."""
    wanted = query.to_filter()
    if wanted == EVERYTHING and not query.all:
        raise InvalidRequest("name what to delete, or say all=true")

    def clear() -> ClearedView:
        cleared = studio.shelf.clear(wanted, even_favourites=query.force, dry_run=query.dry_run)
        return ClearedView(dry_run=query.dry_run, **asdict(cleared))

    return await run_in_threadpool(clear)


@router.get(
    "/{generation_id}", response_model=GenerationWithImagesView, responses=faults(404),
    summary="A generation and its pictures' records", operation_id="get_generation",
)  # fmt: skip
async def get_generation(generation_id: GenerationId, studio: StudioDep) -> GenerationWithImagesView:
    """Everything that was asked for, with the defaults filled in, and the records of the pictures."""
    return GenerationWithImagesView.of(await run_in_threadpool(studio.generation, generation_id))


@router.get(
    "/{generation_id}/images", response_model=list[ImageView], responses=faults(404),
    summary="The records of a generation's pictures", operation_id="list_images",
)  # fmt: skip
async def list_images(generation_id: GenerationId, studio: StudioDep) -> list[ImageView]:
    """In the order they were made."""
    generation = await run_in_threadpool(studio.generation, generation_id)
    return [ImageView.of(image) for image in generation.images]


@router.delete(
    "/{generation_id}", response_model=DeletedView, responses=faults(404, 507),
    summary="Delete a generation and its files", operation_id="delete_generation",
)  # fmt: skip
async def delete_generation(generation_id: GenerationId, studio: StudioDep) -> DeletedView:
    """The pictures, their thumbnails and their records are gone when this answers. The job stays."""
    await run_in_threadpool(studio.delete, generation_id)
    return DeletedView()
