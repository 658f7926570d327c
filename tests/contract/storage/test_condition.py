"""What watchers are told of the database, on both."""

from pathlib import Path

from studio.condition import Condition
from studio.gallery import Gallery
from tests.builders import a_generation
from tests.contract.storage.stores import Stores


class Alive:
    """A worker of which only this is asked."""

    is_alive = True


def condition_of(stores: Stores, folder: Path) -> Condition:
    return Condition(
        database=stores.database, writer=stores.writer, worker=Alive(), gallery=Gallery(folder),
        clock=stores.clock,
    )  # fmt: skip


def test_a_database_that_takes_changes_is_sound_and_has_a_size(stores: Stores, tmp_path: Path) -> None:
    condition = condition_of(stores, tmp_path)
    assert condition.faults() == []
    assert condition.database_bytes() > 4096


def test_the_oldest_waiting_job_tells_how_long_people_wait(stores: Stores, tmp_path: Path) -> None:
    condition = condition_of(stores, tmp_path)
    assert condition.oldest_pending() == 0
    stores.add()
    stores.clock.advance(30)
    stores.add()
    assert condition.oldest_pending() == 30
    stores.claimed()
    assert condition.oldest_pending() == 0
    stores.clock.advance(5)
    assert condition.oldest_pending() == 5


def test_pictures_and_their_bytes_are_known_without_counting_rows(stores: Stores, tmp_path: Path) -> None:
    condition = condition_of(stores, tmp_path)
    assert condition.pictures() == (0, 0)
    made = []
    for count in (2, 1, 1):
        stores.add(n=count)
        claim = stores.claimed()
        made.append(a_generation(claim.job, count))
        stores.claims.finish(claim, made[-1])
    sizes = [sum(image.size for image in generation.images) for generation in made]
    assert condition.pictures() == (4, sum(sizes))

    stores.library.delete([made[0].images[0].id, made[1].images[0].id])
    stores.records.delete(made[2].id)
    stores.library.delete([made[1].images[0].id])

    assert condition.pictures() == (1, made[0].images[1].size)
    stores.assert_consistent()
