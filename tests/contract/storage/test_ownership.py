"""One PostgreSQL database, one studio: the second is refused until the first is gone, however it went."""

from pathlib import Path
from typing import Any

import pytest

from studio.assembly import open_studio
from studio.errors import AlreadyRunning
from studio.ownership import own_database
from studio.service import Studio
from studio.settings import Settings
from tests.contract.storage.conftest import PrivatePostgres
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.postgres
CATALOGUE = "default: demo\nmodels:\n  demo:\n    name: Demonstration\n    builtin: demo\n"


def _studio(folder: Path, url: str) -> Studio:
    """A studio on this database, with outputs of its own; nobody started it."""
    folder.mkdir(exist_ok=True)
    (folder / "models.yml").write_text(CATALOGUE)
    places: dict[str, Any] = {"outputs": folder / "outputs", "models": folder / "models.yml"}
    return open_studio(Settings(database=url, **places), engine=FakeEngine())


def test_a_second_studio_on_the_same_database_is_refused_until_the_first_is_closed(
    postgres: PrivatePostgres, tmp_path: Path
) -> None:
    with postgres.new_database() as url:
        first = _studio(tmp_path / "first", url)
        with pytest.raises(AlreadyRunning, match="Another studio already works with the database"):
            _studio(tmp_path / "second", url)
        first.close()
        _studio(tmp_path / "second", url).close()


def test_a_studio_that_was_refused_holds_neither_its_outputs_nor_a_connection(
    postgres: PrivatePostgres, tmp_path: Path
) -> None:
    with postgres.new_database() as url, postgres.new_database() as other:
        first = _studio(tmp_path / "first", url)
        with pytest.raises(AlreadyRunning):
            _studio(tmp_path / "second", url)
        _studio(tmp_path / "second", other).close()
        first.close()
        assert _connections(postgres) == 0


def test_a_database_is_free_again_when_the_connection_of_its_studio_dies(postgres: PrivatePostgres) -> None:
    with postgres.new_database() as url:
        died = own_database(url)
        postgres.forget_connections(url)
        own_database(url).close()
        died.close()


def _connections(postgres: PrivatePostgres) -> int:
    """How many connections there are to databases of studios."""
    database = own_database(postgres.url("postgres"))
    try:
        return int(
            database.execute_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'studio\\_%%'"
            ).fetchone()[0]
        )
    finally:
        database.close()
