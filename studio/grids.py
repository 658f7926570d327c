"""Grids: what people do with grids: have one made, look, take its sheet and table, stop it, delete it."""

import csv
import hashlib
import io
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.axes import Plan
from studio.batches import Batches, Grid, GridLine
from studio.caller import asker
from studio.entry import Removal
from studio.errors import NotFound
from studio.events import GRID, EventBus, about
from studio.gallery import Gallery
from studio.job import Job
from studio.library import Library
from studio.queue_control import QueueControl
from studio.sheet import LOOK, draw_sheet, thumbnail_edge
from studio.sheet_files import SheetFiles
from studio.shelf import Shelf
from studio.store import Page
from studio.submission import Submission

log = logging.getLogger(__name__)

# A spreadsheet takes a text that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet:
    """A contact sheet as PNG; `digest` changes whenever it looks different."""

    png: bytes
    digest: str


class Grids:
    """The grids of a studio. Thread-safe; owner: the studio, reached as `Studio.grids`."""

    def __init__(
        self,
        *,
        batches: Batches,
        submission: Submission,
        queue: QueueControl,
        library: Library,
        shelf: Shelf,
        gallery: Gallery,
        bus: EventBus,
    ) -> None:
        self._batches = batches
        self._submission = submission
        self._queue = queue
        self._library = library
        self._shelf = shelf
        self._gallery = gallery
        self._files = SheetFiles(gallery.root)
        self._bus = bus
        # Sheets take memory: one at a time.
        self._drawing = threading.Lock()

    def submit(self, plan: Plan, *, idempotency_key: str | None = None, webhook: str | None = None) -> Grid:
        """A new grid, all of its jobs durable in the queue, or the one this key made.

        Without a seed one is drawn for all cells. `webhook` is told of each cell's end.
        Errors: InvalidRequest naming the axis and its value; as Studio.submit.
        """
        return self._batches.grid(
            self._submission.grid(plan, idempotency_key=idempotency_key, webhook=webhook)
        )

    def page(self, *, limit: int, offset: int) -> Page[GridLine]:
        """Grids, newest first, without their jobs."""
        return self._batches.grids(limit=limit, offset=offset)

    def get(self, grid_id: str) -> Grid:
        """A grid and its jobs as they are now. Errors: NotFound."""
        return self._batches.grid(grid_id)

    def cancel(self, grid_id: str) -> list[str]:
        """Cancel all of its jobs that are not over; their ids. Errors: NotFound; NotAllowed."""
        grid = self._own(grid_id)
        cancelled = self._queue.cancel([job.id for job in grid.jobs])
        self._bus.hint(about(GRID, grid_id, grid.owner))
        return cancelled

    def delete(self, grid_id: str, *, pictures: bool = False, even_favourites: bool = False) -> Removal:
        """Cancel what is not over and forget the grid, with `pictures` those it made as well.

        Its jobs stay, as jobs of their own. Errors: NotFound; NotAllowed; StorageFull.
        """
        grid = self._own(grid_id)
        self._queue.cancel([job.id for job in grid.jobs])
        removal = Removal([], [], [])
        if pictures:
            ids = [image_id for job in grid.jobs for image_id in job.image_ids]
            removal = self._shelf.delete(ids, even_favourites=even_favourites)
        self._batches.forget(grid_id)
        self._files.remove(grid_id)
        log.info("grid %s deleted with %d images", grid_id, len(removal.images))
        self._bus.hint(about(GRID, grid_id, grid.owner))
        return removal

    def _own(self, grid_id: str) -> Grid:
        """A grid that whoever asks may change. Errors: NotFound; NotAllowed."""
        grid = self.get(grid_id)
        asker().check_owns(grid.owner, f"Grid {grid_id}")
        return grid

    def sweep(self) -> None:
        """Remove sheets of grids that are gone. Errors: StorageFull."""
        self._files.sweep(self._batches.known_grids)

    # -- to take along -------------------------------------------------------------------------------

    def sheet(self, grid_id: str) -> Sheet:
        """The contact sheet as it is now, stored once all jobs are over. Errors: NotFound; StorageFull."""
        with self._drawing:
            grid = self.get(grid_id)
            digest = _digest(grid)
            stored = self._files.find(grid_id, digest)
            if stored is not None:
                return Sheet(stored.read_bytes(), digest)
            png = draw_sheet(grid.plan, grid.jobs, self._pictures(grid))
            if all(job.is_final for job in grid.jobs):
                self._files.save(grid_id, digest, png)
                log.info("grid %s: sheet stored", grid_id)
            return Sheet(png, digest)

    def _pictures(self, grid: Grid) -> dict[int, Path]:
        """{cell: file} of the first picture of each cell that has one."""
        firsts = {job.image_ids[0]: job.cell for job in grid.jobs if job.image_ids}
        edge = thumbnail_edge(grid.plan)
        found: dict[int, Path] = {}
        for entry in self._library.entries(firsts):
            cell = firsts[entry.image.id]
            try:
                found[cell or 0] = self._gallery.thumbnail(entry.image.id, entry.image.path, edge)
            except NotFound:
                continue  # its file is gone: an empty cell
        return found

    def table(self, grid_id: str) -> str:
        """The cells as CSV, one line each, with a line of names first. Errors: NotFound.

        Texts that a spreadsheet would take for formulas begin with an apostrophe.
        """
        grid = self.get(grid_id)
        out = io.StringIO()
        lines = [_line(grid.plan, job) for job in grid.jobs]
        writer = csv.DictWriter(out, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()


def _digest(grid: Grid) -> str:
    seen = [f"{LOOK}", grid.plan.model_dump_json()]
    seen += [f"{job.cell} {job.status} {' '.join(job.image_ids[:1])}" for job in grid.jobs]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]


def _line(plan: Plan, job: Job) -> dict[str, str]:
    cell = job.cell or 0
    places = dict(zip("xyz", map(str, plan.place(cell)), strict=True))
    return {
        "cell": str(cell),
        **places,
        **dict(_values(plan, cell)),
        "seed": str(job.recipe.seed),
        "job_id": job.id,
        "status": str(job.status),
        "error": _as_text(job.error or ""),
        "generation_id": job.generation_id or "",
        "image_ids": " ".join(job.image_ids),
    }


def _values(plan: Plan, cell: int) -> Iterator[tuple[str, str]]:
    for axis, place in zip(plan.axes, plan.place(cell), strict=False):
        is_text = isinstance(axis.values[place], str)
        yield axis.parameter, _as_text(axis.label(place)) if is_text else axis.label(place)


def _as_text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
