"""The queue: looking at jobs and cancelling them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import MAX_PAGE, TOTAL_COUNT, TOTAL_HEADER, Limit, Offset, StudioDep
from studio.api.errors import faults
from studio.api.views import AttemptView, CancelledView, JobView, QueueView, StatsView
from studio.job import JobStatus

router = APIRouter(prefix="/queue", tags=["Queue"])

JobId = Annotated[str, Path(description="a job's id", examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"])]
StatusFilter = Annotated[JobStatus | None, Query(description="only jobs of this status")]


@router.get(
    "", response_model=QueueView, responses={**faults(400), 200: TOTAL_HEADER},
    summary="The jobs, newest first, and how many of each status", operation_id="list_jobs",
)  # fmt: skip
async def list_jobs(
    response: Response,
    studio: StudioDep,
    status: StatusFilter = None,
    limit: Limit = MAX_PAGE,
    offset: Offset = 0,
) -> QueueView:
    """`X-Total-Count` tells how many jobs the filter matches in all."""

    def look() -> tuple[QueueView, int]:
        # A thousand views take a while, which the loop has better uses for.
        page = studio.jobs(status=status, limit=limit, offset=offset)
        state = studio.engine.state
        jobs = [JobView.of(job, state) for job in page.rows]
        return QueueView(jobs=jobs, stats=StatsView.of(studio.counts())), page.total

    view, total = await run_in_threadpool(look)
    response.headers[TOTAL_COUNT] = str(total)
    return view


@router.get(
    "/stats", response_model=StatsView, responses=faults(),
    summary="How many jobs have each status", operation_id="queue_stats",
)  # fmt: skip
async def stats(studio: StudioDep) -> StatsView:
    """Counted without looking through the jobs: ask as often as you like."""
    return StatsView.of(await run_in_threadpool(studio.counts))


@router.get(
    "/{job_id}", response_model=JobView, responses=faults(404),
    summary="A job as it is now", operation_id="get_job",
)  # fmt: skip
async def get_job(job_id: JobId, studio: StudioDep) -> JobView:
    """Its status, how far it is, and once it is completed the id of what it made."""
    return JobView.of(await run_in_threadpool(studio.job, job_id), studio.engine.state)


@router.delete(
    "/{job_id}", response_model=CancelledView, responses=faults(404, 409),
    summary="Cancel a job", operation_id="cancel_job",
)  # fmt: skip
async def cancel_job(job_id: JobId, studio: StudioDep) -> CancelledView:
    """A pending job is cancelled at once; a processing one is stopped and ends as cancelled within a second.

    The answer shows the job as it is after the wish. A job that is over can't be cancelled: 409.
    """
    job = await run_in_threadpool(studio.cancel, job_id)
    return CancelledView(job=JobView.of(job, studio.engine.state))


@router.get(
    "/{job_id}/attempts", response_model=list[AttemptView], responses=faults(404),
    summary="Every execution of a job", operation_id="list_attempts",
)  # fmt: skip
async def attempts(job_id: JobId, studio: StudioDep) -> list[AttemptView]:
    """A job is run again if the engine died under it. Each time is told, with the engine's last lines."""
    return [AttemptView.of(attempt) for attempt in await run_in_threadpool(studio.attempts, job_id)]
