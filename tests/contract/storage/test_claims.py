"""The worker's side of the queue, on both databases: claiming, fencing, recovering."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from peewee import IntegrityError

from studio.claims import LEASE_SECONDS
from studio.errors import JobFinished, NotFound
from studio.job import AttemptOutcome, JobStatus, Phase, Progress
from studio.scheduling import Candidate
from tests.builders import a_generation, a_progress, an_image
from tests.contract.storage.stores import Stores

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
        # To lose a race for one job is no reason to go without while others wait.
        assert stores.jobs.counts()[JobStatus.PENDING] == 0
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
