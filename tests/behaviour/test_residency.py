"""Which model is in memory: after its last use, before the first, and when people ask."""

from collections import deque
from pathlib import Path

import pytest

from studio.engine import EngineState, Report
from studio.errors import Conflict, EngineCrashed, StudioError
from studio.job import JobStatus, Phase, Progress
from studio.model import Model
from tests.behaviour.workshop import MODELS, Workshop, open_workshop
from tests.fake_engine import FakeEngine

STOPPED, READY = EngineState.STOPPED, EngineState.READY


class SlowLoader(FakeEngine):
    """Loading, too, stops in the middle while it is held, and fails with the next of `load_faults`."""

    def __init__(self) -> None:
        super().__init__()
        self.load_faults: deque[StudioError] = deque()
        self.loads: list[str] = []

    def load(self, model: Model, report: Report) -> None:
        self.loads.append(model.id)
        self._pause(report, Progress(Phase.LOADING, 0.5))
        if self.load_faults:
            raise self.load_faults.popleft()
        super().load(model, report)


def test_a_model_is_freed_its_time_to_live_after_its_last_use(workshop: Workshop) -> None:
    residency = workshop.worker.residency
    workshop.submit()
    workshop.run()
    workshop.clock.advance(59)
    assert residency.rest() == pytest.approx(1)
    workshop.submit()
    workshop.run()

    workshop.clock.advance(59)
    assert residency.rest() == pytest.approx(1)
    assert workshop.engine.status.state is READY
    workshop.clock.advance(1)
    assert (residency.rest(), workshop.engine.status.state) == (None, STOPPED)
    assert residency.rest() is None


def test_the_time_to_live_counts_from_the_end_of_a_long_job(workshop: Workshop) -> None:
    workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()
    workshop.clock.advance(1000)
    workshop.engine.release()
    assert running.result(30)

    assert workshop.worker.residency.rest() == pytest.approx(60)


def test_a_model_without_a_time_to_live_stays_and_one_of_zero_goes_at_once(workshop: Workshop) -> None:
    workshop.submit(model="resident")
    workshop.run()
    workshop.clock.advance(1e6)
    assert (workshop.worker.residency.rest(), workshop.engine.status.model) == (None, "resident")

    workshop.submit(model="other")
    workshop.run()
    assert (workshop.worker.residency.rest(), workshop.engine.status.state) == (None, STOPPED)


def test_an_idle_studio_frees_its_model_by_itself(workshop: Workshop) -> None:
    workshop.studio.start()
    workshop.wait_for_status(workshop.submit(), JobStatus.COMPLETED)

    while workshop.engine.status.state is not STOPPED:
        workshop.clock.advance(1)


def test_a_preloaded_model_is_ready_before_anybody_asks(tmp_path: Path) -> None:
    models = MODELS + "  early: {name: Early, builtin: demo, preload: true}\n"
    with open_workshop(tmp_path, models=models) as workshop:
        workshop.studio.start()
        workshop.wait_for_engine(READY)

        assert workshop.studio.engine.model == "early"
        assert workshop.engine.recipes == []


def test_a_preload_that_fails_is_told_and_jobs_run_all_the_same(tmp_path: Path) -> None:
    engine = SlowLoader()
    engine.load_faults.append(EngineCrashed("It died while loading."))
    models = MODELS + "  early: {name: Early, builtin: demo, preload: true}\n"
    with open_workshop(tmp_path, engine, models) as workshop:
        job_id = workshop.submit()
        workshop.studio.start()
        workshop.wait_for_status(job_id, JobStatus.COMPLETED)

        state = workshop.studio.models.get("early")
        assert (state.state, state.fault, state.log_tail) == (
            "stopped", "It died while loading.", engine.log_tail,
        )  # fmt: skip
        workshop.studio.models.start("early")
        assert workshop.studio.models.get("early").fault is None


def test_a_wanted_model_is_told_as_loading_until_it_is_there(workshop: Workshop) -> None:
    workshop.prepare()

    state = workshop.studio.models.start("demo")

    assert (state.state, workshop.engine.status.state) == ("loading", STOPPED)
    assert workshop.worker.residency.obey()
    assert workshop.studio.models.get("demo").state == "ready"
    assert not workshop.worker.residency.obey()


def test_of_two_wanted_models_the_last_one_comes(tmp_path: Path) -> None:
    engine = SlowLoader()
    with open_workshop(tmp_path, engine) as workshop:
        workshop.studio.models.start("demo")
        workshop.studio.models.start("resident")

        assert workshop.studio.models.get("demo").state == "stopped"
        assert workshop.worker.residency.obey()
        assert engine.loads == ["resident"]


def test_stopping_a_model_that_is_being_loaded_ends_the_loading(tmp_path: Path) -> None:
    engine = SlowLoader()
    engine.hold()
    with open_workshop(tmp_path, engine) as workshop:
        workshop.studio.start()
        workshop.studio.models.start("demo")
        engine.wait_until_sampling()

        assert workshop.studio.models.stop("demo").state == "stopped"
        assert (engine.status.state, workshop.studio.models.get("demo").fault) == (STOPPED, None)


def test_loading_ends_when_the_studio_stops(tmp_path: Path) -> None:
    engine = SlowLoader()
    engine.hold()
    with open_workshop(tmp_path, engine) as workshop:
        workshop.studio.start()
        workshop.studio.models.start("demo")
        engine.wait_until_sampling()

        workshop.studio.hurry()
        workshop.studio.close()

        assert engine.closed


def test_a_job_that_comes_first_overrules_the_wish_to_stop_its_model(workshop: Workshop) -> None:
    workshop.submit()
    workshop.run()
    model = workshop.studio.catalog.model("demo")

    done = workshop.worker.residency.drop(model)
    with workshop.worker.residency.using(model):
        assert done.is_set()

    assert not workshop.worker.residency.obey()
    assert workshop.engine.status.state is READY


def test_a_model_that_a_job_is_saving_for_may_go(workshop: Workshop) -> None:
    workshop.studio.start()
    model = workshop.studio.catalog.model("demo")
    with workshop.saver_busy():
        job_id = workshop.submit()
        while not workshop.engine.recipes or workshop.worker.uses(model):
            pass

        assert workshop.studio.models.stop("demo").state == "stopped"
    assert workshop.wait_for_status(job_id, JobStatus.COMPLETED).image_ids


def test_a_model_in_use_is_not_stopped(workshop: Workshop) -> None:
    workshop.prepare()
    workshop.submit()
    workshop.engine.hold()
    running = workshop.meanwhile(workshop.run)
    workshop.engine.wait_until_sampling()

    with pytest.raises(Conflict, match="A job is running with model 'demo'"):
        workshop.studio.models.stop("demo")

    workshop.engine.release()
    assert running.result(30)


def test_wanting_what_was_to_go_keeps_it(workshop: Workshop) -> None:
    workshop.submit()
    workshop.run()
    residency, model = workshop.worker.residency, workshop.studio.catalog.model("demo")

    done = residency.drop(model)
    residency.want(model)
    residency.obey()

    assert done.is_set()
    assert workshop.engine.status.state is READY
