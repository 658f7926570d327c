"""The History tab as a person sees it, and a library to look at there."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, expect

from bench.seed_pictures import Made, drawing, many, seed_pictures
from studio.clock import SystemClock
from studio.entry import Entry
from studio.filters import Filter
from studio.params import JobType
from tests.ui.studio_page import READY_MS, Served, StudioPage, serve_page

HERON = "a heron by the lake"
HOSTILE = "<img src=x onerror=alert(1)>"
HOSTILE_TAG = "<b onclick=alert(1)>bold</b>"
FILLERS = 240
DAY = 86_400.0
# The pictures are older than the tests: a day each, so that dates can be told apart.
NEWEST_DAYS = 10

SPECIAL = (
    {"prompt": "an owl in the snow", "model": "other", "type": JobType.EDIT, "size": (96, 64)},
    {"prompt": HERON, "tags": ("birds", "water"), "negative_prompt": "blurry"},
    {"prompt": HOSTILE, "tags": (HOSTILE_TAG,)},
    {"prompt": "a pelican", "favourite": True, "tags": ("birds",)},
)  # fmt: skip


def library(folder: Path, *more: dict[str, Any], fillers: int = FILLERS) -> list[str]:
    """Fill a studio's folder before it starts; ids of SPECIAL and `more`, the newest, in that order."""
    now = SystemClock().now()
    first = now - (NEWEST_DAYS + 60) * DAY
    made = [Made(**one) for one in _with_defaults((*SPECIAL, *more), now)]
    return seed_pictures(folder / "outputs", [*many(fillers, until=first), *made])[fillers:]


def _with_defaults(wanted: tuple[dict[str, Any], ...], now: float) -> Iterator[dict[str, Any]]:
    for place, one in enumerate(wanted):
        values = {name: value for name, value in one.items() if name != "size"}
        age = NEWEST_DAYS + len(wanted) - place
        png = drawing(1000 + place, one.get("size", (64, 64)))
        yield {"created_at": now - age * DAY, "png": png, "seed": 500 + place} | values


@contextmanager
def serve_library(folder: Path, *more: dict[str, Any], fillers: int = FILLERS) -> Iterator[Served]:
    """A studio with a history of SPECIAL, `more` and the fillers."""
    library(folder, *more, fillers=fillers)
    with serve_page(folder) as served:
        yield served


def found(served: Served, words: str = "") -> list[Entry]:
    """The pictures with these words in their prompts, newest first, as the studio knows them."""
    return served.studio.shelf.page(Filter(words=words), limit=200).entries


def pixels(png: bytes) -> bytes:
    """What a PNG shows, whatever texts it carries."""
    return Image.open(io.BytesIO(png)).convert("RGB").tobytes()


class HistoryTab:
    """The tab in a browser that shows it."""

    def __init__(self, tab: StudioPage) -> None:
        self.tab = tab
        self.page = tab.page
        self.root = tab.page.locator("#history .st-gallery")
        self.cells = self.root.locator(".st-cell:not([hidden])")
        self.active = self.root.locator('.st-cell[tabindex="0"]')
        self.chosen = self.root.locator('.st-cell[aria-selected="true"]')
        self.count = self.root.locator(".st-gallery-count")
        self.bar = self.root.get_by_role("toolbar", name="Chosen pictures")
        self.search = self.root.get_by_label("Search in prompts")
        self.box = self.root.locator(".st-gallery-scroll")
        self.viewer = tab.page.locator("dialog.st-lightbox")
        self.dialog = tab.page.locator("dialog.st-dialog")

    def open(self, *, with_forms: bool = False) -> None:
        """Load the page and go to the tab; forms of other tabs may still be on their way."""
        if with_forms:
            self.tab.open()
        else:
            self.page.goto(self.tab.served.base)
            self.page.locator("#pulse .st-bar").wait_for(timeout=READY_MS)
        self.show()

    def show(self, tab: str = "history") -> None:
        """Bring a tab in view, also one that doesn't fit on a phone's row of tabs."""
        button = self.page.locator(f'#tabs button[role=tab][data-tab-id="{tab}"]').first
        folded = self.page.get_by_role("button", name="More tabs")
        button.or_(folded).first.wait_for()
        if button.count() == 0:
            folded.click()
            self.page.locator(".overflow-dropdown button", has_text=tab.capitalize()).click()
        else:
            button.click()
        if tab == "history":
            self.root.wait_for(timeout=READY_MS)
            expect(self.root.get_by_text("Loading")).to_be_hidden()

    def cell(self, prompt: str) -> Locator:
        """The place of the picture with exactly this prompt."""
        return self.root.get_by_role("gridcell", name=prompt, exact=True)

    def view(self, prompt: str) -> None:
        """Open the viewer with this picture, and wait until all that is known of it is there."""
        self.cell(prompt).click()
        expect(self.viewer).to_be_visible()
        expect(self.viewer.get_by_role("button", name="Copy all settings")).to_be_enabled()

    def look_for(self, words: str, count: int) -> None:
        """Type in the search field and wait until that many are found."""
        self.search.fill(words)
        self.counts(count, "found")

    def counts(self, count: int, word: str = "") -> None:
        """The history says that there are so many pictures."""
        pictures = "picture" if count == 1 else "pictures"
        expect(self.count).to_have_text(f"{count} {pictures} {word}".strip())

    def choose(self, *prompts: str) -> None:
        """Tick these pictures."""
        for prompt in prompts:
            self.cell(prompt).hover()
            self.cell(prompt).get_by_label("Select").check()

    def deed(self, name: str) -> Locator:
        """The button of that name in the bar of the chosen pictures."""
        return self.bar.get_by_role("button", name=name, exact=True)

    def answer(self, name: str) -> None:
        """Press a button of the open dialog."""
        self.dialog.get_by_role("button", name=name, exact=True).click()

    @property
    def place(self) -> float:
        """How far the grid is scrolled, in pixels."""
        return float(self.box.evaluate("box => box.scrollTop"))
