"""The events of the studio over a websocket, for clients that have no event stream."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from studio.api.errors import to_response
from studio.api.events import KEEP_ALIVE_SECONDS, sequence_of
from studio.api.hub import Hub, Reader
from studio.errors import NotFound, Stopping, StudioError
from studio.service import Studio

router = APIRouter()

# What is sent when nothing happened for a while.
KEEP_ALIVE = json.dumps({"event": "keep_alive"})
# "Service restart": clients come again.
RESTARTING = 1012


@router.websocket("/ws")
async def listen(
    socket: WebSocket,
    job_id: Annotated[str | None, Query(alias="job")] = None,
    last_event_id: Annotated[str | None, Query()] = None,
) -> None:
    """Each message is JSON: {id, event, data}, with the events of `GET /events` and what they carry.

    `job` and `last_event_id` of the address mean what they mean there. What a client says is not heard.
    """
    studio: Studio = socket.app.state.studio
    try:
        if not studio.is_accepting:
            raise Stopping("The studio is shutting down; connect again when it is back.")
        if job_id is not None:
            await run_in_threadpool(studio.job, job_id)
    except (NotFound, Stopping) as fault:
        await _refuse(socket, fault)
        return
    hub: Hub = socket.app.state.hub
    reader = Reader(job_id, sequence_of(last_event_id))
    await socket.accept()
    with hub.join(reader):
        await _either(_speak(socket, reader), _until_gone(socket))


async def _refuse(socket: WebSocket, fault: StudioError) -> None:
    """Answer the handshake with the fault, where the server can; else close it."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(to_response(fault))
    else:
        await socket.close(1008, fault.message[:100])


async def _speak(socket: WebSocket, reader: Reader) -> None:
    """Send what happens until the studio stops, and then say goodbye."""
    while (events := await reader.next(KEEP_ALIVE_SECONDS)) is not None:
        for event in events:
            await socket.send_text(event.text)
        if not events:
            await socket.send_text(KEEP_ALIVE)
    await socket.close(RESTARTING, "The studio is shutting down.")


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _either(*works: Coroutine[None, None, None]) -> None:
    """Do these until the first of them is done; that the other side is gone is no fault."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        fault = task.exception()
        if fault is not None and not isinstance(fault, WebSocketDisconnect):
            raise fault
