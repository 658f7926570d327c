"""Many jobs in one request: all of them, or none."""

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import IdempotencyKey, StudioDep
from studio.api.errors import faults
from studio.api.job_bodies import BatchBody
from studio.api.recipe_view import EXAMPLE_ID
from studio.api.views import QueuedView
from studio.errors import InvalidRequest
from studio.job import Job
from studio.params import GenerationParams
from studio.service import Studio

router = APIRouter(prefix="/queue", tags=["Queue"])


class BatchView(BaseModel):
    """The jobs of a batch, in the order they were given."""

    batch_id: str = Field(description="what `batch_id` of these jobs says", examples=[EXAMPLE_ID])
    jobs: list[QueuedView]

    @classmethod
    def of(cls, jobs: list[Job]) -> Self:
        return cls(
            batch_id=jobs[0].batch_id or "",
            jobs=[QueuedView(job_id=job.id, status=job.status) for job in jobs],
        )


@router.post(
    "/batch", response_model=BatchView, responses=faults(400, 409, 413, 429, 503, 507),
    summary="Put many jobs in the queue, all or none", operation_id="queue_batch",
)  # fmt: skip
async def queue_batch(body: BatchBody, studio: StudioDep, key: IdempotencyKey = None) -> BatchView:
    """If one is wrong none is stored, and the fault names it: `jobs.3.steps`. The key is for the whole."""

    def submit() -> BatchView:
        return BatchView.of(
            studio.submit_all(
                _requests(body, studio), idempotency_key=key, called="jobs", webhook=body.webhook
            )
        )

    return await run_in_threadpool(submit)


def _requests(body: BatchBody, studio: Studio) -> list[GenerationParams]:
    requests = []
    for index, job in enumerate(body.jobs):
        try:
            requests.append(job.params(studio.catalog.default))
        except InvalidRequest as fault:
            raise InvalidRequest(f"jobs.{index}.{fault.message}") from None
    return requests
