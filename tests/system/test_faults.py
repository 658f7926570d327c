"""What a person loses when something dies: nothing. Real processes, real signals, the real engine."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.system.running import RunningStudio, engines_of, running_studio, until

pytestmark = pytest.mark.engine

# Long enough to be caught in the act on any machine.
SLOW = {"prompt": "a red house at night", "size": "160x160", "steps": 100, "seed": 5}
QUICK = {"prompt": "a red circle on a blue background", "seed": 7, "steps": 4}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


def test_kill_9_of_the_studio_loses_no_job_and_makes_none_twice(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        jobs = [studio.submit(**{**QUICK, "seed": seed}) for seed in range(19)]
        jobs.insert(3, studio.submit(**SLOW))
        until(lambda: studio.job(jobs[4])["status"] == "completed")
        until(lambda: any(studio.job(job)["status"] == "processing" for job in jobs))
        studio.process.kill()
        studio.process.wait(10)
    until(lambda: not engines_of(outputs), 10)
    with running_studio(outputs, engine_binary, "--stop-seconds", "5") as studio:
        slow = jobs.pop(3)
        ended = [studio.final(job) for job in jobs]
        assert [job["status"] for job in ended] == ["completed"] * 19
        with studio.api as api:
            if studio.job(slow)["status"] != "completed":
                assert studio.final(slow, 300)["status"] == "completed"
            generations = api.get("/generations").json()
            stats = api.get("/queue/stats").json()
        assert len(generations) == 20
        assert len({job["generation_id"] for job in ended}) == 19
        assert stats == {"pending": 0, "processing": 0, "completed": 20, "failed": 0, "cancelled": 0}
        assert len(list((outputs / "images").rglob("*.png"))) == 20
        assert len(engines_of(outputs)) == 1
        assert studio.stop() == 0
    assert engines_of(outputs) == []


def test_kill_9_of_the_engine_ends_in_a_second_attempt_that_says_so(
    outputs: Path, engine_binary: Path
) -> None:
    with running_studio(outputs, engine_binary) as studio:
        job_id = studio.submit(**{**SLOW, "steps": 40})
        studio.sampling(job_id)
        first = studio.engine_pid()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        job = studio.final(job_id)
        assert (job["status"], job["attempts"]) == ("completed", 2)
        with studio.api as api:
            attempts = api.get(f"/queue/{job_id}/attempts").json()
        assert [attempt["outcome"] for attempt in attempts] == ["failed", "completed"]
        assert "killed" in attempts[0]["error"].lower() or "signal" in attempts[0]["error"].lower()
        assert studio.engine_pid() != first


def test_a_job_that_ends_the_engine_twice_is_set_aside_and_the_next_one_runs(
    outputs: Path, engine_binary: Path
) -> None:
    with running_studio(outputs, engine_binary) as studio:
        poison, good = studio.submit(**SLOW), studio.submit(**QUICK)
        for attempt in (1, 2):
            until(lambda: studio.sampling(poison)["attempts"] == attempt)  # noqa: B023
            pid = studio.engine_pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            psutil.Process(pid).wait(10) if psutil.pid_exists(pid) else None
        job = studio.final(poison)
        assert job["status"] == "failed"
        assert "2 times" in job["error"]
        assert studio.final(good)["status"] == "completed"


def test_a_stopped_engine_is_noticed_and_the_job_recovers(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        job_id = studio.submit(**{**SLOW, "steps": 40})
        studio.sampling(job_id)
        frozen = studio.engine_pid()
        assert frozen is not None
        os.kill(frozen, signal.SIGSTOP)
        job = studio.final(job_id)
        assert (job["status"], job["attempts"]) == ("completed", 2)
        assert not psutil.pid_exists(frozen)


def test_cancelling_a_running_job_stops_it_and_the_next_one_runs(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        running, waiting, following = studio.submit(**SLOW), studio.submit(**QUICK), studio.submit(**QUICK)
        studio.sampling(running)
        with studio.api as api:
            first = api.delete(f"/queue/{waiting}").json()
            second = api.delete(f"/queue/{running}").json()
            assert first == {"success": True, "job": studio.job(waiting)}
            assert first["job"]["status"] == "cancelled"
            assert second["job"]["status"] in ("processing", "cancelled")
            assert studio.final(running)["status"] == "cancelled"
            assert studio.final(following)["status"] == "completed"
            assert studio.final(waiting)["status"] == "cancelled"
            again = api.delete(f"/queue/{running}")
        assert again.status_code == 409
        assert studio.job(running)["generation_id"] is None


def test_cancelling_while_the_model_loads_stops_the_engine(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        job_id = studio.submit(**SLOW)
        until(lambda: studio.job(job_id)["status"] == "processing")
        with studio.api as api:
            api.delete(f"/queue/{job_id}")
        assert studio.final(job_id)["status"] == "cancelled"
        assert studio.final(studio.submit(**QUICK))["status"] == "completed"


def test_a_second_studio_on_the_same_outputs_is_refused(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        assert studio.base
        second = RunningStudio(outputs, engine_binary)
        assert second.process.wait(60) == 75
        until(lambda: any(f"process {studio.process.pid}" in line for line in second.log))


def test_sigterm_drains_and_leaves_nothing_behind(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary) as studio:
        job_id, waiting = studio.submit(**{**SLOW, "steps": 20}), studio.submit(**QUICK)
        studio.sampling(job_id)
        assert studio.stop() == 0
    assert engines_of(outputs) == []
    with running_studio(outputs, engine_binary) as studio:
        assert (studio.job(job_id)["status"], studio.job(job_id)["attempts"]) == ("completed", 1)
        assert studio.final(waiting)["status"] == "completed"


def test_a_second_signal_puts_the_running_job_back_at_once(outputs: Path, engine_binary: Path) -> None:
    with running_studio(outputs, engine_binary, "--stop-seconds", "3600") as studio:
        job_id = studio.submit(**SLOW)
        studio.sampling(job_id)
        studio.process.send_signal(signal.SIGINT)
        until(lambda: any("draining" in line for line in studio.log))
        assert studio.stop(signal.SIGINT) == 0
    assert engines_of(outputs) == []
    with running_studio(outputs, engine_binary) as studio:
        job = until(lambda: studio.job(job_id))
        assert job["status"] in ("pending", "processing")
        with studio.api as api:
            attempts = api.get(f"/queue/{job_id}/attempts").json()
        assert attempts[0]["outcome"] == "stopped"


def test_configuration_faults_are_told_together(outputs: Path, engine_binary: Path) -> None:
    studio = RunningStudio(
        outputs, engine_binary, ("--port", "70000", "--log-level", "loud", "--models", "none.yml")
    )
    assert studio.process.wait(60) == 2
    told = until(lambda: "\n".join(studio.log) if len(studio.log) > 3 else None)
    for word in ("STUDIO_PORT", "STUDIO_LOG_LEVEL", "none.yml"):
        assert word in told
