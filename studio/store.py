"""JobStore: what faces ask of the queue: submit, look, cancel. The worker's side is in claims.py."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import uuid_utils
from peewee import Database, fn

from studio.caller import asker
from studio.clock import Clock
from studio.database import first_row
from studio.errors import IdempotencyMismatch, JobFinished
from studio.job import Attempt, Job, JobStatus
from studio.job_table import ORDER, JobTable
from studio.reader import Reader
from studio.recipe import Recipe
from studio.rows import to_attempt
from studio.schema import EVERY_COLUMN, AttemptRow, JobReferenceRow, JobRow
from studio.sight import sight
from studio.writer import Writer

T = TypeVar("T")

PENDING, PROCESSING = JobStatus.PENDING, JobStatus.PROCESSING


def new_id() -> str:
    """A time-ordered UUID (version 7): neighbours in time are neighbours in the index."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Whether `text` is a UUID as we spell them; anything else can't be in the database."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True)
class Page(Generic[T]):
    """A slice of a listing and how many rows there are in all."""

    rows: list[T]
    total: int


class JobStore:
    """The queue in the database. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run
        self._table = JobTable(database, clock)

    # -- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """The job as it is now. Errors: NotFound."""
        shown = sight()
        return self._read(lambda: self._table.get(job_id, shown))

    def page(self, *, status: JobStatus | None, limit: int, offset: int) -> Page[Job]:
        """Jobs, newest first, pending ones the last to run first; `total` counts all of that status."""

        shown = sight()

        def read() -> Page[Job]:
            order = ORDER if status is PENDING else (JobRow.seq,)
            query = JobRow.select(EVERY_COLUMN).order_by(*(column.desc() for column in order))
            query = shown.limit(query, JobRow.owner)
            if status is not None:
                query = query.where(JobRow.status == status)
            rows = list(query.limit(limit).offset(offset).dicts().execute(self._database))
            counts = self._table.counts(shown)
            total = sum(counts.values()) if status is None else counts[status]
            return Page(self._table.to_jobs(rows), total)

        return self._read(read)

    def those(self, ids: Sequence[str]) -> list[Job]:
        """The jobs that have these ids, in the order of submission."""

        query = JobRow.select(EVERY_COLUMN).where(JobRow.id.in_(ids)).order_by(JobRow.seq)
        query = sight().limit(query, JobRow.owner).dicts()
        return self._read(lambda: self._table.to_jobs(list(query.execute(self._database))))

    def counts(self) -> dict[JobStatus, int]:
        """How many jobs have each status."""
        shown = sight()
        return self._read(lambda: self._table.counts(shown))

    def attempts(self, job_id: str) -> list[Attempt]:
        """Every execution of the job, first to last."""
        query = AttemptRow.select().where(AttemptRow.job_id == job_id).order_by(AttemptRow.number)
        shown = sight()
        if not shown.is_whole:
            query = query.where(AttemptRow.job_id.in_(shown.limit(JobRow.select(JobRow.id), JobRow.owner)))
        return self._read(lambda: [to_attempt(row) for row in query.dicts().execute(self._database)])

    def known_inputs(self, ids: Sequence[str]) -> set[str]:
        """Which of these stored inputs some job uses."""

        def read() -> set[str]:
            found: set[str] = set()
            for column in (JobRow.input_image, JobRow.mask, JobReferenceRow.input_id):
                rows = column.model.select(column).where(column.in_(ids)).distinct().tuples()
                found.update(value for (value,) in rows.execute(self._database))
            return found

        return self._read(read)

    # -- submitting and cancelling -----------------------------------------------------------------

    def add(
        self,
        recipe: Recipe,
        *,
        max_pending: int,
        source_image_id: str | None = None,
        parent_id: str | None = None,
        idempotency_key: str | None = None,
        fingerprint: str | None = None,
        batch_id: str | None = None,
        cell: int | None = None,
        webhook: str | None = None,
    ) -> Job:
        """A new pending job, at its owner's turn, or the one this idempotency key already made.

        Errors: QueueFull; IdempotencyMismatch if the key was used for another `fingerprint`.
        """
        # Here and not in the change: that runs in a thread of the writer's.
        job_id, caller = new_id(), asker()

        def change() -> Job:
            earlier = self._same_request(idempotency_key, fingerprint)
            if earlier is not None:
                return earlier
            self._table.reserve_places(1, max_pending)
            self._table.check_share(caller, 1)
            if self._table.insert(
                job_id, recipe, source_image_id=source_image_id, idempotency_key=idempotency_key,
                fingerprint=fingerprint, parent_id=parent_id, rank=self._table.new_ranks(caller.name, 1)[0],
                batch_id=batch_id, cell=cell, owner=caller.name, webhook=webhook,
            ):  # fmt: skip
                return self._table.get(job_id)
            # Another connection used the key since we looked, or this is the second try of an insert that
            # was stored although its answer got lost.
            self._table.count(str(PENDING), -1)
            return self._same_request(idempotency_key, fingerprint) or self._table.get(job_id)

        return self._writer.run(change)

    def earlier(self, idempotency_key: str) -> tuple[str, str] | None:
        """(job id, fingerprint) of the request that used this key, or None."""
        return self._read(lambda: self._by_key(idempotency_key))

    def request_cancel(self, job_id: str) -> Job:
        """The job after the wish: cancelled at once if it waited, else still processing and marked.

        Errors: NotFound; JobFinished.
        """
        now, shown = self._clock.now(), sight()

        def change() -> Job:
            if not shown.is_whole:
                self._table.get(job_id, shown)
            if not self._table.move(job_id, PENDING, JobStatus.CANCELLED, completed_at=now):
                marked = self._table.update(
                    (JobRow.id == job_id) & (JobRow.status == PROCESSING),
                    cancel_requested_at=fn.COALESCE(JobRow.cancel_requested_at, now),
                )
                job = self._table.get(job_id)
                if not marked:
                    raise JobFinished(f"Job {job_id} is {job.status} and can't be cancelled.")
                return job
            return self._table.get(job_id)

        return self._writer.run(change)

    def _same_request(self, key: str | None, fingerprint: str | None) -> Job | None:
        """The job that this key made, if any. Errors: IdempotencyMismatch."""
        row = None if key is None else self._by_key(key)
        if row is None:
            return None
        job_id, known = row
        if known != fingerprint:
            raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
        return self._table.get(job_id)

    def _by_key(self, key: str) -> tuple[str, str] | None:
        query = JobRow.select(JobRow.id, JobRow.fingerprint).where(JobRow.idempotency_key == key).tuples()
        row: tuple[str, str] | None = first_row(query, self._database)
        return row
