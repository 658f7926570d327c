"""An SQLite file after a crash: read through once, and a damaged one is never worked with."""

import logging
import shutil
from pathlib import Path

import pytest

from studio.database import close_database, migrate, open_database
from studio.soundness import damage_of
from tests.contract.storage.damaging import overwrite_a_page
from tests.contract.storage.stores import open_stores


def _left_by_a_crash(folder: Path) -> Path:
    """A copy of a database with jobs that nobody closed, as a power cut leaves it."""
    path, copy = folder / "studio.db", folder / "crashed" / "studio.db"
    database = open_database(str(path))
    migrate(database)
    close_database(database)
    with open_stores(str(path)) as stores:
        for _ in range(40):
            stores.add()
    copy.parent.mkdir()
    with open_stores(str(path)) as stores:
        stores.add()
        for name in ("studio.db", "studio.db-wal"):
            shutil.copy(path.with_name(name), copy.with_name(name))
    return copy


def test_a_whole_file_is_taken_after_a_crash_and_so_is_one_that_is_not_there(tmp_path: Path) -> None:
    crashed = _left_by_a_crash(tmp_path)
    journal = crashed.with_name("studio.db-wal")
    assert journal.stat().st_size > 0

    assert damage_of(crashed) is None
    assert damage_of(tmp_path / "never made.db") is None


def test_an_overwritten_page_is_found_after_a_crash(tmp_path: Path) -> None:
    crashed = _left_by_a_crash(tmp_path)
    overwrite_a_page(crashed)

    damage = damage_of(crashed)

    assert damage is not None
    assert "\n" not in damage
    assert "page" in damage or "malformed" in damage


def test_a_file_that_was_closed_is_not_read_through(tmp_path: Path) -> None:
    crashed = _left_by_a_crash(tmp_path)
    crashed.with_name("studio.db-wal").unlink()
    overwrite_a_page(crashed)

    assert damage_of(crashed) is None


def test_a_file_that_would_take_long_is_taken_as_it_is_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crashed = _left_by_a_crash(tmp_path)
    overwrite_a_page(crashed)
    caplog.set_level(logging.INFO, "studio.soundness")

    assert damage_of(crashed, max_bytes=crashed.stat().st_size - 1) is None

    (told,) = caplog.messages
    assert str(crashed) in told
    assert "quick_check" in told
