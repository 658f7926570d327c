"""When memory is short: the engine works with less of it, and the next job knows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.engine import Inputs, Picture, Report
from studio.errors import EngineCrashed, OutOfMemory
from studio.job import JobStatus
from studio.memory_levels import PATIENCE_SECONDS
from studio.model import Model
from studio.recipe import Recipe
from studio.recipes import result_size
from studio.thrift import Thrift
from tests.behaviour.workshop import MODELS, Workshop, open_workshop
from tests.fake_engine import FakeEngine

COMPLETED, FAILED, CANCELLED = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED
TILING, CLIP, OFFLOAD = Thrift
SMALL, LARGE = {"width": 64, "height": 64}, {"width": 512, "height": 512}
TILED = "There was too little memory, so VAE tiling was switched on."
TILED_AGAIN = "There was too little memory before, so VAE tiling was switched on."


class Cramped(FakeEngine):
    """Finds room only with `needed` on: for pictures of at least `pixels`, or with `at_loading` for any.

    `tries` are the rungs that were on each time a picture was asked for, `loads` when a model was loaded for
    its own sake; `meanwhile()` runs before there is no room.
    """

    def __init__(self) -> None:
        super().__init__()
        self.needed: Thrift | None = None
        self.impossible = self.at_loading = False
        self.on_card = True
        self.pixels = 128 * 128
        self.tries: list[list[Thrift]] = []
        self.loads: list[list[Thrift]] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def load(self, model: Model, report: Report) -> None:
        self.loads.append(_on(model))
        self._need(model, self.at_loading)
        super().load(model, report)

    def generate(self, model: Model, recipe: Recipe, inputs: Inputs, report: Report) -> list[Picture]:
        self.tries.append(_on(model))
        width, height = result_size(recipe, model)
        self._need(model, self.at_loading or width * height >= self.pixels)
        return super().generate(model, recipe, inputs, report)

    def _need(self, model: Model, is_large: bool) -> None:
        missing = self.needed is not None and not getattr(model.engine, self.needed)
        if is_large and (self.impossible or missing):
            self.meanwhile()
            raise OutOfMemory("cudaMalloc failed", on_card=self.on_card, while_loading=self.at_loading)


def _on(model: Model) -> list[Thrift]:
    return [rung for rung in Thrift if getattr(model.engine, rung)]


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop whose engine is short of memory."""
    with open_workshop(tmp_path, Cramped()) as workshop:
        yield workshop


def engine_of(workshop: Workshop) -> Cramped:
    assert isinstance(workshop.engine, Cramped)
    return workshop.engine


def did(workshop: Workshop, **changes: object) -> tuple[JobStatus, str | None]:
    """Do one job; how it ended and what it says."""
    job_id = workshop.submit(**changes)
    assert workshop.run()
    job = workshop.job(job_id)
    return job.status, job.note


def tries_of(workshop: Workshop) -> list[list[Thrift]]:
    """What was on in each try since the last time."""
    engine = engine_of(workshop)
    tries, engine.tries = engine.tries, []
    return tries


def test_a_job_that_finds_room_says_nothing(cramped: Workshop) -> None:
    assert did(cramped) == (COMPLETED, None)
    assert tries_of(cramped) == [[]]


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        (TILING, "VAE tiling was"),
        (CLIP, "VAE tiling and text encoders on the CPU were"),
        (
            OFFLOAD,
            "VAE tiling, text encoders on the CPU and weights in main memory until they are needed were",
        ),
    ],
)
def test_a_job_without_room_goes_on_with_less_memory_and_says_so(
    cramped: Workshop, needed: Thrift, words: str
) -> None:
    engine_of(cramped).needed = needed
    job_id = cramped.submit()
    cramped.run()

    job = cramped.job(job_id)
    assert (job.status, job.attempt, job.failures) == (COMPLETED, 1, 0)
    assert job.note == f"There was too little memory, so {words} switched on."
    rungs = [TILING, CLIP, OFFLOAD]
    assert tries_of(cramped) == [rungs[:count] for count in range(rungs.index(needed) + 2)]


def test_what_worked_is_remembered_over_a_restart_for_that_size_and_larger_ones(tmp_path: Path) -> None:
    with open_workshop(tmp_path, Cramped()) as workshop:
        engine_of(workshop).needed = TILING
        assert did(workshop, **LARGE) == (COMPLETED, TILED)

    with open_workshop(tmp_path, Cramped()) as workshop:
        engine_of(workshop).needed = TILING
        assert did(workshop, **LARGE) == (COMPLETED, TILED_AGAIN)
        assert did(workshop, width=768, height=512) == (COMPLETED, TILED_AGAIN)
        assert did(workshop, **SMALL) == (COMPLETED, None)
        assert did(workshop, model="other", **SMALL) == (COMPLETED, None)
        assert tries_of(workshop) == [[TILING], [TILING], [], []]


def test_the_size_of_the_second_pass_counts(cramped: Workshop) -> None:
    engine_of(cramped).needed = TILING
    engine_of(cramped).pixels = 512 * 512
    hires = {"scale": 2.0}
    assert did(cramped, width=256, height=256, hires=hires) == (COMPLETED, TILED)
    assert did(cramped, width=256, height=256) == (COMPLETED, None)
    assert did(cramped, **LARGE) == (COMPLETED, TILED_AGAIN)


