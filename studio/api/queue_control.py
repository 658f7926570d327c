"""The queue as a whole: pausing, rearranging, cancelling many, trying again, and what was asked for."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import MAX_PAGE, IdempotencyKey, StudioDep
from studio.api.errors import faults
from studio.api.queue import JobId
from studio.api.views import JobView, QueuedView
from studio.recipe import Recipe
from studio.scheduling import Place

router = APIRouter(prefix="/queue", tags=["Queue"])

_ID = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


class PausedView(BaseModel):
    """Whether the queue is paused."""

    paused: bool


class MoveBody(BaseModel):
    """Where a job goes: exactly one of the two."""

    model_config = ConfigDict(extra="forbid")

    to: Place | None = Field(None, description="an end of the queue, or one step")
    before: str | None = Field(None, description="the pending job that comes right after", examples=[_ID])

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.to is None) == (self.before is None):
            raise ValueError('give either "to" or "before"')
        return self


class CancelBody(BaseModel):
    """Which jobs to cancel: exactly one of the two."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_PAGE)] | None = Field(
        None, description="jobs; those that are over are passed over", examples=[[_ID]]
    )
    status: Literal["pending"] | None = Field(None, description="all that wait")

    @model_validator(mode="after")
    def _is_one_choice(self) -> Self:
        if (self.ids is None) == (self.status is None):
            raise ValueError('give either "ids" or "status"')
        return self


class CancelledManyView(BaseModel):
    """The jobs that are cancelled now, or will be once they stopped."""

    cancelled: list[str] = Field(examples=[[_ID]])


class RequestView(Recipe):
    """What a job was asked for, with everything filled in. The seed is decimal text."""

    @field_serializer("seed")
    def _as_digits(self, seed: int) -> str:
        return str(seed)

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        return cls(**recipe.model_dump())


@router.post(
    "/pause", response_model=PausedView, responses=faults(503, 507),
    summary="Begin no more jobs", operation_id="pause_queue",
)  # fmt: skip
async def pause(studio: StudioDep) -> PausedView:
    """The running job goes on to its end. The pause lasts until the queue is resumed, over restarts."""
    await run_in_threadpool(studio.queue.pause)
    return PausedView(paused=True)


@router.post(
    "/resume", response_model=PausedView, responses=faults(503, 507),
    summary="Begin jobs again", operation_id="resume_queue",
)  # fmt: skip
async def resume(studio: StudioDep) -> PausedView:
    """Ends a pause; without one nothing changes."""
    await run_in_threadpool(studio.queue.resume)
    return PausedView(paused=False)


@router.post(
    "/cancel", response_model=CancelledManyView, responses=faults(400, 503, 507),
    summary="Cancel many jobs in one step", operation_id="cancel_jobs",
)  # fmt: skip
async def cancel_jobs(body: CancelBody, studio: StudioDep) -> CancelledManyView:
    """Pending jobs are cancelled at once; a running one ends as cancelled within a second."""
    if body.ids is None:
        return CancelledManyView(cancelled=await run_in_threadpool(studio.queue.cancel_pending))
    return CancelledManyView(cancelled=await run_in_threadpool(studio.queue.cancel, body.ids))


@router.post(
    "/{job_id}/move", response_model=JobView, responses=faults(400, 404, 409, 503, 507),
    summary="Put a pending job elsewhere in the queue", operation_id="move_job",
)  # fmt: skip
async def move_job(job_id: JobId, body: MoveBody, studio: StudioDep) -> JobView:
    """Its `position` tells where it is now. A job that doesn't wait has no place: 409."""
    if body.to is not None:
        job = await run_in_threadpool(studio.queue.move, job_id, body.to)
    else:
        job = await run_in_threadpool(studio.queue.move_before, job_id, body.before or "")
    return JobView.of(job, studio.engine.state)


@router.post(
    "/{job_id}/retry", response_model=QueuedView, responses=faults(400, 404, 409, 429, 503, 507),
    summary="Put a job in the queue again", operation_id="retry_job",
)  # fmt: skip
async def retry_job(job_id: JobId, studio: StudioDep, key: IdempotencyKey = None) -> QueuedView:
    """A new job with everything the old one had, its seed included; 409 while the old one is not over."""
    job = await run_in_threadpool(studio.queue.retry, job_id, idempotency_key=key)
    return QueuedView(job_id=job.id, status=job.status)


@router.get(
    "/{job_id}/request", response_model=RequestView, responses=faults(404),
    summary="What a job was asked for", operation_id="get_request",
)  # fmt: skip
async def get_request(job_id: JobId, studio: StudioDep) -> RequestView:
    """The whole recipe: with it the same model makes the same pictures."""
    return RequestView.of((await run_in_threadpool(studio.job, job_id)).recipe)
