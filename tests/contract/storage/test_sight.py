"""Who is confined to what is theirs finds nothing else in any store; older versions' rows get owners."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.axes import Plan
from studio.caller import Caller, Scope, asking
from studio.database import MIGRATIONS, close_database, migrate, open_database
from studio.errors import NotFound
from studio.filters import Filter
from studio.gallery import Gallery
from studio.holdings import Holdings
from studio.job import Generation, JobStatus
from tests.builders import a_generation, a_recipe, new_id
from tests.contract.storage.making import made
from tests.contract.storage.stores import Stores, open_stores

ADA = Caller("ada", Scope.SUBMIT, is_confined=True)
BOB = Caller("bob", Scope.SUBMIT, is_confined=True)
PLAN = Plan(title="", params={"prompt": "x"}, axes=({"parameter": "seed", "values": [1]},))  # type: ignore[arg-type]


def adas(stores: Stores, **recipe: Any) -> Generation:
    with asking(ADA):
        stores.jobs.add(a_recipe(n=1, **recipe), max_pending=9)
    claim = stores.claimed()
    generation = a_generation(claim.job)
    assert stores.claims.finish(claim, generation)
    return generation


def test_lists_and_counts_are_of_what_is_shown(stores: Stores) -> None:
    mine = adas(stores)
    made(stores)
    stores.add()
    for caller, count in ((ADA, 1), (BOB, 0)):
        with asking(caller):
            page = stores.jobs.page(status=None, limit=9, offset=0)
            assert (len(page.rows), page.total) == (count, count)
            assert stores.jobs.counts()[JobStatus.COMPLETED] == count
            assert stores.jobs.counts()[JobStatus.PENDING] == 0
            made_by = stores.records.page(limit=9, offset=0)
            assert (len(made_by.rows), made_by.total) == (count, count)
            for wanted in (Filter(), Filter(words="red circle"), Filter(words="a"), Filter(model="demo")):
                assert stores.library.page(wanted, limit=9).total == count
                assert stores.records.page(limit=9, offset=0, wanted=wanted).total == count
                assert len(stores.library.of_generations(wanted)) == count
            assert stores.library.totals().images == count
            assert len(stores.library.dispensable()) == count
    assert stores.library.entry(mine.images[0].id).owner == "ada"
    assert stores.records.image(mine.images[0].id).owner == "ada"
    assert stores.jobs.counts()[JobStatus.COMPLETED] == 2


@pytest.mark.parametrize(
    "look",
    [
        lambda stores, it: stores.jobs.get(it.job_id),
        lambda stores, it: stores.jobs.request_cancel(it.job_id),
        lambda stores, it: stores.records.generation(it.id),
        lambda stores, it: stores.records.image(it.images[0].id),
        lambda stores, it: stores.records.delete(it.id),
        lambda stores, it: stores.library.entry(it.images[0].id),
        lambda stores, it: stores.library.mark(it.images[0].id, favourite=True),
    ],
)
def test_what_is_somebody_elses_or_the_houses_is_not_found_and_stays(
    stores: Stores, look: Callable[[Stores, Generation], object]
) -> None:
    for generation in (adas(stores), made(stores)):
        with asking(BOB), pytest.raises(NotFound):
            look(stores, generation)
        assert len(stores.records.generation(generation.id).images) == 1
        assert not stores.library.entry(generation.images[0].id).favourite
        with asking(BOB):
            assert stores.jobs.those([generation.job_id]) == []
            assert stores.jobs.attempts(generation.job_id) == []
            assert stores.library.entries([generation.images[0].id]) == []
            removal = stores.library.delete([generation.images[0].id], even_favourites=True)
            assert (removal.images, removal.generations, removal.protected) == ([], [], [])
    stores.assert_consistent()


def test_grids_are_shown_to_whoever_made_them(stores: Stores) -> None:
    with asking(ADA):
        grid_id, _ = stores.batches.add([(0, a_recipe())], max_pending=9, plan=PLAN)
        assert stores.batches.grid(grid_id).owner == "ada"
        assert stores.batches.grids(limit=9, offset=0).rows[0].counts[JobStatus.PENDING] == 1
    with asking(BOB):
        assert stores.batches.grids(limit=9, offset=0).total == 0
        for look in (stores.batches.grid, stores.batches.forget):
            with pytest.raises(NotFound):
                look(grid_id)
    assert stores.batches.grids(limit=9, offset=0).total == 1


def test_an_input_is_held_by_who_brought_it_and_by_whose_job_uses_it(stores: Stores, tmp_path: Path) -> None:
    holdings = Holdings(Gallery(tmp_path), stores.database, stores.writer)
    with asking(ADA):
        brought = holdings.save(b"brought by ada")
        assert holdings.open(brought) == b"brought by ada"
        assert holdings.size() == len(b"brought by ada")
    used = {name: holdings.save(name.encode()) for name in ("input_image", "mask", "reference")}
    with asking(ADA):
        stores.jobs.add(
            a_recipe(type="edit", input_image=used["input_image"], mask=used["mask"],
                     references=(used["reference"],)),
            max_pending=9,
        )  # fmt: skip
        assert [holdings.open(used[name]).decode() for name in used] == list(used)
    for look in (holdings.open, holdings.path, lambda id_: holdings.thumbnail(id_, 64)):
        for input_id in (brought, *used.values(), "0" * 64):
            with asking(BOB), pytest.raises(NotFound, match=f"{input_id} is not stored here"):
                look(input_id)
    with asking(BOB):
        assert holdings.size() == 0
        assert holdings.save(b"brought by ada") == brought
        assert holdings.open(brought) == b"brought by ada"
    holdings.path(brought).unlink()
    holdings.forget_gone()
    assert stores.rows("SELECT * FROM input_owner") == []


def test_what_older_versions_stored_gets_the_owners_of_its_jobs(empty_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    for path in MIGRATIONS.glob("00*.py"):
        if path.stem < "0011":
            shutil.copy(path, folder)
    database = open_database(empty_url)
    migrate(database, folder)
    rows: list[tuple[str, str | None]] = [(new_id(), "ada"), (new_id(), None)]
    with database.connection_context(), database.atomic():
        mark = database.param
        for id_, owner in rows:
            recipe = a_recipe().model_dump_json()
            database.execute_sql(
                "INSERT INTO generation (id, job_id, model, recipe, image_count, created_at, updated_at, "
                f"owner) VALUES ({mark}, 'job', 'demo', {mark}, 1, 1, 1, {mark})", (id_, recipe, owner),
            )  # fmt: skip
            database.execute_sql(
                "INSERT INTO image (id, generation_id, position, path, mime_type, width, height, size, "
                "sha256, seed, model, type, created_at, search_text) "
                f"VALUES ({mark}, {mark}, 0, 'x', 'image/png', 8, 8, 9, 'x', 1, 'demo', 'generate', 1, 'x')",
                (id_, id_),
            )  # fmt: skip
            database.execute_sql(
                f"INSERT INTO batch (id, plan, created_at) VALUES ({mark}, {mark}, 1)",
                (id_, PLAN.model_dump_json()),
            )
            for number, whose in enumerate((owner, "somebody later")):
                database.execute_sql(
                    "INSERT INTO job (id, status, model, recipe, created_at, updated_at, batch_id, cell, "
                    f"owner) VALUES ({mark}, 'cancelled', 'demo', {mark}, 1, 1, {mark}, 0, {mark})",
                    (f"{number} {id_}", recipe, id_, whose),
                )
    migrate(database)
    close_database(database)

    with open_stores(empty_url) as stores:
        for id_, owner in rows:
            assert stores.records.image(id_).owner == owner
            assert stores.batches.grid(id_).owner == owner
        with asking(ADA):
            assert stores.library.page(Filter(), limit=9).total == 1


def test_what_is_ones_own_is_found_by_an_index(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "studio.db"))
    migrate(database)
    with database.connection_context():
        for table, index in (
            ("image", "image_owner"), ("generation", "generation_owner"), ("job", "job_owner_seq"),
            ("batch", "batch_owner"),
        ):  # fmt: skip
            plan = database.execute_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE owner = ? ORDER BY seq DESC LIMIT 9",
                ("ada",),
            ).fetchall()
            assert index in str(plan), plan
            assert "TEMP B-TREE" not in str(plan)
    close_database(database)
