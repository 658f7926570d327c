"""A PostgreSQL server that restarts: its connections die, the queue does not notice."""

import gc
import warnings
from collections.abc import Iterator

import pytest
from peewee import OperationalError

from studio.reader import Reader
from tests.contract.storage.conftest import PrivatePostgres
from tests.contract.storage.stores import Stores, open_stores

pytestmark = pytest.mark.postgres


@pytest.fixture
def stores(postgres_tables: str) -> Iterator[Stores]:
    """An empty queue on PostgreSQL."""
    with open_stores(postgres_tables) as stores:
        stores.wipe()
        yield stores
    # The pool drops a dead connection without closing it, which its driver complains about when collected.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_connections_that_died_while_idle_are_replaced(
    stores: Stores, postgres: PrivatePostgres, postgres_tables: str
) -> None:
    job_id = stores.add()
    for _ in range(3):
        postgres.forget_connections(postgres_tables)
        assert stores.jobs.get(job_id).position == 1
        postgres.forget_connections(postgres_tables)
        stores.claims.requeue(stores.claimed(), None)

    assert len(stores.jobs.attempts(job_id)) == 3
    stores.assert_consistent()


def test_a_connection_that_dies_in_the_middle_of_a_change_is_made_up_for(
    stores: Stores, postgres: PrivatePostgres, postgres_tables: str
) -> None:
    job_id, tries = stores.add(), 0

    def change() -> None:
        nonlocal tries
        tries += 1
        stores.database.execute_sql("UPDATE job SET error = coalesce(error, '') || 'x'")
        if tries == 1:
            postgres.forget_connections(postgres_tables)
        stores.database.execute_sql("SELECT 1")

    stores.writer.run(change)

    assert tries == 2
    assert stores.jobs.get(job_id).error == "x"


def test_a_connection_that_dies_in_the_middle_of_a_query_is_made_up_for(
    stores: Stores, postgres: PrivatePostgres, postgres_tables: str
) -> None:
    tries = 0

    def query() -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            postgres.forget_connections(postgres_tables)
        return int(stores.database.execute_sql("SELECT 7").fetchone()[0])

    assert Reader(stores.database).run(query) == 7
    assert tries == 2


def test_a_server_that_stays_away_is_told(
    stores: Stores, postgres: PrivatePostgres, postgres_tables: str
) -> None:
    def change() -> None:
        postgres.forget_connections(postgres_tables)
        stores.database.execute_sql("SELECT 1")

    with pytest.raises(OperationalError):
        stores.writer.run(change)
    stores.assert_consistent()
