"""What was made: generations and the records of their pictures."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import MAX_PAGE, TOTAL_COUNT, TOTAL_HEADER, Limit, Offset, StudioDep
from studio.api.errors import faults
from studio.api.views import DeletedView, GenerationView, GenerationWithImagesView, ImageView

router = APIRouter(prefix="/generations", tags=["Generations and pictures"])

GenerationId = Annotated[
    str, Path(description="a generation's id", examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"])
]


@router.get(
    "", response_model=list[GenerationView], responses={**faults(400), 200: TOTAL_HEADER},
    summary="What was made, newest first", operation_id="list_generations",
)  # fmt: skip
async def list_generations(
    response: Response, studio: StudioDep, limit: Limit = MAX_PAGE, offset: Offset = 0
) -> list[GenerationView]:
    """Without the pictures' records; `X-Total-Count` tells how many generations there are in all."""

    def look() -> tuple[list[GenerationView], int]:
        page = studio.generations(limit=limit, offset=offset)
        return [GenerationView.of(generation) for generation in page.rows], page.total

    views, total = await run_in_threadpool(look)
    response.headers[TOTAL_COUNT] = str(total)
    return views


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
