"""Batches: jobs that were submitted together, all or none, and the grids among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import BigAutoField, CharField, Database, DoubleField, Model, TextField, fn

from studio.axes import Plan
from studio.caller import asker
from studio.clock import Clock
from studio.database import first_row
from studio.errors import IdempotencyMismatch, NotFound
from studio.job import Job, JobStatus
from studio.job_table import JobTable
from studio.reader import Reader
from studio.recipe import Recipe
from studio.schema import EVERY_COLUMN, JobRow, QueueRow
from studio.sight import WHOLE, Sight, sight
from studio.store import Page, is_id, new_id
from studio.writer import Writer


class BatchRow(Model):
    """Jobs that were submitted together; `plan` is the JSON of a grid's, null for a plain batch."""

    seq = BigAutoField()
    id = CharField(unique=True)
    plan = TextField(null=True)
    created_at = DoubleField()
    idempotency_key = TextField(null=True, unique=True)
    fingerprint = CharField(null=True)
    owner = TextField(null=True)

    class Meta:
        table_name = "batch"


@dataclass(frozen=True)
class Grid:
    """A batch with a plan. `jobs` holds the latest job of each cell, by cell; `created_at`: epoch seconds."""

    id: str
    plan: Plan
    created_at: float
    jobs: tuple[Job, ...] = ()
    owner: str | None = None
    """The name of the key that made it; None: nobody's in particular."""


@dataclass(frozen=True)
class GridLine:
    """A grid in a list: `counts` is how many of its cells have each status."""

    grid: Grid
    counts: dict[JobStatus, int]


