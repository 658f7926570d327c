"""The tables, opening a database, and bringing it to this version's schema.

The models are bound to no database, nothing is global: each query names its own (`query.execute(database)`).
"""

from pathlib import Path
from typing import Any

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    Database,
    DoubleField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    TextField,
)
from playhouse.apsw_ext import APSWDatabase
from playhouse.migrations import Runner
from playhouse.pool import PooledDatabase, PooledPostgresqlDatabase

MIGRATIONS = Path(__file__).parent / "migrations"
# Any fixed number: it names our migration lock among the advisory locks of a PostgreSQL server.
_MIGRATION_LOCK = 7_305_331_201
# Every connection of the pool may be reading at once; one more waits for the first that comes back.
_CONNECTIONS = 20
# Naming the 33 columns of a job one by one costs peewee 0.2 ms a query, twice as much as the query.
EVERY_COLUMN = SQL("*")


class JobRow(Model):
    """A row of the queue; `studio.job.Job` says what the columns mean."""

    seq = BigAutoField()
    id = CharField(unique=True)
    status = CharField()
    model = TextField()
    recipe = TextField()
    created_at = DoubleField()
    updated_at = DoubleField()
    started_at = DoubleField(null=True)
    completed_at = DoubleField(null=True)
    phase = CharField(null=True)
    fraction = DoubleField(default=0)
    step = IntegerField(default=0)
    steps = IntegerField(default=0)
    image = IntegerField(default=0)
    images = IntegerField(default=0)
    seconds_per_step = DoubleField(null=True)
    ends_at = DoubleField(null=True)
    error = TextField(null=True)
    error_code = CharField(null=True)
    generation_id = CharField(null=True)
    worker = TextField(null=True)
    attempt = IntegerField(default=0)
    failures = IntegerField(default=0)
    lease_until = DoubleField(null=True)
    cancel_requested_at = DoubleField(null=True)
    revision = IntegerField(default=0)
    input_image = CharField(null=True)
    mask = CharField(null=True)
    source_image_id = CharField(null=True)
    idempotency_key = TextField(null=True, unique=True)
    fingerprint = CharField(null=True)
    rank = DoubleField(default=0)
    parent_id = CharField(null=True)
    batch_id = CharField(null=True)
    owner = TextField(null=True)
    cell = IntegerField(null=True)

    class Meta:
        table_name = "job"


class JobReferenceRow(Model):
    """A reference picture that a job looks at."""

    input_id = CharField()
    job_id = CharField()

    class Meta:
        table_name = "job_reference"
        primary_key = CompositeKey("input_id", "job_id")


class AttemptRow(Model):
    """One execution of a job."""

    seq = BigAutoField()
    job_id = CharField()
    number = IntegerField()
    worker = TextField()
    outcome = CharField()
    started_at = DoubleField()
    ended_at = DoubleField(null=True)
    error = TextField(null=True)
    log_tail = TextField(default="")

    class Meta:
        table_name = "attempt"


class GenerationRow(Model):
    """What a completed job made."""

    seq = BigAutoField()
    id = CharField(unique=True)
    job_id = CharField()
    model = TextField()
    recipe = TextField()
    image_count = IntegerField()
    created_at = DoubleField()
    updated_at = DoubleField()
    owner = TextField(null=True)

    class Meta:
        table_name = "generation"


class ImageRow(Model):
    """One picture; `path` is relative to outputs/. `seq` is the order in which pictures were stored.

    From `model` on the columns repeat what the generation knows: lists are filtered by one table.
    """

    seq = BigAutoField()
    id = CharField(unique=True)
    generation_id = CharField()
    position = IntegerField()
    path = TextField()
    mime_type = CharField()
    width = IntegerField()
    height = IntegerField()
    size = BigIntegerField()
    sha256 = CharField()
    seed = BigIntegerField()
    revised_prompt = TextField(null=True)
    model = TextField()
    type = CharField()
    created_at = DoubleField()
    favourite = BooleanField(default=False)
    search_text = TextField()

    class Meta:
        table_name = "image"


class ImageSearchRow(Model):
    """SQLite's index of the prompts, kept by triggers; MATCH takes the column of the table's own name."""

    rowid = BigIntegerField(primary_key=True)
    image_search = TextField()

    class Meta:
        table_name = "image_search"


class ImageTagRow(Model):
    """A word somebody put on a picture: `name` as it was typed, `folded` as it is compared."""

    image_seq = BigIntegerField()
    folded = TextField()
    name = TextField()

    class Meta:
        table_name = "image_tag"
        primary_key = CompositeKey("folded", "image_seq")


class QueueRow(Model):
    """The queue as a whole: one row. Whoever rearranges several jobs at once changes it first."""

    id = IntegerField(primary_key=True)
    paused = BooleanField(default=False)

    class Meta:
        table_name = "queue"


class CounterRow(Model):
    """How many rows there are, kept by whoever changes them: counting 100,000 rows takes 5 ms."""

    name = CharField(primary_key=True)
    value = BigIntegerField(default=0)

    class Meta:
        table_name = "counter"


class SpeedRow(Model):
    """How fast a model was lately: what estimates are made of. Moving averages, in seconds."""

    model = CharField(primary_key=True)
    per_megapixel_step = DoubleField()
    fixed = DoubleField()

    class Meta:
        table_name = "speed"


class PresetRow(Model):
    """A named set of parameters: `name` as it was typed, `folded` as it is compared; `params` is JSON."""

    folded = TextField(primary_key=True)
    name = TextField()
    params = TextField()
    updated_at = DoubleField()

    class Meta:
        table_name = "preset"


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
