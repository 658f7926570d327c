"""The queue as a small model in plain Python, and a machine that asks both and compares every answer."""

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio.claims import LEASE_SECONDS, MAX_LOST, Claim
from studio.errors import IdempotencyMismatch, JobFinished, NotFound, QueueFull
from studio.job import AttemptOutcome, Generation, JobStatus
from tests.builders import a_generation, a_progress, a_recipe
from tests.contract.storage.stores import Stores

PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
RUNNING, LOST = AttemptOutcome.RUNNING, AttemptOutcome.LOST
MAX_PENDING = 4

WORKERS = st.sampled_from(["first", "second"])
# Which of the claims so far, counted from the newest, so that late ones are as likely as living ones.
AGE = st.integers(0, 5)


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

    @initialize()
    def start_empty(self) -> None:
        self.stores.wipe()

    # -- what faces do -----------------------------------------------------------------------------------

    @rule(key=st.sampled_from([None, None, None, "k1", "k2"]), fingerprint=st.sampled_from(["same", "other"]))
    def submit(self, key: str | None, fingerprint: str) -> None:
        known = self.keys.get(key or "")
        try:
            job = self.stores.jobs.add(
                a_recipe(), max_pending=MAX_PENDING, idempotency_key=key, fingerprint=fingerprint
            )
        except IdempotencyMismatch:
            assert known is not None
            assert known[0] != fingerprint
        except QueueFull:
            assert known is None
            assert self._count(PENDING) == MAX_PENDING
        else:
            if known is not None:
                assert known == (fingerprint, self._job(job.id))
                return
            assert self._count(PENDING) < MAX_PENDING
            self.jobs.append(ModelJob(job.id))
            if key is not None:
                self.keys[key] = (fingerprint, self.jobs[-1])

    @precondition(lambda self: self.jobs)
    @rule(age=AGE)
    def request_cancel(self, age: int) -> None:
        job = self.jobs[-1 - age % len(self.jobs)]
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
    @rule(age=AGE)
    def heartbeat(self, age: int) -> None:
        claim, job, _ = self._held(age)
        beat = self.stores.claims.heartbeat(claim, a_progress())
        assert beat.ours == self._is_mine(claim, job)
        if beat.ours:
            assert beat.cancel_requested == job.cancel_requested
            job.lease_until = self.stores.clock.now() + LEASE_SECONDS

    @precondition(lambda self: self.claims)
    @rule(age=AGE)
    def finish(self, age: int) -> None:
        claim, job, generation = self._held(age)
        recorded = job.generation is generation
        mine = self._end(claim, job, AttemptOutcome.COMPLETED)
        assert self.stores.claims.finish(claim, generation) == (mine or recorded)
        if mine:
            job.status, job.generation = COMPLETED, generation

    @precondition(lambda self: self.claims)
    @rule(age=AGE)
    def fail(self, age: int) -> None:
        claim, job, _ = self._held(age)
        recorded = job.outcomes[claim.attempt - 1] is AttemptOutcome.FAILED
        mine = self._end(claim, job, AttemptOutcome.FAILED)
        assert self.stores.claims.fail(claim, "no", "engine_refused") == (mine or recorded)
        if mine:
            job.status = FAILED

    @precondition(lambda self: self.claims)
    @rule(age=AGE, error=st.sampled_from([None, "the engine died"]))
    def requeue(self, age: int, error: str | None) -> None:
        claim, job, _ = self._held(age)
        outcome = AttemptOutcome.STOPPED if error is None else AttemptOutcome.FAILED
        recorded = job.outcomes[claim.attempt - 1] is outcome
        mine = self._end(claim, job, outcome)
        assert self.stores.claims.requeue(claim, error) == (mine or recorded)
        if mine:
            job.status = CANCELLED if job.cancel_requested else PENDING
            job.failures += error is not None and not job.cancel_requested

    @precondition(lambda self: self.claims)
    @rule(age=AGE)
    def mark_cancelled(self, age: int) -> None:
        claim, job, _ = self._held(age)
        recorded = job.outcomes[claim.attempt - 1] is AttemptOutcome.CANCELLED
        mine = self._end(claim, job, AttemptOutcome.CANCELLED)
        assert self.stores.claims.mark_cancelled(claim) == (mine or recorded)
        if mine:
            job.status = CANCELLED

    # -- what happens to them ----------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, LEASE_SECONDS - 1, LEASE_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.stores.clock.advance(seconds)

    @rule(worker=st.sampled_from([None, "first", "second", "sweeper"]))
    def release(self, worker: str | None) -> None:
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
            assert [attempt.outcome for attempt in self.stores.jobs.attempts(job.id)] == job.outcomes

    @invariant()
    def exactly_the_finished_pictures_are_stored(self) -> None:
        generations = {job.generation.id: job.generation for job in self.jobs if job.generation is not None}
        page = self.stores.records.page(limit=1000, offset=0)
        assert {generation.id for generation in page.rows} == set(generations)
        assert page.total == len(generations)
        for generation_id, generation in generations.items():
            assert self.stores.records.generation(generation_id).images == generation.images
        for _claim, _job, generation in self.claims:
            if generation.id not in generations:
                self._assert_unknown(generation)

    @invariant()
    def the_tables_agree_with_each_other(self) -> None:
        self.stores.assert_consistent()

    # -- the model ---------------------------------------------------------------------------------------

    def _assert_unknown(self, generation: Generation) -> None:
        for image in generation.images:
            try:
                self.stores.records.image(image.id)
            except NotFound:
                continue
            raise AssertionError(f"{image} is stored though its generation was never recorded")

    def _is_mine(self, claim: Claim, job: ModelJob) -> bool:
        return job.status is PROCESSING and (job.worker, len(job.outcomes)) == (claim.worker, claim.attempt)

    def _end(self, claim: Claim, job: ModelJob, outcome: AttemptOutcome) -> bool:
        """Whether this claim ends the job; it then ends the attempt too, and a late one is labelled."""
        mine = self._is_mine(claim, job)
        if mine:
            job.outcomes[claim.attempt - 1] = outcome
        return mine

    def _held(self, age: int) -> tuple[Claim, ModelJob, Generation]:
        return self.claims[-1 - age % len(self.claims)]

    def _job(self, job_id: str) -> ModelJob:
        return next(job for job in self.jobs if job.id == job_id)

    def _count(self, status: JobStatus) -> int:
        return sum(job.status is status for job in self.jobs)
