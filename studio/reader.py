"""How queries that change nothing reach the database: on a kept connection, in the caller's own thread."""

import logging
from collections.abc import Callable
from typing import TypeVar

from peewee import Database, InterfaceError, OperationalError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Reader:
    """Runs queries. Thread-safe: each runs on a connection of the pool that nobody else has meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, query: Callable[[], T]) -> T:
        """What `query` gives; it must have read its rows when it returns."""
        try:
            return self._attempt(query)
        except (OperationalError, InterfaceError) as error:
            # A database server that restarts takes our connections along; reading twice is always safe.
            log.warning("database: %s; reading once more", str(error).strip())
            return self._attempt(query)

    def _attempt(self, query: Callable[[], T]) -> T:
        with self._database.connection_context():
            return query()
