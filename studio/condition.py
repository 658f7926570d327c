"""Condition: whether the studio can do its work, for whoever watches over it."""

import logging
import threading
from typing import Protocol

from peewee import Database, DatabaseError, InterfaceError, SqliteDatabase

from studio.clock import Clock
from studio.database import first_row
from studio.errors import StudioError
from studio.gallery import Gallery
from studio.job import JobStatus
from studio.reader import Reader
from studio.schema import CounterRow, JobRow
from studio.tally import GENERATIONS, picture_totals
from studio.worker import RESERVE_BYTES
from studio.writer import Writer

log = logging.getLogger(__name__)

# Looking writes to the disk, and may be asked for by anybody.
_FRESH_SECONDS = 1.0
# A disk that hangs holds the look up, and everybody who asks meanwhile would wait with it.
_PATIENCE_SECONDS = 5.0


class HasLife(Protocol):
    """What is asked of a worker."""

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        ...


class Condition:
    """Looks whether the parts that a job needs are there. Thread-safe; owner: assembly."""

    def __init__(
        self, *, database: Database, writer: Writer, worker: HasLife, gallery: Gallery, clock: Clock
    ) -> None:
        self._database = database
        self._writer = writer
        self._read = Reader(database).run
        self._worker = worker
        self._gallery = gallery
        self._clock = clock
        self._looking = threading.Lock()
        self._seen: tuple[float, list[str]] | None = None

    def faults(self) -> list[str]:
        """What keeps jobs from being done, each in a sentence without paths; empty if nothing does.

        What was seen within the last second counts.
        """
        if not self._looking.acquire(timeout=_PATIENCE_SECONDS):
            return ["The last look at the database and the outputs has not come back."]
        try:
            now = self._clock.monotonic()
            if self._seen is None or now - self._seen[0] >= _FRESH_SECONDS:
                self._seen = now, self._look()
            return self._seen[1]
        finally:
            self._looking.release()

    def oldest_pending(self) -> float:
        """For how many seconds the job that has waited longest has waited; 0 if none waits."""
        oldest = JobRow.select(JobRow.created_at).where(JobRow.status == JobStatus.PENDING)
        row = self._read(lambda: first_row(oldest.order_by(JobRow.seq).limit(1).tuples(), self._database))
        return 0.0 if row is None else max(0.0, self._clock.now() - row[0])

    def free_bytes(self) -> int:
        """Room left under outputs/. Errors: StorageFull if that can't be known."""
        return self._gallery.free_bytes()

    def database_bytes(self) -> int:
        """What the database takes on its disk."""
        if isinstance(self._database, SqliteDatabase):
            size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        else:
            size = "SELECT pg_database_size(current_database())"
        return int(self._read(lambda: self._database.execute_sql(size).fetchall())[0][0])

    def pictures(self) -> tuple[int, int]:
        """(how many pictures there are, bytes of their files), by the counters."""
        return self._read(lambda: picture_totals(self._database))

    def _look(self) -> list[str]:
        found = []
        try:
            self._writer.run(self._write)
        except (StudioError, DatabaseError, InterfaceError) as error:
            log.error("not ready: %s", error)
            found.append("The database can't be written.")
        if not self._worker.is_alive:
            found.append("The worker does not run.")
        try:
            self._gallery.check_writable()
            if self._gallery.free_bytes() < RESERVE_BYTES:
                found.append("There is too little room in the outputs folder; the queue waits.")
        except StudioError as error:
            log.error("not ready: %s", error)
            found.append("The outputs folder can't be written.")
        return found

    def _write(self) -> None:
        """A change that changes nothing, and yet must reach the disk."""
        nothing = CounterRow.update(value=CounterRow.value).where(CounterRow.name == GENERATIONS)
        nothing.execute(self._database)
