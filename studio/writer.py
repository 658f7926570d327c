"""How changes reach the database: one writer thread with group commit on SQLite, a pool on PostgreSQL.

SQLite's busy handler starves writers (measured: waits of 1-2 s with 40 threads); one thread that commits
whatever has gathered keeps the longest wait near 10 ms and pays one fsync for many changes.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from peewee import Database, DatabaseError, InterfaceError, OperationalError

from studio.errors import Stopping, StorageFull

log = logging.getLogger(__name__)

T = TypeVar("T")
GROUP = 64


class Writer(Protocol):
    """Runs changes, each atomically; a change reads and writes through the database it was built with."""

    def run(self, change: Callable[[], T]) -> T:
        """The result of `change`, once it is durable. Errors: its own; StorageFull; Stopping after close."""
        ...

    def close(self) -> None:
        """Finish what was accepted, then refuse; idempotent."""
        ...


def storage_error(error: BaseException) -> StorageFull | None:
    """The StorageFull behind a database error, or None.

    When the disk is full SQLite has already rolled back, and the driver then complains about that; the true
    cause hangs further down the chain.
    """
    cause: BaseException | None = error
    while cause is not None:
        text = str(cause)
        if "disk is full" in text or "readonly database" in text or "No space left" in text:
            return StorageFull(f"The database could not be written: {text}. Free some space and try again.")
        cause = cause.__cause__ or cause.__context__
    return None


class GroupWriter:
    """The only thread that writes an SQLite database. Owner: the store that made it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="database-writer", daemon=True)
        self._thread.start()

    def run(self, change: Callable[[], T]) -> T:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise Stopping("The studio is shutting down.")
            self._changes.put((change, future))
        return future.result()

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._changes.put(None)
        self._thread.join()

    def _loop(self) -> None:
        # The first change opens the connection: if that fails, whoever asked for the change gets the error.
        more = True
        while more:
            group, more = self._gather()
            if group:
                self._commit(group)
        self._database.close()

    def _gather(self) -> tuple[list[tuple[Callable[[], Any], Future[Any]]], bool]:
        """What waits now, at least one, at most GROUP; and whether there will be more."""
        first = self._changes.get()
        if first is None:
            return [], False
        group = [first]
        while len(group) < GROUP:
            try:
                item = self._changes.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, False
            group.append(item)
        return group, True

    def _commit(self, group: list[tuple[Callable[[], Any], Future[Any]]]) -> None:
        """One transaction for all; a change that fails is undone alone, by its savepoint."""
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        try:
            with self._database.atomic():
                for change, future in group:
                    try:
                        with self._database.savepoint():
                            result = change()
                    except DatabaseError:
                        raise
                    # Whatever a change raises is its asker's: this thread must outlive it.
                    except BaseException as error:
                        failed.append((future, error))
                    else:
                        done.append((future, result))
        except Exception as error:
            # Nothing of the group is stored: each of several gets its own try, a single one its error.
            if len(group) > 1:
                for change, future in group:
                    self._commit([(change, future)])
                return
            full = storage_error(error)
            if full is not None:
                log.error("database: %s", full)
            group[0][1].set_exception(full or error)
            return
        for future, result in done:
            future.set_result(result)
        for future, fault in failed:
            future.set_exception(fault)


class PooledWriter:
    """Every change on a pooled connection of its own, for databases that take many writers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = False
        self._running = 0
        self._idle = threading.Condition()

    def run(self, change: Callable[[], T]) -> T:
        with self._idle:
            if self._closed:
                raise Stopping("The studio is shutting down.")
            self._running += 1
        try:
            return self._run(change)
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def close(self) -> None:
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: self._running == 0)

    def _run(self, change: Callable[[], T]) -> T:
        try:
            return self._attempt(change)
        except (OperationalError, InterfaceError) as error:
            full = storage_error(error)
            if full is not None:
                raise full from error
            # The server restarted under an idle connection; every change is guarded, so once more is safe.
            log.warning("database: %s; trying once more", str(error).strip())
            return self._attempt(change)

    def _attempt(self, change: Callable[[], T]) -> T:
        with self._database.connection_context(), self._database.atomic():
            return change()
