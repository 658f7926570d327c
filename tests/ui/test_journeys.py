"""Whole journeys on the real engine: what a newcomer does in the first minutes, and what may not be lost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.system.running import RunningStudio, running_studio, until
from tests.ui.screenshots import TABS, wait_for_page

pytestmark = pytest.mark.engine

PROMPT = "a red circle on a blue background"
SECONDS = 60_000


@pytest.fixture(scope="module")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """`python app.py`, its page there."""
    with running_studio(tmp_path_factory.mktemp("outputs"), engine_binary) as running:
        wait_for_page(running)
        yield running


@pytest.fixture
def page(studio: RunningStudio, browser: Browser) -> Iterator[Page]:
    """A tab that nobody opened before; errors and requests to other hosts fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((studio.base, "data:", "blob:"))
            else faults.append(f"asked {request.url}")
        ),
    )
    tab.goto(studio.base)
    tab.locator("#txt2img-go").wait_for(timeout=SECONDS)
    yield tab
    context.close()
    assert faults == []


def show(page: Page, tab: str) -> None:
    page.locator(f'#tabs button[role=tab][data-tab-id="{tab}"]').first.click()


def test_a_newcomer_types_a_prompt_and_sees_steps_and_then_the_picture(page: Page) -> None:
    page.locator("#txt2img-prompt textarea").fill(PROMPT)
    page.locator("#txt2img-steps input[type=number]").fill("40")
    page.locator("#txt2img-go").click()
    expect(page.locator("#pulse")).to_contain_text(re.compile(r"Step \d+ of 40"), timeout=SECONDS)
    picture = page.locator("#txt2img-stage .st-shot[data-id] img").first
    picture.wait_for(timeout=SECONDS)
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    expect(page.locator("#strip img").first).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_every_tab_is_accessible(studio: RunningStudio, browser: Browser, theme: str, width: int) -> None:
    with studio.api as api:
        api.post("/generate", json={"prompt": PROMPT, "seed": 1}).raise_for_status()
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(studio.base)
    tab.locator("#txt2img-go").wait_for(timeout=SECONDS)
    found = []
    for name in TABS:
        show(tab, name)
        tab.locator("#tabs").wait_for()
        for violation in Axe().run(tab).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                found.append((name, violation["id"], violation["help"], nodes))
    context.close()
    assert found == []


def test_ten_jobs_survive_a_closed_browser_and_a_killed_studio(
    engine_binary: Path, browser: Browser, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    with running_studio(outputs, engine_binary) as studio:
        wait_for_page(studio)
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(studio.base)
        tab.locator("#txt2img-prompt textarea").fill(PROMPT)
        tab.locator("#txt2img-steps input[type=number]").fill("4")
        for count in range(1, 11):
            tab.locator("#txt2img-go").click()
            until(lambda: _jobs(studio) >= count)  # noqa: B023
        context.close()
        studio.process.kill()
        studio.process.wait(10)
    with running_studio(outputs, engine_binary) as studio:
        wait_for_page(studio)
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(studio.base)
        show(tab, "history")
        expect(tab.locator("#history img")).to_have_count(10, timeout=240_000)
        context.close()
        with studio.api as api:
            assert api.get("/queue/stats").json()["completed"] == 10


def _jobs(studio: RunningStudio) -> int:
    with studio.api as api:
        return int(sum(api.get("/queue/stats").json().values()))
