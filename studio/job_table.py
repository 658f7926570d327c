"""JobTable: what one transaction may do to the queue. `move` and `move_all` alone write a job's status.

So every end of a job passes here, and its webhooks are announced by the transaction that ends it.

Everything here runs inside a connection or transaction that the caller opened.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import Database, Tuple, fn

from studio.caller import Caller
from studio.clock import Clock
from studio.database import first_row
from studio.delivery_table import DeliveryTable, Ended
from studio.errors import NotFound, QueueFull
from studio.job import TRANSITIONS, Job, JobStatus
from studio.recipe import Recipe
from studio.rows import Row, to_job
from studio.scheduling import fair_ranks
from studio.schema import EVERY_COLUMN, CounterRow, ImageRow, JobReferenceRow, JobRow, QueueRow
from studio.sight import WHOLE, Sight
from studio.tally import tally

# The order in which pending jobs run.
ORDER = (JobRow.rank, JobRow.seq)


class JobTable:
    """The job, counter and queue tables of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._deliveries = DeliveryTable(database)

    # -- changing ------------------------------------------------------------------------------------

    def move(
        self, job_id: str, source: JobStatus, target: JobStatus, guard: Any = True, **columns: Any
    ) -> bool:
        """Change the status if it is still `source` (and `guard` holds); whether *we* made the change."""
        where = JobRow.id == job_id
        return bool(self.move_all(where if guard is True else where & guard, source, target, **columns))

    def move_all(self, where: Any, source: JobStatus, target: JobStatus, **columns: Any) -> list[str]:
        """Change the status of every job that is still `source`, of those `where` holds for; their ids."""
        if target not in TRANSITIONS[source]:
            raise ValueError(f"no way from {source} to {target}")
        change = self._update((JobRow.status == source) & where, status=str(target), **columns)
        told = (JobRow.id, JobRow.owner, JobRow.webhook)
        moved = [Ended(*row) for row in change.returning(*told).tuples().execute(self.database)]
        if moved and target.is_final:
            self._deliveries.announce(moved, target, self.clock.now())
        if moved:
            # Always in one order, so that two connections can't wait for each other's counters.
            for name, sign in sorted({str(source): -1, str(target): 1}.items()):
                self.count(name, sign * len(moved))
        return [job.job_id for job in moved]

    def update(self, where: Any, **columns: Any) -> int:
        """Change columns other than the status; how many rows matched. Every change is a new revision."""
        return int(self._update(where, **columns).execute(self.database))

    def _update(self, where: Any, **columns: Any) -> Any:
        query = JobRow.update(updated_at=self.clock.now(), revision=JobRow.revision + 1, **columns)
        return query.where(where)

    def count(self, name: str, change: int) -> None:
        """Keep the number of rows, in the transaction that changes it."""
        tally(self.database, name, change)

    def reserve_places(self, count: int, max_pending: int) -> None:
        """Count `count` more pending jobs, in one step. Errors: QueueFull if they become too many."""
        room = (CounterRow.name == JobStatus.PENDING) & (CounterRow.value <= max_pending - count)
        if CounterRow.update(value=CounterRow.value + count).where(room).execute(self.database):
            return
        waiting = self.counts()[JobStatus.PENDING]
        raise QueueFull(
            f"The queue is full: {waiting} jobs wait, the limit is {max_pending}."
            if count == 1
            else f"No room for {count} jobs: {waiting} wait, the limit is {max_pending}.",
            retry_after=10,
        )

    def check_share(self, caller: Caller, count: int) -> None:
        """Errors: QueueFull if, with `count` more, too many jobs of the caller would wait."""
        if caller.name is None or caller.most_pending is None:
            return
        theirs = (JobRow.owner == caller.name) & (JobRow.status == JobStatus.PENDING)
        waiting = first_row(JobRow.select(fn.COUNT(JobRow.seq)).where(theirs).tuples(), self.database)[0]
        if waiting + count > caller.most_pending:
            raise QueueFull(
                f"The limit of this key is {caller.most_pending} waiting jobs; {waiting} wait already.",
                retry_after=10,
            )

    def insert(self, job_id: str, recipe: Recipe, **columns: Any) -> bool:
        """Add a pending job whose place is reserved; False if one with that id or key is there already."""
        now = self.clock.now()
        insert = JobRow.insert(
            id=job_id, status=str(JobStatus.PENDING), model=recipe.model, recipe=recipe.model_dump_json(),
            created_at=now, updated_at=now, input_image=recipe.input_image, mask=recipe.mask, **columns,
        )  # fmt: skip
        if not insert.on_conflict(action="nothing").as_rowcount().execute(self.database):
            return False
        looked_at = {*recipe.references, *([recipe.control_image] if recipe.control_image else [])}
        for input_id in looked_at:
            JobReferenceRow.insert(input_id=input_id, job_id=job_id).execute(self.database)
        return True

    # -- looking -------------------------------------------------------------------------------------

    def get(self, job_id: str, shown: Sight = WHOLE) -> Job:
        """The job as it is now, if it is one of those shown. Errors: NotFound."""
        row = first_row(JobRow.select(EVERY_COLUMN).where(JobRow.id == job_id).dicts(), self.database)
        if row is None or not shown.shows(row["owner"]):
            raise NotFound(f"No job has the id {job_id!r}.")
        return self.to_jobs([row])[0]

    def to_jobs(self, rows: Sequence[Row]) -> list[Job]:
        """Jobs with what other rows know of them: the position of waiting ones, the pictures of completed."""
        positions = self._positions([row for row in rows if row["status"] == JobStatus.PENDING])
        made = self._image_ids([row["generation_id"] for row in rows if row["generation_id"] is not None])
        now = self.clock.now()
        return [
            to_job(
                row, now=now, position=positions.get(row["seq"]), image_ids=made.get(row["generation_id"], ())
            )
            for row in rows
        ]

    def counts(self, shown: Sight = WHOLE) -> dict[JobStatus, int]:
        """How many of the jobs that are shown have each status."""
        if not shown.is_whole:
            theirs = shown.limit(JobRow.select(JobRow.status, fn.COUNT(JobRow.seq)), JobRow.owner)
            found = dict(theirs.group_by(JobRow.status).tuples().execute(self.database))
            return {status: found.get(str(status), 0) for status in JobStatus}
        rows = dict(CounterRow.select(CounterRow.name, CounterRow.value).tuples().execute(self.database))
        return {status: rows[status] for status in JobStatus}

    def is_paused(self) -> bool:
        """Whether no job may be begun."""
        return bool(first_row(QueueRow.select(QueueRow.paused).tuples(), self.database)[0])

    def new_ranks(self, owner: str | None, count: int) -> list[float]:
        """Where new jobs of that owner go: behind all others, unless several owners wait and take turns."""
        last = self.last_rank()
        alive = JobRow.status.in_([JobStatus.PENDING, JobStatus.PROCESSING])
        named = JobRow.select(JobRow.seq).where(alive & JobRow.owner.is_null(False)).limit(1).tuples()
        if first_row(named, self.database) is None:
            # The owner of the house alone: what is asked most often costs least.
            return [last + place for place in range(1, count + 1)]
        columns = (JobRow.owner, JobRow.rank, JobRow.status)
        rows = list(JobRow.select(*columns).where(alive).order_by(*ORDER).tuples().execute(self.database))
        return fair_ranks(
            [(theirs, rank) for theirs, rank, status in rows if status == JobStatus.PENDING],
            [theirs for theirs, _, status in rows if status == JobStatus.PROCESSING],
            owner,
            count,
            last=last,
        )

    def last_rank(self) -> float:
        """The rank behind which a new job goes: of those that wait, and of those that may come back."""
        ranks = [self._last_rank(status) for status in (JobStatus.PENDING, JobStatus.PROCESSING)]
        return max(rank for rank in (0.0, *ranks) if rank is not None)

    def _last_rank(self, status: JobStatus) -> float | None:
        last = JobRow.select(JobRow.rank).where(JobRow.status == status).order_by(JobRow.rank.desc()).limit(1)
        row = first_row(last.tuples(), self.database)
        return None if row is None else float(row[0])

    def _positions(self, waiting: Iterable[Row]) -> dict[int, int]:
        """{seq: how many pending jobs run before it, and itself}.

        The first is counted; the others are read off from what lies between, which is mostly themselves.
        """
        places = sorted((row["rank"], row["seq"]) for row in waiting)
        if not places:
            return {}
        pending, here = JobRow.status == JobStatus.PENDING, Tuple(*ORDER)
        before = JobRow.select(fn.COUNT(JobRow.seq)).where(pending & (here < Tuple(*places[0]))).tuples()
        position = int(first_row(before, self.database)[0]) + 1
        if len(places) == 1:
            return {places[0][1]: position}
        between = pending & (here >= Tuple(*places[0])) & (here <= Tuple(*places[-1]))
        rows = JobRow.select(JobRow.seq).where(between).order_by(*ORDER).tuples().execute(self.database)
        return {seq: place for place, (seq,) in enumerate(rows, start=position)}

    def _image_ids(self, generation_ids: Sequence[str]) -> dict[str, list[str]]:
        """{generation: its pictures in order}."""
        if not generation_ids:
            return {}
        query = ImageRow.select(ImageRow.generation_id, ImageRow.id).where(
            ImageRow.generation_id.in_(generation_ids)
        )
        made: dict[str, list[str]] = {}
        for generation_id, image_id in query.order_by(ImageRow.position).tuples().execute(self.database):
            made.setdefault(generation_id, []).append(image_id)
        return made
