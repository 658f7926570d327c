"""Claims: the worker's side of the queue. Every write is fenced by worker and attempt, or changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import Database, fn

from studio.clock import Clock
from studio.job import AttemptOutcome, Generation, Job, JobStatus, Progress
from studio.job_table import JobTable
from studio.rows import image_columns, no_progress, progress_columns
from studio.scheduling import Candidate, pick_next
from studio.schema import AttemptRow, GenerationRow, ImageRow, JobRow
from studio.writer import Writer

LEASE_SECONDS = 60.0
# How many waiting jobs the choice of the next one looks at.
WINDOW = 64
# A job that was running each time the studio died is likely the reason.
MAX_LOST = 5

PENDING, PROCESSING = JobStatus.PENDING, JobStatus.PROCESSING


@dataclass(frozen=True)
class Claim:
    """The right to work on a job: every later write names worker and attempt, or changes nothing."""

    job: Job
    worker: str

    @property
    def attempt(self) -> int:
        return self.job.attempt


@dataclass(frozen=True)
class Beat:
    """What a heartbeat learned: whether the job is still ours, and whether somebody wants it cancelled."""

    ours: bool
    cancel_requested: bool


class Claims:
    """Taking jobs and saying how they ended. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._table = JobTable(database, clock)

    def claim(
        self, worker: str, pick: Callable[[Sequence[Candidate]], Candidate | None] = pick_next
    ) -> Claim | None:
        """The next job, now processing and ours, or None if nothing waits."""
        now = self._clock.now()

        def change() -> Claim | None:
            query = (
                JobRow.select(JobRow.id, JobRow.seq, JobRow.model)
                .where(JobRow.status == PENDING)
                .order_by(JobRow.seq)
                .limit(WINDOW)
            )
            choice = pick([Candidate(*row) for row in query.tuples().execute(self._database)])
            if choice is None or not self._table.move(
                choice.id, PENDING, PROCESSING, worker=worker, attempt=JobRow.attempt + 1, started_at=now,
                lease_until=now + LEASE_SECONDS, **no_progress(),
            ):  # fmt: skip
                return None
            job = self._table.get(choice.id)
            AttemptRow.insert(
                job_id=job.id, number=job.attempt, worker=worker, started_at=now,
                outcome=str(AttemptOutcome.RUNNING),
            ).execute(self._database)  # fmt: skip
            return Claim(job, worker)

        return self._writer.run(change)

    def heartbeat(self, claim: Claim, progress: Progress) -> Beat:
        """Record progress and renew the lease."""
        now = self._clock.now()

        def change() -> Beat:
            ours = self._table.update(
                self._mine(claim), lease_until=now + LEASE_SECONDS, **progress_columns(progress, now=now)
            )
            wish = JobRow.select(JobRow.cancel_requested_at).where(JobRow.id == claim.job.id).tuples()
            rows = list(wish.execute(self._database))
            return Beat(ours=bool(ours), cancel_requested=bool(rows) and rows[0][0] is not None)

        return self._writer.run(change)

    def finish(self, claim: Claim, generation: Generation, log_tail: str = "") -> bool:
        """Record the pictures and complete the job, in one transaction; False if it is no longer ours."""
        now = self._clock.now()

        def change() -> bool:
            done = {"completed_at": now, "generation_id": generation.id, "fraction": 1.0, "error": None}
            if not self._move_mine(claim, JobStatus.COMPLETED, error_code=None, **done):
                self._end_attempt(claim, AttemptOutcome.LOST, "finished too late: the job was taken over")
                return False
            GenerationRow.insert(
                id=generation.id, job_id=claim.job.id, model=generation.recipe.model,
                recipe=generation.recipe.model_dump_json(), image_count=len(generation.images),
                created_at=now, updated_at=now,
            ).execute(self._database)  # fmt: skip
            ImageRow.insert_many([image_columns(image) for image in generation.images]).execute(
                self._database
            )
            self._table.count("generation", 1)
            self._end_attempt(claim, AttemptOutcome.COMPLETED, None, log_tail)
            return True

        return self._writer.run(change)

    def fail(self, claim: Claim, error: str, code: str, log_tail: str = "") -> bool:
        """Give the job up, with the reason; False if it is no longer ours."""

        def change() -> bool:
            self._end_attempt(claim, AttemptOutcome.FAILED, error, log_tail)
            return self._move_mine(
                claim, JobStatus.FAILED, error=error, error_code=code, completed_at=self._clock.now()
            )

        return self._writer.run(change)

    def requeue(self, claim: Claim, error: str | None, log_tail: str = "") -> bool:
        """Put the job back. With `error` the engine failed, which counts; without, we were stopped."""

        def change() -> bool:
            outcome = AttemptOutcome.STOPPED if error is None else AttemptOutcome.FAILED
            self._end_attempt(claim, outcome, error, log_tail)
            more: dict[str, Any] = {} if error is None else {"failures": JobRow.failures + 1, "error": error}
            return self._move_mine(claim, PENDING, worker=None, lease_until=None, **no_progress(), **more)

        return self._writer.run(change)

    def mark_cancelled(self, claim: Claim, log_tail: str = "") -> bool:
        """The cancel was obeyed; False if the job is no longer ours."""

        def change() -> bool:
            self._end_attempt(claim, AttemptOutcome.CANCELLED, None, log_tail)
            return self._move_mine(claim, JobStatus.CANCELLED, completed_at=self._clock.now())

        return self._writer.run(change)

    def release(self, worker: str | None = None) -> list[Job]:
        """Free the processing jobs nobody can be working on; what became of them.

        With `worker` None every one: right at the start of a studio that alone owns its database. With a
        name, that worker's own of an earlier life and those whose lease ran out.
        """
        now = self._clock.now()

        def change() -> list[Job]:
            query = JobRow.select().where(JobRow.status == PROCESSING)
            if worker is not None:
                query = query.where((JobRow.worker == worker) | (JobRow.lease_until < now))
            return [self._release(row, now) for row in list(query.dicts().execute(self._database))]

        return self._writer.run(change)

    # -- inside a transaction ------------------------------------------------------------------------

    def _release(self, row: dict[str, Any], now: float) -> Job:
        job_id, reason = row["id"], "The studio stopped while this ran."
        AttemptRow.update(outcome=str(AttemptOutcome.LOST), ended_at=now, error=reason).where(
            (AttemptRow.job_id == job_id) & (AttemptRow.outcome == AttemptOutcome.RUNNING)
        ).execute(self._database)
        lost = AttemptRow.select(fn.COUNT(AttemptRow.seq)).where(
            (AttemptRow.job_id == job_id) & (AttemptRow.outcome == AttemptOutcome.LOST)
        )
        guard = JobRow.attempt == row["attempt"]
        if row["cancel_requested_at"] is not None:
            self._table.move(job_id, PROCESSING, JobStatus.CANCELLED, guard, completed_at=now)
        elif next(iter(lost.tuples().execute(self._database)))[0] >= MAX_LOST:
            error = f"The studio died {MAX_LOST} times while this job ran, so it was set aside."
            self._table.move(
                job_id,
                PROCESSING,
                JobStatus.FAILED,
                guard,
                completed_at=now,
                error=error,
                error_code="studio_died",
            )
        else:
            self._table.move(
                job_id, PROCESSING, PENDING, guard, worker=None, lease_until=None, **no_progress()
            )
        return self._table.get(job_id)

    def _move_mine(self, claim: Claim, target: JobStatus, **columns: Any) -> bool:
        return self._table.move(claim.job.id, PROCESSING, target, self._mine(claim), **columns)

    def _mine(self, claim: Claim) -> Any:
        return (
            (JobRow.id == claim.job.id)
            & (JobRow.status == PROCESSING)
            & (JobRow.worker == claim.worker)
            & (JobRow.attempt == claim.attempt)
        )

    def _end_attempt(
        self, claim: Claim, outcome: AttemptOutcome, error: str | None, log_tail: str = ""
    ) -> None:
        AttemptRow.update(
            outcome=str(outcome), ended_at=self._clock.now(), error=error, log_tail=log_tail
        ).where((AttemptRow.job_id == claim.job.id) & (AttemptRow.number == claim.attempt)).execute(
            self._database
        )
