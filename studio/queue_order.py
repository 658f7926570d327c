"""QueueOrder: which pending job comes when, whether any comes at all, and cancelling many at once."""

from collections.abc import Callable, Sequence
from typing import Any

from peewee import Database, Tuple, fn

from studio.caller import Scope, asker
from studio.clock import Clock
from studio.database import first_row
from studio.errors import Conflict, NotFound
from studio.job import Job, JobStatus
from studio.job_table import ORDER, JobTable
from studio.reader import Reader
from studio.scheduling import Place, rank_between
from studio.schema import JobRow, QueueRow
from studio.writer import Writer

PENDING, PROCESSING, CANCELLED = JobStatus.PENDING, JobStatus.PROCESSING, JobStatus.CANCELLED
_IS_PENDING = JobRow.status == PENDING

# One statement for all: evenly spaced again, from the first one's rank on.
_RENUMBER = """
UPDATE job SET rank = spaced.rank FROM (
    SELECT seq, MIN(rank) OVER () + ROW_NUMBER() OVER (ORDER BY rank, seq) - 1 AS rank
    FROM job WHERE status = 'pending'
) AS spaced WHERE job.seq = spaced.seq
"""

Spot = tuple[float, int]
"""Rank and seq: where a job stands."""
Gap = tuple[Spot | None, Spot | None]
"""The jobs before and after a place that is wanted; None at an end of the queue."""


class QueueOrder:
    """Rearranges the queue. Thread-safe; owner: assembly.

    Every change takes the queue's one row first. So two of them never hold each other's jobs, and a claim,
    which holds one job and then waits for counters, never waits for a job that we hold while we wait for it.
    """

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run
        self._table = JobTable(database, clock)

    def is_paused(self) -> bool:
        """Whether no job may be begun."""
        return self._read(self._table.is_paused)

    def set_paused(self, paused: bool) -> None:
        """From now on no job may be begun, or again; kept until the other is said, over restarts."""
        self._writer.run(lambda: QueueRow.update(paused=paused).execute(self._database))

    def move(self, job_id: str, place: Place) -> Job:
        """Put a pending job elsewhere. Errors: NotFound; Conflict if it isn't pending."""
        return self._move(job_id, lambda spot: self._gap(job_id, spot, place))

    def move_before(self, job_id: str, other_id: str) -> Job:
        """Put a pending job right before another one. Errors: NotFound; Conflict if one isn't pending."""

        def gap(_: Spot) -> Gap | None:
            other = self._spot(other_id)
            return None if job_id == other_id else (self._next_to(job_id, other, later=False), other)

        return self._move(job_id, gap)

    def _move(self, job_id: str, find_gap: Callable[[Spot], Gap | None]) -> Job:
        seen: list[Spot] = []

        def change() -> Job:
            QueueRow.update(paused=QueueRow.paused).execute(self._database)
            seen.append(self._spot(job_id))
            # A second try of a move whose answer got lost would go one step too far.
            gap = find_gap(seen[-1]) if seen[-1] == seen[0] else None
            if gap is not None:
                self._put(job_id, gap)
            return self._table.get(job_id)

        return self._writer.run(change)

    def cancel(self, ids: Sequence[str] | None) -> tuple[list[str], list[str]]:
        """(cancelled, asked to stop): the pending and the running ones of these jobs; None: all pending.

        Jobs that are over, ids that no job has, and jobs that the caller may not change are passed over.
        """
        now, caller = self._clock.now(), asker()
        allowed: Any = (
            JobRow.id.is_null(False) if caller.scope is Scope.ADMIN else JobRow.owner == caller.name
        )

        def change() -> tuple[list[str], list[str]]:
            QueueRow.update(paused=QueueRow.paused).execute(self._database)
            if ids is None:
                return self._table.move_all(_IS_PENDING & allowed, PENDING, CANCELLED, completed_at=now), []
            # The wish first: it holds the rows, so that none is claimed between the two kinds.
            theirs = JobRow.id.in_(ids) & allowed
            wish = fn.COALESCE(JobRow.cancel_requested_at, now)
            alive = JobRow.status.in_([PENDING, PROCESSING])
            self._table.update(theirs & alive, cancel_requested_at=wish)
            running = JobRow.select(JobRow.id).where(theirs & (JobRow.status == PROCESSING)).tuples()
            stopping = [job_id for (job_id,) in running.execute(self._database)]
            return self._table.move_all(theirs, PENDING, CANCELLED, completed_at=now), stopping

        return self._writer.run(change)

    # -- inside a transaction ------------------------------------------------------------------------

    def _put(self, job_id: str, gap: Gap) -> None:
        """Give the job a rank inside the gap. Errors: Conflict."""
        rank = rank_between(*(None if spot is None else spot[0] for spot in gap))
        if rank is None:
            self._database.execute_sql(_RENUMBER)
            rank = rank_between(*(None if spot is None else self._rank_of(spot[1]) for spot in gap))
        if not self._table.update((JobRow.id == job_id) & _IS_PENDING, rank=rank):
            self._spot(job_id)  # a worker took it meanwhile: says so

    def _gap(self, job_id: str, spot: Spot, place: Place) -> Gap | None:
        """Where the job goes; None if it stands there already."""
        later = place in (Place.BACK, Place.DOWN)
        neighbour = self._next_to(job_id, spot, later=later)
        if neighbour is None:
            return None
        if place in (Place.FRONT, Place.BACK):
            end = self._next_to(job_id, None, later=not later)
            return (end, None) if later else (None, end)
        beyond = self._next_to(job_id, neighbour, later=later)
        return (neighbour, beyond) if later else (beyond, neighbour)

    def _spot(self, job_id: str) -> Spot:
        """Where a pending job stands. Errors: NotFound; Conflict if it isn't pending."""
        query = JobRow.select(JobRow.status, *ORDER).where(JobRow.id == job_id).tuples()
        row = first_row(query, self._database)
        if row is None:
            raise NotFound(f"No job has the id {job_id!r}.")
        status, rank, seq = row
        if status != PENDING:
            raise Conflict(f"Job {job_id} is {status}; only pending jobs have a place in the queue.")
        return rank, seq

    def _next_to(self, job_id: str, spot: Spot | None, *, later: bool) -> Spot | None:
        """The pending job, other than this one, next to a spot; of no spot the first or the last of all."""
        where, here = _IS_PENDING & (JobRow.id != job_id), Tuple(*ORDER)
        if spot is not None:
            where &= (here > Tuple(*spot)) if later else (here < Tuple(*spot))
        order = ORDER if later else tuple(column.desc() for column in ORDER)
        query = JobRow.select(*ORDER).where(where).order_by(*order).limit(1).tuples()
        found: Spot | None = first_row(query, self._database)
        return found

    def _rank_of(self, seq: int) -> float:
        """The rank of a job, by its seq."""
        return float(
            first_row(JobRow.select(JobRow.rank).where(JobRow.seq == seq).tuples(), self._database)[0]
        )
