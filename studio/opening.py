"""Opening: the outputs and the database of a studio, ours alone, sound and at this version's schema."""

import os
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from peewee import Database, DatabaseError, PostgresqlDatabase

from studio.database import is_postgres, migrate, open_database
from studio.errors import AlreadyRunning, ConfigurationError
from studio.ownership import own_database
from studio.settings import Settings
from studio.soundness import damage_of, is_damage


def lock_outputs(outputs: Path) -> FileLock:
    """The kernel's lock on these outputs, which dies with us. Errors: AlreadyRunning; ConfigurationError."""
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        lock = FileLock(outputs / "studio.lock")
        lock.acquire(timeout=0)
    except Timeout:
        holder = _read_pid(outputs / "studio.pid")
        raise AlreadyRunning(
            f"Another studio{holder} already works with {outputs}; stop it, or use other --outputs."
        ) from None
    except OSError as error:
        raise ConfigurationError([f"outputs: {outputs} can't be used: {error.strerror}"]) from None
    (outputs / "studio.pid").write_text(str(os.getpid()))
    return lock


def _read_pid(path: Path) -> str:
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return ""
    return f" (process {pid})" if psutil.pid_exists(pid) else ""


def ready_database(settings: Settings) -> Database:
    """The database, at this version's schema. Errors: ConfigurationError naming it."""
    url = settings.database_url
    path = Path(url)
    # A database that lost all its bytes would open as a new, empty one: refuse while pictures exist.
    if (
        not is_postgres(url)
        and path.exists()
        and path.stat().st_size == 0
        and any(settings.outputs.glob("images/*"))
    ):
        raise ConfigurationError(
            [f"database: {path} is empty, yet there are pictures; restore a backup of it"]
        )
    damage = None if is_postgres(url) else damage_of(path)
    if damage is not None:
        raise ConfigurationError([_damaged(path, damage)])
    try:
        database = open_database(url)
        migrate(database)
    except DatabaseError as error:
        if not is_postgres(url) and is_damage(error):
            raise ConfigurationError([_damaged(path, str(error).strip())]) from None
        raise _unusable(url, error) from None
    return database


def owned_database(settings: Settings) -> PostgresqlDatabase:
    """As own_database. Errors: AlreadyRunning; ConfigurationError."""
    try:
        return own_database(settings.database_url)
    except DatabaseError as error:
        raise _unusable(settings.database_url, error) from None


def _unusable(url: str, error: DatabaseError) -> ConfigurationError:
    """The database can't be opened, named without its password."""
    name = url.rsplit("@", 1)[-1] if is_postgres(url) else url
    return ConfigurationError([f"database: {name} can't be used: {str(error).strip()}"])


def _damaged(path: Path, how: str) -> str:
    return (
        f"database: {path} is damaged ({how}); put a backup in its place, or move it away and save what can "
        f"be read: sqlite3 DAMAGED .recover | sqlite3 {path.name}"
    )
