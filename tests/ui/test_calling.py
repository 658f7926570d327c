"""Calling people who look elsewhere when a job ends or fails: the title, the notification and the sound."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from studio.errors import BadResult
from studio.params import GenerationParams
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
# Stands for the browser's own: what would be shown and heard, and a window that lies behind another.
LISTEN = """
globalThis.shown = [];
globalThis.heard = [];
globalThis.Notification = class {
  static permission = "granted";
  constructor(title, { body }) { shown.push([title, body]); }
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  heard.push(this.frequency.value);
  return start.apply(this, when);
};
Object.defineProperty(document, "hidden", { get: () => globalThis.isBehind === true });
"""


def submit(served: Served, prompt: str) -> None:
    served.studio.submit(GenerationParams(model="demo", prompt=prompt, seed=3))


def look(page: Page, *, is_behind: bool) -> None:
    """Another window comes in front of the page, or goes."""
    page.evaluate(
        "isBehind => { globalThis.isBehind = isBehind;"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        is_behind,
    )


def until_title(page: Page, title: str) -> None:
    page.wait_for_function("title => document.title === title", arg=title)


@pytest.fixture
def called(open_page: OpenPage) -> Callable[..., Page]:
    """A page whose reader wants to be called, and looks elsewhere."""

    def plan(**wishes: bool) -> Page:
        tab = open_page()
        tab.page.add_init_script(LISTEN)
        for name, wanted in wishes.items():
            word = "on" if wanted else "off"
            tab.page.evaluate(f"localStorage.setItem('studio-{name}', '{word}')")
        tab.reload()
        tab.page.locator("#pulse .st-dot:not([data-state='offline'])").wait_for()
        look(tab.page, is_behind=True)
        return tab.page

    return plan


def said(page: Page, what: str, count: int) -> Any:
    page.wait_for_function(f"count => globalThis.{what}.length === count", arg=count)
    return page.evaluate(what)


def test_the_title_counts_the_progress_and_what_was_not_seen_yet(
    held: Served, called: Callable[..., Page]
) -> None:
    page = called()
    submit(held, "something slow")
    until_title(page, "50 % · sd.cpp Studio")

    held.engine.release()

    until_title(page, "(1) sd.cpp Studio")
    look(page, is_behind=False)
    until_title(page, "sd.cpp Studio")
    assert page.evaluate("[shown, heard]") == [[], []]


def test_a_finished_job_calls_with_its_prompt_and_a_rising_sound(
    served: Served, called: Callable[..., Page]
) -> None:
    page = called(notify=True, sound=True)

    submit(served, "<b>a boat</b>")

    assert said(page, "shown", 1) == [["Picture ready", "<b>a boat</b>"]]
    low, high = said(page, "heard", 2)
    assert low < high


def test_a_failed_job_calls_with_the_reason_and_a_falling_sound(
    served: Served, called: Callable[..., Page]
) -> None:
    page = called(notify=True, sound=True)
    served.engine.faults.append(BadResult("The engine's picture is one flat colour: broken."))

    submit(served, "a boat")

    [(title, reason)] = said(page, "shown", 1)
    assert (title, "one flat colour" in reason) == ("Job failed", True)
    high, low = said(page, "heard", 2)
    assert low < high


def test_several_tabs_of_a_browser_call_once(served: Served, called: Callable[..., Page]) -> None:
    page = called(notify=True)
    other = page.context.new_page()
    other.add_init_script(LISTEN)
    other.goto(served.base)
    other.locator("#strip").wait_for()
    look(other, is_behind=True)

    submit(served, "one call")

    for tab in (page, other):
        until_title(tab, "(1) sd.cpp Studio")
        # Who speaks is settled by a lock that was asked for before this one.
        tab.evaluate("navigator.locks.request('after', () => null)")
    assert len(page.evaluate("shown")) + len(other.evaluate("shown")) == 1
