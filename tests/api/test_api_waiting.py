"""Clients that wait: for long, in crowds, until they hang up, and while the studio stops."""

import asyncio
import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.access_log import Heard
from tests.api.serving import PROMPT, Served, picture_file, png, serving


def test_a_wait_that_is_too_long_answers_504_with_the_job_which_lives_on(tmp_path: Path) -> None:
    with serving(tmp_path, wait_seconds=1) as patient:
        patient.engine.hold()
        answer = patient.api.post("/generate", json=PROMPT)
        assert answer.status_code == 504
        job_id = answer.json()["job_id"]
        assert job_id in answer.json()["error"]
        assert patient.job(job_id)["status"] == "processing"
        patient.engine.release()
        assert patient.final(job_id)["status"] == "completed"


def test_a_client_that_hangs_up_leaves_its_job_to_go_on(own: Served) -> None:
    heard, log = Heard("status=499"), logging.getLogger("studio.access")
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    own.engine.hold()
    try:
        body = json.dumps(PROMPT).encode()
        with socket.create_connection(own.address) as connection:
            connection.sendall(
                b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            own.engine.wait_until_sampling()
        assert heard.event.wait(30), "the server still waits for a client that is gone"
    finally:
        log.removeHandler(heard)
    job_id = own.api.get("/queue").json()["jobs"][0]["id"]
    assert own.job(job_id)["status"] == "processing"
    own.engine.release()
    assert own.final(job_id)["status"] == "completed"


def test_more_waiting_clients_than_threads_leave_room_for_others(own: Served) -> None:
    own.engine.hold()
    crowd = 60  # the server's pool has 40 threads

    async def ask() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=f"{own.base}/api", limits=limits, timeout=60, trust_env=False
        ) as client:
            waiting = [asyncio.create_task(client.post("/generate", json=PROMPT)) for _ in range(crowd)]
            stats = {"pending": 0}
            while stats["pending"] < crowd - 1:
                stats = (await client.get("/queue/stats")).json()
            assert (await client.get("/health")).status_code == 200
            assert not any(task.done() for task in waiting)
            own.engine.release()
            return [(await task).status_code for task in waiting]

    assert asyncio.run(ask()) == [200] * crowd


def test_who_waits_while_the_studio_stops_is_told_the_job_goes_on_later(own: Served) -> None:
    own.engine.hold()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(own.generation_answer)
        own.engine.wait_until_sampling()
        own.studio.stop_accepting()
        answer = waiting.result(30)
    assert answer.status_code == 503
    assert own.job(answer.json()["job_id"])["status"] == "processing"
    assert "retry-after" in answer.headers


@pytest.mark.parametrize("first", ["/generate", "/queue/generate"])
def test_the_same_idempotency_key_and_body_give_the_same_job(own: Served, first: str) -> None:
    headers = {"Idempotency-Key": "order 17 ~!"}
    assert own.api.post(first, json=PROMPT, headers=headers).status_code == 200
    again = own.api.post("/queue/generate", json=PROMPT, headers=headers).json()
    waited = own.api.post("/generate", json=PROMPT, headers=headers)
    assert own.api.get("/queue").headers["x-total-count"] == "1"
    assert own.final(again["job_id"])["generation_id"] == waited.json()["id"]


def test_the_same_key_with_another_body_is_409(served: Served) -> None:
    headers = {"Idempotency-Key": "mine"}
    assert served.api.post("/queue/generate", json=PROMPT, headers=headers).status_code == 200
    answer = served.api.post("/queue/generate", json=PROMPT | {"n": 2}, headers=headers)
    assert answer.status_code == 409
    assert "Idempotency-Key" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/edit", "/variation", "/queue/edit", "/queue/variation"])
def test_forms_take_the_key_too_and_a_file_is_part_of_the_body(own: Served, path: str) -> None:
    headers, data = {"Idempotency-Key": "k"}, {"prompt": "red"}
    one = own.api.post(path, files={"image": picture_file()}, data=data, headers=headers)
    same = own.api.post(path, files={"image": picture_file()}, data=data, headers=headers)
    other = own.api.post(path, files={"image": picture_file(png(color="red"))}, data=data, headers=headers)
    assert [answer.status_code for answer in (one, same, other)] == [200, 200, 409]
    key = "job_id" if "queue" in path else "id"
    assert one.json()[key] == same.json()[key]


@pytest.mark.parametrize("key", [b"", b"x" * 201, b"a\tb", b"caf\xc3\xa9"])
def test_a_key_that_is_no_plain_text_is_refused(served: Served, key: bytes) -> None:
    answer = served.api.post("/queue/generate", json=PROMPT, headers={b"Idempotency-Key": key})
    assert answer.status_code == 400
    assert "dempotency-" in answer.json()["error"]


def test_a_repeated_wait_for_pictures_that_were_deleted_says_so(served: Served) -> None:
    headers = {"Idempotency-Key": "deleted"}
    made = served.api.post("/generate", json=PROMPT, headers=headers).json()
    served.api.delete(f"/generations/{made['id']}")
    answer = served.api.post("/generate", json=PROMPT, headers=headers)
    assert answer.status_code == 404
    assert "deleted" in answer.json()["error"]
