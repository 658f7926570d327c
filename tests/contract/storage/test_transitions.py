"""The life of a job as one table: every status against everything that can happen to it."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from studio.claims import Claim
from studio.errors import JobFinished
from studio.job import TRANSITIONS, AttemptOutcome, Job, JobStatus
from studio.job_table import JobTable
from tests.builders import a_generation, a_progress
from tests.contract.storage.stores import Stores

PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus


def _stay(_stores: Stores, _claim: Claim) -> None:
    pass


END: dict[JobStatus, Callable[[Stores, Claim], object]] = {
    PROCESSING: _stay,
    COMPLETED: lambda stores, claim: stores.claims.finish(claim, a_generation(claim.job)),
    FAILED: lambda stores, claim: stores.claims.fail(claim, "no", "engine_refused"),
    CANCELLED: lambda stores, claim: stores.claims.mark_cancelled(claim),
}

EVENTS: dict[str, Callable[[Stores, Claim], object]] = {
    "claim": lambda stores, _claim: stores.claims.claim("second"),
    "heartbeat": lambda stores, claim: stores.claims.heartbeat(claim, a_progress()),
    "finish": lambda stores, claim: stores.claims.finish(claim, a_generation(claim.job)),
    "fail": lambda stores, claim: stores.claims.fail(claim, "no", "engine_refused"),
    "requeue": lambda stores, claim: stores.claims.requeue(claim, None),
    "requeue after an engine failure": lambda stores, claim: stores.claims.requeue(claim, "died"),
    "mark cancelled": lambda stores, claim: stores.claims.mark_cancelled(claim),
    "request cancel": lambda stores, claim: stores.jobs.request_cancel(claim.job.id),
    "release": lambda stores, _claim: stores.claims.release(),
}

# What a worker that holds the job, or anybody, can do from each status; every other pair changes nothing.
LEADS_TO = {
    (PENDING, "claim"): PROCESSING,
    (PENDING, "request cancel"): CANCELLED,
    (PROCESSING, "heartbeat"): PROCESSING,
    (PROCESSING, "request cancel"): PROCESSING,
    (PROCESSING, "finish"): COMPLETED,
    (PROCESSING, "fail"): FAILED,
    (PROCESSING, "requeue"): PENDING,
    (PROCESSING, "requeue after an engine failure"): PENDING,
    (PROCESSING, "mark cancelled"): CANCELLED,
    (PROCESSING, "release"): PENDING,
}


def _bring_to(stores: Stores, status: JobStatus) -> Claim:
    """A job of that status and the last claim on it; a pending one was claimed and put back."""
    stores.add()
    claim = stores.claimed()
    if status is PENDING:
        assert stores.claims.requeue(claim, None)
    else:
        END[status](stores, claim)
    assert stores.jobs.get(claim.job.id).status is status
    return claim


def _after(stores: Stores, event: str, claim: Claim) -> Job:
    try:
        EVENTS[event](stores, claim)
    except JobFinished:
        assert event == "request cancel"
    return stores.jobs.get(claim.job.id)


@pytest.mark.parametrize(("status", "event"), LEADS_TO, ids=lambda value: str(value))
def test_every_way_of_the_table_is_open(stores: Stores, status: JobStatus, event: str) -> None:
    claim = _bring_to(stores, status)
    before = stores.jobs.get(claim.job.id)

    after = _after(stores, event, claim)

    assert after.status is LEADS_TO[status, event]
    assert after.revision > before.revision
    stores.assert_consistent()


@pytest.mark.parametrize(
    ("status", "event"), [pair for pair in product(JobStatus, EVENTS) if pair not in LEADS_TO],
    ids=lambda value: str(value),
)  # fmt: skip
def test_every_other_way_is_closed_and_changes_nothing(stores: Stores, status: JobStatus, event: str) -> None:
    claim = _bring_to(stores, status)
    before = stores.rows("SELECT * FROM job"), stores.records.page(limit=9, offset=0)

    _after(stores, event, claim)

    assert (stores.rows("SELECT * FROM job"), stores.records.page(limit=9, offset=0)) == before
    stores.assert_consistent()


@pytest.mark.parametrize("status", [COMPLETED, FAILED, CANCELLED])
def test_cancelling_a_finished_job_is_refused_by_name(stores: Stores, status: JobStatus) -> None:
    claim = _bring_to(stores, status)

    with pytest.raises(JobFinished, match=str(status)):
        stores.jobs.request_cancel(claim.job.id)


@pytest.mark.parametrize(
    ("source", "target"),
    [pair for pair in product(JobStatus, JobStatus) if pair[1] not in TRANSITIONS[pair[0]]],
)
def test_the_only_writer_of_the_status_refuses_what_the_table_forbids(
    stores: Stores, source: JobStatus, target: JobStatus
) -> None:
    claim = _bring_to(stores, source)
    table = JobTable(stores.database, stores.clock)

    with pytest.raises(ValueError, match=f"{source} to {target}"):
        stores.writer.run(lambda: table.move(claim.job.id, source, target))

    assert stores.jobs.get(claim.job.id).status is source


@pytest.mark.parametrize(
    ("source", "target"), [(source, target) for source in JobStatus for target in TRANSITIONS[source]]
)
def test_a_move_from_a_status_the_job_has_left_changes_nothing(
    stores: Stores, source: JobStatus, target: JobStatus
) -> None:
    for status in JobStatus:
        if status is not source:
            claim = _bring_to(stores, status)
            before = stores.jobs.get(claim.job.id)
            table = JobTable(stores.database, stores.clock)

            assert not stores.writer.run(partial(table.move, before.id, source, target))

            assert stores.jobs.get(claim.job.id) == before
            if not status.is_final:
                stores.jobs.request_cancel(before.id)
                stores.claims.release()
    stores.assert_consistent()


def test_the_attempts_tell_how_each_execution_ended(stores: Stores) -> None:
    ends = {
        AttemptOutcome.COMPLETED: EVENTS["finish"],
        AttemptOutcome.FAILED: EVENTS["fail"],
        AttemptOutcome.STOPPED: EVENTS["requeue"],
        AttemptOutcome.CANCELLED: EVENTS["mark cancelled"],
        AttemptOutcome.LOST: EVENTS["release"],
    }
    for outcome, end in ends.items():
        stores.add()
        claim = stores.claimed()
        assert stores.jobs.attempts(claim.job.id)[-1].outcome is AttemptOutcome.RUNNING
        stores.clock.advance(7)

        end(stores, claim)

        (attempt,) = stores.jobs.attempts(claim.job.id)
        assert attempt.outcome is outcome
        assert (attempt.number, attempt.worker) == (1, "first")
        assert attempt.ended_at == attempt.started_at + 7
        if not stores.jobs.get(claim.job.id).is_final:
            stores.jobs.request_cancel(claim.job.id)
