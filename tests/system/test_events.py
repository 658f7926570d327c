"""What a plain listener hears while the real engine works: every kind of event, over both ways to listen."""

import json
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.api.listening import Heard, Listener, listening
from tests.system.running import RunningStudio
from tests.system.test_pictures import CIRCLE

pytestmark = pytest.mark.engine


def about(job_id: str, status: str) -> Any:
    """Whether a payload tells that state of that job."""
    return lambda payload: payload["job"]["id"] == job_id and payload["job"]["status"] == status


def check_completed(listener: Listener, studio: RunningStudio) -> str:
    """A job is told from the queue to its pictures; the id of what it made."""
    job_id = studio.submit(**CIRCLE, steps=6)
    heard = listener.until("job_completed", about(job_id, "completed"))
    told = [event.payload["job"] for event in heard if event.name.startswith("job_")]
    mine = [job for job in told if job["id"] == job_id]
    assert [job["status"] for job in mine if job["phase"] == "sampling"], "no step was told"
    assert mine[-1] == studio.job(job_id)
    made = listener.until("generation_completed")[-1]
    assert made.payload["image_ids"] == mine[-1]["image_ids"]
    return str(mine[-1]["generation_id"])


def check_cancelled(listener: Listener, studio: RunningStudio) -> None:
    """One that runs and one that waits are cancelled, and both are told."""
    running = studio.submit(**CIRCLE, steps=100, n=10)
    waiting = studio.submit(**CIRCLE)
    listener.until("job_updated", lambda payload: payload["job"]["phase"] == "sampling")
    with studio.api as api:
        api.delete(f"/queue/{waiting}").raise_for_status()
        api.delete(f"/queue/{running}").raise_for_status()
    left = {running, waiting}
    while left:
        left.discard(listener.until("job_cancelled")[-1].payload["job"]["id"])


def check_the_rest(listener: Listener, studio: RunningStudio, generation: str) -> None:
    """Pausing, a model that goes, and a generation that is deleted."""
    with studio.api as api:
        api.post("/queue/pause").raise_for_status()
        assert listener.until("queue_paused")[-1].payload["paused"] is True
        api.post("/queue/resume").raise_for_status()
        assert listener.until("queue_paused")[-1].payload["paused"] is False
        api.post("/models/demo/start").raise_for_status()
        listener.until("model_status_changed", lambda payload: payload["engine"]["state"] == "ready")
        api.post("/models/demo/stop").raise_for_status()
        listener.until("model_status_changed", lambda payload: payload["engine"]["state"] == "stopped")
        api.delete(f"/generations/{generation}").raise_for_status()
    gone = listener.until("generation_deleted")[-1].payload
    assert gone["generation_id"] == generation


def test_a_listener_hears_of_everything_that_happens(studio: RunningStudio) -> None:
    with listening(studio.base) as listener:
        first: Heard = listener.next()
        assert (first.name, first.payload["fresh"]) == ("state", True)
        generation = check_completed(listener, studio)
        check_cancelled(listener, studio)
        check_the_rest(listener, studio, generation)


def test_who_lost_the_line_hears_what_was_missed(studio: RunningStudio) -> None:
    with listening(studio.base) as keeps_on:
        with listening(studio.base) as listener:
            last = listener.next().id
        job_id = studio.submit(**CIRCLE, steps=2)
        keeps_on.until("job_completed", about(job_id, "completed"))
        with listening(studio.base, last=last) as again:
            heard = again.until("job_completed", about(job_id, "completed"))
    assert "state" not in [event.name for event in heard if event.payload.get("fresh")]


def test_a_websocket_and_a_stream_of_one_job_tell_the_same_end(studio: RunningStudio) -> None:
    job_id = studio.submit(**CIRCLE, steps=8)
    address = f"{studio.base.replace('http', 'ws', 1)}/api/ws?job={job_id}"
    with (
        connect(address, proxy=None, open_timeout=30) as socket,
        listening(studio.base, job=job_id) as listener,
    ):
        message = json.loads(socket.recv(60))
        while message["event"] != "job_completed":
            message = json.loads(socket.recv(60))
        heard = listener.until("job_completed")
    assert message["data"]["job"] == heard[-1].payload["job"] == studio.job(job_id)
