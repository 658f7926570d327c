"""Takes the pictures of docs/screenshots: every tab, light and dark, desktop and phone.

    python -m tests.ui.screenshots            # needs Chromium; the engine is found or built as usual

A studio of its own makes a few pictures with the demonstration model first.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from studio.sdserver.install import ensure_engine
from tests.system.running import ROOT, RunningStudio, running_studio, until
from tests.ui.edit_tab import EditTab
from tests.ui.painter_page import chromium

FOLDER = ROOT / "docs" / "screenshots"
TABS = ("txt2img", "edit", "variations", "queue", "history", "models", "settings")
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PROMPTS = (
    "a house under a yellow sun", "a boat on the blue sea", "a mountain at night with a moon",
    "a rocket in space",
    "a sunset over the sea", "a red heart on a yellow background", "a snowman in winter", "a city at night",
    "a purple hot air balloon in the sky", "a tree on a green hill", "a red circle on a blue background",
)  # fmt: skip
FIRST_SEED = 300
SHOWN = (0, 1, 8, 6)
"""Places of the prompts that are worked with, one for each size and theme."""


def fill(studio: RunningStudio) -> None:
    """Pictures to show."""
    with studio.api as api:
        for seed, prompt in enumerate(PROMPTS, start=FIRST_SEED):
            api.post("/generate", json={"prompt": prompt, "seed": seed}).raise_for_status()


@contextmanager
def busy(studio: RunningStudio) -> Iterator[None]:
    """A job that runs and two that wait, gone when the context ends."""
    with studio.api as api:
        for seed in range(3):
            slow = {"prompt": "a red house at night", "steps": 100, "size": "256x256", "seed": seed}
            api.post("/queue/generate", json=slow).raise_for_status()
        yield
        api.post("/queue/cancel", json={"status": "pending"}).raise_for_status()
        for job in api.get("/queue", params={"status": "processing"}).json()["jobs"]:
            api.delete(f"/queue/{job['id']}").raise_for_status()


def work(page: Page, place: int) -> None:
    """What somebody does who tries the tabs: one of PROMPTS, a mask on the picture, and variations of it."""
    page.locator("#txt2img-prompt textarea").fill(PROMPTS[place])
    page.locator("#txt2img-seed :is(input, textarea)").first.fill(str(FIRST_SEED + place))
    page.locator("#txt2img-go").click()
    page.locator("#txt2img-stage .st-shot[data-id] img").first.wait_for(timeout=60_000)
    edit = EditTab(page)
    edit.bring()
    edit.stroke((52, 52), (76, 56), (58, 74), brush=40)
    edit.prompt.fill(f"{PROMPTS[place]} at night")
    page.locator(".st-strip button").first.click()
    page.locator('[data-deed="variations"]').click()
    page.locator("#variations-n input[type=number]").fill("4")
    page.locator("#variations-go", has_text="Make 4 variations").click()
    page.locator("#variations-stage .st-shot[data-id] img").nth(3).wait_for(timeout=60_000)


def open_page(browser: Browser, base: str, size: tuple[int, int], theme: str) -> Page:
    """The page in a fresh profile, once its live parts are there."""
    width, height = size
    scheme: Any = theme
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(base)
    page.locator("#tabs button[role=tab]").first.wait_for()
    page.locator(".st-strip img").first.wait_for()
    return page


def show(page: Page, tab: str) -> None:
    """Bring a tab into view and let its pictures arrive."""
    page.evaluate(
        'tab => document.querySelector(`#tabs button[role=tab][data-tab-id="${tab}"]`).click()', tab
    )
    page.wait_for_function(
        "() => [...document.images].filter(image => image.offsetParent && image.loading !== 'lazy')"
        ".every(image => image.complete)"
    )
    page.wait_for_timeout(600)  # for the eye only: transitions have ended


def take(browser: Browser, studio: RunningStudio, folder: Path) -> None:
    """Every tab in every size and theme."""
    places = iter(SHOWN)
    for size_name, size in SIZES.items():
        for theme in ("light", "dark"):
            page = open_page(browser, studio.base, size, theme)
            work(page, next(places))
            with busy(studio):
                for tab in TABS:
                    show(page, tab)
                    page.screenshot(path=folder / f"{tab}-{size_name}-{theme}.png")
            page.context.close()


def main() -> None:
    """Write docs/screenshots anew."""
    engine = ensure_engine(None, report=print, stop=threading.Event())
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as outputs,
        running_studio(Path(outputs), engine) as studio,
        chromium() as browser,
    ):
        wait_for_page(studio)
        fill(studio)
        take(browser, studio, FOLDER)


def wait_for_page(studio: RunningStudio, key: str = "") -> None:
    """Return when the page has joined the server."""

    def is_there() -> bool:
        answer = httpx.get(f"{studio.base}/config", headers={"X-Api-Key": key}, trust_env=False)
        return answer.status_code == 200

    until(is_there)


if __name__ == "__main__":
    main()
