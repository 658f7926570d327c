"""Choosing several pictures of the history, and what is done with them: delete, take along, mark, compare."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.history_tab import FILLERS, SPECIAL, HistoryTab, found, pixels, serve_library
from tests.ui.studio_page import Served

# A group for each test that changes something: the tests of this file share a studio.
GROUPS: tuple[dict[str, Any], ...] = (
    {"prompt": "doomed one"}, {"prompt": "doomed two", "favourite": True}, {"prompt": "doomed three"},
    {"prompt": "loved one", "favourite": True}, {"prompt": "loved two", "favourite": True},
    {"prompt": "marked one"}, {"prompt": "marked two", "tags": ("old", "shared")},
    {"prompt": "keys one"}, {"prompt": "keys two"}, {"prompt": "keys three"},
    {"prompt": "gone one"}, {"prompt": "gone two"},
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history."""
    with serve_library(tmp_path_factory.mktemp("studio"), *GROUPS) as running:
        yield running


def _prompts(served: Served, words: str) -> list[str]:
    return sorted(entry.recipe.prompt for entry in found(served, words))


def test_space_shift_and_control_a_choose_and_escape_chooses_none(
    open_history: Callable[..., HistoryTab],
) -> None:
    tab = open_history()
    everything = FILLERS + len(SPECIAL) + len(GROUPS)

    tab.active.focus()
    tab.page.keyboard.press("Space")
    expect(tab.chosen).to_have_count(1)
    tab.page.keyboard.press("Shift+ArrowRight")
    tab.page.keyboard.press("Shift+ArrowRight")
    expect(tab.chosen).to_have_count(3)
    expect(tab.bar).to_contain_text("3 chosen")
    tab.page.keyboard.press("Control+a")
    expect(tab.bar).to_contain_text(f"{everything} chosen")
    tab.page.keyboard.press("Escape")

    expect(tab.bar).to_be_hidden()
    expect(tab.chosen).to_have_count(0)
    expect(tab.cells.nth(2)).to_be_focused()


