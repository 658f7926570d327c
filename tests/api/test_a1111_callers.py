"""What the A1111 door keeps of each caller: its model, its jobs; and ending them."""

import json
import logging
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from studio.api.a1111.callers import MAX_CALLERS, MAX_JOBS, Callers
from tests.api.a1111_client import PROMPT, client
from tests.api.access_log import Heard
from tests.api.serving import Served, serving
from tests.fakes import FakeClock

SIZE: dict[str, Any] = {"width": 128, "height": 128}
IDLE_STATE = {"job": "", "job_count": 0, "job_no": 0, "sampling_step": 0, "sampling_steps": 0}


def asked(served: Served, key: str = "", **body: Any) -> httpx.Response:
    """The answer of txt2img to a caller with this key, on a connection of its own."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    address = f"{served.base}/sdapi/v1/txt2img"
    return httpx.post(address, json={"prompt": PROMPT} | body, headers=headers, timeout=60, trust_env=False)


def door(served: Served, method: str, path: str, key: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = served.http.request(method, f"/sdapi/v1/{path}", headers=headers, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def until_pending(served: Served, count: int) -> None:
    """Returns once so many jobs wait."""
    changed = threading.Event()
    with served.studio.bus.listen(lambda _: changed.set()):
        while True:
            changed.clear()
            if served.api.get("/queue/stats").json()["pending"] >= count:
                return
            assert changed.wait(30), f"{count} jobs never wait"


def test_nobody_who_asks_nothing_has_progress(own: Served) -> None:
    with client(own.base) as api:
        told = api.get_progress()
    assert (told["progress"], told["eta_relative"], told["current_image"]) == (0.0, 0.0, None)
    assert told["state"] | IDLE_STATE == told["state"]


def test_progress_tells_of_the_callers_job_and_of_no_other(tmp_path: Path) -> None:
    clock, heard = FakeClock(), threading.Event()
    with serving(tmp_path, clock=clock) as own, ThreadPoolExecutor(2) as pool:
        own.engine.hold()
        mine = pool.submit(asked, own, "mine", steps=8, batch_size=2)
        own.engine.wait_until_sampling()
        with own.studio.bus.listen(
            lambda _: heard.set(), door(own, "GET", "progress", "mine")["state"]["job"]
        ):
            clock.advance(1)
            own.engine.interrupt()  # makes it report again
            assert heard.wait(30)
        told = door(own, "GET", "progress?skip_current_image=true", "mine")
        assert told["progress"] == 0.5
        assert told["eta_relative"] == 0.4
        state = told["state"]
        assert (state["sampling_step"], state["sampling_steps"], state["job_no"]) == (4, 8, 0)
        assert (state["job_count"], own.job(state["job"])["status"]) == (2, "processing")
        assert told["textinfo"] == "Sampling"
        theirs = pool.submit(asked, own, "theirs")
        until_pending(own, 1)
        told = door(own, "GET", "progress", "theirs")
        assert (told["progress"], told["textinfo"]) == (0.0, "Waiting at place 1 of the queue")
        assert door(own, "GET", "progress")["state"]["job_count"] == 0
        own.engine.release()
        assert (mine.result(30).status_code, theirs.result(30).status_code) == (200, 200)
        assert door(own, "GET", "progress", "mine")["state"]["job_count"] == 0


@pytest.mark.parametrize("how", ["interrupt", "skip"])
def test_interrupting_ends_the_callers_own_job(own: Served, how: str) -> None:
    own.engine.hold()
    with client(own.base) as api, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, own)
        own.engine.wait_until_sampling()
        assert getattr(api, how)() == {}
        answer = waiting.result(30)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The job was cancelled."
    assert own.job(answer.json()["job_id"])["status"] == "cancelled"


def test_nobody_elses_job_is_interrupted(own: Served) -> None:
    own.engine.hold()
    native = own.submit()
    own.engine.wait_until_sampling()
    with ThreadPoolExecutor(2) as pool:
        mine: Future[httpx.Response] = pool.submit(asked, own, "mine")
        until_pending(own, 1)
        door(own, "POST", "interrupt", "theirs")
        assert own.job(native)["status"] == "processing"
        assert own.api.get("/queue/stats").json()["pending"] == 1
        # The one that waits is all that "mine" has: it goes, and the native one that runs stays.
        door(own, "POST", "interrupt", "mine")
        assert mine.result(30).status_code == 409
        assert own.job(native)["status"] == "processing"
    own.engine.release()
    assert own.final(native)["status"] == "completed"


def test_a_job_whose_client_gave_up_is_still_told_of_and_can_be_ended(tmp_path: Path) -> None:
    with serving(tmp_path, wait_seconds=1) as patient:
        patient.engine.hold()
        answer = asked(patient)
        assert answer.status_code == 504
        job_id = answer.json()["job_id"]
        assert door(patient, "GET", "progress")["state"]["job"] == job_id
        door(patient, "POST", "interrupt")
        assert patient.final(job_id)["status"] == "cancelled"
        assert door(patient, "GET", "progress")["state"]["job_count"] == 0


def test_a_client_that_hangs_up_leaves_its_job_to_go_on(own: Served) -> None:
    heard, log = Heard("status=499"), logging.getLogger("studio.access")
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    own.engine.hold()
    try:
        body = json.dumps({"prompt": PROMPT}).encode()
        with socket.create_connection(own.address) as connection:
            connection.sendall(
                b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            own.engine.wait_until_sampling()
        assert heard.event.wait(30), "the server still waits for a client that is gone"
    finally:
        log.removeHandler(heard)
    job_id = door(own, "GET", "progress")["state"]["job"]
    own.engine.release()
    assert own.final(job_id)["status"] == "completed"


def test_the_model_of_the_options_is_that_of_the_callers_following_jobs_only(own: Served) -> None:
    with client(own.base) as api:
        assert api.util_get_current_model() == "demo"
        api.util_set_model("Generator")
        assert api.util_get_current_model() == "generator"
        api.txt2img(prompt=PROMPT, **SIZE)
        assert own.engine.recipes[-1].model == "generator"
        once = {"sd_model_checkpoint": "demo.safetensors [0123456789]"}
        api.txt2img(prompt=PROMPT, override_settings=once, **SIZE)
        assert own.engine.recipes[-1].model == "demo"
        assert api.util_get_current_model() == "generator"
    assert door(own, "GET", "options", "somebody else")["sd_model_checkpoint"] == "demo"
    assert asked(own, "somebody else").json()["parameters"]["width"] is None
    assert own.engine.recipes[-1].model == "demo"


def test_an_override_that_is_not_restored_stays(own: Served) -> None:
    with client(own.base) as api:
        api.txt2img(
            prompt=PROMPT, override_settings={"sd_model_checkpoint": "generator"},
            override_settings_restore_afterwards=False, **SIZE,
        )  # fmt: skip
        assert api.get_options()["sd_model_checkpoint"] == "generator"


def test_clip_skip_is_taken_from_the_options_and_from_a_request(own: Served) -> None:
    seen = []
    with client(own.base) as api:
        for options, override in (({}, {}), ({"CLIP_stop_at_last_layers": 2}, {}), ({}, {"1": 1})):
            api.set_options(options)
            said = {"CLIP_stop_at_last_layers": 1} if override else {}
            api.txt2img(prompt=PROMPT, override_settings=said, **SIZE)
            seen.append(own.engine.recipes[-1].clip_skip)
    assert seen == [None, 2, None]


def test_all_options_can_be_sent_back_as_they_came(own: Served) -> None:
    with client(own.base) as api:
        options = api.get_options()
        options["sd_model_checkpoint"] = "generator"
        assert api.set_options(options) is None
        assert api.get_options() == options


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"sd_model_checkpoint": "sdxl"}, "known: demo"),
        ({"sd_model_checkpoint": 3}, "sd_model_checkpoint"),
        ({"CLIP_stop_at_last_layers": 99}, "1 to 12"),
        ({"sd_vae": "mine.safetensors"}, "sd_vae"),
        ({"samples_format": "jpg"}, "samples_format"),
        ({"no_such": 1}, "no_such"),
        ([], "object"),
    ],
)
def test_options_that_do_not_act_are_refused_and_change_nothing(
    served: Served, options: Any, word: str
) -> None:
    before = door(served, "GET", "options")
    answer = served.http.post("/sdapi/v1/options", json=options)
    assert answer.status_code in (400, 422)
    assert word in answer.json()["detail"]
    assert door(served, "GET", "options") == before


def test_a_model_is_loaded_and_freed(own: Served) -> None:
    door(own, "POST", "reload-checkpoint")
    asked(own)
    assert own.api.get("/models/demo").json()["state"] == "ready"
    door(own, "POST", "unload-checkpoint")
    assert own.api.get("/models/demo").json()["state"] == "stopped"
    door(own, "POST", "unload-checkpoint")


def test_a_model_that_works_is_not_freed(own: Served) -> None:
    own.engine.hold()
    job = own.submit()
    own.engine.wait_until_sampling()
    answer = own.http.post("/sdapi/v1/unload-checkpoint")
    assert (answer.status_code, answer.json()["error"]) == (409, "Conflict")
    own.engine.release()
    own.final(job)


def _request(address: str, key: str = "") -> Request:
    headers = [(b"authorization", key.encode())] if key else []
    return Request({"type": "http", "headers": headers, "client": (address, 1)})


def test_callers_are_told_apart_by_address_and_key_and_the_oldest_is_forgotten() -> None:
    callers = Callers()
    first = callers.of(_request("10.0.0.1"))
    assert callers.of(_request("10.0.0.1")) is first
    assert callers.of(_request("10.0.0.1", "Bearer x")) is not first
    assert callers.of(_request("10.0.0.2")) is not first
    first.model = "generator"
    for number in range(MAX_CALLERS):
        callers.of(_request(f"host {number}"))
    assert callers.of(_request("10.0.0.1")).model is None


def test_a_caller_remembers_only_so_many_jobs() -> None:
    caller = Callers().of(_request("10.0.0.1"))
    for number in range(MAX_JOBS + 5):
        caller.remember(str(number))
    assert (len(caller.jobs), caller.jobs[0]) == (MAX_JOBS, "5")
    caller.forget("7")
    assert "7" not in caller.jobs
