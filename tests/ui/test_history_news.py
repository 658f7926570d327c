"""The history while things happen: new pictures, deletions elsewhere, faults; on a phone, and empty."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from studio.params import GenerationParams
from tests.ui.history_tab import FILLERS, SPECIAL, HistoryTab, found, serve_library
from tests.ui.studio_page import Served, new_page, serve_page


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history."""
    with serve_library(tmp_path_factory.mktemp("studio"), {"prompt": "removed elsewhere"}) as running:
        yield running


def _make(served: Served, prompt: str, n: int = 1) -> None:
    served.studio.submit(GenerationParams(model="demo", prompt=prompt, n=n, seed=9))


def test_a_new_picture_appears_on_top(open_history: Callable[..., HistoryTab], served: Served) -> None:
    tab = open_history()
    expect(tab.cell("a pelican, favourite")).to_be_visible()

    _make(served, "just made", n=2)

    expect(tab.cells.nth(0)).to_have_attribute("aria-label", "just made")
    expect(tab.cells.nth(1)).to_have_attribute("aria-label", "just made")
    expect(tab.root.locator(".st-gallery-news")).to_be_hidden()


def test_while_somebody_looks_further_down_new_pictures_wait_to_be_asked_for(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.box.evaluate("box => { box.scrollTop = 2000; }")
    expect(tab.cell("a pelican, favourite")).to_have_count(0)
    shown = tab.cells.first.get_attribute("data-id")

    _make(served, "made meanwhile", n=3)
    news = tab.root.get_by_role("button", name="3 new pictures")
    expect(news).to_be_visible()
    assert (tab.place, tab.cells.first.get_attribute("data-id")) == (2000, shown)
    news.click()

    expect(tab.cells.first).to_have_attribute("aria-label", "made meanwhile")
    expect(news).to_be_hidden()
    assert tab.place == 0


def test_new_pictures_that_do_not_match_stay_out(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("heron", 1)

    _make(served, "not what is looked for")
    _make(served, "another heron")

    tab.counts(2, "found")
    expect(tab.cells).to_have_count(2)


def test_what_is_deleted_elsewhere_disappears_here(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    # A thumbnail that was still on its way would be asked for in vain.
    expect(tab.cell("removed elsewhere").locator("img")).to_have_js_property("complete", True)

    served.studio.shelf.delete([found(served, "removed elsewhere")[0].image.id])

    expect(tab.cell("removed elsewhere")).to_have_count(0)


def test_a_mark_set_in_another_tab_shows_here(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()

    served.studio.shelf.mark(found(served, "an owl")[0].image.id, favourite=True)

    expect(tab.cell("an owl in the snow, favourite")).to_be_visible()


def test_pictures_made_while_another_tab_was_in_view_are_there_on_return(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.show("queue")

    _make(served, "made out of sight")
    tab.page.locator('#strip button[title="made out of sight"]').wait_for()
    tab.show()

    expect(tab.cell("made out of sight")).to_be_visible()


def test_a_fault_is_said_and_can_be_tried_again(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.page.route(re.compile(r"/api/library\?.*q="), lambda route: route.abort())

    tab.search.fill("heron")
    alert = tab.root.get_by_role("alert")
    expect(alert).to_contain_text("The studio does not answer.")
    tab.page.unroute_all()
    tab.tab.faults.clear()
    tab.root.get_by_role("button", name="Try again").click()

    expect(alert).to_be_hidden()
    expect(tab.cell("a heron by the lake")).to_be_visible()


def test_on_a_phone_nothing_sticks_out_and_filters_unfold(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history(width=390, height=844)

    expect(tab.root.get_by_role("grid")).to_have_attribute("aria-colcount", "3")
    expect(tab.root.get_by_label("Model")).to_be_hidden()
    tab.root.get_by_role("button", name="Filters").click()
    expect(tab.root.get_by_label("Model")).to_be_visible()
    tab.root.get_by_label("Model").select_option("other")
    tab.counts(1, "found")
    expect(tab.root.get_by_role("button", name="Clear filters")).to_be_visible()

    assert tab.tab.overflow <= 0
    small = tab.root.locator(
        "button:visible, input:visible:not([type=checkbox]), select:visible"
    ).evaluate_all(
        "found => found.map(element => [element.ariaLabel ?? element.textContent, element.offsetHeight])"
        ".filter(([, height]) => height < 36)"
    )
    assert small == []


def test_a_long_touch_chooses_and_then_a_tap_does(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history(width=390, height=844)
    session = tab.page.context.new_cdp_session(tab.page)
    box = tab.cells.nth(1).bounding_box()
    assert box is not None
    point = {"x": box["x"] + 50, "y": box["y"] + 50}

    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(tab.chosen).to_have_count(1)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.cells.nth(2).tap()
    expect(tab.chosen).to_have_count(2)
    tab.cells.nth(1).tap()
    tab.cells.nth(2).tap()
    expect(tab.bar).to_be_hidden()
    tab.cells.nth(2).tap()

    expect(tab.viewer).to_be_visible()


def test_an_empty_history_leads_to_the_first_picture(browser: Browser, tmp_path: Path) -> None:
    with serve_page(tmp_path) as empty:
        tab = HistoryTab(new_page(empty, browser))
        tab.open()
        expect(tab.root.get_by_text("Nothing made yet")).to_be_visible()
        tab.root.get_by_role("button", name="Make the first picture").click()
        expect(tab.page.locator("#txt2img-prompt textarea")).to_be_visible()
        tab.show()
        _make(empty, "the first one")
        expect(tab.cell("the first one")).to_be_visible()
        tab.tab.context.close()
        assert tab.tab.faults == []


def test_many_new_pictures_at_once_are_all_shown(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    before = len(SPECIAL) + FILLERS
    tab = open_history()
    expect(tab.cell("a pelican, favourite").or_(tab.cells.first).first).to_be_visible()

    for _ in range(8):
        _make(served, "one of a flood", n=10)

    tab.page.wait_for_function(
        "least => Number.parseInt(document.querySelector('.st-gallery-count').textContent) >= least",
        arg=before + 80,
    )
    expect(tab.cells.first).to_have_attribute("aria-label", "one of a flood")
    tab.look_for("one of a flood", 80)
