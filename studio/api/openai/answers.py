"""From a job in the queue to an answer: all its pictures at once, or as events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from studio.api.openai.bodies import Wanted
from studio.api.openai.errors import JOB_ID, fault_body, nothing_made
from studio.api.openai.views import CompletedEvent, ImagesAnswer
from studio.api.outcome import NothingMade, made
from studio.api.waiting import ClientGone
from studio.errors import StudioError
from studio.job import Job
from studio.service import Studio

# Proxies drop a connection that is silent for a minute.
KEEP_ALIVE_SECONDS = 15.0
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Said = TypeVar("Said")


async def answer(request: Request, studio: Studio, job: Job, wanted: Wanted, event: str) -> Response:
    """The answer of a request whose job that is; `event` is how its events are called.

    A client that hangs up does not end the job. Errors: as `made`; not of a stream, which tells them as its
    last event.
    """
    headers = {JOB_ID: job.id}
    if wanted.stream:
        frames = _frames(request, studio, job.id, wanted, event)
        return StreamingResponse(
            frames, media_type="text/event-stream", headers={**headers, **_STREAM_HEADERS}
        )
    generation = await made(request, studio, job.id)
    of_pictures = partial(ImagesAnswer.of, studio, generation, wanted, str(request.base_url))
    said = await _read(request, of_pictures)
    return Response(said.model_dump_json(exclude_none=True), media_type="application/json", headers=headers)


async def _frames(
    request: Request, studio: Studio, job_id: str, wanted: Wanted, event: str
) -> AsyncIterator[bytes]:
    """What is sent: comments while the job waits and runs, then an event for each picture, or an error."""
    work = asyncio.create_task(made(request, studio, job_id))
    try:
        while not (await asyncio.wait({work}, timeout=request.app.state.keep_alive))[0]:
            yield KEEPALIVE_COMMENT
        generation = work.result()
        for image in generation.images:
            of_picture = partial(CompletedEvent.of, studio, generation, image, wanted, event)
            said = await _read(request, of_picture)
            yield format_sse_event(event=event, data_str=said.model_dump_json())
    except ClientGone:
        return
    except NothingMade as fault:
        yield _error_frame(nothing_made(fault)[1])
    except StudioError as error:
        yield _error_frame(fault_body(error)[1])
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _read(request: Request, read: Callable[[], Said]) -> Said:
    """What `read` gives, off the event loop and with no more others beside it than pictures are decoded."""
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        return await run_in_threadpool(read)


def _error_frame(body: dict[str, Any]) -> bytes:
    return format_sse_event(event="error", data_str=json.dumps(body))
