"""While a picture and its mask are on their way to the painter, nothing can be sent without them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from studio.job import Job
from studio.params import GenerationParams
from tests.system.running import until
from tests.ui.edit_tab import EditTab
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
# What the button has said since the page was loaded.
LISTEN = """
globalThis.said = [];
new MutationObserver(() => {
  const words = document.querySelector("#edit-go")?.textContent.trim();
  if (words && words !== said.at(-1)) said.push(words);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
START, WAIT, READY = "Choose a picture first", "Opening the picture…", "Repaint the painted area"


class Held:
    """Requests for such addresses get no answer until they may go on."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._routes: list[Route] = []
        self._is_open = False
        page.route(pattern, self._hear)

    def _hear(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self._routes.append(route)

    def go_on(self) -> None:
        """Answer the last one, which is of the page as it is now; and all that follow, at once."""
        self._is_open = True
        self._routes[-1].continue_()

    def refuse(self, words: str) -> None:
        self._routes[-1].fulfill(status=404, json={"error": words})


@pytest.fixture(scope="module")
def source(served: Served) -> Job:
    """A picture to edit."""
    job = served.studio.submit(GenerationParams(model="demo", prompt="a red circle", seed=7, steps=5))
    until(lambda: served.studio.job(job.id).is_final)
    return served.studio.job(job.id)


@pytest.fixture
def tab(source: Job, open_page: OpenPage) -> EditTab:
    return with_a_stroke(open_page())


def with_a_stroke(page: StudioPage) -> EditTab:
    """The edit tab with a picture and a stroke on it."""
    tab = EditTab(page.page)
    tab.bring()
    tab.stroke((50, 64), (80, 64), brush=30)
    expect(tab.go).to_have_text(READY)
    return tab


def newest(served: Served) -> Job:
    return served.studio.jobs(limit=1).rows[0]


def test_after_a_reload_the_button_waits_for_the_picture_and_its_mask(served: Served, tab: EditTab) -> None:
    tab.page.add_init_script(LISTEN)
    picture = Held(tab.page, "**/api/inputs/*")
    tab.page.reload()
    tab.page.locator('#tabs button[role=tab][data-tab-id="edit"]').first.click()
    expect(tab.go).to_have_text(WAIT)
    expect(tab.go).to_be_disabled()

    picture.go_on()
    expect(tab.go).to_have_text(READY)
    expect(tab.go).to_be_enabled()
    assert tab.page.evaluate("said") == [START, WAIT, READY]
    tab.go.click()
    expect(tab.comparison).to_be_visible()
    assert newest(served).recipe.mask is not None


def test_a_reload_in_the_middle_of_a_reload_loses_no_stroke(tab: EditTab) -> None:
    picture = Held(tab.page, "**/api/inputs/*")
    for _ in range(2):
        tab.page.reload()
        tab.page.locator('#tabs button[role=tab][data-tab-id="edit"]').first.click()
        expect(tab.go).to_have_text(WAIT)

    picture.go_on()

    expect(tab.go).to_have_text(READY)
    expect(tab.page.locator(".st-painter-status")).to_contain_text("% painted")


def test_a_duplicated_edit_is_offered_with_its_mask_and_never_without(served: Served, tab: EditTab) -> None:
    tab.prompt.fill("a yellow star")
    tab.go.click()
    expect(tab.comparison).to_be_visible()
    mask = newest(served).recipe.mask
    tab.page.evaluate("sessionStorage.clear()")
    tab.page.add_init_script(LISTEN)
    tab.page.reload()
    tab.page.locator('#tabs button[role=tab][data-tab-id="queue"]').first.click()

    tab.page.get_by_role("button", name="Duplicate with changes").first.click()

    expect(tab.go).to_have_text(READY)
    expect(tab.page.locator(".st-painter-status")).to_contain_text("% painted")
    tab.go.click()
    expect(tab.comparison).to_be_visible()
    assert {*tab.page.evaluate("said")} <= {START, WAIT, READY}
    assert newest(served).recipe.mask == mask


def test_a_picture_that_never_comes_leaves_the_one_that_was_open(
    served: Served, source: Job, open_page: OpenPage
) -> None:
    page = open_page()
    tab = with_a_stroke(page)
    other = Held(tab.page, "**/api/inputs/from-image")
    tab.action("choose")
    tab.page.locator(".st-chooser button").first.click()
    expect(tab.go).to_have_text(WAIT)
    expect(tab.go).to_be_disabled()

    other.refuse("It was deleted.")

    expect(tab.go).to_have_text(READY)
    expect(tab.go).to_be_enabled()
    expect(tab.page.locator(".st-painter-error")).to_have_text("It was deleted.")
    page.faults.clear()  # of the refused request
