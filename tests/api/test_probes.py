"""For whoever watches over the studio: /healthz, /readyz and /metrics."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from studio.errors import EngineRefused
from tests.api.serving import Served, serving
from tests.fakes import FakeClock

KEY = "the-key-of-the-house"
HEADERS = {"X-Api-Key": KEY}


def samples(served: Served, headers: dict[str, str] | None = None) -> dict[str, float]:
    """{name{labels}: value} of everything that is measured."""
    answer = served.http.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that asks for a key."""
    with serving(tmp_path_factory.mktemp("keyed"), api_key=KEY) as running:
        yield running


def test_a_probe_needs_no_key_and_is_told_no_details(keyed: Served) -> None:
    assert keyed.http.get("/healthz").json() == {"status": "alive"}
    assert keyed.http.get("/readyz").json() == {"status": "ready"}
    assert keyed.http.head("/healthz").status_code == 200
    assert keyed.http.head("/readyz").status_code == 200
    assert keyed.http.post("/readyz").status_code == 401


def test_what_is_measured_needs_the_key(keyed: Served) -> None:
    assert keyed.http.get("/metrics").status_code == 401
    assert keyed.http.get("/metrics", headers=HEADERS).status_code == 200


def test_a_studio_whose_worker_does_not_run_is_not_ready_and_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, start=False) as running:
        answer = running.http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "not ready", "reasons": ["The worker does not run."]}
        assert running.http.get("/healthz").status_code == 200
        running.studio.start()


def test_a_stranger_is_not_told_why_the_studio_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path, start=False, api_key=KEY) as running:
        stranger = running.http.get("/readyz")
        assert (stranger.status_code, stranger.json()) == (503, {"status": "not ready"})
        assert running.http.get("/readyz", headers=HEADERS).json()["reasons"]
        running.studio.start()


def test_outputs_that_cannot_be_written_make_the_studio_not_ready_until_they_can(tmp_path: Path) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock) as running:
        inputs = tmp_path / "outputs" / "inputs"
        shutil.rmtree(inputs, ignore_errors=True)
        inputs.write_text("a file where a folder has to be")

        answer = running.http.get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["The outputs folder can't be written."]
        assert str(tmp_path) not in answer.text
        inputs.unlink()
        # What was seen a moment ago counts for a second, so that probes cost nothing.
        assert running.http.get("/readyz").status_code == 503
        clock.advance(1)
        assert running.http.get("/readyz").status_code == 200


def test_a_database_that_takes_no_changes_makes_the_studio_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        running.studio._on_close()
        answer = running.http.get("/readyz")
        assert answer.status_code == 503
        assert "The database can't be written." in answer.json()["reasons"]


def test_a_studio_that_shuts_down_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        running.studio.stop_accepting()
        answer = running.http.get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["The studio is shutting down."])


def test_jobs_are_measured_by_status_model_and_outcome(tmp_path: Path) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock) as running:
        for _ in range(2):  # the first is counted before the second one's pictures are saved
            running.generation()
        running.engine.faults.append(EngineRefused("no"))
        running.final(running.submit())
        running.engine.hold()
        running.submit()
        running.engine.wait_until_sampling()
        running.submit()
        clock.advance(90)
        running.submit()

        now = samples(running)

        assert now["studio_jobs{status=completed}"] == 2
        assert now["studio_jobs{status=failed}"] == 1
        assert now["studio_jobs{status=processing}"] == 1
        assert now["studio_jobs{status=pending}"] == now["studio_queue_depth"] == 2
        assert now["studio_oldest_pending_seconds"] == 90
        assert now["studio_job_seconds_count{model=demo}{outcome=completed}"] >= 1
        assert now["studio_job_seconds_count{model=demo}{outcome=failed}"] == 1
        assert now["studio_queue_paused"] == 0
        assert now["studio_engine_state{state=busy}"] == 1
        assert now["studio_engine_state{state=ready}"] == 0
        assert now["studio_engine_starts_total"] == 0  # this engine has no process
        assert now["studio_pictures"] == 2
        assert now["studio_picture_bytes"] == running.api.get("/library/stats").json()["bytes"] > 0
        assert now["studio_disk_bytes{what=free}"] > 0
        assert now["studio_disk_bytes{what=database}"] > 4096


def test_a_cancelled_job_is_measured_as_such(own: Served) -> None:
    own.engine.hold()
    job_id = own.submit()
    own.engine.wait_until_sampling()
    own.api.delete(f"/queue/{job_id}")
    own.final(job_id)
    own.engine.release()
    # The job's row ends before it is counted; the next job comes after both.
    own.generation()

    assert samples(own)["studio_job_seconds_count{model=demo}{outcome=cancelled}"] == 1


def test_requests_are_measured_by_the_template_of_their_route_never_by_the_path(own: Served) -> None:
    for secret in ("canary-one", "canary-two"):
        own.api.get(f"/queue/{secret}")
        own.http.get(f"/{secret}")
        own.http.request("CANARY", "/")
    own.http.get("/v1/models")

    now = samples(own)

    assert now["studio_http_requests_total{method=GET}{route=/api/queue/{job_id}}{status=404}"] == 2
    assert now["studio_http_requests_total{method=GET}{route=none}{status=404}"] == 2
    assert now["studio_http_requests_total{method=GET}{route=/v1/models}{status=200}"] == 1
    assert not [name for name in now if "canary" in name.lower()]
