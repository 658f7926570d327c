"""What a studio that was closed leaves behind: a database that a copy of one file holds."""

from pathlib import Path

from tests.behaviour.workshop import open_workshop


def test_a_closed_studio_leaves_its_database_in_one_file_from_its_first_start_on(tmp_path: Path) -> None:
    for _ in range(2):
        with open_workshop(tmp_path) as workshop:
            workshop.studio.counts()
            assert (tmp_path / "studio.db-wal").exists()

        assert [path.name for path in tmp_path.glob("studio.db*")] == ["studio.db"]
