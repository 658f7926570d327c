"""Soundness: whether an SQLite file that was not closed properly is still whole."""

import logging
from pathlib import Path

import apsw
from peewee import DatabaseError

log = logging.getLogger(__name__)

# About a second of checking on a slow machine; every start after a crash would wait for it.
MAX_BYTES = 128 * 2**20


def damage_of(path: Path, *, max_bytes: int = MAX_BYTES) -> str | None:
    """What is wrong with the file, in SQLite's words, or None.

    Looked for only where the last studio left its log behind, as one does that is killed or loses power; a
    file of more than `max_bytes` is taken as it is, and the log says so.
    """
    journal = path.with_name(f"{path.name}-wal")
    if not path.is_file() or not journal.is_file() or journal.stat().st_size == 0:
        return None
    if path.stat().st_size > max_bytes:
        size = path.stat().st_size >> 20
        log.info(
            "database: %s was not closed properly; at %d MB it is not checked. PRAGMA quick_check does.",
            path, size,
        )  # fmt: skip
        return None
    try:
        # Only for reading: closing must not carry the log over into a damaged file.
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchall()[0][0])
        finally:
            connection.close()
    except apsw.Error as error:
        return str(error)
    return None if answer == "ok" else " ".join(answer.split())


def is_damage(error: DatabaseError) -> bool:
    """Whether SQLite says that the file itself is wrong, not its place or its rights."""
    return any(words in str(error) for words in ("malformed", "not a database"))
