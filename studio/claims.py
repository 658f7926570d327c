"""Claims: the worker's side of the queue. Every write is fenced by worker and attempt, or changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from peewee import Case, Database, fn

from studio.clock import Clock
from studio.database import first_row
from studio.job import AttemptOutcome, Generation, Job, JobStatus, Progress
from studio.job_table import ORDER, JobTable
from studio.reader import Reader
from studio.rows import image_columns, listed_columns, no_progress, progress_columns
from studio.scheduling import Candidate, pick_next
from studio.schema import AttemptRow, GenerationRow, ImageRow, JobRow
from studio.tally import GENERATIONS, tally, tally_added
from studio.writer import Writer

LEASE_SECONDS = 60.0
# How many waiting jobs the choice of the next one looks at.
WINDOW = 16
# How often a claim looks again when others take its choice first.
CLAIM_TRIES = 64
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
        self._read = Reader(database).run
        self._table = JobTable(database, clock)

    def claim(
        self, worker: str, pick: Callable[[Sequence[Candidate]], Candidate | None] = pick_next
    ) -> Claim | None:
        """The next job, now processing and ours, or None if nothing waits or the queue is paused."""
        now = self._clock.now()

        def change() -> Claim | None:
            if self._table.is_paused():
                return None
            # Another connection may take our choice first; then we choose again, from what is left.
            for _ in range(CLAIM_TRIES):
                choice = pick(self._candidates())
                if choice is None:
                    return None
                if self._table.move(
                    choice.id, PENDING, PROCESSING, worker=worker, attempt=JobRow.attempt + 1,
                    started_at=now, lease_until=now + LEASE_SECONDS, **no_progress(),
                ):  # fmt: skip
                    break
            else:
                return None
            job = self._table.get(choice.id)
            AttemptRow.insert(
                job_id=job.id, number=job.attempt, worker=worker, started_at=now,
                outcome=str(AttemptOutcome.RUNNING),
            ).execute(self._database)  # fmt: skip
            return Claim(job, worker)

        return self._writer.run(change)

    def heartbeat(self, claim: Claim, progress: Progress) -> Beat:
        """Record progress and renew the lease; what is stored of the fraction never falls."""
        now = self._clock.now()
        columns = progress_columns(progress, now=now)
        columns["fraction"] = Case(
            None, [(JobRow.fraction > progress.fraction, JobRow.fraction)], progress.fraction
        )

        def change() -> Beat:
            ours = self._table.update(self._mine(claim), lease_until=now + LEASE_SECONDS, **columns)
            return Beat(ours=bool(ours), cancel_requested=self._cancel_requested(claim.job.id))

        return self._writer.run(change)

    def note(self, claim: Claim, sentence: str | None) -> None:
        """Have people know how the job is done; nothing happens if it is no longer ours."""
        self._writer.run(lambda: self._table.update(self._mine(claim), note=sentence))

    def finish(self, claim: Claim, generation: Generation, log_tail: str = "") -> bool:
        """Record the pictures and complete the job, in one transaction; False if it is no longer ours."""
        now = self._clock.now()

        def change() -> bool:
            done = {"completed_at": now, "generation_id": generation.id, "fraction": 1.0, "error": None}
            if not self._move_mine(claim, JobStatus.COMPLETED, error_code=None, **done):
                stored = GenerationRow.select(GenerationRow.id).where(GenerationRow.id == generation.id)
                return self._too_late(claim, AttemptOutcome.COMPLETED, log_tail) and (
                    first_row(stored.tuples(), self._database) is not None
                )
            GenerationRow.insert(
                id=generation.id, job_id=claim.job.id, model=generation.recipe.model,
                recipe=generation.recipe.model_dump_json(), image_count=len(generation.images),
                created_at=now, updated_at=now, owner=claim.job.owner,
                made_with=None if generation.made_with is None else generation.made_with.model_dump_json(),
            ).execute(self._database)  # fmt: skip
            listed = listed_columns(generation.recipe, now) | {"owner": claim.job.owner}
            ImageRow.insert_many([image_columns(image) | listed for image in generation.images]).execute(
                self._database
            )
            self._end_attempt(claim, AttemptOutcome.COMPLETED, None, log_tail)
            tally(self._database, GENERATIONS, 1)
            tally_added(self._database, [image.size for image in generation.images])
            return True

        return self._writer.run(change)

    def fail(self, claim: Claim, error: str, code: str, log_tail: str = "") -> bool:
        """Give the job up, with the reason; False if it is no longer ours."""
        now = self._clock.now()

        def change() -> bool:
            if not self._move_mine(claim, JobStatus.FAILED, error=error, error_code=code, completed_at=now):
                return self._too_late(claim, AttemptOutcome.FAILED, log_tail)
            self._end_attempt(claim, AttemptOutcome.FAILED, error, log_tail)
            return True

        return self._writer.run(change)

    def requeue(self, claim: Claim, error: str | None, log_tail: str = "") -> bool:
        """Put the job back, or cancel it if somebody asked for that; False if it is no longer ours.

        With `error` the engine failed, which counts; without, we were stopped.
        """
        outcome = AttemptOutcome.STOPPED if error is None else AttemptOutcome.FAILED
        now = self._clock.now()

        def change() -> bool:
            # The update comes first: it holds the row, so that no cancel can slip in after we looked.
            if not self._table.update(self._mine(claim), lease_until=None):
                return self._too_late(claim, outcome, log_tail)
            if self._cancel_requested(claim.job.id):
                self._move_mine(claim, JobStatus.CANCELLED, completed_at=now)
            else:
                counted = {} if error is None else {"failures": JobRow.failures + 1, "error": error}
                self._move_mine(claim, PENDING, worker=None, **no_progress(), **counted)
            self._end_attempt(claim, outcome, error, log_tail)
            return True

        return self._writer.run(change)

    def mark_cancelled(self, claim: Claim, log_tail: str = "") -> bool:
        """The cancel was obeyed; False if the job is no longer ours."""
        now = self._clock.now()

        def change() -> bool:
            if not self._move_mine(claim, JobStatus.CANCELLED, completed_at=now):
                return self._too_late(claim, AttemptOutcome.CANCELLED, log_tail)
            self._end_attempt(claim, AttemptOutcome.CANCELLED, None, log_tail)
            return True

        return self._writer.run(change)

    def release(self, worker: str | None = None) -> list[Job]:
        """Free the processing jobs nobody can be working on; what became of them.

        With `worker` None every one: right at the start of a studio that alone owns its database. With a
        name, that worker's own of an earlier life and those whose lease ran out.
        """
        now = self._clock.now()
        orphaned = JobRow.status == PROCESSING
        if worker is not None:
            orphaned &= (JobRow.worker == worker) | (JobRow.lease_until < now)
        query = JobRow.select(JobRow.id).where(orphaned).order_by(JobRow.seq).tuples()
        # A transaction for each: one that holds several jobs could wait for a worker that waits for it.
        freed = [
            self._writer.run(partial(self._release, job_id, orphaned, now))
            for (job_id,) in self._read(lambda: list(query.execute(self._database)))
        ]
        return [job for job in freed if job is not None]

    # -- inside a transaction ------------------------------------------------------------------------

    def _release(self, job_id: str, orphaned: Any, now: float) -> Job | None:
        if not self._table.update((JobRow.id == job_id) & orphaned, lease_until=None):
            return None
        attempts = AttemptRow.job_id == job_id
        AttemptRow.update(
            outcome=str(AttemptOutcome.LOST), ended_at=now, error="The studio stopped while this ran."
        ).where(attempts & (AttemptRow.outcome == AttemptOutcome.RUNNING)).execute(self._database)
        lost = AttemptRow.select(fn.COUNT(AttemptRow.seq)).where(
            attempts & (AttemptRow.outcome == AttemptOutcome.LOST)
        )
        if self._cancel_requested(job_id):
            self._table.move(job_id, PROCESSING, JobStatus.CANCELLED, completed_at=now)
        elif first_row(lost.tuples(), self._database)[0] >= MAX_LOST:
            self._table.move(
                job_id, PROCESSING, JobStatus.FAILED, completed_at=now, error_code="studio_died",
                error=f"The studio died {MAX_LOST} times while this job ran, so it was set aside.",
            )  # fmt: skip
        else:
            self._table.move(job_id, PROCESSING, PENDING, worker=None, **no_progress())
        return self._table.get(job_id)

    def _candidates(self) -> list[Candidate]:
        """The waiting jobs whose turn comes first."""
        columns = (JobRow.id, JobRow.seq, JobRow.model, JobRow.rank)
        first = JobRow.select(*columns).where(JobRow.status == PENDING).order_by(*ORDER).limit(WINDOW)
        return [Candidate(*row) for row in first.tuples().execute(self._database)]

    def _cancel_requested(self, job_id: str) -> bool:
        wish = JobRow.select(JobRow.cancel_requested_at).where(JobRow.id == job_id).tuples()
        row = first_row(wish, self._database)
        return row is not None and row[0] is not None

    def _move_mine(self, claim: Claim, target: JobStatus, **columns: Any) -> bool:
        return self._table.move(claim.job.id, PROCESSING, target, self._mine(claim), **columns)

    def _mine(self, claim: Claim) -> Any:
        return (
            (JobRow.id == claim.job.id)
            & (JobRow.status == PROCESSING)
            & (JobRow.worker == claim.worker)
            & (JobRow.attempt == claim.attempt)
        )

    def _end_attempt(self, claim: Claim, outcome: AttemptOutcome, error: str | None, log_tail: str) -> None:
        AttemptRow.update(
            outcome=str(outcome), ended_at=self._clock.now(), error=error, log_tail=log_tail
        ).where(self._my_attempt(claim)).execute(self._database)

    def _too_late(self, claim: Claim, outcome: AttemptOutcome, log_tail: str) -> bool:
        """Whether this end is on record after all; if not, the attempt says that it came too late.

        The answer to a commit can get lost with the connection. The second try then finds the job moved, by
        ourselves: taking that for a takeover would throw away the pictures of a completed job.
        """
        query = AttemptRow.select(AttemptRow.outcome).where(self._my_attempt(claim)).tuples()
        row = first_row(query, self._database)
        if row is not None and row[0] in (AttemptOutcome.RUNNING, AttemptOutcome.LOST):
            late = f"The job was taken over; this attempt came back too late ({outcome})."
            self._end_attempt(claim, AttemptOutcome.LOST, late, log_tail)
        return row is not None and row[0] == outcome

    def _my_attempt(self, claim: Claim) -> Any:
        return (
            (AttemptRow.job_id == claim.job.id)
            & (AttemptRow.number == claim.attempt)
            & (AttemptRow.worker == claim.worker)
        )
