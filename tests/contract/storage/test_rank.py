"""The order of the queue, its pause, and cancelling many, on both databases."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from studio.database import MIGRATIONS, close_database, migrate, open_database
from studio.errors import Conflict, NotFound
from studio.job import JobStatus
from studio.queue_order import QueueOrder
from studio.scheduling import Place
from tests.builders import a_generation, new_id
from tests.contract.storage.stores import AnswersGetLost, Stores, open_stores

FRONT, BACK, UP, DOWN = Place


@pytest.fixture
def order(stores: Stores) -> Iterator[QueueOrder]:
    """The order of an empty queue that runs."""
    order = QueueOrder(stores.database, stores.writer, stores.clock)
    order.set_paused(False)
    yield order
    order.set_paused(False)


def waiting(stores: Stores) -> list[str]:
    """The pending jobs in the order in which they will run, by their positions."""
    jobs = stores.jobs.page(status=JobStatus.PENDING, limit=1000, offset=0).rows
    assert sorted(job.position or 0 for job in jobs) == list(range(1, len(jobs) + 1))
    assert jobs == sorted(jobs, key=lambda job: -(job.position or 0))
    return [job.id for job in reversed(jobs)]


@pytest.mark.parametrize(
    ("moved", "place", "expected"),
    [
        (2, FRONT, "2013"), (0, BACK, "1230"), (2, UP, "0213"), (1, UP, "1023"), (1, DOWN, "0213"),
        (2, DOWN, "0132"), (0, FRONT, "0123"), (0, UP, "0123"), (3, BACK, "0123"), (3, DOWN, "0123"),
        (3, FRONT, "3012"), (0, DOWN, "1023"),
    ],
)  # fmt: skip
def test_a_job_moves_where_it_is_told_and_runs_there(
    stores: Stores, order: QueueOrder, moved: int, place: Place, expected: str
) -> None:
    ids = [stores.add() for _ in range(4)]

    job = order.move(ids[moved], place)

    now = [ids[int(number)] for number in expected]
    assert waiting(stores) == now
    assert job.position == now.index(ids[moved]) + 1
    assert [stores.claimed().job.id for _ in ids] == now
    stores.assert_consistent()


@pytest.mark.parametrize(
    ("moved", "other", "expected"), [(3, 0, "3012"), (0, 3, "1203"), (0, 1, "0123"), (2, 2, "0123")]
)
def test_a_job_goes_right_before_another(
    stores: Stores, order: QueueOrder, moved: int, other: int, expected: str
) -> None:
    ids = [stores.add() for _ in range(4)]

    order.move_before(ids[moved], ids[other])

    assert waiting(stores) == [ids[int(number)] for number in expected]


def test_a_new_job_goes_behind_all_that_were_moved(stores: Stores, order: QueueOrder) -> None:
    first, second = stores.add(), stores.add()
    order.move(first, BACK)
    order.move(second, BACK)

    third = stores.add()

    assert waiting(stores) == [first, second, third]


def test_a_job_that_comes_back_keeps_its_place(stores: Stores, order: QueueOrder) -> None:
    first, second = stores.add(), stores.add()
    claim = stores.claimed()
    order.move(second, FRONT)
    third = stores.add()

    assert stores.claims.requeue(claim, None)

    assert waiting(stores)[-1] == third
    assert set(waiting(stores)) == {first, second, third}


def test_a_job_submitted_to_an_empty_queue_goes_behind_one_that_may_come_back(stores: Stores) -> None:
    first = stores.add()
    claim = stores.claimed()
    second = stores.add()

    assert stores.claims.requeue(claim, None)

    assert waiting(stores) == [first, second]


def test_positions_of_a_mixed_page_follow_the_rank(stores: Stores, order: QueueOrder) -> None:
    ids = [stores.add() for _ in range(5)]
    stores.jobs.request_cancel(ids[1])
    order.move(ids[4], FRONT)

    page = stores.jobs.page(status=None, limit=3, offset=1).rows

    assert [(job.id, job.position) for job in page] == [(ids[3], 4), (ids[2], 3), (ids[1], None)]
    assert [stores.jobs.get(job.id).position for job in page] == [4, 3, None]


def test_a_place_can_be_taken_ever_so_often(stores: Stores, order: QueueOrder) -> None:
    ids = [stores.add() for _ in range(4)]

    # Numbers between two ranks run out long before.
    for _ in range(150):
        order.move_before(ids[3], ids[1])
        order.move_before(ids[2], ids[1])

    assert waiting(stores) == [ids[0], ids[3], ids[2], ids[1]]


def test_only_pending_jobs_can_be_moved(stores: Stores, order: QueueOrder) -> None:
    done, pending = stores.add(), stores.add()
    claim = stores.claimed()
    for place in Place:
        with pytest.raises(Conflict, match=f"{done} is processing"):
            order.move(done, place)
    assert stores.claims.finish(claim, a_generation(claim.job))
    with pytest.raises(Conflict, match=f"{done} is completed"):
        order.move_before(pending, done)
    with pytest.raises(Conflict, match=f"{done} is completed"):
        order.move_before(done, pending)
    unknown = new_id()
    with pytest.raises(NotFound, match=unknown):
        order.move(unknown, FRONT)
    with pytest.raises(NotFound, match=unknown):
        order.move_before(pending, unknown)
    assert waiting(stores) == [pending]


def test_a_move_whose_answer_got_lost_goes_one_step(stores: Stores) -> None:
    ids = [stores.add() for _ in range(4)]
    order = QueueOrder(stores.database, AnswersGetLost(stores.writer), stores.clock)

    order.move(ids[0], DOWN)
    order.move(ids[3], UP)

    assert waiting(stores) == [ids[1], ids[0], ids[3], ids[2]]


def test_random_moves_agree_with_a_list(stores: Stores, order: QueueOrder) -> None:
    chance = Random(20)
    expected = [stores.add() for _ in range(6)]
    for _ in range(60):
        job_id, other = chance.sample(expected, 2)
        at = expected.index(job_id)
        place = chance.choice([*Place, None])
        expected.remove(job_id)
        if place is None:
            order.move_before(job_id, other)
            expected.insert(expected.index(other), job_id)
        else:
            order.move(job_id, place)
            to = {FRONT: 0, BACK: len(expected), UP: max(0, at - 1), DOWN: min(len(expected), at + 1)}
            expected.insert(to[place], job_id)
        assert waiting(stores) == expected


def test_movers_and_workers_at_once_lose_and_double_nothing(stores: Stores, order: QueueOrder) -> None:
    ids = [stores.add() for _ in range(60)]
    start = threading.Barrier(4)

    def rearrange(seed: int) -> None:
        chance = Random(seed)
        start.wait()
        for _ in range(60):
            job_id, other = chance.sample(ids, 2)
            try:
                order.move(job_id, chance.choice(list(Place)))
                order.move_before(job_id, other)
            except Conflict:
                continue  # a worker was faster

    def work(name: int) -> list[str]:
        start.wait()
        return [stores.claimed(f"worker {name}").job.id for _ in range(20)]

    with ThreadPoolExecutor(4) as threads:
        movers = [threads.submit(rearrange, seed) for seed in (1, 2)]
        taken = [job_id for part in threads.map(work, (1, 2)) for job_id in part]
        for mover in movers:
            mover.result()

    assert len(set(taken)) == 40
    assert set(waiting(stores)) == set(ids) - set(taken)
    stores.assert_consistent()


def test_a_paused_queue_gives_no_claim_until_it_is_resumed(stores: Stores, order: QueueOrder) -> None:
    job_id = stores.add()

    order.set_paused(True)
    assert order.is_paused()
    assert stores.claims.claim("gpu") is None
    order.set_paused(True)
    order.set_paused(False)

    assert not order.is_paused()
    assert stores.claimed().job.id == job_id


def test_a_running_job_may_end_while_the_queue_is_paused(stores: Stores, order: QueueOrder) -> None:
    stores.add()
    claim = stores.claimed()
    order.set_paused(True)

    assert stores.claims.finish(claim, a_generation(claim.job))


def test_a_pause_outlives_the_studio(url: str) -> None:
    with open_stores(url) as stores:
        QueueOrder(stores.database, stores.writer, stores.clock).set_paused(True)

    with open_stores(url) as stores:
        order = QueueOrder(stores.database, stores.writer, stores.clock)
        stores.add()
        assert order.is_paused()
        assert stores.claims.claim("gpu") is None
        order.set_paused(False)


def test_many_are_cancelled_in_one_step_and_those_that_are_over_are_passed_over(
    stores: Stores, order: QueueOrder
) -> None:
    over, running, first, second, kept = (stores.add() for _ in range(5))
    claim = stores.claimed()
    assert stores.claims.finish(claim, a_generation(claim.job))
    stores.claimed()
    before = stores.jobs.get(over)

    cancelled, stopping = order.cancel([over, running, first, second, new_id()])

    assert (sorted(cancelled), stopping) == (sorted([first, second]), [running])
    assert stores.jobs.get(over) == before
    assert stores.jobs.get(running).cancel_requested_at == stores.clock.now()
    assert waiting(stores) == [kept]
    assert stores.jobs.get(first).completed_at == stores.clock.now()
    stores.assert_consistent()


def test_a_second_wish_to_cancel_keeps_the_time_of_the_first(stores: Stores, order: QueueOrder) -> None:
    job_id = stores.add()
    stores.claimed()
    first_wish = stores.clock.now()
    order.cancel([job_id])
    stores.clock.advance(5)

    assert order.cancel([job_id]) == ([], [job_id])

    assert stores.jobs.get(job_id).cancel_requested_at == first_wish


def test_all_that_wait_are_cancelled_and_what_runs_goes_on(stores: Stores, order: QueueOrder) -> None:
    running, *others = (stores.add() for _ in range(30))
    claim = stores.claimed()

    cancelled, stopping = order.cancel(None)

    assert (set(cancelled), stopping) == (set(others), [])
    assert stores.claims.finish(claim, a_generation(claim.job))
    assert stores.jobs.counts()[JobStatus.CANCELLED] == 29
    assert stores.jobs.get(running).status is JobStatus.COMPLETED
    stores.assert_consistent()


def test_cancelling_many_while_workers_claim_leaves_every_job_in_one_state(
    stores: Stores, order: QueueOrder
) -> None:
    ids = [stores.add() for _ in range(80)]
    start = threading.Barrier(3)

    def cancel(part: list[str]) -> set[str]:
        start.wait()
        return {job_id for group in order.cancel(part) for job_id in group}

    def work() -> None:
        start.wait()
        while (claim := stores.claims.claim("gpu")) is not None:
            if claim.job.attempt == 1:
                assert stores.claims.requeue(claim, None)
            else:
                assert stores.claims.fail(claim, "no", "error")

    with ThreadPoolExecutor(3) as threads:
        working = threads.submit(work)
        parts = list(threads.map(cancel, (ids[::2], ids[::-1][::2])))
        working.result()

    ended = {job.id: job.status for job in stores.jobs.page(status=None, limit=100, offset=0).rows}
    assert set(ended.values()) <= {JobStatus.CANCELLED, JobStatus.FAILED}
    assert {job_id for part in parts for job_id in part} >= {
        job_id for job_id, status in ended.items() if status is JobStatus.CANCELLED
    }
    stores.assert_consistent()


def test_the_migration_leaves_the_jobs_in_the_order_of_submission(empty_url: str, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    for path in MIGRATIONS.glob("000[123]_*.py"):
        shutil.copy(path, earlier)
    database = open_database(empty_url)
    migrate(database, earlier)
    with database.connection_context(), database.atomic():
        for number in range(3):
            database.execute_sql(
                "INSERT INTO job (id, status, model, recipe, created_at, updated_at) "
                f"VALUES ('{new_id()}', 'pending', 'demo', '{{}}', {10 - number}, 0)"
            )

    assert migrate(database)[0] == "0004_queue_order"

    with database.connection_context():
        rows = list(database.execute_sql("SELECT seq, rank, parent_id FROM job ORDER BY rank").fetchall())
    assert [tuple(row) for row in rows] == [(seq, float(seq), None) for seq in (1, 2, 3)]
    close_database(database)
