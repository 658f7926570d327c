"""The worker's side of the queue, on both databases: claiming, fencing, recovering."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from peewee import IntegrityError

from studio.claims import LEASE_SECONDS, MAX_LOST, Claim, Claims
from studio.errors import JobFinished, NotFound
from studio.job import AttemptOutcome, JobStatus, Phase, Progress
from studio.scheduling import Candidate
from tests.builders import a_generation, a_progress, an_image
from tests.contract.storage.stores import AnswersGetLost, Stores

# -- claiming --------------------------------------------------------------------------------------------


def test_a_claim_takes_the_oldest_pending_job_and_opens_an_attempt(stores: Stores) -> None:
    first, _second = stores.add(), stores.add()

    claim = stores.claimed("gpu")

    job = stores.jobs.get(first)
    assert claim.job == job
    assert (job.status, job.worker, job.attempt) == (JobStatus.PROCESSING, "gpu", 1)
    assert (job.started_at, job.progress, job.position) == (stores.clock.now(), None, None)
    (attempt,) = stores.jobs.attempts(first)
    assert (attempt.number, attempt.worker, attempt.outcome) == (1, "gpu", AttemptOutcome.RUNNING)


def test_an_empty_queue_gives_no_claim(stores: Stores) -> None:
    assert stores.claims.claim("gpu") is None


def test_the_choice_sees_the_waiting_jobs_in_order_and_is_obeyed(stores: Stores) -> None:
    ids = [stores.add(model=model) for model in ("a", "b", "a")]
    seen: list[str] = []

    def pick(candidates: list[Candidate]) -> Candidate:
        seen.extend(candidate.id for candidate in candidates)
        return next(candidate for candidate in candidates if candidate.model == "b")

    claim = stores.claims.claim("gpu", pick)  # type: ignore[arg-type]

    assert seen == ids
    assert claim is not None
    assert claim.job.id == ids[1]


def test_a_choice_that_does_not_wait_gives_no_claim_and_ends(stores: Stores) -> None:
    stores.add()

    assert stores.claims.claim("gpu", lambda _candidates: Candidate("gone", 1, "demo")) is None
    stores.assert_consistent()


def test_eight_threads_claim_four_hundred_jobs_each_exactly_once(stores: Stores) -> None:
    submitted = {stores.add() for _ in range(400)}
    start = threading.Barrier(8)

    def work(place: int) -> list[str]:
        start.wait()
        taken = []
        while (claim := stores.claims.claim(f"worker {place}")) is not None:
            taken.append(claim.job.id)
        return taken

    with ThreadPoolExecutor(8) as threads:
        parts = list(threads.map(work, range(8)))

    claimed = Counter(job_id for part in parts for job_id in part)
    assert set(claimed) == submitted
    assert set(claimed.values()) == {1}
    assert stores.jobs.counts()[JobStatus.PROCESSING] == 400
    stores.assert_consistent()


# -- heartbeats ------------------------------------------------------------------------------------------


def test_a_heartbeat_stores_the_progress_and_renews_the_lease(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()
    stores.clock.advance(LEASE_SECONDS - 1)
    progress = Progress(Phase.SAMPLING, 0.5, 4, 8, 2, 3, 0.25, 9.0)

    beat = stores.claims.heartbeat(claim, progress)

    assert (beat.ours, beat.cancel_requested) == (True, False)
    assert stores.jobs.get(claim.job.id).progress == progress
    stores.clock.advance(LEASE_SECONDS - 1)
    assert stores.claims.release("another") == []


def test_the_time_left_runs_down_between_heartbeats_and_never_below_zero(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()
    stores.claims.heartbeat(claim, a_progress(eta_seconds=10.0))

    def left() -> float | None:
        progress = stores.jobs.get(claim.job.id).progress
        assert progress is not None
        return progress.eta_seconds

    stores.clock.advance(4)
    assert left() == 6
    stores.clock.advance(60)
    assert left() == 0


def test_the_stored_fraction_never_falls(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()

    for fraction, stored in ((0.25, 0.25), (0.75, 0.75), (0.5, 0.75), (1.0, 1.0)):
        stores.claims.heartbeat(claim, a_progress(fraction=fraction))
        progress = stores.jobs.get(claim.job.id).progress
        assert progress is not None
        assert progress.fraction == stored


def test_a_heartbeat_tells_that_somebody_wants_the_job_cancelled(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()
    stores.jobs.request_cancel(claim.job.id)

    assert stores.claims.heartbeat(claim, a_progress()).cancel_requested


# -- finishing -------------------------------------------------------------------------------------------


def test_finishing_stores_the_pictures_and_completes_the_job(stores: Stores) -> None:
    job_id = stores.add(n=3)
    claim = stores.claimed()
    stores.claims.heartbeat(claim, a_progress())
    generation = a_generation(claim.job, count=3)
    stores.clock.advance(9)

    assert stores.claims.finish(claim, generation, log_tail="all good")

    job = stores.jobs.get(job_id)
    assert (job.status, job.generation_id, job.completed_at) == (
        JobStatus.COMPLETED,
        generation.id,
        stores.clock.now(),
    )
    assert (job.progress, job.error, job.error_code) == (None, None, None)
    stored = stores.records.generation(generation.id)
    assert (stored.images, stored.image_count, stored.recipe) == (generation.images, 3, claim.job.recipe)
    assert (stored.job_id, stored.created_at) == (job_id, stores.clock.now())
    assert stores.jobs.attempts(job_id)[0].log_tail == "all good"
    stores.assert_consistent()


def test_a_finish_that_breaks_in_the_middle_stores_nothing_and_can_be_tried_again(stores: Stores) -> None:
    stores.add()
    earlier = stores.claimed()
    stores.claims.finish(earlier, a_generation(earlier.job))
    taken = stores.rows("SELECT id FROM image")[0][0]
    stores.add(n=2)
    claim = stores.claimed()
    generation = a_generation(claim.job, count=2)
    clash = replace(generation, images=(generation.images[0], an_image(generation.id, 1, id=taken)))
    before = stores.rows("SELECT * FROM job ORDER BY seq"), stores.rows("SELECT * FROM attempt ORDER BY seq")

    with pytest.raises(IntegrityError):
        stores.claims.finish(claim, clash)

    assert stores.rows("SELECT * FROM job ORDER BY seq") == before[0]
    assert stores.rows("SELECT * FROM attempt ORDER BY seq") == before[1]
    assert stores.rows("SELECT COUNT(*) FROM image") == [(1,)]
    with pytest.raises(NotFound):
        stores.records.generation(generation.id)
    stores.assert_consistent()
    assert stores.claims.finish(claim, generation)
    stores.assert_consistent()


def test_success_wins_over_a_cancel_that_comes_while_the_files_are_saved(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()
    stores.jobs.request_cancel(claim.job.id)

    assert stores.claims.finish(claim, a_generation(claim.job))

    assert stores.jobs.get(claim.job.id).status is JobStatus.COMPLETED
    with pytest.raises(JobFinished):
        stores.jobs.request_cancel(claim.job.id)


# -- failing, stopping, cancelling ---------------------------------------------------------------------------


def test_a_failed_job_says_why(stores: Stores) -> None:
    stores.add()
    claim = stores.claimed()

    assert stores.claims.fail(claim, "CUDA error: out of memory", "engine_refused", log_tail="tail")

    job = stores.jobs.get(claim.job.id)
    assert (job.status, job.error, job.error_code) == (
        JobStatus.FAILED,
        "CUDA error: out of memory",
        "engine_refused",
    )
    assert job.completed_at == stores.clock.now()
    (attempt,) = stores.jobs.attempts(claim.job.id)
    assert (attempt.error, attempt.log_tail) == ("CUDA error: out of memory", "tail")


def test_an_engine_failure_counts_and_a_stop_does_not(stores: Stores) -> None:
    job_id = stores.add()
    stopped_claim = stores.claimed()
    stores.claims.heartbeat(stopped_claim, a_progress())

    assert stores.claims.requeue(stopped_claim, None)
    stopped = stores.jobs.get(job_id)
    assert (stopped.status, stopped.failures, stopped.error) == (JobStatus.PENDING, 0, None)
    assert (stopped.worker, stopped.progress, stopped.position) == (None, None, 1)

    assert stores.claims.requeue(stores.claimed(), "the engine died")
    failed = stores.jobs.get(job_id)
    assert (failed.status, failed.failures, failed.error) == (JobStatus.PENDING, 1, "the engine died")

    claim = stores.claimed()
    assert claim.attempt == 3
    stores.claims.finish(claim, a_generation(claim.job))
    assert stores.jobs.get(job_id).error is None
    assert [attempt.outcome for attempt in stores.jobs.attempts(job_id)] == [
        AttemptOutcome.STOPPED,
        AttemptOutcome.FAILED,
        AttemptOutcome.COMPLETED,
    ]


def test_a_requeued_job_keeps_its_place_before_younger_ones(stores: Stores) -> None:
    old, _young = stores.add(), stores.add()

    stores.claims.requeue(stores.claimed(), None)

    assert stores.claimed().job.id == old


@pytest.mark.parametrize("error", [None, "the engine died"])
def test_a_job_that_should_be_cancelled_does_not_go_back_to_the_queue(
    stores: Stores, error: str | None
) -> None:
    stores.add()
    claim = stores.claimed()
    stores.jobs.request_cancel(claim.job.id)

    assert stores.claims.requeue(claim, error)

    assert stores.jobs.get(claim.job.id).status is JobStatus.CANCELLED
    assert stores.claims.claim("first") is None
    stores.assert_consistent()


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
