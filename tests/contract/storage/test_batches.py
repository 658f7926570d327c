"""Batches and grids: all or none, once for each key, and the latest job of each cell."""

import threading

import pytest

from studio.axes import Axis, Plan
from studio.batches import Batches
from studio.errors import IdempotencyMismatch, NotFound, QueueFull
from studio.job import Job, JobStatus
from tests.builders import a_recipe, new_id
from tests.contract.storage.stores import MANY, AnswersGetLost, Stores

SAME = "f" * 64
PLAN = Plan(
    title="🦊 quotes '; DROP TABLE batch; --",
    params={"model": "demo", "prompt": "a red circle", "seed": 2**63 - 1},
    axes=(Axis(parameter="steps", values=(2, 4)), Axis(parameter="cfg_scale", values=(1.5,))),
)


def pair(stores: Stores, key: str | None = None, plan: Plan | None = None) -> tuple[str, list[Job]]:
    """A new batch of two jobs."""
    recipes = [(cell, a_recipe(seed=cell)) for cell in range(2)]
    fingerprint = None if key is None else SAME
    return stores.batches.add(
        recipes, max_pending=MANY, plan=plan, idempotency_key=key, fingerprint=fingerprint
    )


def test_the_jobs_of_a_batch_wait_in_the_order_they_were_given(stores: Stores) -> None:
    before = stores.add()
    recipes = [(1, a_recipe(seed=1)), (2, a_recipe(seed=2)), (0, a_recipe(seed=0))]

    batch_id, jobs = stores.batches.add(recipes, max_pending=MANY)

    assert [(job.batch_id, job.cell, job.recipe.seed) for job in jobs] == [(batch_id, n, n) for n in range(3)]
    assert [job.position for job in jobs] == [4, 2, 3]
    assert stores.claimed().job.id == before
    stores.assert_consistent()


def test_without_room_for_all_nothing_is_stored(stores: Stores) -> None:
    stores.add()

    with pytest.raises(QueueFull, match="No room for 2 jobs: 1 wait, the limit is 2"):
        stores.batches.add([(0, a_recipe()), (1, a_recipe())], max_pending=2)

    assert stores.rows("SELECT COUNT(*) FROM batch") == [(0,)]
    assert stores.jobs.counts()[JobStatus.PENDING] == 1
    stores.assert_consistent()


def test_a_key_makes_one_batch_and_another_request_is_refused(stores: Stores) -> None:
    first = pair(stores, "key")

    assert pair(stores, "key") == first
    assert stores.batches.earlier("key", SAME) == first
    assert stores.batches.earlier("another", SAME) is None
    with pytest.raises(IdempotencyMismatch):
        stores.batches.earlier("key", "e" * 64)
    stores.assert_consistent()


@pytest.mark.parametrize("key", [None, "key"])
def test_a_batch_whose_answer_got_lost_is_stored_once(stores: Stores, key: str | None) -> None:
    batches = Batches(stores.database, AnswersGetLost(stores.writer), stores.clock)

    batch_id, jobs = batches.add(
        [(0, a_recipe()), (1, a_recipe())],
        max_pending=MANY,
        idempotency_key=key,
        fingerprint=None if key is None else SAME,
    )

    assert {job.batch_id for job in jobs} == {batch_id}
    assert stores.jobs.counts()[JobStatus.PENDING] == 2
    stores.assert_consistent()


def test_one_key_sent_by_many_at_once_makes_one_batch(stores: Stores) -> None:
    begin, made = threading.Barrier(8), []

    def add() -> None:
        begin.wait(30)
        made.append(pair(stores, "key")[0])

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(made) == 8
    assert len(set(made)) == 1
    assert stores.jobs.counts()[JobStatus.PENDING] == 2
    stores.assert_consistent()


def test_a_grid_comes_back_with_its_plan_and_its_jobs(stores: Stores) -> None:
    plain, _ = pair(stores)
    grid_id, jobs = pair(stores, plan=PLAN)

    grid = stores.batches.grid(grid_id)

    assert (grid.plan, list(grid.jobs), grid.created_at) == (PLAN, jobs, stores.clock.now())
    page = stores.batches.grids(limit=5, offset=0)
    assert page.total == 1
    assert [(line.grid.id, line.counts[JobStatus.PENDING]) for line in page.rows] == [(grid_id, 2)]
    assert stores.batches.known_grids([grid_id, new_id()]) == {grid_id}
    for other in (plain, new_id(), "", "\x00", "1"):
        with pytest.raises(NotFound):
            stores.batches.grid(other)


def test_a_job_tried_again_takes_its_cell(stores: Stores) -> None:
    grid_id, jobs = pair(stores, plan=PLAN)
    stores.jobs.request_cancel(jobs[0].id)

    again = stores.jobs.add(jobs[0].recipe, max_pending=MANY, parent_id=jobs[0].id, batch_id=grid_id, cell=0)

    assert [job.id for job in stores.batches.grid(grid_id).jobs] == [again.id, jobs[1].id]
    (line,) = stores.batches.grids(limit=5, offset=0).rows
    assert (line.counts[JobStatus.PENDING], line.counts[JobStatus.CANCELLED]) == (2, 0)


def test_a_forgotten_grid_leaves_its_jobs(stores: Stores) -> None:
    grid_id, jobs = pair(stores, plan=PLAN)
    other_id, others = pair(stores, plan=PLAN)

    stores.batches.forget(grid_id)

    with pytest.raises(NotFound):
        stores.batches.grid(grid_id)
    with pytest.raises(NotFound):
        stores.batches.forget(grid_id)
    assert [stores.jobs.get(job.id).batch_id for job in jobs] == [None, None]
    assert [stores.jobs.get(job.id).batch_id for job in others] == [other_id, other_id]
    stores.assert_consistent()
