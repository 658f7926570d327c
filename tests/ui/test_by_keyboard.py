"""Whole journeys without a mouse, and in two tabs at once."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.ui.studio_page import Served, StudioPage, prompts

OpenPage = Callable[..., StudioPage]
MOST_STEPS = 60


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _ in range(MOST_STEPS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_STEPS} presses of Tab did not lead to {selector}")


def test_a_picture_is_made_and_looked_at_by_keyboard_alone(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    keyboard = tab.page.keyboard

    tab_to(tab.page, "#txt2img-prompt textarea")
    keyboard.type("a red circle")
    keyboard.press("Control+Enter")
    expect(tab.shots()).to_have_count(1)
    keyboard.type(" and another")
    keyboard.press("Control+Enter")
    expect(tab.shots()).to_have_count(2)
    assert prompts(served, 2) == ["a red circle", "a red circle and another"]

    tab_to(tab.page, ".st-shot-open")
    keyboard.press("Enter")
    viewer = tab.page.get_by_role("dialog")
    expect(viewer).to_contain_text("a red circle and another")
    keyboard.press("ArrowRight")
    expect(viewer).not_to_contain_text("and another")
    keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    assert tab.page.evaluate("document.activeElement.matches('.st-shot-open')")


def test_every_tab_is_reached_by_its_number_and_by_arrow_keys(open_page: OpenPage) -> None:
    page = open_page().page
    names = ["txt2img", "Edit", "Variations", "Queue", "History", "Models", "Settings"]
    for number, name in enumerate(names, start=1):
        page.keyboard.press(f"Alt+{number}")
        expect(page.locator("#tabs [role=tab][aria-selected=true]").first).to_have_text(name)


def test_two_tabs_tell_the_same_at_the_same_time(held: Served, open_page: OpenPage) -> None:
    one = open_page()
    other = one.context.new_page()
    other.goto(held.base)
    other.locator('#tabs button[role=tab][data-tab-id="queue"]').first.click()
    other.locator("#queue").wait_for()

    one.fill("prompt", "seen in both")
    one.go().click()

    expect(one.page.locator("#pulse")).to_contain_text("Step 4 of 8")
    expect(other.locator("#pulse")).to_contain_text("Step 4 of 8")
    expect(other.locator("#queue")).to_contain_text("seen in both")
    other.locator("#pulse").get_by_role("button", name="Cancel").click()
    expect(one.stage().locator(".st-now")).to_be_hidden()
    expect(one.page.locator("#pulse .st-pulse-job")).to_be_hidden()
