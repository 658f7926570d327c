"""Bringing a database to this version's tables: once, all or nothing, one at a time."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from peewee import Database, DatabaseError

from studio.database import MIGRATIONS, close_database, is_postgres, migrate, open_database
from tests.contract.storage.conftest import PrivatePostgres
from tests.contract.storage.stores import open_stores

ROOT = Path(__file__).parents[3]
ALL_MIGRATIONS = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))

MIGRATE_WHEN_TOLD = """
import sys
from studio.database import migrate, open_database
database = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(migrate(database), flush=True)
"""


def _tables(database: Database) -> set[str]:
    with database.connection_context():
        return set(database.get_tables())


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations of a later version, whose second one breaks half-way."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "9999_later.py").write_text(
        "def up(_migrator, db):\n"
        "    db.execute_sql('CREATE TABLE later (id INTEGER)')\n"
        "    db.execute_sql('ALTER TABLE job ADD COLUMN later INTEGER')\n"
        "    db.execute_sql('INSERT INTO nowhere VALUES (1)')\n"
    )
    return folder


def test_the_first_start_makes_the_tables_and_the_next_changes_nothing(empty_url: str) -> None:
    database = open_database(empty_url)

    first, second = migrate(database), migrate(database)

    assert (first, second) == (ALL_MIGRATIONS, [])
    assert _tables(database) >= {"job", "attempt", "generation", "image", "counter", "speed"}
    close_database(database)


def test_a_migration_that_fails_leaves_the_tables_as_they_were_and_the_queue_works(
    empty_url: str, newer: Path
) -> None:
    database = open_database(empty_url)
    migrate(database)
    before = _tables(database)

    with pytest.raises(DatabaseError, match="nowhere"):
        migrate(database, newer)

    assert _tables(database) == before
    with open_stores(empty_url) as stores:
        stores.add()
        assert "later" not in {name for (name,) in stores.rows("SELECT name FROM schema_migration")}
        with database.connection_context():
            assert "later" not in {column.name for column in database.get_columns("job")}
    close_database(database)


def test_a_repaired_migration_runs_after_all_and_alone(empty_url: str, newer: Path) -> None:
    database = open_database(empty_url)
    migrate(database)
    with pytest.raises(DatabaseError):
        migrate(database, newer)
    broken = newer / "9999_later.py"
    broken.write_text(broken.read_text().replace("INSERT INTO nowhere VALUES (1)", "SELECT 1"))

    assert migrate(database, newer) == ["9999_later"]

    assert "later" in _tables(database)
    with open_stores(empty_url) as stores:
        assert stores.claims.claim("first") is None
        assert stores.jobs.get(stores.add()).position == 1
    close_database(database)


@pytest.mark.postgres
def test_of_three_studios_that_start_at_once_one_migrates_and_the_others_wait(
    postgres: PrivatePostgres,
) -> None:
    with postgres.new_database() as url:
        starting = [
            subprocess.Popen(
                [sys.executable, "-c", MIGRATE_WHEN_TOLD, url],
                cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for _ in range(3)
        ]  # fmt: skip
        for process in starting:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in starting:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = sorted(process.communicate(timeout=60)[0] for process in starting)

        assert answers == [f"{ALL_MIGRATIONS}\n", "[]\n", "[]\n"]
        assert [process.returncode for process in starting] == [0, 0, 0]


def test_our_sqlite_has_no_wal_reset_corruption_and_syncs_every_commit(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "studio.db"))
    with database.connection_context():
        settings = [
            database.execute_sql(f"PRAGMA {name}").fetchall()[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
        (version,) = database.execute_sql("SELECT sqlite_version()").fetchall()[0]
    close_database(database)

    assert settings == ["wal", 2, 1]
    assert tuple(int(part) for part in version.split(".")) >= (3, 51, 3)


@pytest.mark.parametrize(
    ("setting", "answer"),
    [
        ("postgresql://localhost/studio", True),
        ("postgres://localhost/studio", True),
        ("/var/lib/studio.db", False),
        ("studio.db", False),
    ],
)
def test_a_database_setting_names_a_server_or_a_file(setting: str, answer: bool) -> None:
    assert is_postgres(setting) is answer
