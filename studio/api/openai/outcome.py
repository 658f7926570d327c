"""Outcome: what a job made that somebody waits for, or why there is nothing."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from studio.api.errors import retry_headers, status_of
from studio.api.waiting import fault_of, until_final
from studio.errors import EngineError, NotFound, Stopping
from studio.job import Generation, JobStatus
from studio.service import Studio

_CODES = {404: NotFound.code, 409: "cancelled"}


class NothingMade(Exception):
    """The job has no pictures to show, yet or for ever: `status` is HTTP's, `code` is for programs."""

    def __init__(
        self, status: int, sentence: str, code: str, *, job_id: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.job_id = job_id
        self.headers = headers


async def made(request: Request, studio: Studio, job_id: str) -> Generation:
    """What the job made, with its pictures, after at most `wait_seconds`.

    Errors: NothingMade; ClientGone. The job lives on after either, unless it was over.
    """
    seconds = studio.settings.wait_seconds
    try:
        job = await until_final(request, studio, job_id, seconds)
    except TimeoutError:
        sentence = f"The job is not done after {seconds:g} seconds. It goes on: GET /api/queue/{job_id}."
        raise NothingMade(504, sentence, "timeout", job_id=job_id) from None
    except Stopping as error:
        raise NothingMade(
            status_of(error), error.message, error.code, job_id=job_id, headers=retry_headers(error)
        ) from None
    fault = fault_of(job)
    if fault is not None:
        status, sentence = fault
        code = job.error_code if job.status is JobStatus.FAILED else _CODES.get(status)
        raise NothingMade(status, sentence, code or EngineError.code, job_id=job_id)
    assert job.generation_id is not None
    return await run_in_threadpool(studio.generation, job.generation_id)
