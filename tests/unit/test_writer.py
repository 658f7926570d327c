"""The one writer of an SQLite database: groups, faults in a group, a full disk, the end."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from peewee import Database, IntegrityError, OperationalError

from studio.database import close_database, open_database
from studio.errors import NotFound, Stopping, StorageFull
from studio.writer import GROUP, GroupWriter, storage_error


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A table of unique numbers."""
    database = open_database(str(tmp_path / "numbers.db"))
    with database.connection_context():
        database.execute_sql("CREATE TABLE number (value INTEGER PRIMARY KEY)")
    yield database
    close_database(database)


@pytest.fixture
def writer(database: Database) -> Iterator[GroupWriter]:
    """The writer of that database."""
    writer = GroupWriter(database)
    yield writer
    writer.close()


def _insert(database: Database, value: int) -> Callable[[], int]:
    def change() -> int:
        database.execute_sql("INSERT INTO number VALUES (?)", (value,))
        return value

    return change


def _numbers(database: Database) -> list[int]:
    with database.connection_context():
        return [value for (value,) in database.execute_sql("SELECT value FROM number ORDER BY value")]


class Gathered:
    """Changes asked for by many threads while the writer is held up, so that they end in one group."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self._threads = ThreadPoolExecutor(GROUP)
        self._gate = threading.Event()
        arrived = threading.Event()

        def hold() -> None:
            arrived.set()
            assert self._gate.wait(60)

        self._held = self._threads.submit(writer.run, hold)
        assert arrived.wait(60)

    def ask(self, change: Callable[[], object]) -> "Future[object]":
        """Ask for a change; returns once it waits in the writer's queue."""
        size = self._writer._changes.qsize()
        future: Future[object] = self._threads.submit(self._writer.run, change)
        waiting = threading.Event()
        while self._writer._changes.qsize() == size:
            waiting.wait(0.001)
        return future

    def let_go(self) -> None:
        """Let the writer commit them."""
        self._gate.set()
        self._threads.shutdown(wait=True)


def test_a_change_gives_its_result_once_it_is_stored(database: Database, writer: GroupWriter) -> None:
    assert writer.run(_insert(database, 7)) == 7
    assert _numbers(database) == [7]


def test_changes_that_wait_together_are_committed_together(database: Database, writer: GroupWriter) -> None:
    group = Gathered(writer)
    seen: list[list[int]] = []
    for value in range(5):
        group.ask(_insert(database, value))

    def look_from_outside() -> None:
        # Another connection sees nothing of the group before its commit.
        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(_numbers, database).result())

    group.ask(look_from_outside)
    group.let_go()

    assert seen == [[]]
    assert _numbers(database) == [0, 1, 2, 3, 4]


def test_a_change_that_refuses_is_undone_alone(database: Database, writer: GroupWriter) -> None:
    group = Gathered(writer)

    def insert_and_refuse() -> None:
        _insert(database, 99)()
        raise NotFound("No job has that id.")

    good = [group.ask(_insert(database, value)) for value in (1, 2)]
    refused = group.ask(insert_and_refuse)
    good.append(group.ask(_insert(database, 3)))
    group.let_go()

    assert [future.result() for future in good] == [1, 2, 3]
    with pytest.raises(NotFound):
        refused.result()
    assert _numbers(database) == [1, 2, 3]


def test_a_change_that_the_database_refuses_leaves_the_others_of_its_group(
    database: Database, writer: GroupWriter
) -> None:
    writer.run(_insert(database, 1))
    group = Gathered(writer)
    first, clash, last = (group.ask(_insert(database, value)) for value in (2, 1, 3))
    group.let_go()

    assert (first.result(), last.result()) == (2, 3)
    with pytest.raises(IntegrityError):
        clash.result()
    assert _numbers(database) == [1, 2, 3]


def test_a_change_may_even_exit_and_the_writer_lives_on(database: Database, writer: GroupWriter) -> None:
    with pytest.raises(SystemExit):
        writer.run(sys.exit)

    assert writer.run(_insert(database, 1)) == 1


