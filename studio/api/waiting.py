"""Waiting for a job without a thread and without polling: a hint from the bus, then a look at the row."""

import asyncio
import contextlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from studio.errors import InvalidImage, InvalidRequest, Stopping
from studio.job import Job, JobStatus
from studio.service import Studio

# How often a waiting request looks whether the studio shuts down, in seconds; nothing else depends on it.
STOP_CHECK = 0.5
# Nobody reads the answer of a client that hung up; the access log shows this status.
CLIENT_CLOSED_REQUEST = 499
# What is found wrong with a request only once its pictures are looked at together.
_CODES_OF_BAD_REQUESTS = (InvalidRequest.code, InvalidImage.code)


class ClientGone(Exception):
    """The client hung up; the job goes on."""


async def until_final(request: Request, studio: Studio, job_id: str, seconds: float) -> Job:
    """The job once it is completed, failed or cancelled.

    Its body must have been read: what comes next on the connection can only be its end. Errors:
    TimeoutError after `seconds`; ClientGone; Stopping when the studio shuts down first; NotFound.
    """
    loop = asyncio.get_running_loop()
    changed, gone = asyncio.Event(), asyncio.Event()

    def hint(_: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed while the bus was speaking
            loop.call_soon_threadsafe(changed.set)

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()
        changed.set()

    watcher = asyncio.create_task(watch())
    try:
        with studio.bus.listen(hint, job_id):
            async with asyncio.timeout(seconds):
                while True:
                    # Cleared before the look: a change after it sets it again.
                    changed.clear()
                    job = await run_in_threadpool(studio.job, job_id)
                    if job.is_final:
                        return job
                    while not await _is_set(changed, STOP_CHECK):
                        if not studio.is_accepting:
                            raise Stopping("The studio is shutting down; the job goes on when it is back.")
                    if gone.is_set():
                        raise ClientGone
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


def fault_of(job: Job) -> tuple[int, str] | None:
    """(HTTP status, sentence) of a final job that has no pictures to show; None if it has."""
    if job.status is JobStatus.CANCELLED:
        return 409, "The job was cancelled."
    if job.status is JobStatus.FAILED:
        status = 400 if job.error_code in _CODES_OF_BAD_REQUESTS else 500
        return status, job.error or "The job failed."
    if job.generation_id is None:
        return 404, "The pictures of this job were deleted."
    return None


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
