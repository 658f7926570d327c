"""What completed jobs left behind, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.errors import NotFound
from studio.filters import Filter
from studio.job import Generation, JobStatus
from studio.made_with import MadeWith, UsedFile
from studio.records import NEWEST
from tests.builders import a_generation, new_id
from tests.contract.storage.making import made
from tests.contract.storage.stores import Stores


def _completed(stores: Stores, count: int = 1) -> Generation:
    """A finished job's generation with `count` pictures."""
    stores.add(n=count)
    claim = stores.claimed()
    generation = a_generation(claim.job, count)
    assert stores.claims.finish(claim, generation)
    return generation


def test_pages_are_newest_first_without_pictures_and_with_the_total(stores: Stores) -> None:
    ids = [_completed(stores, count=place).id for place in (1, 2, 3, 4)]

    page = stores.records.page(limit=2, offset=1)

    assert [generation.id for generation in page.rows] == [ids[2], ids[1]]
    assert [generation.image_count for generation in page.rows] == [3, 2]
    assert [generation.images for generation in page.rows] == [(), ()]
    assert page.total == 4
    assert stores.records.page(limit=2, offset=4).rows == []


def test_pictures_come_in_their_order_however_they_were_stored(stores: Stores) -> None:
    stores.add(n=3)
    claim = stores.claimed()
    generation = a_generation(claim.job, count=3)
    shuffled = Generation(**{**vars(generation), "images": generation.images[::-1]})
    stores.claims.finish(claim, shuffled)

    assert stores.records.generation(generation.id).images == generation.images


def test_a_picture_is_found_by_its_id_alone(stores: Stores) -> None:
    image = _completed(stores).images[0]

    assert stores.records.image(image.id) == image
    assert stores.records.known_images([image.id, new_id()]) == {image.id}
    assert stores.records.known_images([]) == set()


def test_what_made_a_generation_is_kept_and_may_be_unknown(stores: Stores) -> None:
    used = UsedFile(role="model", name="a\u2603.gguf", bytes=2**40, sample="5e" * 32)
    with_files = MadeWith(studio="1", engine="0.4.7", engine_sample="ab", files=(used,))
    for made_with in (with_files, None):
        stores.add()
        claim = stores.claimed()
        generation = a_generation(claim.job, made_with=made_with)
        stores.claims.finish(claim, generation)

        assert stores.records.generation(generation.id).made_with == made_with


def test_an_unknown_id_is_not_found_by_name(stores: Stores) -> None:
    unknown = new_id()

    for ask in (stores.records.generation, stores.records.image, stores.records.delete):
        with pytest.raises(NotFound) as caught:
            ask(unknown)
        assert unknown in caught.value.message


def test_deleting_forgets_pictures_and_generation_and_the_job_remembers_neither(stores: Stores) -> None:
    kept, doomed = _completed(stores), _completed(stores, count=2)
    before = stores.jobs.page(status=None, limit=9, offset=0).rows[0]

    assert tuple(stores.records.delete(doomed.id)) == doomed.images

    after = stores.jobs.get(before.id)
    assert (after.status, after.generation_id) == (JobStatus.COMPLETED, None)
    assert after.revision > before.revision
    with pytest.raises(NotFound):
        stores.records.image(doomed.images[0].id)
    with pytest.raises(NotFound):
        stores.records.delete(doomed.id)
    assert [generation.id for generation in stores.records.page(limit=9, offset=0).rows] == [kept.id]
    stores.assert_consistent()


def test_of_two_that_delete_at_once_one_gets_the_pictures(stores: Stores) -> None:
    doomed = _completed(stores, count=2)
    start = threading.Barrier(8)

    def delete(_place: int) -> int:
        start.wait()
        try:
            return len(stores.records.delete(doomed.id))
        except NotFound:
            return 0

    with ThreadPoolExecutor(8) as threads:
        got = sorted(threads.map(delete, range(8)))

    assert got == [0] * 7 + [2]
    stores.assert_consistent()


def test_a_speed_is_the_first_observation_and_then_leans_to_the_newest(stores: Stores) -> None:
    assert stores.records.speed("demo") is None

    stores.records.note_speed("demo", 2.0, 0.5)
    assert stores.records.speed("demo") == (2.0, 0.5)

    stores.records.note_speed("demo", 4.0, 0.0)
    stores.records.note_speed("other", 9.0, 9.0)
    assert stores.records.speed("demo") == pytest.approx((2.0 + NEWEST * 2.0, 0.5 - NEWEST * 0.5))


def test_two_workers_may_observe_a_model_first_at_once(stores: Stores) -> None:
    start = threading.Barrier(8)

    def note(_place: int) -> None:
        start.wait()
        stores.records.note_speed("demo", 3.0, 1.0)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(note, range(8)))

    assert stores.records.speed("demo") == pytest.approx((3.0, 1.0))


def test_generations_are_found_by_what_their_pictures_are(stores: Stores) -> None:
    cat = made(stores, count=2, prompt="a Cat, 100%")
    dog = made(stores, prompt="a dog", model="other")
    stores.library.mark(cat.images[1].id, favourite=True)
    stores.library.mark(dog.images[0].id, tags=["To print"])
    found = {
        "cat": ([cat], Filter(words="cAT")), "short": ([cat], Filter(words="0%")),
        "two words": ([dog], Filter(words="dog a", model="other")), "none": ([], Filter(words="fox")),
        "favourite": ([cat], Filter(favourite=True)), "tag": ([dog], Filter(tag="to print")),
        "all": ([dog, cat], Filter()),
    }  # fmt: skip

    for name, (expected, wanted) in found.items():
        page = stores.records.page(limit=9, offset=0, wanted=wanted)
        assert [each.id for each in page.rows] == [each.id for each in expected], name
        assert page.total == len(expected), name
        pictures = stores.library.of_generations(wanted)
        assert {image.id for image, _ in pictures} == {
            image.id for each in expected for image in each.images
        }, name
    assert [loved for _, loved in stores.library.of_generations(Filter(words="cat"))] == [False, True]
    (second,) = stores.records.page(limit=1, offset=1).rows
    assert second.id == cat.id
