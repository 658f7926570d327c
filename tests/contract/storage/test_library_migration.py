"""What was made before there was a library is in it: order, filters and search work on old pictures too."""

import json
import shutil
from pathlib import Path

import pytest
from peewee import Database

from studio.database import MIGRATIONS, close_database, migrate, open_database
from studio.filters import Filter, Order
from studio.params import JobType
from tests.builders import a_recipe, new_id
from tests.contract.storage.stores import open_stores


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """The migrations of the version before the library."""
    folder = tmp_path / "first-version"
    folder.mkdir()
    shutil.copy(MIGRATIONS / "0001_initial.py", folder)
    return folder


def _store_as_before(url: str, folder: Path) -> list[str]:
    """Three generations of two pictures by the first version; the pictures' ids, oldest first."""
    database = open_database(url)
    migrate(database, folder)
    ids: list[str] = []
    with database.connection_context(), database.atomic():
        for number, type_ in enumerate(("generate", "edit", "variation")):
            generation_id, now = new_id(), 1000.0 + number
            source = {} if type_ == "generate" else {"input_image": "ab" * 32}
            recipe = a_recipe(type=type_, prompt=f"Picture {number} of a UNICORN", n=2, **source)
            places = ", ".join([database.param] * 7)
            database.execute_sql(
                "INSERT INTO generation (id, job_id, model, recipe, image_count, created_at, updated_at) "
                f"VALUES ({places})",
                (generation_id, new_id(), recipe.model, recipe.model_dump_json(), 2, now, now),
            )
            pair = [new_id(), new_id()]
            # Stored in the wrong order: the new order goes by the place within the generation.
            for position in (1, 0):
                places = ", ".join([database.param] * 10)
                database.execute_sql(
                    "INSERT INTO image (id, generation_id, position, path, mime_type, width, height, size, "
                    f"sha256, seed) VALUES ({places})",
                    (pair[position], generation_id, position, f"images/{pair[position]}.png", "image/png",
                     128, 128, 10, "5e" * 32, 2**62 + position),
                )  # fmt: skip
            ids += pair
        database.execute_sql("UPDATE counter SET value = 3 WHERE name = 'generation'")
    close_database(database)
    return ids


def test_old_pictures_keep_their_order_and_are_found_by_prompt_type_and_date(
    empty_url: str, first_version: Path
) -> None:
    ids = _store_as_before(empty_url, first_version)
    database = open_database(empty_url)
    migrate(database)
    close_database(database)

    with open_stores(empty_url) as stores:

        def found(wanted: Filter) -> list[str]:
            entries = stores.library.page(wanted, limit=9, order=Order.OLDEST).entries
            return [entry.image.id for entry in entries]

        assert found(Filter()) == ids
        assert found(Filter(words="unicorn picture")) == ids
        assert found(Filter(words="1")) == found(Filter(type=JobType.EDIT)) == ids[2:4]
        assert found(Filter(created_from=1002)) == ids[4:]
        assert stores.library.entry(ids[1]).image.seed == 2**62 + 1
        removal = stores.library.delete(ids[2:4])
        assert len(removal.generations) == 1
        assert stores.rows("SELECT value FROM counter WHERE name = 'image'") == [(4,)]
        assert stores.rows("SELECT value FROM counter WHERE name = 'image_bytes'") == [(40,)]
        assert found(Filter(words="unicorn")) == ids[:2] + ids[4:]


def test_a_list_of_favourites_or_of_a_search_reads_no_whole_table(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "studio.db"))
    migrate(database)
    with database.connection_context():
        for wanted, index in (
            (Filter(favourite=True), "image_favourite"), (Filter(model="a"), "image_model"),
            (Filter(type=JobType.EDIT), "image_type"), (Filter(size=(64, 64)), "image_size"),
            (Filter(words="castle"), "VIRTUAL TABLE INDEX"), (Filter(tag="sea"), "image_tag"),
        ):  # fmt: skip
            plan = _plan(database, wanted)
            assert index in json.dumps(plan), plan
            assert "SCAN t1" not in plan
    close_database(database)


def _plan(database: Database, wanted: Filter) -> list[str]:
    """The steps in which SQLite would answer."""
    sql, values = wanted.matches(database).page(Order.NEWEST, 10, None).bind(database).sql()
    return [row[3] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()]