def test_close_finishes_what_was_accepted_then_refuses(database: Database, writer: GroupWriter) -> None:
    group = Gathered(writer)
    accepted = [group.ask(_insert(database, value)) for value in range(10)]
    closers = [threading.Thread(target=writer.close) for _ in range(3)]
    for closer in closers:
        closer.start()
    group.let_go()
    for closer in closers:
        closer.join(60)

    assert [future.result() for future in accepted] == list(range(10))
    with pytest.raises(Stopping):
        writer.run(_insert(database, 11))
    assert _numbers(database) == list(range(10))


def test_many_threads_never_meet_a_locked_database(database: Database, writer: GroupWriter) -> None:
    start = threading.Barrier(40)

    def write(place: int) -> None:
        start.wait()
        for value in range(20):
            writer.run(_insert(database, place * 100 + value))
            _numbers(database)

    with ThreadPoolExecutor(40) as threads:
        list(threads.map(write, range(40)))

    assert len(_numbers(database)) == 800


def test_a_database_that_cannot_be_opened_fails_the_change_and_not_the_writer(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    database = open_database(str(folder / "numbers.db"))
    writer = GroupWriter(database)
    with pytest.raises(OperationalError, match="unable to open"):
        writer.run(lambda: database.execute_sql("SELECT 1"))

    folder.mkdir()

    writer.run(lambda: database.execute_sql("CREATE TABLE number (value INTEGER PRIMARY KEY)"))
    assert _numbers(database) == []
    writer.close()
    close_database(database)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine allows no mount: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_nothing_accepted_is_lost_and_space_heals_it(
    tiny_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(str(tiny_disk / "numbers.db"))
    writer = GroupWriter(database)
    writer.run(lambda: database.execute_sql("CREATE TABLE number (value INTEGER PRIMARY KEY, more BLOB)"))
    filler = tiny_disk / "filler"
    filler.write_bytes(b"x" * 600_000)
    accepted = []

    def insert(value: int) -> None:
        database.execute_sql("INSERT INTO number VALUES (?, zeroblob(8000))", (value,))

    with pytest.raises(StorageFull, match="Free some space"):
        for value in range(200):
            writer.run(lambda value=value: insert(value))  # type: ignore[misc]
            accepted.append(value)
    with pytest.raises(StorageFull):
        writer.run(lambda: insert(1000))
    assert accepted
    assert _numbers(database) == accepted
    assert "disk is full" in caplog.text

    filler.unlink()

    writer.run(lambda: insert(2000))
    assert _numbers(database) == [*accepted, 2000]
    with database.connection_context():
        assert database.execute_sql("PRAGMA quick_check").fetchall() == [("ok",)]
    writer.close()
    close_database(database)


def test_what_is_too_large_is_refused_alone_and_the_rest_of_its_group_is_stored(
    database: Database, writer: GroupWriter
) -> None:
    # SQLite's own limit: at the statement that crosses it, the whole transaction is undone behind our back.
    writer.run(lambda: database.execute_sql("ALTER TABLE number ADD COLUMN more BLOB"))
    writer.run(lambda: database.execute_sql("PRAGMA max_page_count = 30").fetchall())
    group = Gathered(writer)
    before = group.ask(lambda: database.execute_sql("INSERT INTO number VALUES (1, 'x')"))
    huge = group.ask(lambda: database.execute_sql("INSERT INTO number VALUES (2, zeroblob(2000000))"))
    after = group.ask(lambda: database.execute_sql("INSERT INTO number VALUES (3, 'x')"))
    group.let_go()

    with pytest.raises(StorageFull):
        huge.result()
    assert (before.exception(), after.exception()) == (None, None)
    assert _numbers(database) == [1, 3]


@pytest.mark.parametrize(
    ("cause", "full"),
    [
        ("FullError: database or disk is full", True),
        ("attempt to write a readonly database", True),
        ('could not extend file "base/1": No space left on device', True),
        ("database is locked", False),
    ],
)
def test_a_full_disk_is_recognised_behind_the_error_of_the_rollback(cause: str, full: bool) -> None:
    try:
        try:
            raise OperationalError(cause)
        except OperationalError:
            raise OperationalError("cannot rollback - no transaction is active")  # noqa: B904
    except OperationalError as error:
        found = storage_error(error)

    assert (found is not None) is full
    if found is not None:
        assert cause in found.message
