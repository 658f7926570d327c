"""Finding and counting pictures, on both databases."""

from typing import Any

import pytest

from studio.errors import InvalidRequest, NotFound
from studio.filters import MAX_WORDS, Filter, Order
from studio.params import JobType
from tests.builders import new_id
from tests.contract.storage.making import found_ids, made, one_image
from tests.contract.storage.stores import Stores

HOSTILE = "<img src=x onerror=alert(1)>"


def _walked(stores: Stores, limit: int, order: Order, **wanted: Any) -> list[str]:
    """The ids on all pages, each followed by the next."""
    ids: list[str] = []
    cursor = None
    while True:
        listing = stores.library.page(Filter(**wanted), limit=limit, order=order, before=cursor)
        ids += [entry.image.id for entry in listing.entries]
        cursor = listing.next
        if cursor is None:
            return ids
        assert len(listing.entries) == limit


def test_an_entry_tells_the_picture_and_what_made_it(stores: Stores) -> None:
    generation = made(stores, count=2, prompt="a fox")
    (second, first) = stores.library.page(Filter(), limit=9).entries

    assert (first.image, second.image) == generation.images
    assert (first.recipe, first.job_id) == (generation.recipe, generation.job_id)
    assert first.created_at == stores.clock.now()
    assert (first.favourite, first.tags) == (False, ())
    assert stores.library.entry(first.image.id) == first


def test_pages_follow_each_other_in_both_orders_without_gap_or_repetition(stores: Stores) -> None:
    ids = [image.id for count in (1, 3, 2, 1) for image in made(stores, count=count).images]

    for limit in (1, 2, 3, 7, 100):
        assert _walked(stores, limit, Order.OLDEST) == ids
        assert _walked(stores, limit, Order.NEWEST) == ids[::-1]


def test_a_page_that_ends_with_the_last_picture_has_no_next(stores: Stores) -> None:
    made(stores, count=4)

    listing = stores.library.page(Filter(), limit=4)

    assert (len(listing.entries), listing.next, listing.total) == (4, None, 4)
    assert stores.library.page(Filter(model="none"), limit=4).entries == []


def test_pictures_that_arrive_or_go_meanwhile_move_nothing_on_the_next_page(stores: Stores) -> None:
    ids = [one_image(stores).id for _ in range(6)][::-1]
    first = stores.library.page(Filter(), limit=3)
    made(stores, count=3)
    # Even the picture the cursor stands on may go.
    stores.library.delete([ids[2], ids[4]])

    second = stores.library.page(Filter(), limit=3, before=first.next)

    assert [entry.image.id for entry in second.entries] == [ids[3], ids[5]]


@pytest.mark.parametrize(
    "cursor", ["", "0", "newest", "newest--1", "newest-" + "9" * 30, "newest-1'", "\x00"]
)
def test_a_text_that_is_no_cursor_is_refused(stores: Stores, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="before"):
        stores.library.page(Filter(), limit=3, before=cursor)


def test_a_cursor_of_the_other_order_is_refused(stores: Stores) -> None:
    made(stores, count=2)
    cursor = stores.library.page(Filter(), limit=1).next
    assert cursor is not None

    with pytest.raises(InvalidRequest, match="sorted by newest"):
        stores.library.page(Filter(), limit=1, order=Order.OLDEST, before=cursor)


def test_each_filter_finds_its_pictures_and_together_they_narrow(stores: Stores) -> None:
    old = one_image(stores, model="a", width=64, height=128)
    stores.clock.advance(100)
    edited = one_image(stores, model="b", type="edit", input_image="ab" * 32, width=64, height=128)
    stores.clock.advance(100)
    young = one_image(stores, model="b", width=128, height=64)
    now = stores.clock.now()
    stores.library.mark(edited.id, favourite=True, tags=["Sea"])

    assert found_ids(stores, model="b") == [young.id, edited.id]
    assert found_ids(stores, type=JobType.EDIT) == [edited.id]
    assert found_ids(stores, size=(64, 128)) == [edited.id, old.id]
    assert found_ids(stores, favourite=True) == [edited.id]
    assert found_ids(stores, favourite=False) == [young.id, old.id]
    assert found_ids(stores, tag="sea") == found_ids(stores, tag=" SEA ") == [edited.id]
    assert found_ids(stores, created_from=now - 100) == [young.id, edited.id]
    assert found_ids(stores, created_to=now - 100) == [old.id]
    assert found_ids(stores, created_from=now - 100, created_to=now) == [edited.id]
    assert found_ids(stores, model="b", size=(128, 64), favourite=False) == [young.id]
    assert found_ids(stores, model="a", favourite=True) == []


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        ("circle", "a Red CIRCLE"), ("CIRC", "a red circle"), ("ircl re", "a red circle"),
        ("城市", "夜の城市の光"), ("ÉMOJI", "un émoji"), ("e\u0301moji", "un émoji"), ("strasse", "Straße"),
        ("ｒｅｄ", "red"), ("100%", "100% wool"), ("a_b", "a_b"), ("it's", "it's"),
        ('"quoted"', 'a "quoted" word'),
        ("a", "fad"), (HOSTILE, HOSTILE), ("😀", "smile 😀"), ("*", "a * b"), ("(cat:1.2)", "(cat:1.2), dog"),
        ("c\\d", "c\\d"), ("OR", "color"), ("new\tline", "new\nline"),
    ],
)  # fmt: skip
def test_words_are_found_anywhere_in_the_prompt_without_regard_to_case(
    stores: Stores, words: str, prompt: str
) -> None:
    wanted = one_image(stores, prompt=prompt)
    one_image(stores, prompt="something else entirely, with w, x, y, z and 100 wolves")

    assert wanted.id in found_ids(stores, words=words)


@pytest.mark.parametrize(
    "words",
    ["circle square", "c_rcle", "c%e", "red circleS", "zz", "z", '"', "circle NOT", "re*", "\x00", "\ud800x"],
)
def test_words_that_are_not_all_there_find_nothing(stores: Stores, words: str) -> None:
    one_image(stores, prompt="a red circle")

    expected = 1 if words == "\x00" else 0
    assert len(found_ids(stores, words=words)) == expected


def test_too_many_words_are_refused(stores: Stores) -> None:
    with pytest.raises(InvalidRequest, match=f"limit is {MAX_WORDS}"):
        stores.library.page(Filter(words=" ".join(map(str, range(MAX_WORDS + 1)))), limit=1)


def test_entries_come_in_the_order_they_were_asked_for_without_the_unknown(stores: Stores) -> None:
    ids = [image.id for image in made(stores, count=3).images]
    asked = [ids[2], new_id(), ids[0], ids[2]]

    assert [entry.image.id for entry in stores.library.entries(asked)] == [ids[2], ids[0]]
    assert stores.library.entries([]) == []
    with pytest.raises(NotFound):
        stores.library.entry(asked[1])


def test_totals_tell_how_much_there_is_the_most_frequent_first(stores: Stores) -> None:
    assert stores.library.totals().images == 0
    first = made(stores, count=2, sizes=(10, 20), model="b")
    made(stores, sizes=(400,), model="a", width=64, height=128)
    for image in first.images:
        stores.library.mark(image.id, tags=["Sea"])
    stores.library.mark(first.images[0].id, tags=["sea", "air"])

    totals = stores.library.totals()

    assert (totals.images, totals.bytes) == (3, 430)
    assert totals.models == [("b", 2), ("a", 1)]
    assert totals.sizes == [((128, 128), 2), ((64, 128), 1)]
    assert totals.tags == [("Sea", 2), ("air", 1)]
