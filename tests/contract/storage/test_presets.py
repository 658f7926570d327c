"""Named sets of parameters, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import ValidationError

from studio.errors import Conflict, InvalidRequest, NotFound
from studio.presets import MAX_NAME, MAX_PRESETS
from tests.contract.storage.stores import Stores


def _names(stores: Stores) -> list[str]:
    return [preset.name for preset in stores.presets.all()]


def test_a_preset_keeps_what_was_given_and_nothing_else(stores: Stores) -> None:
    params = {
        "prompt": "a <b>fox</b>",
        "steps": 8,
        "seed": 2**63 - 1,
        "cfg_scale": 0.0,
        "negative_prompt": "",
    }

    saved = stores.presets.save("Fox", params | {"model": None})

    assert (saved.name, saved.params, saved.updated_at) == ("Fox", params, stores.clock.now())
    assert stores.presets.get("fox") == saved
    assert stores.presets.all() == [saved]


def test_a_name_in_another_case_is_the_same_preset(stores: Stores) -> None:
    stores.presets.save("Night Sky", {"steps": 8})
    stores.clock.advance(10)

    again = stores.presets.save(" NIGHT   sky ", {"steps": 9})

    assert (again.name, again.params) == ("NIGHT sky", {"steps": 9})
    assert stores.presets.all() == [again]


def test_presets_are_listed_by_name_without_regard_to_case(stores: Stores) -> None:
    for name in ("b", "A", "c", "Ä", "10", "é/../x"):
        stores.presets.save(name, {})

    assert _names(stores) == ["10", "A", "b", "c", "Ä", "é/../x"]


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * (MAX_NAME + 1), "a\nb", "\x00", "\u202e", ".", "..", "\ud800"]
)
def test_a_name_that_is_no_plain_text_is_refused(stores: Stores, name: str) -> None:
    stores.presets.save("kept", {})

    with pytest.raises(InvalidRequest, match="name"):
        stores.presets.save(name, {})
    with pytest.raises(InvalidRequest, match="name"):
        stores.presets.rename("kept", name)
    with pytest.raises(NotFound):
        stores.presets.get(name)
    assert _names(stores) == ["kept"]


@pytest.mark.parametrize(
    "params",
    [
        {"steps": 0}, {"sampler": "magic"}, {"colour": "red"}, {"input_image": "ab" * 32}, {"prompt": "\x00"},
        {"n": 11},
    ],
)  # fmt: skip
def test_parameters_that_no_request_could_have_are_refused(stores: Stores, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stores.presets.save("wrong", params)
    assert stores.presets.all() == []


def test_renaming_keeps_the_parameters_and_may_change_the_case_alone(stores: Stores) -> None:
    stores.presets.save("fox", {"steps": 8})

    assert stores.presets.rename("FOX", "Fox").name == "Fox"
    renamed = stores.presets.rename("fox", "Wolf")

    assert (renamed.name, renamed.params) == ("Wolf", {"steps": 8})
    assert stores.presets.all() == [renamed]


def test_a_name_that_is_taken_stays_with_its_preset(stores: Stores) -> None:
    stores.presets.save("fox", {"steps": 8})
    stores.presets.save("Wolf", {"steps": 9})

    with pytest.raises(Conflict, match="wolf"):
        stores.presets.rename("fox", "wolf")

    assert [(preset.name, preset.params["steps"]) for preset in stores.presets.all()] == [
        ("fox", 8),
        ("Wolf", 9),
    ]


def test_what_is_deleted_is_not_found_any_more(stores: Stores) -> None:
    stores.presets.save("Fox", {})

    stores.presets.delete("fOX")

    for ask in (stores.presets.get, stores.presets.delete, lambda name: stores.presets.rename(name, "x")):
        with pytest.raises(NotFound, match="fox"):
            ask("fox")


def test_there_are_at_most_so_many_presets(stores: Stores) -> None:
    columns = "folded, name, params, updated_at"
    with stores.database.connection_context(), stores.database.atomic():
        for number in range(MAX_PRESETS):
            stores.database.execute_sql(
                f"INSERT INTO preset ({columns}) VALUES ('{number}', '{number}', '{{}}', 0)"
            )

    with pytest.raises(Conflict, match=str(MAX_PRESETS)):
        stores.presets.save("one more", {})
    assert stores.presets.save("7", {"steps": 3}).params == {"steps": 3}
    assert len(stores.presets.all()) == MAX_PRESETS


def test_of_those_who_rename_to_one_name_at_once_one_gets_it(stores: Stores) -> None:
    for place in range(6):
        stores.presets.save(f"preset {place}", {"steps": place + 1})
    start = threading.Barrier(6)

    def rename(place: int) -> bool:
        start.wait()
        try:
            stores.presets.rename(f"preset {place}", "the one")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(rename, range(6))) == 1
    assert len(stores.presets.all()) == 6