def test_what_was_loaded_stays_on_for_smaller_jobs_while_the_model_stays(cramped: Workshop) -> None:
    engine_of(cramped).needed = CLIP
    did(cramped, **LARGE)
    tries_of(cramped)

    status, note = did(cramped, **SMALL)
    assert note == "There was too little memory before, so text encoders on the CPU were switched on."
    assert status is COMPLETED
    did(cramped, model="other", **SMALL)
    assert did(cramped, **SMALL) == (COMPLETED, None)
    # Loading anew would cost more than the slower encoders; tiling is each job's own.
    assert tries_of(cramped) == [[CLIP], [], []]


def test_an_entry_that_changed_begins_anew(tmp_path: Path) -> None:
    with open_workshop(tmp_path, Cramped()) as workshop:
        engine_of(workshop).needed = OFFLOAD
        did(workshop)

    changed = MODELS.replace("ttl: 60,", "ttl: 60, engine: {diffusion_fa: true},")
    with open_workshop(tmp_path, Cramped(), models=changed) as workshop:
        assert did(workshop) == (COMPLETED, None)
        assert tries_of(workshop) == [[]]


def test_after_a_week_one_rung_less_is_tried(cramped: Workshop) -> None:
    engine_of(cramped).needed = CLIP
    did(cramped)
    engine_of(cramped).unload()
    tries_of(cramped)

    cramped.clock.advance(PATIENCE_SECONDS)
    did(cramped)
    assert tries_of(cramped) == [[TILING], [TILING, CLIP]]
    engine_of(cramped).unload()
    did(cramped)
    assert tries_of(cramped) == [[TILING, CLIP]]


def test_when_nothing_helps_the_job_fails_at_once_and_says_what_was_tried(cramped: Workshop) -> None:
    engine_of(cramped).impossible = True
    job_id = cramped.submit()
    cramped.run()

    job = cramped.job(job_id)
    assert (job.status, job.error_code, job.attempt) == (FAILED, "out_of_memory", 1)
    assert job.error == (
        "The engine ran out of memory (cudaMalloc failed), also with VAE tiling, text encoders on the CPU "
        "and weights in main memory until they are needed: use a smaller picture, or a smaller or more "
        "quantised model, or end other programs."
    )
    assert len(tries_of(cramped)) == 4
    # It is not known what would have worked.
    engine_of(cramped).impossible = False
    engine_of(cramped).unload()
    assert did(cramped) == (COMPLETED, None)


def test_a_job_that_forbids_tiling_is_told_so_when_that_alone_could_help(cramped: Workshop) -> None:
    engine_of(cramped).needed = TILING
    engine_of(cramped).on_card = False
    job_id = cramped.submit(vae_tiling=False)
    cramped.run()

    job = cramped.job(job_id)
    assert (job.status, job.note) == (FAILED, None)
    assert job.error is not None and "): let this job use VAE tiling, or" in job.error
    assert tries_of(cramped) == [[]]


def test_main_memory_that_ran_out_is_not_filled_further(cramped: Workshop) -> None:
    engine_of(cramped).needed = OFFLOAD
    engine_of(cramped).on_card = False
    assert did(cramped) == (FAILED, TILED)
    assert tries_of(cramped) == [[], [TILING]]


def test_a_cancel_between_two_tries_wins(cramped: Workshop) -> None:
    engine_of(cramped).needed = CLIP
    job_id = cramped.submit()

    def cancel() -> None:
        cramped.studio.cancel(job_id)

    engine_of(cramped).meanwhile = cancel
    cramped.run()

    assert cramped.job(job_id).status is CANCELLED
    assert tries_of(cramped) == [[]]


def test_a_shutdown_between_two_tries_puts_the_job_back(cramped: Workshop) -> None:
    engine_of(cramped).needed = CLIP
    job_id = cramped.submit()
    engine_of(cramped).meanwhile = cramped.worker.hurry
    cramped.run()

    job = cramped.job(job_id)
    assert (job.status, job.failures) == (JobStatus.PENDING, 0)
    assert tries_of(cramped) == [[]]


def test_the_note_of_an_earlier_attempt_goes_when_the_next_finds_room(cramped: Workshop) -> None:
    engine = engine_of(cramped)
    engine.needed = TILING
    job_id = cramped.submit()
    engine.faults.append(EngineCrashed("The engine died."))
    cramped.run()
    assert (cramped.job(job_id).status, cramped.job(job_id).note) == (JobStatus.PENDING, TILED)

    engine.needed = None
    cramped.run()
    job = cramped.job(job_id)
    assert (job.status, job.attempt, job.note) == (COMPLETED, 2, None)


def test_a_model_that_has_no_room_to_load_climbs_as_well_and_its_jobs_know(cramped: Workshop) -> None:
    engine = engine_of(cramped)
    engine.needed, engine.at_loading = CLIP, True
    cramped.prepare()
    cramped.studio.models.start("demo")
    assert cramped.worker.step()
    # Nothing is decoded while loading: tiling alone is not tried.
    assert engine.loads == [[], [TILING, CLIP]]
    assert cramped.studio.models.get("demo").state == "ready"

    engine.unload()
    status, note = did(cramped, **SMALL)
    assert (status, note) == (
        COMPLETED,
        "There was too little memory before, so VAE tiling and text encoders on the CPU were switched on.",
    )
    assert tries_of(cramped) == [[TILING, CLIP]]


def test_a_model_that_can_not_be_loaded_at_all_says_what_was_tried(cramped: Workshop) -> None:
    engine = engine_of(cramped)
    engine.impossible = engine.at_loading = True
    cramped.prepare()
    cramped.studio.models.start("demo")
    cramped.worker.step()
    fault = cramped.studio.models.get("demo").fault
    assert fault is not None and "also with VAE tiling, text encoders on the CPU and weights" in fault
    assert engine.loads == [[], [TILING, CLIP], [TILING, CLIP, OFFLOAD]]
