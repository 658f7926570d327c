"""GET and DELETE under /queue: the contract's shapes, pages, phases and cancelling."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.errors import OutOfMemory
from tests.api.serving import Served, serving
from tests.fakes import FakeClock

CONTRACT_FIELDS = {
    "id", "type", "model", "prompt", "negative_prompt", "size", "seed", "n", "quality", "style",
    "source_image_id", "status", "progress", "error", "generation_id", "created_at", "updated_at",
    "started_at", "completed_at",
}  # fmt: skip
FURTHER_FIELDS = {
    "phase",
    "step",
    "steps",
    "eta_seconds",
    "position",
    "attempts",
    "error_code",
    "image",
    "images",
}
NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def test_a_completed_job_has_every_field_of_the_contract(served: Served) -> None:
    job = served.final(served.submit(seed=2**63 - 1, negative_prompt=""))
    assert set(job) >= CONTRACT_FIELDS | FURTHER_FIELDS
    assert (job["status"], job["progress"], job["phase"]) == ("completed", 1.0, None)
    assert (job["seed"], job["negative_prompt"], job["error"]) == (str(2**63 - 1), None, None)
    assert (job["size"], job["steps"], job["attempts"]) == ("128x128", 8, 1)
    times = [job[key] for key in ("created_at", "started_at", "completed_at", "updated_at")]
    assert all(type(time) is int for time in times)
    assert times[:3] == sorted(times[:3])


def test_a_running_job_tells_how_far_it_is_and_a_waiting_one_its_place(tmp_path: Path) -> None:
    clock, told = FakeClock(), threading.Event()
    with serving(tmp_path, clock=clock) as own:
        own.engine.hold()
        running = own.submit()
        own.engine.wait_until_sampling()
        assert own.job(running)["phase"] == "loading"
        with own.studio.bus.listen(lambda _: told.set(), running):
            clock.advance(1)
            own.engine.interrupt()  # makes it report again
            assert told.wait(30)
        first, second = own.submit(), own.submit()
        job = own.job(running)
        assert (job["status"], job["phase"], job["position"]) == ("processing", "sampling", None)
        assert (job["step"], job["steps"], job["image"], job["images"]) == (4, 8, 1, 1)
        assert (job["progress"], job["eta_seconds"], job["attempts"]) == (0.5, 0.4, 1)
        waiting = [own.job(first), own.job(second)]
    assert [(job["phase"], job["position"], job["progress"]) for job in waiting] == [
        ("queued", 1, 0.0),
        ("queued", 2, 0.0),
    ]


def test_the_queue_is_newest_first_in_pages_with_the_total_in_a_header(own: Served) -> None:
    own.engine.hold()
    ids = [own.submit(seed=seed) for seed in range(5)]
    own.engine.wait_until_sampling()
    answer = own.api.get("/queue")
    assert list(answer.json()) == ["jobs", "stats"]
    assert [job["id"] for job in answer.json()["jobs"]] == ids[::-1]
    assert answer.json()["stats"] == {
        "pending": 4, "processing": 1, "completed": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert answer.headers["x-total-count"] == "5"
    page = own.api.get("/queue", params={"limit": 2, "offset": 1})
    assert [job["id"] for job in page.json()["jobs"]] == ids[3:1:-1]
    assert page.headers["x-total-count"] == "5"
    pending = own.api.get("/queue", params={"status": "pending", "limit": 1})
    assert pending.headers["x-total-count"] == "4"
    assert pending.json()["jobs"][0]["status"] == "pending"
    assert own.api.get("/queue/stats").json() == answer.json()["stats"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=ten", "limit"), ("limit=1.5", "limit"),
        ("offset=-1", "offset"), ("offset=99999999999999999999", "offset"), ("status=lost", "status"),
        ("status=", "status"), ("limit=", "limit"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_by_name(served: Served, query: str, field: str) -> None:
    answer = served.api.get(f"/queue?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{field}: ")


def test_a_pending_job_is_cancelled_at_once(own: Served) -> None:
    own.engine.hold()
    own.submit()
    own.engine.wait_until_sampling()
    waiting = own.submit()
    answer = own.api.delete(f"/queue/{waiting}")
    assert answer.status_code == 200
    assert list(answer.json()) == ["success", "job"]
    assert answer.json()["success"] is True
    assert (answer.json()["job"]["id"], answer.json()["job"]["status"]) == (waiting, "cancelled")


def test_a_running_job_is_stopped_and_the_next_one_runs(own: Served) -> None:
    own.engine.hold()
    running, following = own.submit(), own.submit()
    own.engine.wait_until_sampling()
    answer = own.api.delete(f"/queue/{running}")
    assert answer.status_code == 200
    assert answer.json()["job"]["status"] in ("processing", "cancelled")
    assert own.final(running)["status"] == "cancelled"
    own.engine.release()
    assert own.final(following)["status"] == "completed"


def test_a_waiting_client_of_a_cancelled_job_hears_409(own: Served) -> None:
    own.engine.hold()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(own.generation_answer)
        own.engine.wait_until_sampling()
        job_id = own.api.get("/queue").json()["jobs"][0]["id"]
        own.api.delete(f"/queue/{job_id}")
        answer = waiting.result(30)
    assert answer.status_code == 409
    assert answer.json() == {"error": "The job was cancelled.", "job_id": job_id}


def test_a_job_that_is_over_can_not_be_cancelled(served: Served) -> None:
    job = served.final(served.submit())
    answer = served.api.delete(f"/queue/{job['id']}")
    assert answer.status_code == 409
    assert "completed" in answer.json()["error"]


@pytest.mark.parametrize("job_id", [NOBODY, "1", "%2e%2e%2fstudio.db", "..%5c..", "%00", NOBODY.upper(), "é"])
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("DELETE", ""), ("GET", "/attempts")])
def test_an_unknown_job_is_404(served: Served, method: str, tail: str, job_id: str) -> None:
    answer = served.api.request(method, f"/queue/{job_id}{tail}")
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


def test_jobs_wait_while_the_engine_is_being_prepared_and_say_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serving(tmp_path_factory.mktemp("unprepared"), start=False) as unprepared:
        health = unprepared.api.get("/health")
        job = unprepared.job(unprepared.submit())
        assert (health.status_code, health.json()["engine"]["state"]) == (200, "preparing")
        assert (job["status"], job["phase"], job["position"]) == ("pending", "preparing", 1)


def test_a_job_for_which_memory_was_short_says_what_was_switched_on(own: Served) -> None:
    own.engine.faults.append(OutOfMemory("cudaMalloc failed: out of memory"))

    first, second = own.final(own.submit()), own.final(own.submit())

    tiled = "There was too little memory{}, so VAE tiling was switched on."
    assert (first["status"], first["note"]) == ("completed", tiled.format(""))
    assert (second["status"], second["note"]) == ("completed", tiled.format(" before"))
    own.engine.faults.extend(OutOfMemory("cudaMalloc failed: out of memory") for _ in range(4))
    failed = own.final(own.submit())
    assert failed["status"] == "failed"
    assert "also with VAE tiling, text encoders on the CPU and weights in main memory" in failed["error"]
