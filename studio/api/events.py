"""The stream of events: what browsers listen to instead of asking again and again."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from studio.api.dependencies import StudioDep
from studio.api.errors import faults
from studio.api.hub import Hub, Reader
from studio.errors import Stopping

router = APIRouter(tags=["Events"])

# Proxies drop a connection that is silent for a minute.
KEEP_ALIVE_SECONDS = 15.0
# How long a browser waits before it connects again.
RETRY_MILLISECONDS = 1000
EVENT_STREAM = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_DIGITS_OF_A_NUMBER = 16
_STREAM: dict[int | str, dict[str, object]] = {
    200: {
        "description": "Events, until one side hangs up.",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    }
}

JobFilter = Annotated[
    str | None,
    Query(
        alias="job",
        description="only what happens to this job, after a first state and the job as it is",
        examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="where to go on; browsers send it when they connect again"),
]


class EventStream(StreamingResponse):
    """An answer that goes on until the reader hangs up or the studio stops.

    Not the framework's own, which encodes each event once for every reader.
    """

    media_type = EVENT_STREAM

    def __init__(self, hub: Hub, reader: Reader) -> None:
        super().__init__(frames(reader, KEEP_ALIVE_SECONDS), headers=_HEADERS)
        self._hub = hub
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.join(self._reader):
            await super().__call__(scope, receive, send)


async def frames(reader: Reader, keep_alive: float) -> AsyncIterator[bytes]:
    """What is sent: events as they come, a comment after so many seconds without one."""
    yield format_sse_event(retry=RETRY_MILLISECONDS)
    while (waiting := await reader.take(keep_alive)) is not None:
        yield waiting or KEEPALIVE_COMMENT


@router.get(
    "/events", response_class=StreamingResponse, responses={**faults(404, 503), **_STREAM},
    summary="What happens, as it happens", operation_id="events",
)  # fmt: skip
async def events(
    request: Request, studio: StudioDep, job_id: JobFilter = None, last_event_id: LastEventId = None
) -> EventStream:
    """Server-sent events. The first is `state`: `{seq, fresh, paused, counts, running, engine}`.

    The websocket `/ws` tells the same as JSON messages {id, event, data}. The state comes again
    whenever it changes, at most five times a second, beside `job_updated` {job},
    `job_completed` {job, generation_id}, `job_failed` {job}, `job_cancelled` {job}, `generation_completed`
    {generation_id, job_id, image_ids}, `generation_deleted` {generation_id}, `images_changed` {ids},
    `grids_changed` {ids}, `model_status_changed` {engine}, with {download} as a model's files come, or
    {added}, its id, as a model joins the catalogue, `queue_paused` {paused}, and `webhooks_changed`
    {job_id} when one was told or tried. A job is told as `GET /queue/{id}` tells it, in its latest form only.
    A state with `fresh` true says that events before it may have been missed. With `--owners` a key that is
    no admin's hears of its own: other jobs, pictures and grids are not told of, `counts` leaves them out, and
    `running` is null while one of them runs.
    """
    if not studio.is_accepting:
        raise Stopping("The studio is shutting down; connect again when it is back.")
    if job_id is not None:
        await run_in_threadpool(studio.job, job_id)
    hub: Hub = request.app.state.hub
    return EventStream(hub, Reader(job_id, sequence_of(last_event_id)))


def sequence_of(last_event_id: str | None) -> int | None:
    """The number of the last event that a reader has; None if it says none that could be."""
    text = last_event_id or ""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS_OF_A_NUMBER else None
