"""Finding pictures in the history: the endless grid, search, filters, keys, and what a reload keeps."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.ui.history_tab import (
    FILLERS,
    HOSTILE,
    HOSTILE_TAG,
    NEWEST_DAYS,
    SPECIAL,
    HistoryTab,
    serve_library,
)
from tests.ui.studio_page import Served

ALL = FILLERS + len(SPECIAL)
BOUND = 90  # places in the grid: the window, a row or two beyond each end, and one with the focus


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history that the tests of this file only look at."""
    with serve_library(tmp_path_factory.mktemp("studio")) as running:
        yield running


def test_everything_made_is_there_the_newest_first(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.counts(ALL)
    expect(tab.cells.first).to_have_attribute("aria-label", "a pelican, favourite")
    expect(tab.cells.nth(3)).to_have_attribute("aria-label", "an owl in the snow")
    expect(tab.cells.nth(4)).to_have_attribute("aria-label", _starts("picture 239,"))


def test_scrolling_to_the_oldest_keeps_the_page_small(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.cells.first.hover()
    for _ in range(12):
        tab.page.mouse.wheel(0, 700)
        expect(tab.cells.first).to_be_visible()
        assert tab.cells.count() <= BOUND
    tab.active.focus()
    tab.page.keyboard.press("End")

    expect(tab.cells.last).to_have_attribute("aria-label", _starts("picture 0,"))
    expect(tab.cells.last).to_be_focused()
    assert tab.cells.count() <= BOUND
    expect(tab.cells.last.locator("img")).to_have_class("st-cell-image st-cell-loaded")


def test_the_tab_key_finds_the_grid_wherever_the_wheel_went(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.box.evaluate("box => { box.scrollTop = 3000; }")
    expect(tab.active).not_to_have_attribute("aria-label", "a pelican, favourite")
    tab.active.focus()

    assert tab.place == 3000


def test_search_finds_words_of_prompts_and_outlives_a_reload(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.look_for("LAKE heron", 1)
    expect(tab.cells).to_have_count(1)
    tab.page.reload()
    tab.show()

    tab.counts(1, "found")
    expect(tab.search).to_have_value("LAKE heron")
    tab.search.press("Escape")
    tab.counts(ALL)


def test_a_slash_leads_to_the_search_field(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.active.focus()

    tab.page.keyboard.press("/")

    expect(tab.search).to_be_focused()
    expect(tab.search).to_have_value("")


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [("model", "other", 1), ("type", "variation", FILLERS // 3), ("size", "96x64", 1), ("tag", "birds", 2)],
)
def test_a_filter_narrows_the_history(
    open_history: Callable[..., HistoryTab], name: str, value: str, count: int
) -> None:
    tab = open_history()

    tab.root.locator(f'[data-filter="{name}"]').select_option(value)
    tab.counts(count, "found")
    tab.root.get_by_role("button", name="Clear filters").click()

    tab.counts(ALL)


def test_dates_count_from_midnight_to_midnight(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    newest = date.today() - timedelta(days=NEWEST_DAYS + 1)

    tab.root.get_by_label("From", exact=True).fill(newest.isoformat())
    tab.counts(1, "found")
    expect(tab.cell("a pelican, favourite")).to_be_visible()
    tab.root.get_by_label("From", exact=True).fill("")
    tab.root.get_by_label("To", exact=True).fill((newest - timedelta(days=1)).isoformat())

    tab.counts(ALL - 1, "found")


def test_favourites_only_and_the_other_order(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.root.get_by_role("button", name="Favourites only").click()
    tab.counts(FILLERS // 40 + 1, "found")
    tab.root.get_by_label("Order").select_option("oldest")

    expect(tab.cells.first).to_have_attribute("aria-label", _starts("picture 0,"))
    expect(tab.cells.last).to_have_attribute("aria-label", "a pelican, favourite")


def test_when_nothing_matches_the_way_out_is_shown(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.look_for("no prompt has this", 0)
    expect(tab.root.get_by_text("No picture matches")).to_be_visible()
    tab.root.locator(".st-gallery-message").get_by_role("button", name="Clear filters").click()

    tab.counts(ALL)


def test_what_people_typed_is_text_wherever_it_shows(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    expect(tab.root.locator('[data-filter="tag"]')).to_contain_text(HOSTILE_TAG)
    tab.look_for(HOSTILE, 1)
    tab.cell(HOSTILE).click()
    expect(tab.viewer.locator(".st-lightbox-prompt").first).to_have_text(HOSTILE)
    expect(tab.viewer.locator(".st-tags-word")).to_have_text(HOSTILE_TAG)

    assert tab.page.locator('img[src="x"], b[onclick]').count() == 0


def test_arrows_walk_through_the_grid_and_enter_opens(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    columns = int(str(tab.root.get_by_role("grid").get_attribute("aria-colcount")))

    tab.active.focus()
    tab.page.keyboard.press("ArrowRight")
    expect(tab.cells.nth(1)).to_be_focused()
    tab.page.keyboard.press("ArrowDown")
    expect(tab.cells.nth(1 + columns)).to_be_focused()
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("ArrowUp")
    expect(tab.cells.first).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.viewer).to_be_visible()
    tab.page.keyboard.press("Escape")

    expect(tab.viewer).to_be_hidden()
    expect(tab.cells.first).to_be_focused()


def test_the_place_is_kept_by_a_look_at_another_tab_and_by_a_reload(
    open_history: Callable[..., HistoryTab],
) -> None:
    tab = open_history()
    tab.box.evaluate("box => { box.scrollTop = 2400; }")
    tab.page.wait_for_function("() => sessionStorage.getItem('studio-history-place') !== null")
    first = tab.page.evaluate("sessionStorage.getItem('studio-history-place')")

    tab.show("queue")
    tab.show()
    assert tab.place == 2400
    tab.page.reload()
    tab.show()

    tab.page.wait_for_function("() => document.querySelector('.st-gallery-scroll').scrollTop > 2000")
    assert tab.page.evaluate("sessionStorage.getItem('studio-history-place')") == first


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_history_is_accessible(open_history: Callable[..., HistoryTab], theme: str) -> None:
    tab = open_history()
    tab.page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
    tab.choose("an owl in the snow")

    assert _violations(tab) == []
    tab.cell("a heron by the lake").click()
    expect(tab.viewer.get_by_role("button", name="Copy all settings")).to_be_enabled()
    assert _violations(tab) == []


def _violations(tab: HistoryTab) -> list[tuple[str, list[str]]]:
    found = Axe().run(tab.page).response["violations"]
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


def _starts(text: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(text)}")
