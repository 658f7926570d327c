"""Workers that come back too late, studios that die, and everything at once, on both databases."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from studio.claims import LEASE_SECONDS, MAX_LOST, Claim, Claims
from studio.errors import JobFinished
from studio.job import AttemptOutcome, JobStatus
from tests.builders import a_generation, a_progress
from tests.contract.storage.stores import AnswersGetLost, Stores

# -- fencing ---------------------------------------------------------------------------------------------

ENDS: dict[str, Callable[[Claims, Claim], bool]] = {
    "finish": lambda claims, claim: claims.finish(claim, a_generation(claim.job), "late"),
    "fail": lambda claims, claim: claims.fail(claim, "no", "engine_refused", "late"),
    "requeue": lambda claims, claim: claims.requeue(claim, None, "late"),
    "requeue after an engine failure": lambda claims, claim: claims.requeue(claim, "died", "late"),
    "mark cancelled": lambda claims, claim: claims.mark_cancelled(claim, "late"),
}


@pytest.mark.parametrize("heir", ["first", "second", None], ids=["itself", "another", "nobody"])
@pytest.mark.parametrize("end", ENDS)
def test_a_worker_that_slept_through_its_lease_changes_nothing_and_is_labelled(
    stores: Stores, end: str, heir: str | None
) -> None:
    job_id = stores.add()
    late = stores.claimed("first")
    stores.clock.advance(LEASE_SECONDS + 1)
    assert [job.id for job in stores.claims.release("sweeper")] == [job_id]
    if heir is not None:
        assert stores.claimed(heir).attempt == 2
    before = stores.jobs.get(job_id)

    assert not ENDS[end](stores.claims, late)
    assert not stores.claims.heartbeat(late, a_progress()).ours

    assert stores.jobs.get(job_id) == before
    attempt = stores.jobs.attempts(job_id)[0]
    assert (attempt.outcome, attempt.log_tail) == (AttemptOutcome.LOST, "late")
    assert "too late" in (attempt.error or "")
    assert stores.records.page(limit=9, offset=0).total == 0
    stores.assert_consistent()


def test_the_heir_finishes_whatever_the_late_worker_does(stores: Stores) -> None:
    job_id = stores.add()
    late = stores.claimed("first")
    stores.claims.release()
    heir = stores.claimed("first")
    generation = a_generation(heir.job)

    for end in ENDS.values():
        assert not end(stores.claims, late)
    assert stores.claims.finish(heir, generation)
    for end in ENDS.values():
        assert not end(stores.claims, late)

    assert stores.jobs.get(job_id).generation_id == generation.id
    assert stores.records.page(limit=9, offset=0).total == 1
    assert [attempt.outcome for attempt in stores.jobs.attempts(job_id)] == [
        AttemptOutcome.LOST,
        AttemptOutcome.COMPLETED,
    ]
    stores.assert_consistent()


def test_a_claim_under_another_name_changes_nothing(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed("first")
    before = stores.rows("SELECT * FROM job"), stores.rows("SELECT * FROM attempt")

    for end in ENDS.values():
        assert not end(stores.claims, replace(claim, worker="second"))

    assert (stores.rows("SELECT * FROM job"), stores.rows("SELECT * FROM attempt")) == before


@pytest.mark.parametrize("end", ENDS)
def test_an_end_whose_answer_got_lost_is_known_to_be_recorded(stores: Stores, end: str) -> None:
    stores.add()
    claim = stores.claimed()
    claims = Claims(stores.database, AnswersGetLost(stores.writer), stores.clock)

    assert ENDS[end](claims, claim)

    outcome = stores.jobs.attempts(claim.job.id)[0].outcome
    assert outcome not in (AttemptOutcome.RUNNING, AttemptOutcome.LOST)
    assert stores.jobs.get(claim.job.id).failures == (end == "requeue after an engine failure")
    stores.assert_consistent()


def test_a_second_generation_of_the_same_attempt_is_not_recorded(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()
    assert stores.claims.finish(claim, a_generation(claim.job))

    assert not stores.claims.finish(claim, a_generation(claim.job))
    stores.assert_consistent()


# -- recovering ------------------------------------------------------------------------------------------


def test_at_the_start_every_processing_job_goes_back_to_the_queue(stores: Stores) -> None:
    ids = [stores.add() for _ in range(4)]
    stores.claimed("first")
    stores.claimed("second")
    stores.jobs.request_cancel(ids[1])

    freed = stores.claims.release()

    assert [(job.id, job.status) for job in freed] == [
        (ids[0], JobStatus.PENDING),
        (ids[1], JobStatus.CANCELLED),
    ]
    assert stores.jobs.get(ids[0]).position == 1
    assert stores.jobs.get(ids[0]).failures == 0
    (attempt,) = stores.jobs.attempts(ids[0])
    assert (attempt.outcome, attempt.ended_at) == (AttemptOutcome.LOST, stores.clock.now())
    assert stores.claims.release() == []
    stores.assert_consistent()


def test_a_worker_frees_its_own_jobs_of_an_earlier_life_and_those_whose_lease_ran_out(stores: Stores) -> None:
    expired, alive, own = (stores.add() for _ in range(3))
    stores.claimed("other")
    living = stores.claimed("other")
    stores.clock.advance(LEASE_SECONDS - 1)
    stores.claims.heartbeat(living, a_progress())
    stores.claimed("me")
    stores.clock.advance(2)

    freed = {job.id for job in stores.claims.release("me")}

    assert freed == {expired, own}
    assert stores.jobs.get(alive).status is JobStatus.PROCESSING


def test_a_job_that_runs_each_time_the_studio_dies_is_set_aside(stores: Stores) -> None:
    poison, next_one = stores.add(), stores.add()
    for life in range(1, MAX_LOST + 1):
        assert stores.claimed().job.id == poison
        (job,) = stores.claims.release()
        assert job.status is (JobStatus.FAILED if life == MAX_LOST else JobStatus.PENDING)

    assert stores.jobs.get(poison).error_code == "studio_died"
    assert f"{MAX_LOST} times" in (stores.jobs.get(poison).error or "")
    assert len(stores.jobs.attempts(poison)) == MAX_LOST
    assert stores.claimed().job.id == next_one
    stores.assert_consistent()


def test_being_stopped_never_sets_a_job_aside(stores: Stores) -> None:
    job_id = stores.add()

    for _ in range(MAX_LOST + 2):
        assert stores.claims.requeue(stores.claimed(), None)

    assert stores.jobs.get(job_id).status is JobStatus.PENDING


# -- all at once -----------------------------------------------------------------------------------------


def test_after_a_walk_of_many_threads_counters_attempts_and_pictures_agree(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    held: list[Claim] = []
    start = threading.Barrier(6)

    def walk(seed: int) -> None:
        choose = random.Random(seed)
        start.wait()
        for _ in range(60):
            event = choose.randrange(8)
            if event <= 1:
                stores.add()
            elif event <= 3:
                claim = stores.claims.claim(f"worker {seed}")
                if claim is not None:
                    held.append(claim)
            elif event == 4 and seed == 0:
                stores.claims.release(f"worker {choose.randrange(6)}")
            elif held:
                # Some hold this claim at the same time, or let it go long ago.
                claim = choose.choice(held)
                if event == 5:
                    stores.claims.heartbeat(claim, a_progress())
                elif event == 6:
                    choose.choice(list(ENDS.values()))(stores.claims, claim)
                else:
                    try:
                        stores.jobs.request_cancel(claim.job.id)
                    except JobFinished:
                        continue

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(walk, range(6)))

    assert "deadlock" not in caplog.text
    assert held
    stores.assert_consistent()
