"""The stage beside a form: what runs, waits and failed, and what can be done with a picture."""

from collections.abc import Callable

from playwright.sync_api import expect

from studio.errors import EngineCrashed, EngineRefused
from studio.job import JobStatus
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
MARKUP = "<img src=x onerror=alert(1)>"


def test_a_failed_job_says_why_and_can_be_tried_again(served: Served, open_page: OpenPage) -> None:
    served.engine.faults.append(EngineRefused(f"The engine said no: {MARKUP}."))
    tab = open_page()
    tab.fill("prompt", MARKUP)
    tab.go().click()

    failure = tab.stage().locator(".st-failure")
    expect(failure).to_contain_text(f"The engine said no: {MARKUP}.")
    expect(failure.locator(".st-failure-prompt")).to_have_text(MARKUP)
    failure.get_by_role("button", name="Retry").click()

    expect(tab.shots()).to_have_count(1)
    expect(failure).to_have_count(0)
    expect(tab.stage().locator(".st-now-prompt")).to_have_text(MARKUP)


def test_an_engine_that_died_twice_comes_with_advice(served: Served, open_page: OpenPage) -> None:
    served.engine.faults.extend([EngineCrashed("The engine died."), EngineCrashed("The engine died.")])
    tab = open_page()
    tab.fill("prompt", "too large")
    tab.go().click()

    failure = tab.stage().locator(".st-failure")
    expect(failure).to_contain_text("The engine died. This job ended the engine 2 times")
    expect(failure).to_contain_text("trying it a third time unchanged rarely helps")
    failure.get_by_role("button", name="Dismiss").click()
    expect(failure).to_have_count(0)


def test_the_running_and_the_waiting_can_be_cancelled(held: Served, open_page: OpenPage) -> None:
    tab = open_page()
    for prompt in ("first", "second", "third"):
        tab.fill("prompt", prompt)
        tab.go().click()
    expect(tab.stage().locator(".st-now .st-link")).to_have_text("2 more wait")

    tab.stage().locator(".st-now .st-link").click()
    tab.stage().get_by_role("button", name="Cancel: second").click()
    expect(tab.stage().locator(".st-waiting-list li")).to_have_count(1)
    tab.stage().get_by_role("button", name="Cancel", exact=True).click()

    expect(tab.stage().locator(".st-now-prompt")).to_have_text("third")
    held.engine.release()
    expect(tab.shots()).to_have_count(1)
    statuses = [job.status for job in reversed(held.studio.jobs(limit=3).rows)]
    assert statuses == [JobStatus.CANCELLED, JobStatus.CANCELLED, JobStatus.COMPLETED]


def test_a_picture_on_the_stage_can_be_a_favourite(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "to love")
    tab.go().click()
    heart = tab.shots().get_by_role("button", name="Add to favourites")
    heart.click()

    expect(tab.shots().get_by_role("button", name="Remove from favourites")).to_be_visible()
    tab.reload()
    expect(tab.shots().get_by_role("button", name="Remove from favourites")).to_be_visible()


def test_a_picture_opens_large_and_esc_brings_back(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", MARKUP)
    tab.go().click()

    tab.shots().get_by_role("button", name="Open").click()

    expect(tab.page.locator("dialog[open]")).to_contain_text(MARKUP)
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("dialog[open]")).to_have_count(0)


def test_a_cleared_stage_is_empty_and_stays_so(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "to clear")
    tab.go().click()
    expect(tab.shots()).to_have_count(1)

    tab.stage().get_by_role("button", name="Clear the stage").click()
    expect(tab.stage()).to_contain_text("Your pictures will be here")
    tab.reload()

    expect(tab.shots()).to_have_count(0)
