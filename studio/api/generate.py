"""Making pictures: the synchronous endpoints, and the same requests put in the queue."""

from fastapi import APIRouter, Request, Response

from studio.api.bodies import GenerateBody
from studio.api.dependencies import IdempotencyKey, StudioDep
from studio.api.errors import error_response, faults
from studio.api.forms import EditForm, VariationForm, body_of
from studio.api.outcome import NothingMade, made
from studio.api.submission import submit_edit, submit_generate, submit_variation
from studio.api.views import QueuedView, ResultView
from studio.job import Job
from studio.service import Studio

router = APIRouter()

_SYNC_FAULTS = faults(400, 409, 413, 429, 500, 503, 504, 507)
_QUEUE_FAULTS = faults(400, 409, 413, 429, 503, 507)


@router.post(
    "/generate", response_model=ResultView, responses=_SYNC_FAULTS, tags=["Pictures, waiting for them"],
    summary="Pictures from words", operation_id="generate",
)  # fmt: skip
async def generate(
    request: Request, body: GenerateBody, studio: StudioDep, key: IdempotencyKey = None
) -> ResultView:
    """Waits in the queue like every job, makes the pictures, and answers with their ids.

    The wait ends after five minutes with 504; the job lives on and is found by the `job_id` of that answer.
    A client that hangs up does not end the job either: `DELETE /queue/{id}` does.
    """
    return await finished(request, studio, await submit_generate(studio, body, key))


@router.post(
    "/edit", response_model=ResultView, responses=_SYNC_FAULTS, tags=["Pictures, waiting for them"],
    summary="A picture changed by words", operation_id="edit", openapi_extra=body_of(EditForm),
)  # fmt: skip
async def edit(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> ResultView:
    """With a mask, or a picture that is transparent in places, only that area changes; else all of it.

    Waits as `POST /generate` does.
    """
    return await finished(request, studio, await submit_edit(request, studio, key))


@router.post(
    "/variation", response_model=ResultView, responses=_SYNC_FAULTS, tags=["Pictures, waiting for them"],
    summary="Pictures like another one", operation_id="variation", openapi_extra=body_of(VariationForm),
)  # fmt: skip
async def variation(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> ResultView:
    """`strength` says how far from the input: near 0 almost the same, near 1 nearly free.

    Waits as `POST /generate` does.
    """
    return await finished(request, studio, await submit_variation(request, studio, key))


@router.post(
    "/queue/generate", response_model=QueuedView, responses=_QUEUE_FAULTS, tags=["Queue"],
    summary="Put a job in the queue: pictures from words", operation_id="queue_generate",
)  # fmt: skip
async def queue_generate(body: GenerateBody, studio: StudioDep, key: IdempotencyKey = None) -> QueuedView:
    """Answers at once; the job is stored durably by then."""
    return queued(await submit_generate(studio, body, key))


@router.post(
    "/queue/edit", response_model=QueuedView, responses=_QUEUE_FAULTS, tags=["Queue"],
    summary="Put a job in the queue: a picture changed by words", operation_id="queue_edit",
    openapi_extra=body_of(EditForm),
)  # fmt: skip
async def queue_edit(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> QueuedView:
    """As `POST /edit`, without the wait."""
    return queued(await submit_edit(request, studio, key))


@router.post(
    "/queue/variation", response_model=QueuedView, responses=_QUEUE_FAULTS, tags=["Queue"],
    summary="Put a job in the queue: pictures like another one", operation_id="queue_variation",
    openapi_extra=body_of(VariationForm),
)  # fmt: skip
async def queue_variation(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> QueuedView:
    """As `POST /variation`, without the wait."""
    return queued(await submit_variation(request, studio, key))


def queued(job: Job) -> QueuedView:
    """The answer to a job put in the queue."""
    return QueuedView(job_id=job.id, status=job.status)


async def finished(request: Request, studio: Studio, submitted: Job) -> ResultView:
    """What the job made. Errors: as `outcome.made`."""
    return ResultView.of(await made(request, studio, submitted.id))


def nothing_made(fault: NothingMade) -> Response:
    """The answer to who waited for a job without pictures."""
    return error_response(fault.status, fault.sentence, headers=fault.headers, job_id=fault.job_id)
