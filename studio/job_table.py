"""JobTable: what one transaction may do to the queue. `move` is the only writer of a job's status.

Everything here runs inside a connection or transaction that the caller opened.
"""

from typing import Any

from peewee import Database, fn

from studio.clock import Clock
from studio.errors import NotFound
from studio.job import TRANSITIONS, Job, JobStatus
from studio.rows import to_job
from studio.schema import EVERY_COLUMN, CounterRow, JobRow, first_row


class JobTable:
    """The job and counter tables of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def move(
        self, job_id: str, source: JobStatus, target: JobStatus, guard: Any = True, **columns: Any
    ) -> bool:
        """Change the status if it is still `source` (and `guard` holds); whether *we* made the change."""
        if target not in TRANSITIONS[source]:
            raise ValueError(f"no way from {source} to {target}")
        where = (JobRow.id == job_id) & (JobRow.status == source)
        if not self.update(where if guard is True else where & guard, status=str(target), **columns):
            return False
        # Always in one order, so that two connections can't wait for each other's counters.
        for name, change in sorted({str(source): -1, str(target): 1}.items()):
            self.count(name, change)
        return True

    def update(self, where: Any, **columns: Any) -> int:
        """Change columns other than the status; how many rows matched. Every change is a new revision."""
        query = JobRow.update(updated_at=self.clock.now(), revision=JobRow.revision + 1, **columns)
        return int(query.where(where).execute(self.database))

    def count(self, name: str, change: int) -> None:
        """Keep the number of rows, in the transaction that changes it."""
        CounterRow.update(value=CounterRow.value + change).where(CounterRow.name == name).execute(
            self.database
        )

    def reserve_place(self, max_pending: int) -> bool:
        """Count one more pending job if fewer than `max_pending` wait, in one step."""
        room = (CounterRow.name == JobStatus.PENDING) & (CounterRow.value < max_pending)
        return bool(CounterRow.update(value=CounterRow.value + 1).where(room).execute(self.database))

    def get(self, job_id: str) -> Job:
        """The job as it is now. Errors: NotFound."""
        row = first_row(JobRow.select(EVERY_COLUMN).where(JobRow.id == job_id).dicts(), self.database)
        if row is None:
            raise NotFound(f"No job has the id {job_id!r}.")
        position = None
        if row["status"] == JobStatus.PENDING:
            position = self.waiting_before(row["seq"]) + 1
        return to_job(row, now=self.clock.now(), position=position)

    def counts(self) -> dict[JobStatus, int]:
        """How many jobs have each status."""
        rows = dict(CounterRow.select(CounterRow.name, CounterRow.value).tuples().execute(self.database))
        return {status: rows[status] for status in JobStatus}

    def waiting_before(self, seq: int) -> int:
        """How many pending jobs were submitted before this one."""
        waiting = (JobRow.status == JobStatus.PENDING) & (JobRow.seq < seq)
        query = JobRow.select(fn.COUNT(JobRow.seq)).where(waiting).tuples()
        return int(first_row(query, self.database)[0])
