from dataclasses import fields
from typing import Any

import pytest

from studio.job import Attempt, AttemptOutcome, Generation, JobStatus, Phase
from studio.rows import (
    image_columns,
    no_progress,
    progress_columns,
    to_attempt,
    to_generation,
    to_image,
    to_job,
)
from tests.builders import a_progress, a_recipe, an_image


def a_row(**changes: Any) -> dict[str, Any]:
    """A job as the database gives it."""
    return {
        "id": "0197", "seq": 3, "status": "processing", "recipe": a_recipe().model_dump_json(),
        "created_at": 1.5, "updated_at": 2.5, "started_at": 2.0, "completed_at": None, "error": None,
        "error_code": None, "generation_id": None, "worker": "gpu", "attempt": 1, "failures": 0,
        "revision": 4, "cancel_requested_at": None, "source_image_id": None, "parent_id": None,
        "batch_id": None, "cell": None, "owner": "ada", "webhook": None, "note": "It was slow.",
        **no_progress(), **changes,
    }  # fmt: skip


def test_every_field_of_a_job_is_filled_from_its_row() -> None:
    row = a_row(
        completed_at=3.0, error="no", error_code="engine_refused", generation_id="g", failures=1,
        cancel_requested_at=2.75, source_image_id="s", parent_id="p",
        **progress_columns(a_progress(), now=10.0),
    )  # fmt: skip

    job = to_job(row, now=10.0, position=2, image_ids=["i"])

    assert job.progress == a_progress()
    assert job.recipe == a_recipe()
    own = {field.name for field in fields(job)} - {"status", "recipe", "progress", "position", "image_ids"}
    assert {name: getattr(job, name) for name in own} == {name: row[name] for name in own}
    assert (job.status, job.position, job.image_ids) == (JobStatus.PROCESSING, 2, ("i",))


def test_progress_survives_the_way_through_the_columns() -> None:
    for progress in (
        a_progress(),
        a_progress(fraction=0.0, step=0, image=0, seconds_per_step=None, eta_seconds=None),
        a_progress(phase=Phase.LOADING, eta_seconds=0.0),
    ):
        assert to_job(a_row(**progress_columns(progress, now=100.0)), now=100.0).progress == progress


def test_the_time_left_is_counted_from_now_and_stops_at_zero() -> None:
    row = a_row(**progress_columns(a_progress(eta_seconds=8.0), now=100.0))

    left = [to_job(row, now=now).progress for now in (100.0, 105.0, 108.0, 200.0)]

    assert [progress and progress.eta_seconds for progress in left] == [8.0, 3.0, 0.0, 0.0]


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.PROCESSING])
def test_only_a_processing_job_shows_progress(status: JobStatus) -> None:
    row = a_row(status=str(status), **progress_columns(a_progress(), now=1.0))

    assert to_job(row, now=1.0).progress is None


def test_a_claimed_job_shows_none_until_its_first_heartbeat() -> None:
    assert to_job(a_row(), now=1.0).progress is None


def test_a_picture_survives_the_way_through_the_columns() -> None:
    image = an_image("g", 3, size=2**40, seed=2**63 - 1, revised_prompt="nicer")

    assert to_image(image_columns(image)) == image


def test_a_generation_has_the_pictures_it_is_given() -> None:
    row = {
        "id": "g", "seq": 1, "job_id": "j", "recipe": a_recipe(seed=0).model_dump_json(), "created_at": 1.0,
        "updated_at": 2.0, "image_count": 2, "owner": "ada", "made_with": None,
    }  # fmt: skip
    images = [an_image("g", 0), an_image("g", 1)]

    assert to_generation(row).images == ()
    assert to_generation(row, images) == Generation(
        "g", 1, "j", a_recipe(seed=0), 1.0, 2.0, 2, tuple(images), "ada"
    )


def test_an_attempt_keeps_its_reason_and_the_end_of_its_log() -> None:
    row = {
        "number": 2, "worker": "gpu", "outcome": "lost", "started_at": 1.0, "ended_at": 2.0,
        "error": "too late", "log_tail": "tail",
    }  # fmt: skip

    assert to_attempt(row) == Attempt(2, "gpu", AttemptOutcome.LOST, 1.0, 2.0, "too late", "tail")
