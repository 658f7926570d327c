"""Webhooks: what they are told of a job, and how far the telling is."""

from typing import Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep
from studio.api.errors import faults
from studio.api.queue import JobId
from studio.api.recipe_view import SECONDS
from studio.api.views import JobView
from studio.engine import EngineState
from studio.job import Job
from studio.webhook import Delivery, DeliveryState, Source

router = APIRouter(prefix="/queue", tags=["Queue"])


class WebhookView(BaseModel):
    """An address that is told of a job's end, and how far that is."""

    id: str | None = Field(
        description="what the header X-Studio-Delivery says; null until the job is over",
        examples=["5b1c9a52-54e5-5f0e-9d3c-0242ac120002"],
    )
    source: Source = Field(description="who asked to be told: the job's request, or its key")
    origin: str = Field(
        description="the address without its path, which may be secret", examples=["https://example.com"]
    )
    state: DeliveryState
    tries: int = Field(examples=[1])
    error: str | None = Field(description="why the last try came to nothing", examples=[None])
    next_try_at: int | None = Field(description=SECONDS, examples=[None])
    ended_at: int | None = Field(description=SECONDS, examples=[1766491203])

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            source=delivery.source,
            origin=delivery.origin,
            state=delivery.state,
            tries=delivery.tries,
            error=delivery.error,
            next_try_at=None if delivery.due_at is None else int(delivery.due_at),
            ended_at=None if delivery.ended_at is None else int(delivery.ended_at),
        )


def spell(job: Job) -> dict[str, Any]:
    """A job that is over, as a webhook is told of it: what GET /queue/{id} says."""
    return JobView.of(job, EngineState.STOPPED).model_dump(mode="json")


@router.get(
    "/{job_id}/webhooks", response_model=list[WebhookView], responses=faults(404),
    summary="Who is told of a job's end", operation_id="list_webhooks",
)  # fmt: skip
async def list_webhooks(job_id: JobId, studio: StudioDep) -> list[WebhookView]:
    """At most two: the one of the request that made the job, and the one of its key.

    Deliveries that are over are forgotten after a week.
    """

    def look() -> list[Delivery]:
        return studio.deliveries.of_job(studio.job(job_id))

    return [WebhookView.of(delivery) for delivery in await run_in_threadpool(look)]
