"""The queue as a small model in plain Python, and a machine that asks both and compares every answer."""

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio.claims import LEASE_SECONDS, MAX_LOST, Claim
from studio.errors import IdempotencyMismatch, JobFinished, QueueFull
from studio.job import AttemptOutcome, Generation, JobStatus
from tests.builders import a_generation, a_progress, a_recipe
from tests.contract.storage.stores import Stores

PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
RUNNING, LOST = AttemptOutcome.RUNNING, AttemptOutcome.LOST
MAX_PENDING = 4

WORKERS = st.sampled_from(["first", "second"])
# Which of the claims so far, counted from the newest: late ones are as likely as living ones.
OF_ANY_JOB = 3
AGE = st.sampled_from([0, 0, 0, 1, 1, 2, OF_ANY_JOB])


@dataclass
class ModelJob:
    """What a job should be like."""

    id: str
    status: JobStatus = PENDING
    worker: str | None = None
    lease_until: float = 0.0
    cancel_requested: bool = False
    failures: int = 0
    generation: Generation | None = None
    outcomes: list[AttemptOutcome] = field(default_factory=list)


class QueueMachine(RuleBasedStateMachine):
    """Submitters, two workers that may come back too late, and a studio that dies, in any order."""

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        self.stores = stores
        self.jobs: list[ModelJob] = []
        self.keys: dict[str, tuple[str, ModelJob]] = {}
        self.claims: list[tuple[Claim, ModelJob, Generation]] = []

    @initialize(waiting=st.integers(1, 3), worker=WORKERS)
    def start_with_a_job_in_hand(self, waiting: int, worker: str) -> None:
        self.stores.wipe()
        for _ in range(waiting):
            self.submit(None, "")
        self.claim(worker)

    # -- what faces do -----------------------------------------------------------------------------------

    @rule(key=st.sampled_from([None, None, None, "k1", "k2"]), fingerprint=st.sampled_from(["same", "other"]))
    def submit(self, key: str | None, fingerprint: str) -> None:
        known = self.keys.get(key or "")
        try:
            job = self.stores.jobs.add(
                a_recipe(), max_pending=MAX_PENDING, idempotency_key=key, fingerprint=fingerprint,
                webhook="https://receiver.example/",
            )  # fmt: skip
        except IdempotencyMismatch:
            assert known is not None
            assert known[0] != fingerprint
        except QueueFull:
            assert known is None
            # More may wait than the limit: what goes back to the queue is never turned away.
            assert self._count(PENDING) >= MAX_PENDING
        else:
            if known is not None:
                assert known == (fingerprint, self._job(job.id))
                return
            assert self._count(PENDING) < MAX_PENDING
            self.jobs.append(ModelJob(job.id))
            if key is not None:
                self.keys[key] = (fingerprint, self.jobs[-1])

    @precondition(lambda self: self.jobs)
    @rule(age=AGE, status=st.sampled_from([*JobStatus, PROCESSING]))
    def request_cancel(self, age: int, status: JobStatus) -> None:
        likely = [job for job in self.jobs if job.status is status] or self.jobs
        job = likely[-1 - age % len(likely)]
        try:
            self.stores.jobs.request_cancel(job.id)
        except JobFinished:
            assert job.status.is_final
            return
        assert not job.status.is_final
        if job.status is PENDING:
            job.status = CANCELLED
        else:
            job.cancel_requested = True

    @precondition(lambda self: any(job.generation for job in self.jobs))
    @rule()
    def delete_the_newest_generation(self) -> None:
        job = [job for job in self.jobs if job.generation is not None][-1]
        assert job.generation is not None
        assert tuple(self.stores.records.delete(job.generation.id)) == job.generation.images
        job.generation = None

    # -- what workers do ---------------------------------------------------------------------------------

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        claim = self.stores.claims.claim(worker)
        waiting = [job for job in self.jobs if job.status is PENDING]
        if claim is None:
            assert not waiting
            return
        job = waiting[0]
        job.status, job.worker = PROCESSING, worker
        job.lease_until = self.stores.clock.now() + LEASE_SECONDS
        job.outcomes.append(RUNNING)
        assert (claim.job.id, claim.worker, claim.attempt) == (job.id, worker, len(job.outcomes))
        self.claims.append((claim, job, a_generation(claim.job, count=claim.attempt)))

    @precondition(lambda self: self.claims)
    @rule(worker=st.none() | WORKERS)
    def the_newest_job_changes_hands(self, worker: str | None) -> None:
        """The way into every late return, and too long to be found by chance often enough."""
        claim, _, _ = self._held(0)
        self._release(None)
        self.claim(worker or claim.worker)

    @precondition(lambda self: self.claims)
    @rule(age=AGE)
    def heartbeat(self, age: int) -> None:
        claim, job, _ = self._held(age)
        beat = self.stores.claims.heartbeat(claim, a_progress())
        assert beat.ours == self._is_mine(claim, job)
        if beat.ours:
            assert beat.cancel_requested == job.cancel_requested
            job.lease_until = self.stores.clock.now() + LEASE_SECONDS

    @precondition(lambda self: self.claims)
    @rule(age=AGE, end=st.sampled_from(["finish", "fail", "requeue", "requeue failed", "mark cancelled"]))
    def end(self, age: int, end: str) -> None:
        claim, job, generation = self._held(age)
        mine = self._is_mine(claim, job)
        outcome, answer = self._really_end(end, claim, generation)
        # What an attempt already has on record is confirmed, not denied, to whoever asks a second time.
        recorded = job.outcomes[claim.attempt - 1] is outcome
        if end == "finish":
            recorded = job.generation is generation
        assert answer == (mine or recorded)
        if not mine:
            return
        job.outcomes[claim.attempt - 1] = outcome
        if end == "finish":
            job.status, job.generation = COMPLETED, generation
        elif end == "fail":
            job.status = FAILED
        elif end == "mark cancelled" or job.cancel_requested:
            job.status = CANCELLED
        else:
            job.status = PENDING
            job.failures += end == "requeue failed"

    def _really_end(self, end: str, claim: Claim, generation: Generation) -> tuple[AttemptOutcome, bool]:
        claims = self.stores.claims
        match end:
            case "finish":
                return AttemptOutcome.COMPLETED, claims.finish(claim, generation)
            case "fail":
                return AttemptOutcome.FAILED, claims.fail(claim, "no", "engine_refused")
            case "requeue":
                return AttemptOutcome.STOPPED, claims.requeue(claim, None)
            case "requeue failed":
                return AttemptOutcome.FAILED, claims.requeue(claim, "the engine died")
            case _:
                return AttemptOutcome.CANCELLED, claims.mark_cancelled(claim)

    # -- what happens to them ----------------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([0, LEASE_SECONDS - 1, LEASE_SECONDS + 1]),
        worker=st.sampled_from([None, "first", "second", "sweeper", "sweeper"]),
    )
    def time_passes_and_somebody_cleans_up(self, seconds: float, worker: str | None) -> None:
        self.stores.clock.advance(seconds)
        self._release(worker)

    def _release(self, worker: str | None) -> None:
        now = self.stores.clock.now()
        orphans = [
            job for job in self.jobs
            if job.status is PROCESSING and (worker in (None, job.worker) or job.lease_until < now)
        ]  # fmt: skip
        for job in orphans:
            job.outcomes[-1] = LOST
            if job.cancel_requested:
                job.status = CANCELLED
            else:
                job.status = FAILED if job.outcomes.count(LOST) >= MAX_LOST else PENDING
        freed = self.stores.claims.release(worker)
        assert [(job.id, job.status) for job in freed] == [(job.id, job.status) for job in orphans]

    # -- what always holds -------------------------------------------------------------------------------

    @invariant()
    def every_job_is_as_the_model_says(self) -> None:
        page = self.stores.jobs.page(status=None, limit=1000, offset=0)
        place = 0
        for row, job in zip(page.rows[::-1], self.jobs, strict=True):
            place += job.status is PENDING
            assert (row.id, row.status, row.failures) == (job.id, job.status, job.failures)
            assert row.generation_id == (None if job.generation is None else job.generation.id)
            assert row.position == (place if job.status is PENDING else None)
            assert row.attempt == len(job.outcomes)
        attempts = self.stores.rows("SELECT job_id, number, outcome FROM attempt")
        assert sorted(attempts) == sorted(
            (job.id, number, str(outcome))
            for job in self.jobs
            for number, outcome in enumerate(job.outcomes, start=1)
        )

    @invariant()
    def exactly_the_finished_pictures_are_stored(self) -> None:
        made = [job.generation for job in self.jobs if job.generation is not None]
        stored = self.stores.rows("SELECT generation_id, position, id FROM image")
        assert sorted(stored) == sorted(
            (generation.id, image.index, image.id) for generation in made for image in generation.images
        )
        page = self.stores.records.page(limit=1000, offset=0)
        assert {generation.id for generation in page.rows} == {generation.id for generation in made}
        assert page.total == len(made)

    @invariant()
    def the_tables_agree_with_each_other(self) -> None:
        self.stores.assert_consistent()

    # -- the model ---------------------------------------------------------------------------------------

    def _is_mine(self, claim: Claim, job: ModelJob) -> bool:
        return job.status is PROCESSING and (job.worker, len(job.outcomes)) == (claim.worker, claim.attempt)

    def _held(self, age: int) -> tuple[Claim, ModelJob, Generation]:
        """Mostly a claim whose job still lives: most that can go wrong goes wrong there."""
        alive = [held for held in self.claims if not held[1].status.is_final]
        among = alive if alive and age < OF_ANY_JOB else self.claims
        return among[-1 - age % len(among)]

    def _job(self, job_id: str) -> ModelJob:
        return next(job for job in self.jobs if job.id == job_id)

    def _count(self, status: JobStatus) -> int:
        return sum(job.status is status for job in self.jobs)
