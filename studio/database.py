"""Opening a database, SQLite or PostgreSQL, and bringing it to this version's schema."""

from pathlib import Path
from typing import Any

from peewee import Database, PostgresqlDatabase
from playhouse.apsw_ext import APSWDatabase
from playhouse.migrations import Runner
from playhouse.pool import PooledDatabase, PooledPostgresqlDatabase

MIGRATIONS = Path(__file__).parent / "migrations"
# Any fixed number: it names our migration lock among the advisory locks of a PostgreSQL server.
_MIGRATION_LOCK = 7_305_331_201
# Every connection of the pool may be reading at once; one more waits for the first that comes back.
_CONNECTIONS = 20


class PooledSqliteDatabase(PooledDatabase, APSWDatabase):  # type: ignore[misc]  # their init() differ
    """An SQLite file with its connections kept: opening one for each read costs as much as the read."""

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(path, **options)  # type: ignore[no-untyped-call]

    def _can_reuse(self, connection: Any) -> bool:
        # Whoever left a transaction open was interrupted in it: closing rolls back.
        return not connection.in_transaction


def is_postgres(url: str) -> bool:
    """Whether a database setting names a PostgreSQL server rather than an SQLite file."""
    return url.startswith(("postgres://", "postgresql://"))


def open_database(url: str) -> Database:
    """The database of a PostgreSQL URL or the path of an SQLite file, not yet connected.

    SQLite comes from apsw, which brings a version without the WAL-reset corruption that systems still ship.
    """
    if is_postgres(url):
        # libpq waits for minutes on a dead peer unless told otherwise.
        quick: dict[str, Any] = {
            "connect_timeout": 3, "keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 3,
            "tcp_user_timeout": 5000,
        }  # fmt: skip
        return PooledPostgresqlDatabase(
            url, prefer_psycopg3=True, max_connections=_CONNECTIONS, timeout=10, **quick
        )
    pragmas = {
        "journal_mode": "wal", "synchronous": "full", "fullfsync": 1, "foreign_keys": 1,
        "journal_size_limit": 64 * 2**20, "cache_size": -16_000,
    }  # fmt: skip
    return PooledSqliteDatabase(
        url, pragmas=pragmas, timeout=10, lock_type="IMMEDIATE", max_connections=_CONNECTIONS
    )


def close_database(database: Database) -> None:
    """Close the connections that nobody uses; for when the last reader and writer are done. Idempotent."""
    if isinstance(database, PooledDatabase):
        database.close_idle()


def first_row(query: Any, database: Database) -> Any:
    """The first row of a query, or None.

    Every row is read: a cursor that is left open would pin its connection to one moment of the database, and
    connections live on.
    """
    return next(iter(list(query.execute(database))), None)


def migrate(database: Database, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the tables to this version; the names of the migrations that ran, in order.

    A migration that fails leaves the schema as it was. On PostgreSQL two studios that start at once take
    turns; an SQLite file belongs to one studio already, by the lock of its outputs.
    """
    with database.connection_context():
        if isinstance(database, PostgresqlDatabase):
            database.execute_sql("select pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
            try:
                return _run_migrations(database, folder)
            finally:
                database.execute_sql("select pg_advisory_unlock(%s)", (_MIGRATION_LOCK,))
        # The history table keeps dates, which apsw binds only when told how.
        connection = database.connection()
        connection.convert_binding = lambda _cursor, _number, value: value.isoformat()
        try:
            return _run_migrations(database, folder)
        finally:
            connection.convert_binding = None


def _run_migrations(database: Database, folder: Path) -> list[str]:
    return list(Runner(database, str(folder)).up())
