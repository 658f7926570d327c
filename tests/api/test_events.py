"""GET /events: what is told, in which form, to whom, and how it ends."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from studio.api.hub import Hub
from studio.errors import EngineRefused
from studio.events import IMAGE, about
from tests.api.listening import Heard, Listener, listening
from tests.api.serving import Served, serving
from tests.builders import a_params

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
COUNTS = ("pending", "processing", "completed", "failed", "cancelled")


@pytest.fixture
def listener(own: Served) -> Iterator[Listener]:
    """Somebody who has heard the first state."""
    with listening(own.base) as listener:
        assert listener.next().name == "state"
        yield listener


def hub_of(own: Served) -> Hub:
    """What the stream comes from."""
    (api,) = [route.app for route in own.app.routes if isinstance(route, Mount) and route.path == "/api"]
    assert isinstance(api, FastAPI)
    hub: Hub = api.state.hub
    return hub


def names(heard: list[Heard]) -> list[str]:
    """What happened, without the states, which are told as often as they change."""
    return [event.name for event in heard if event.name not in ("state", "model_status_changed")]


def test_the_first_event_is_the_state_of_everything(own: Served) -> None:
    own.engine.hold()
    running, _waiting = own.submit(), own.submit()
    own.engine.wait_until_sampling()

    with listening(own.base) as listener:
        first = listener.next()

    headers = listener.response.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert (first.name, first.id) == ("state", str(first.payload["seq"]))
    assert set(first.payload) == {"seq", "fresh", "paused", "counts", "running", "engine"}
    assert (first.payload["fresh"], first.payload["paused"]) == (True, False)
    assert first.payload["counts"] == dict.fromkeys(COUNTS, 0) | {"pending": 1, "processing": 1}
    assert first.payload["running"] == own.job(running) | {
        "updated_at": first.payload["running"]["updated_at"]
    }
    assert first.payload["engine"]["state"] == "busy"


def test_a_job_is_told_from_its_submission_to_its_pictures(own: Served, listener: Listener) -> None:
    own.engine.hold()
    job_id = own.submit()
    begun = listener.until("job_updated", lambda told: told["job"]["status"] == "processing")
    own.engine.release()
    heard = [*begun, *listener.until("generation_completed")]

    jobs = [event.payload["job"] for event in heard if "job" in event.payload]
    assert {job["id"] for job in jobs} == {job_id}
    done, made = heard[-2], heard[-1]
    job = own.job(job_id)
    assert (done.name, done.payload) == ("job_completed", {"job": job, "generation_id": job["generation_id"]})
    assert made.payload == {
        "generation_id": job["generation_id"], "job_id": job_id, "image_ids": job["image_ids"],
    }  # fmt: skip
    assert len(job["image_ids"]) == 1
    assert own.api.get(f"/images/{job['image_ids'][0]}").status_code == 200
    state = listener.until("state", lambda told: told["counts"]["completed"] == 1)[-1].payload
    assert (state["fresh"], state["running"], state["engine"]["state"]) == (False, None, "ready")


def test_numbers_rise_by_one(own: Served, listener: Listener) -> None:
    own.submit()
    numbers = [int(event.id) for event in listener.until("generation_completed")]

    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_failed_and_a_cancelled_job_are_told_as_such(own: Served, listener: Listener) -> None:
    own.engine.faults.append(EngineRefused("The engine says no."))
    failing = own.submit()
    failed = listener.until("job_failed")[-1].payload
    own.engine.hold()
    cancelled = own.submit()
    own.engine.wait_until_sampling()
    own.api.delete(f"/queue/{cancelled}")
    gone = listener.until("job_cancelled")[-1].payload

    assert (failed["job"]["id"], failed["job"]["error"]) == (failing, "The engine says no.")
    assert gone == {"job": own.job(cancelled)}


def test_what_happens_to_the_engine_and_the_queue_is_told(own: Served, listener: Listener) -> None:
    own.api.post("/queue/pause")
    paused = listener.until("queue_paused")[-1].payload
    state = listener.until("state")[-1].payload
    own.api.post("/queue/resume")
    resumed = listener.until("queue_paused")[-1].payload
    own.submit()
    engine = listener.until("model_status_changed", lambda told: told["engine"]["state"] == "ready")[-1]

    assert (paused, state["paused"], resumed) == ({"paused": True}, True, {"paused": False})
    assert engine.payload["engine"]["model"] == "demo"


def test_a_deleted_generation_and_a_changed_picture_are_told(own: Served, listener: Listener) -> None:
    made = own.generation()
    own.studio.bus.hint(about(IMAGE, made["data"][0]["id"]))
    changed = listener.until("images_changed")[-1].payload
    own.api.delete(f"/generations/{made['id']}")
    deleted = listener.until("generation_deleted")[-1].payload

    assert changed == {"ids": [made["data"][0]["id"]]}
    assert deleted == {"generation_id": made["id"]}


def test_a_thousand_hints_about_one_job_are_told_at_most_five_times_a_second(own: Served) -> None:
    own.engine.hold()
    job_id = own.submit()
    own.engine.wait_until_sampling()
    with listening(own.base) as listener:
        listener.next()
        for _ in range(1000):
            own.studio.bus.hint(job_id)
        own.api.delete(f"/queue/{job_id}")
        heard = listener.until("job_cancelled")

    # The revision they were about is told once, the wish to cancel at most once more.
    assert names(heard).count("job_updated") <= 2


def test_a_filter_gives_one_job_from_its_present_to_its_end(own: Served) -> None:
    own.engine.hold()
    followed = own.submit()
    own.engine.wait_until_sampling()
    with listening(own.base, job=followed) as listener:
        first, second = listener.next(), listener.next()
        own.submit()
        own.api.post("/queue/pause")
        own.engine.release()
        heard = listener.until("generation_completed")

    assert (first.name, second.name, second.payload["job"]["id"]) == ("state", "job_updated", followed)
    assert {event.payload.get("job_id") or event.payload["job"]["id"] for event in heard} == {followed}
    assert names(heard)[-2:] == ["job_completed", "generation_completed"]


def test_who_follows_a_job_that_is_over_hears_that_at_once(own: Served) -> None:
    job = own.final(own.submit())
    with listening(own.base, job=job["id"]) as listener:
        heard = listener.until("generation_completed")

    assert names(heard) == ["job_completed", "generation_completed"]


@pytest.mark.parametrize("job_id", [NOBODY, "nonsense", ""])
def test_nobody_can_follow_a_job_that_is_not_there(served: Served, job_id: str) -> None:
    answer = served.api.get("/events", params={"job": job_id})

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_who_comes_back_hears_what_was_missed_while_another_listened(own: Served, listener: Listener) -> None:
    with listening(own.base) as other:
        last = other.next().id
    job_id = own.submit()
    told = listener.until("generation_completed")

    with listening(own.base, last=last) as back:
        caught_up = back.until("generation_completed")

    assert names(caught_up) == ["job_completed", "generation_completed"]
    assert caught_up[-1] == told[-1]
    assert caught_up[-2].payload["job"]["id"] == job_id


@pytest.mark.parametrize("last", ["", "0", "nonsense", "9" * 16, "9" * 40, "-1", "1.5"])
def test_a_number_that_leads_nowhere_gives_a_fresh_state(served: Served, last: str) -> None:
    with listening(served.base, last=last) as listener:
        first = listener.next()

    assert (first.name, first.payload["fresh"]) == ("state", True)


def test_what_happened_while_nobody_listened_is_no_gap_anyone_is_led_over(own: Served) -> None:
    with listening(own.base) as listener:
        last = listener.next().id
    # Nobody listens now, once the server has noticed.
    while hub_of(own).is_working:
        own.api.get("/health")
    own.final(own.submit())

    with listening(own.base, last=last) as back:
        first = back.next()

    assert (first.name, first.payload["fresh"], first.payload["counts"]["completed"]) == ("state", True, 1)


def test_more_changes_than_can_be_told_give_a_fresh_state(own: Served) -> None:
    own.api.post("/queue/pause")
    for _ in range(250):
        own.studio.submit(a_params())
    with listening(own.base) as listener:
        assert listener.next().payload["counts"]["pending"] == 250
        own.api.post("/queue/cancel", json={"status": "pending"})
        heard = listener.until("state", lambda told: told["fresh"])

    assert heard[-1].payload["counts"] == dict.fromkeys(COUNTS, 0) | {"cancelled": 250}
    assert "job_cancelled" not in names(heard)


def test_streams_end_by_themselves_when_the_studio_stops(tmp_path: Path) -> None:
    with serving(tmp_path) as own, ExitStack() as stack:
        listeners = [stack.enter_context(listening(own.base)) for _ in range(3)]
        for listener in listeners:
            listener.next()
        own.studio.stop_accepting()

        for listener in listeners:
            assert list(listener.rest()) == []
        late = own.api.get("/events")

    assert late.status_code == 503
    assert int(late.headers["retry-after"]) > 0


def test_a_reader_that_stopped_reading_holds_up_nobody_and_gets_the_newest_state(own: Served) -> None:
    request = f"GET /api/events HTTP/1.1\r\nHost: {own.base[7:]}\r\n\r\n".encode()
    with socket.socket() as sleeper, listening(own.base) as listener:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.settimeout(30)
        sleeper.connect(own.address)
        sleeper.sendall(request)
        received = sleeper.recv(1000)
        # More than the server, the kernel and the hub keep for one reader.
        for number in range(16):
            own.studio.bus.hint(about(IMAGE, f"{number} " + "x" * 700_000))
            listener.until("images_changed")
        own.api.post("/queue/pause")
        listener.until("queue_paused")
        while b'"paused":true' not in received:
            received += sleeper.recv(1 << 20)

    assert received.count(b'"fresh":true') == 2
    assert len(received) < 16 * 700_000


def test_the_key_guards_the_stream_and_a_browser_can_give_it(tmp_path: Path) -> None:
    with serving(tmp_path, api_key="open sesame") as own:
        refused = own.api.get("/events")
        with listening(own.base, Authorization=httpx.BasicAuth("", "open sesame")._auth_header) as listener:
            first = listener.next()

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert first.name == "state"


def test_text_of_others_can_not_break_out_of_an_event(own: Served, listener: Listener) -> None:
    prompt = "one\n\nevent: job_failed\ndata: {}\r\n\rid: 1\u2028<img src=x onerror=alert(1)>"
    own.submit(prompt=prompt)

    heard = listener.until("generation_completed")

    assert heard[-2].payload["job"]["prompt"] == prompt
    assert "job_failed" not in names(heard)
