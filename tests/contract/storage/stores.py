"""Everything that is stored, over one database, as assembly puts it together."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from peewee import Database

from studio.batches import Batches
from studio.claims import Claim, Claims
from studio.database import close_database, is_postgres, open_database
from studio.job import JobStatus
from studio.keys import Keys
from studio.library import Library
from studio.memory_levels import MemoryLevels
from studio.presets import Presets
from studio.records import Records
from studio.store import JobStore
from studio.writer import GroupWriter, PooledWriter, Writer
from tests.builders import a_recipe
from tests.fakes import FakeClock

T = TypeVar("T")
MANY = 1_000_000


@dataclass
class Stores:
    """The queue and what came of it, and the clock they go by."""

    database: Database
    writer: Writer
    clock: FakeClock
    jobs: JobStore
    claims: Claims
    records: Records
    library: Library
    presets: Presets
    batches: Batches
    keys: Keys
    memory_levels: MemoryLevels

    def add(self, **changes: object) -> str:
        """The id of a new pending job."""
        return self.jobs.add(a_recipe(**changes), max_pending=MANY).id

    def claimed(self, worker: str = "first") -> Claim:
        """The oldest pending job, now this worker's."""
        claim = self.claims.claim(worker)
        assert claim is not None, "nothing waits"
        return claim

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a plain query finds, past all of our own code."""
        with self.database.connection_context():
            return [tuple(row) for row in self.database.execute_sql(sql).fetchall()]

    def wipe(self) -> None:
        """Start over in the same database."""
        with self.database.connection_context(), self.database.atomic():
            for table in (
                "input_owner",
                "delivery",
                "image",
                "generation",
                "attempt",
                "job",
                "speed",
                "preset",
                "batch",
                "api_key",
                "memory_level",
            ):
                self.database.execute_sql(f"DELETE FROM {table}")
            self.database.execute_sql("UPDATE counter SET value = 0")

    def assert_consistent(self) -> None:
        """What holds at every instant: counters, attempts and pictures agree with the rows."""
        counted = dict(self.rows("SELECT status, COUNT(*) FROM job GROUP BY status"))
        assert self.jobs.counts() == {status: counted.get(str(status), 0) for status in JobStatus}
        (generations,) = self.rows("SELECT COUNT(*) FROM generation")[0]
        assert self.rows("SELECT value FROM counter WHERE name = 'generation'") == [(generations,)]
        for name, counted_by in (("image", "COUNT(*)"), ("image_bytes", "COALESCE(SUM(size), 0)")):
            (there,) = self.rows(f"SELECT {counted_by} FROM image")[0]
            assert self.rows(f"SELECT value FROM counter WHERE name = '{name}'") == [(there,)]
        assert not self.rows(
            "SELECT id FROM job WHERE attempt != (SELECT COUNT(*) FROM attempt WHERE job_id = job.id)"
        )
        assert not self.rows(
            "SELECT id FROM job WHERE webhook IS NOT NULL AND "
            "(status IN ('completed', 'failed', 'cancelled')) != "
            "(id IN (SELECT job_id FROM delivery WHERE source = 'job'))"
        )
        assert not self.rows(
            "SELECT id FROM generation WHERE image_count != "
            "(SELECT COUNT(*) FROM image WHERE generation_id = generation.id)"
        )
        assert not self.rows(
            "SELECT job_id FROM attempt WHERE (outcome = 'running') != (ended_at IS NULL) OR "
            "outcome = 'running' AND "
            "job_id NOT IN (SELECT id FROM job WHERE status = 'processing' AND attempt = number)"
        )
        assert not self.rows(
            "SELECT id FROM generation WHERE job_id NOT IN "
            "(SELECT job.id FROM job WHERE status = 'completed' AND generation_id = generation.id)"
        )


class AnswersGetLost:
    """A writer that, like one whose connection dies after the commit, makes every change a second time."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def run(self, change: Callable[[], T]) -> T:
        self._writer.run(change)
        return self._writer.run(change)

    def close(self) -> None:
        self._writer.close()


@contextmanager
def open_stores(url: str) -> Iterator[Stores]:
    """The stores over a database that has its tables; closed afterwards."""
    database, clock = open_database(url), FakeClock()
    secrets = (f"secret-{number}" for number in itertools.count())
    writer: Writer = PooledWriter(database) if is_postgres(url) else GroupWriter(database)
    try:
        yield Stores(
            database, writer, clock, JobStore(database, writer, clock), Claims(database, writer, clock),
            Records(database, writer, clock), Library(database, writer, clock),
            Presets(database, writer, clock), Batches(database, writer, clock),
            Keys(database, writer, clock, new_secret=lambda: next(secrets)),
            MemoryLevels(database, writer, clock),
        )  # fmt: skip
    finally:
        writer.close()
        close_database(database)
