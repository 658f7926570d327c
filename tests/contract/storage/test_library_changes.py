"""Marking pictures and taking them out, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from studio.errors import InvalidRequest, NotFound
from studio.job import Generation, Image, JobStatus
from studio.library import BATCH, MAX_TAG, MAX_TAGS
from tests.builders import new_id
from tests.contract.storage.making import found_ids, made, one_image
from tests.contract.storage.stores import Stores

HOSTILE = "<img src=x onerror=alert(1)>"


# -- marking -----------------------------------------------------------------------------------------


def test_marks_replace_what_is_given_and_keep_the_rest(stores: Stores) -> None:
    image = one_image(stores)

    loved = stores.library.mark(image.id, favourite=True)
    tagged = stores.library.mark(image.id, tags=["night", "  the   Sea ", "SEA", "sea", HOSTILE])
    calmed = stores.library.mark(image.id, favourite=False)

    assert (loved.favourite, loved.tags) == (True, ())
    assert (tagged.favourite, tagged.tags) == (True, (HOSTILE, "night", "SEA", "the Sea"))
    assert (calmed.favourite, calmed.tags) == (False, tagged.tags)
    assert stores.library.mark(image.id, tags=[]).tags == ()
    assert stores.library.mark(image.id) == stores.library.entry(image.id)


@pytest.mark.parametrize(
    "tag", ["", "   ", "x" * (MAX_TAG + 1), "a\x00b", "a\nb", "\x7f", "\u202egnp", "\ud800", "\u2028"]
)
def test_a_tag_that_is_no_plain_text_is_refused_and_nothing_changes(stores: Stores, tag: str) -> None:
    image = one_image(stores)
    stores.library.mark(image.id, tags=["kept"])

    with pytest.raises(InvalidRequest, match="tags"):
        stores.library.mark(image.id, favourite=True, tags=["fine", tag])

    entry = stores.library.entry(image.id)
    assert (entry.favourite, entry.tags) == (False, ("kept",))


def test_a_picture_holds_a_bounded_number_of_tags(stores: Stores) -> None:
    image = one_image(stores)
    most = [f"{place:02}" for place in range(MAX_TAGS)]

    assert stores.library.mark(image.id, tags=most).tags == tuple(most)
    with pytest.raises(InvalidRequest, match=f"at most {MAX_TAGS}"):
        stores.library.mark(image.id, tags=[*most, "one more"])


def test_nobody_can_mark_an_unknown_picture(stores: Stores) -> None:
    for marks in ({"favourite": True}, {"tags": ["a"]}, {}):
        with pytest.raises(NotFound):
            stores.library.mark(new_id(), **marks)


def test_of_those_who_tag_at_once_the_last_one_wins_whole(stores: Stores) -> None:
    image = one_image(stores)
    start = threading.Barrier(8)

    def tag(place: int) -> None:
        start.wait()
        stores.library.mark(image.id, tags=[f"{place}{letter}" for letter in "abc"])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tag, range(8)))

    tags = stores.library.entry(image.id).tags
    assert len(tags) == 3
    assert len({name[0] for name in tags}) == 1


# -- taking out --------------------------------------------------------------------------------------


def test_single_pictures_go_and_their_generation_stays_until_the_last(stores: Stores) -> None:
    generation = made(stores, count=3)
    first, second, third = generation.images
    stores.clock.advance(5)

    removal = stores.library.delete([second.id, first.id, new_id()])

    assert sorted(removal.images, key=lambda image: image.index) == [first, second]
    assert (removal.generations, removal.protected) == ([], [])
    left = stores.records.generation(generation.id)
    assert (left.image_count, left.images, left.updated_at) == (1, (third,), stores.clock.now())
    stores.assert_consistent()

    removal = stores.library.delete([third.id])

    assert removal.generations == [generation.id]
    with pytest.raises(NotFound):
        stores.records.generation(generation.id)
    job = stores.jobs.get(generation.job_id)
    assert (job.status, job.generation_id) == (JobStatus.COMPLETED, None)
    assert stores.library.delete([third.id]).images == []
    stores.assert_consistent()


def test_favourites_stay_unless_they_are_meant_too(stores: Stores) -> None:
    generation = made(stores, count=2)
    loved, plain = generation.images
    stores.library.mark(loved.id, favourite=True, tags=["sea"])

    removal = stores.library.delete([loved.id, plain.id])
    assert ([image.id for image in removal.images], removal.protected) == ([plain.id], [loved.id])

    removal = stores.library.delete([loved.id], even_favourites=True)
    assert (removal.images, removal.generations, removal.protected) == ([loved], [generation.id], [])
    assert stores.rows("SELECT * FROM image_tag") == []
    assert stores.library.totals().tags == []


def test_what_was_taken_out_is_found_no_more(stores: Stores) -> None:
    gone, kept = one_image(stores, prompt="a unicorn"), one_image(stores, prompt="a unicorn too")

    stores.library.delete([gone.id])

    assert found_ids(stores, words="unicorn") == [kept.id]
    stores.records.delete(kept.generation_id)
    assert found_ids(stores, words="unicorn") == []
    assert found_ids(stores, words="unicorn", model="demo") == []


def test_more_pictures_than_a_batch_go_in_one_call(stores: Stores) -> None:
    ids = [image.id for _ in range(BATCH // 10 + 1) for image in made(stores, count=10).images]

    removal = stores.library.delete(ids[1:])

    assert len(removal.images) == len(ids) - 1
    assert found_ids(stores) == [ids[0]]
    stores.assert_consistent()


def test_of_many_who_delete_the_same_pictures_each_picture_is_one_ones(stores: Stores) -> None:
    generations = [made(stores, count=3) for _ in range(6)]
    ids = [image.id for generation in generations for image in generation.images]
    start = threading.Barrier(8)

    def delete(place: int) -> tuple[int, int]:
        start.wait()
        removal = stores.library.delete(ids[place:] + ids[:place])
        return len(removal.images), len(removal.generations)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(delete, range(8)))

    assert (sum(images for images, _ in got), sum(gone for _, gone in got)) == (18, 6)
    stores.assert_consistent()


def test_single_pictures_and_their_generation_may_be_deleted_at_once(stores: Stores) -> None:
    for _ in range(5):
        generation = made(stores, count=4)
        start = threading.Barrier(5)

        def whole(generation: Generation = generation, start: threading.Barrier = start) -> int:
            start.wait()
            try:
                stores.records.delete(generation.id)
            except NotFound:
                return 0
            return 1

        def single(image: Image, start: threading.Barrier = start) -> int:
            start.wait()
            return len(stores.library.delete([image.id]).generations)

        with ThreadPoolExecutor(5) as threads:
            ends = [threads.submit(whole), *(threads.submit(single, image) for image in generation.images)]
            assert sum(end.result() for end in ends) == 1
        stores.assert_consistent()
    assert stores.library.totals().images == 0


def test_dispensable_is_what_every_rule_applies_to_oldest_first_and_never_a_favourite(stores: Stores) -> None:
    oldest, loved = (one_image(stores, model="a", sizes=(100,)) for _ in range(2))
    stores.library.mark(loved.id, favourite=True)
    stores.clock.advance(1000)
    middle = one_image(stores, model="b", sizes=(100,))
    youngest = one_image(stores, model="a", sizes=(100,))
    before = stores.clock.now()

    def found(**rules: Any) -> list[str]:
        return [image_id for image_id, size in stores.library.dispensable(**rules) if size == 100]

    assert found() == [oldest.id, middle.id, youngest.id]
    assert found(created_before=before) == [oldest.id]
    assert found(model="a") == [oldest.id, youngest.id]
    # The favourite takes its share of the room.
    assert found(keep_bytes=399) == [oldest.id]
    assert found(keep_bytes=300) == [oldest.id]
    assert found(keep_bytes=299) == [oldest.id, middle.id]
    assert found(keep_bytes=0) == [oldest.id, middle.id, youngest.id]
    assert found(keep_bytes=400) == []
    assert found(keep_bytes=0, created_before=before) == [oldest.id]
    assert found(keep_bytes=200, model="a") == [oldest.id]
