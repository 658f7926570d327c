"""Takes the pictures of docs/screenshots: every tab, light and dark, desktop and phone.

    python -m tests.ui.screenshots            # needs Chromium; the engine is found or built as usual

A studio of its own makes a few pictures with the demonstration model first.
"""

import tempfile
import threading
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from studio.sdserver.install import ensure_engine
from tests.system.running import ROOT, RunningStudio, running_studio, until
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


def fill(studio: RunningStudio) -> None:
    """Pictures to show, a job that runs and two that wait."""
    with studio.api as api:
        for seed, prompt in enumerate(PROMPTS, start=300):
            api.post("/generate", json={"prompt": prompt, "seed": seed}).raise_for_status()
        for seed in range(3):
            slow = {"prompt": "a red house at night", "steps": 100, "size": "256x256", "seed": seed}
            api.post("/queue/generate", json=slow).raise_for_status()


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
    for size_name, size in SIZES.items():
        for theme in ("light", "dark"):
            page = open_page(browser, studio.base, size, theme)
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


def wait_for_page(studio: RunningStudio) -> None:
    """Return when the page has joined the server."""

    def is_there() -> bool:
        return httpx.get(f"{studio.base}/config", trust_env=False).status_code == 200

    until(is_there)


if __name__ == "__main__":
    main()
