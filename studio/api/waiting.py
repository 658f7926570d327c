"""Waiting for a job without a thread and without polling: a hint from the bus, then a look at the row."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from studio.errors import Stopping
from studio.job import Job
from studio.service import Studio

# How often a waiting request looks whether the studio shuts down, in seconds; nothing else depends on it.
STOP_CHECK = 0.5


class ClientGone(Exception):
    """The client hung up; the job goes on."""


async def _unheard(_: Job) -> None:
    """For who only wants the end."""


async def follow(
    studio: Studio, job_id: str, seconds: float, tell: Callable[[Job], Awaitable[None]] = _unheard
) -> Job:
    """The job once it is completed, failed or cancelled; until then `tell` gets each new look at it.

    Errors: TimeoutError after `seconds`; Stopping when the studio shuts down first; NotFound.
    """
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def hint(_: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed while the bus was speaking
            loop.call_soon_threadsafe(changed.set)

    with studio.bus.listen(hint, job_id):
        async with asyncio.timeout(seconds):
            while True:
                # Cleared before the look: a change after it sets it again.
                changed.clear()
                job = await run_in_threadpool(studio.job, job_id)
                if job.is_final:
                    return job
                await tell(job)
                while not await _is_set(changed, STOP_CHECK):
                    if not studio.is_accepting:
                        raise Stopping("The studio is shutting down; the job goes on when it is back.")


async def until_final(request: Request, studio: Studio, job_id: str, seconds: float) -> Job:
    """What `follow` gives, unless the client hangs up before.

    Its body must have been read: what comes next on the connection can only be its end. Errors: as follow;
    ClientGone.
    """

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    work = asyncio.create_task(follow(studio, job_id, seconds))
    watcher = asyncio.create_task(watch())
    try:
        await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientGone
        return work.result()
    finally:
        work.cancel()
        watcher.cancel()
        await asyncio.gather(work, watcher, return_exceptions=True)


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