def test_a_click_with_shift_chooses_the_range(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.cells.nth(1).hover()
    tab.cells.nth(1).get_by_label("Select").click()
    tab.cells.nth(9).click(modifiers=["Shift"])
    expect(tab.chosen).to_have_count(9)
    tab.cells.nth(4).click(modifiers=["Control"])

    expect(tab.chosen).to_have_count(8)
    expect(tab.viewer).to_be_hidden()


def test_what_is_chosen_stays_chosen_out_of_sight_but_not_in_another_search(
    open_history: Callable[..., HistoryTab],
) -> None:
    tab = open_history()
    tab.choose("gone two")

    tab.active.focus()
    tab.page.keyboard.press("End")
    expect(tab.chosen).to_have_count(0)
    expect(tab.bar).to_contain_text("1 chosen")
    tab.page.keyboard.press("Home")
    expect(tab.chosen).to_have_count(1)
    tab.look_for("gone", 2)

    expect(tab.bar).to_be_hidden()


def test_deleting_asks_first_and_spares_favourites(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("doomed", 3)
    files = {entry.recipe.prompt: served.studio.image_file(entry.image) for entry in found(served, "doomed")}

    tab.active.focus()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.press("Delete")
    expect(tab.dialog).to_contain_text("Delete 2 pictures?")
    expect(tab.dialog).to_contain_text("One favourite is protected and stays.")
    tab.answer("Cancel")
    assert _prompts(served, "doomed") == ["doomed one", "doomed three", "doomed two"]
    tab.deed("Delete").click()
    tab.answer("Delete 2 pictures")

    tab.counts(1, "found")
    expect(tab.cells).to_have_count(1)
    assert _prompts(served, "doomed") == ["doomed two"]
    assert {name: path.exists() for name, path in files.items()} == {
        "doomed one": False, "doomed two": True, "doomed three": False,
    }  # fmt: skip
    expect(tab.page.locator(".st-toast")).to_contain_text("2 pictures deleted.")


def test_only_favourites_are_not_deleted_at_all(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("loved", 2)

    tab.active.focus()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.press("Delete")
    expect(tab.dialog).to_contain_text("protected")
    tab.answer("OK")

    expect(tab.dialog).to_be_hidden()
    tab.counts(2, "found")
    assert len(found(served, "loved")) == 2


def test_the_focus_goes_on_where_a_picture_was_deleted(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("gone", 2)

    tab.active.focus()
    tab.page.keyboard.press("Delete")
    tab.answer("Delete 1 picture")

    tab.counts(1, "found")
    expect(tab.cell("gone one")).to_be_focused()
    assert _prompts(served, "gone") == ["gone one"]


def test_a_zip_holds_the_chosen_pictures_and_how_they_were_made(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.choose("an owl in the snow", "a heron by the lake")

    with tab.page.expect_download() as download:
        tab.deed("Download ZIP").click()

    entries = {
        entry.image.id: entry for entry in [*found(served, "an owl"), *found(served, "a heron by the lake")]
    }
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert sorted(archive.namelist()) == sorted(
            f"{name}.{end}" for name in entries for end in ("png", "json")
        )
        for name, entry in entries.items():
            original = served.studio.image_file(entry.image).read_bytes()
            assert pixels(archive.read(f"{name}.png")) == pixels(original)
            assert json.loads(archive.read(f"{name}.json"))["recipe"]["prompt"] == entry.recipe.prompt


def test_many_are_made_favourites_at_once_and_back(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("keys", 3)

    tab.active.focus()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.press("f")
    expect(tab.cells.locator(".st-cell-heart:visible")).to_have_count(3)
    assert all(entry.favourite for entry in found(served, "keys"))
    tab.deed("Favourite").click()
    expect(tab.cells.locator(".st-cell-heart:visible")).to_have_count(0)

    assert not any(entry.favourite for entry in found(served, "keys"))


def test_tags_of_many_are_added_and_taken_away_but_others_stay(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("marked", 2)

    tab.choose("marked one", "marked two")
    tab.deed("Tag").click()
    tab.dialog.get_by_label("Add a tag").fill("shared, fresh")
    tab.answer("Save tags")
    tags = tab.root.locator('[data-filter="tag"]')
    expect(tags).to_contain_text("fresh (2)")
    tab.deed("Tag").click()
    expect(tab.dialog.locator(".st-tags-word")).to_have_text(["fresh", "shared"])
    tab.dialog.get_by_role("button", name="Remove the tag shared").click()
    tab.answer("Save tags")

    expect(tags).not_to_contain_text("shared")
    assert {entry.recipe.prompt: entry.tags for entry in found(served, "marked")} == {
        "marked one": ("fresh",), "marked two": ("fresh", "old"),
    }  # fmt: skip


def test_exactly_two_are_compared_and_the_line_follows_keys_and_mouse(
    open_history: Callable[..., HistoryTab],
) -> None:
    tab = open_history()
    tab.choose("an owl in the snow")
    expect(tab.deed("Compare")).to_be_disabled()
    tab.choose("a heron by the lake")

    tab.deed("Compare").click()
    line = tab.dialog.get_by_role("slider")
    expect(line).to_be_focused()
    expect(line).to_have_value("50")
    tab.page.keyboard.press("ArrowRight")
    expect(line).to_have_value("50.5")
    stage = tab.dialog.locator(".st-compare-stage")
    box = stage.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    tab.page.mouse.up()
    expect(line).to_have_value("25")
    tab.page.mouse.move(box["x"] + box["width"], box["y"])
    expect(line).to_have_value("25")
    assert stage.evaluate("stage => getComputedStyle(stage).getPropertyValue('--at')") == "25%"
    names = tab.dialog.locator(".st-compare-label")
    expect(names).to_have_text(["other · seed 500", "demo · seed 501"])
    tab.dialog.get_by_role("button", name="Swap").click()

    expect(names).to_have_text(["demo · seed 501", "other · seed 500"])
    tab.page.keyboard.press("Escape")
    expect(tab.dialog).to_be_hidden()
    expect(tab.bar).to_contain_text("2 chosen")
