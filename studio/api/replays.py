"""Making again what was made, to see whether the pixels are the same."""

from dataclasses import asdict
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import IdempotencyKey, StudioDep
from studio.api.errors import faults
from studio.api.generations import GenerationId
from studio.api.queue import JobId
from studio.api.recipe_view import EXAMPLE_ID
from studio.api.views import QueuedView
from studio.job import JobStatus
from studio.replays import Replay

router = APIRouter(prefix="/generations", tags=["Generations and pictures"])

_IMAGE_ID = "0199c0de-8d01-7e42-9a77-0242ac120002"


class MatchView(BaseModel):
    """A picture and the one that was made again."""

    index: int = Field(description="within the generation, from 0", examples=[0])
    image_id: str = Field(examples=[_IMAGE_ID])
    again_id: str | None = Field(description="null until it is made, or if it was deleted", examples=[None])
    equal: bool | None = Field(description="whether every pixel is", examples=[True])
    difference: int | None = Field(
        description="the largest of any channel, 0 to 255; null if the sizes differ", examples=[0]
    )


class ReplayView(BaseModel):
    """A job that repeats a generation, and how its pictures compare."""

    job_id: str = Field(examples=[EXAMPLE_ID])
    status: JobStatus
    error: str | None = Field(description="why it failed", examples=[None])
    equal: bool | None = Field(description="whether all are; null while that can't be said", examples=[True])
    differs: list[str] | None = Field(
        description="what made it that was another then, each a sentence; null while that isn't known",
        examples=[["The engine's version is 0.4.7; it was 0.4.6"]],
    )
    pictures: list[MatchView] = Field(description="those that the generation still has")

    @classmethod
    def of(cls, replay: Replay) -> Self:
        return cls(
            job_id=replay.job.id,
            status=replay.job.status,
            error=replay.job.error,
            equal=replay.equal,
            differs=replay.differs,
            pictures=[MatchView(**asdict(match)) for match in replay.matches],
        )


class ReplayQueuedView(QueuedView):
    """A replay that waits, and what is to be expected of it."""

    differs: list[str] | None = Field(
        description="what is another now than when the generation was made, each a sentence: expect other "
        "pixels; null if nobody knows what made it",
        examples=[[]],
    )


@router.post(
    "/{generation_id}/replay", response_model=ReplayQueuedView,
    responses=faults(400, 404, 409, 429, 503, 507), summary="Make a generation again",
    operation_id="replay_generation",
)  # fmt: skip
async def replay(
    generation_id: GenerationId, studio: StudioDep, key: IdempotencyKey = None
) -> ReplayQueuedView:
    """A new job with everything the old one had; `GET /generations/{id}/replay/{job_id}` compares them."""

    def begin() -> ReplayQueuedView:
        job = studio.replays.start(generation_id, idempotency_key=key)
        return ReplayQueuedView(
            job_id=job.id, status=job.status, differs=studio.replays.expected(generation_id)
        )

    return await run_in_threadpool(begin)


@router.get(
    "/{generation_id}/replay/{job_id}", response_model=ReplayView, responses=faults(404),
    summary="Whether the pixels are the same", operation_id="get_replay",
)  # fmt: skip
async def get_replay(generation_id: GenerationId, job_id: JobId, studio: StudioDep) -> ReplayView:
    """Compared when it is asked for, picture by picture, once the job is completed."""
    return await run_in_threadpool(lambda: ReplayView.of(studio.replays.look(generation_id, job_id)))
