"""Outcome: what a job made that somebody waits for, or why there is nothing."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from studio.api.errors import retry_headers, sentence_of, status_of
from studio.api.waiting import ClientGone, until_final
from studio.errors import InvalidImage, InvalidRequest, Stopping
from studio.job import Generation, Job, JobStatus
from studio.service import Studio

# Nobody reads the answer of a client that hung up; the access log shows this status.
CLIENT_CLOSED_REQUEST = 499
# What is found wrong with a request only once its pictures are looked at together.
_CODES_OF_BAD_REQUESTS = (InvalidRequest.code, InvalidImage.code)


class NothingMade(Exception):
    """The job has no pictures to show: for ever if it `is_over`, else yet.

    `status` is HTTP's; `code` is the code of the studio's error behind it, if one is.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        job_id: str,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        is_over: bool = True,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.job_id = job_id
        self.headers = headers
        self.is_over = is_over


def nothing_of(job: Job) -> NothingMade | None:
    """Why a job that is over has no pictures to show; None if it has."""
    if job.status is JobStatus.CANCELLED:
        return NothingMade(409, "The job was cancelled.", job_id=job.id)
    if job.status is JobStatus.FAILED:
        status = 400 if job.error_code in _CODES_OF_BAD_REQUESTS else 500
        return NothingMade(status, job.error or "The job failed.", job_id=job.id, code=job.error_code)
    if job.generation_id is None:
        return NothingMade(404, "The pictures of this job were deleted.", job_id=job.id)
    return None


async def made(request: Request, studio: Studio, job_id: str) -> Generation:
    """What the job made, with its pictures, after at most `wait_seconds`.

    Errors: NothingMade; ClientGone; NotFound. The job lives on after any of them, unless it was over.
    """
    seconds = studio.settings.wait_seconds
    try:
        job = await until_final(request, studio, job_id, seconds)
    except TimeoutError:
        sentence = f"The job is not done after {seconds:g} seconds. It goes on: GET /api/queue/{job_id}."
        raise NothingMade(504, sentence, job_id=job_id, is_over=False) from None
    except Stopping as error:
        raise NothingMade(
            status_of(error), sentence_of(error), job_id=job_id, code=error.code,
            headers=retry_headers(error), is_over=False,
        ) from None  # fmt: skip
    fault = nothing_of(job)
    if fault is not None:
        raise fault
    assert job.generation_id is not None
    return await run_in_threadpool(studio.generation, job.generation_id)


def add_handlers(app: FastAPI, shaped: Callable[[NothingMade], Response]) -> None:
    """Have `app` answer who waited for nothing, in the shape that the door's clients expect."""

    async def on_nothing(_: Request, error: Exception) -> Response:
        assert isinstance(error, NothingMade)
        return shaped(error)

    async def on_client_gone(_: Request, __: Exception) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    app.add_exception_handler(NothingMade, on_nothing)
    app.add_exception_handler(ClientGone, on_client_gone)