class Batches:
    """The batches in the database. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run
        self._table = JobTable(database, clock)

    def add(
        self,
        recipes: Sequence[tuple[int, Recipe]],
        *,
        max_pending: int,
        plan: Plan | None = None,
        idempotency_key: str | None = None,
        fingerprint: str | None = None,
        webhook: str | None = None,
    ) -> tuple[str, list[Job]]:
        """(id, jobs by cell) of a new batch of these (cell, recipe), which will run in this order.

        All are stored or none; the same key gives the batch it made. Errors: QueueFull; IdempotencyMismatch.
        """
        batch_id, now, caller = new_id(), self._clock.now(), asker()
        new = [(new_id(), cell, recipe) for cell, recipe in recipes]

        def change() -> tuple[str, list[Job]]:
            # First of all: whoever sends the same key at the same time waits here, and finds our row.
            insert = BatchRow.insert(
                id=batch_id, plan=None if plan is None else plan.model_dump_json(), created_at=now,
                idempotency_key=idempotency_key, fingerprint=fingerprint, owner=caller.name,
            ).on_conflict(action="nothing")  # fmt: skip
            if not insert.as_rowcount().execute(self._database):
                return self._earlier(batch_id, idempotency_key, fingerprint)
            self._table.reserve_places(len(new), max_pending)
            self._table.check_share(caller, len(new))
            ranks = self._table.new_ranks(caller.name, len(new))
            for rank, (job_id, cell, recipe) in zip(ranks, new, strict=True):
                self._table.insert(
                    job_id, recipe, source_image_id=recipe.input_image, rank=rank,
                    batch_id=batch_id, cell=cell, owner=caller.name, webhook=webhook,
                )  # fmt: skip
            return batch_id, self._jobs(batch_id)

        return self._writer.run(change)

    def earlier(self, idempotency_key: str, fingerprint: str) -> tuple[str, list[Job]] | None:
        """(id, jobs by cell) of the batch that this key made, or None. Errors: IdempotencyMismatch."""

        def read() -> tuple[str, list[Job]] | None:
            used = BatchRow.select(BatchRow.id).where(BatchRow.idempotency_key == idempotency_key)
            if first_row(used.tuples(), self._database) is None:
                return None
            return self._earlier("", idempotency_key, fingerprint)

        return self._read(read)

    def grids(self, *, limit: int, offset: int) -> Page[GridLine]:
        """Grids without their jobs, newest first."""
        is_grid = BatchRow.plan.is_null(False)
        shown = sight()
        newest = BatchRow.select(EVERY_COLUMN).where(is_grid).order_by(BatchRow.seq.desc())
        newest = shown.limit(newest, BatchRow.owner)
        total = shown.limit(BatchRow.select(fn.COUNT(BatchRow.seq)).where(is_grid), BatchRow.owner)

        def read() -> Page[GridLine]:
            rows = list(newest.limit(limit).offset(offset).dicts().execute(self._database))
            counts = self._counts([row["id"] for row in rows], shown)
            lines = [GridLine(_to_grid(row), counts.get(row["id"], {})) for row in rows]
            return Page(lines, int(first_row(total.tuples(), self._database)[0]))

        return self._read(read)

    def grid(self, grid_id: str) -> Grid:
        """A grid with its jobs as they are now. Errors: NotFound."""
        shown = sight()

        def read() -> Grid:
            row = self._row(grid_id, shown)
            return _to_grid(row, self._jobs(grid_id, shown))

        return self._read(read)

    def forget(self, grid_id: str) -> None:
        """Have a grid no more; its jobs stay, as jobs of their own. Errors: NotFound."""
        shown = sight()

        def change() -> None:
            # Before several jobs at once the queue's row, as everywhere.
            QueueRow.update(paused=QueueRow.paused).execute(self._database)
            self._row(grid_id, shown)
            BatchRow.delete().where(BatchRow.id == grid_id).execute(self._database)
            self._table.update(JobRow.batch_id == grid_id, batch_id=None, cell=None)

        self._writer.run(change)

    def known_grids(self, ids: Sequence[str]) -> set[str]:
        """Which of these are grids."""
        query = BatchRow.select(BatchRow.id).where(BatchRow.id.in_(ids)).tuples()
        return self._read(lambda: {grid_id for (grid_id,) in query.execute(self._database)})

    # -- inside a transaction ------------------------------------------------------------------------

    def _row(self, grid_id: str, shown: Sight) -> Any:
        found = None
        if is_id(grid_id):
            query = BatchRow.select(EVERY_COLUMN).where(
                (BatchRow.id == grid_id) & BatchRow.plan.is_null(False)
            )
            found = first_row(query.dicts(), self._database)
        if found is None or not shown.shows(found["owner"]):
            raise NotFound(f"No grid has the id {grid_id[:64]!r}.")
        return found

    def _earlier(
        self, batch_id: str, idempotency_key: str | None, fingerprint: str | None
    ) -> tuple[str, list[Job]]:
        """The batch of this key, or the one of this id, stored by a try whose answer got lost."""
        same = BatchRow.id == batch_id
        if idempotency_key is not None:
            same |= BatchRow.idempotency_key == idempotency_key
        query = BatchRow.select(BatchRow.id, BatchRow.fingerprint).where(same).tuples()
        found, known = first_row(query, self._database)
        if known != fingerprint:
            raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
        return found, self._jobs(found)

    def _jobs(self, batch_id: str, shown: Sight = WHOLE) -> list[Job]:
        """The latest job of each cell that is shown, by cell: a cell that was tried again has several."""
        query = JobRow.select(EVERY_COLUMN).where(JobRow.batch_id == batch_id).order_by(JobRow.seq)
        query = shown.limit(query, JobRow.owner)
        latest = {row["cell"]: row for row in query.dicts().execute(self._database)}
        return self._table.to_jobs([latest[cell] for cell in sorted(latest)])

    def _counts(self, ids: Sequence[str], shown: Sight) -> dict[str, dict[JobStatus, int]]:
        """{grid: how many cells have each status}."""
        columns = (JobRow.batch_id, JobRow.cell, JobRow.status)
        query = JobRow.select(*columns).where(JobRow.batch_id.in_(ids)).order_by(JobRow.seq)
        rows = shown.limit(query, JobRow.owner).tuples()
        latest = {(grid, cell): JobStatus(status) for grid, cell, status in rows.execute(self._database)}
        counts: dict[str, dict[JobStatus, int]] = {}
        for (grid, _), status in latest.items():
            of_grid = counts.setdefault(grid, dict.fromkeys(JobStatus, 0))
            of_grid[status] += 1
        return counts


def _to_grid(row: Any, jobs: Sequence[Job] = ()) -> Grid:
    plan = Plan.model_validate_json(row["plan"])
    return Grid(row["id"], plan, row["created_at"], tuple(jobs), row["owner"])
