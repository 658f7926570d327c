from itertools import product

import pytest

from studio.errors import (
    BadResult,
    EngineCrashed,
    EngineRefused,
    EngineStalled,
    EngineUnavailable,
    InvalidRequest,
    StorageFull,
    StudioError,
)
from studio.job import MAX_FAILURES, TRANSITIONS, JobStatus, after_error
from tests.builders import a_job, a_recipe

PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus

OPEN_WAYS = {
    (PENDING, PROCESSING),
    (PENDING, CANCELLED),
    (PROCESSING, PENDING),
    (PROCESSING, COMPLETED),
    (PROCESSING, FAILED),
    (PROCESSING, CANCELLED),
}


@pytest.mark.parametrize(("source", "target"), list(product(JobStatus, JobStatus)))
def test_these_ways_are_open_and_no_others(source: JobStatus, target: JobStatus) -> None:
    assert (target in TRANSITIONS[source]) is ((source, target) in OPEN_WAYS)


@pytest.mark.parametrize(
    ("status", "final"),
    [(PENDING, False), (PROCESSING, False), (COMPLETED, True), (FAILED, True), (CANCELLED, True)],
)
def test_a_status_without_a_way_out_is_final(status: JobStatus, final: bool) -> None:
    assert status.is_final is final
    assert a_job(status=status).is_final is final


@pytest.mark.parametrize("error", [EngineCrashed("died of SIGKILL"), EngineStalled("no step for 300 s")])
def test_an_engine_that_died_or_stalled_is_tried_once_more_then_the_job_is_named(error: StudioError) -> None:
    assert after_error(error, 0) == (PENDING, error.message)

    status, sentence = after_error(error, 1)

    assert MAX_FAILURES == 2
    assert status is FAILED
    assert sentence.startswith(error.message)
    assert "2 times" in sentence
    assert after_error(error, 5)[0] is FAILED


@pytest.mark.parametrize(
    "error",
    [
        EngineRefused("generation_failed"),
        BadResult("one flat colour"),
        EngineUnavailable("no compiler"),
        StorageFull("no room"),
        InvalidRequest("too wide", field="size"),
    ],
)
@pytest.mark.parametrize("failures", [0, 1])
def test_an_answer_that_would_be_the_same_again_fails_at_once_with_its_reason(
    error: StudioError, failures: int
) -> None:
    assert after_error(error, failures) == (FAILED, error.message)


def test_a_position_is_a_view_and_not_part_of_what_a_job_is() -> None:
    job = a_job(position=1)

    assert job == a_job(id=job.id, position=9)
    assert job != a_job(id=job.id, position=1, revision=1)


def test_the_type_of_a_job_is_that_of_its_recipe() -> None:
    assert a_job(recipe=a_recipe(type="variation", input_image="ab" * 32)).type == "variation"
