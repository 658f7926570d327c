"""The edit tab in a real browser, as a person uses it. Points and sizes are picture pixels."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Pixels = npt.NDArray[np.uint8]


def pixels_of(png: bytes | Path) -> Pixels:
    """Height x width x 3."""
    source = io.BytesIO(png) if isinstance(png, bytes) else png
    return np.asarray(Image.open(source).convert("RGB"))


def mask_of(path: Path) -> Pixels:
    """Height x width, as it is stored."""
    return np.asarray(Image.open(path).convert("L"))


class EditTab:
    """What one can do there."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.go = page.locator("#edit-go")
        self.prompt = page.locator("#edit-prompt textarea")
        self.notice = page.locator("#edit-notice")
        self.stage = page.locator("#edit-stage")
        self.area = page.locator("#edit-area label")
        self.padding = page.locator("#edit-padding input[type=number]")

    def bring(self, place: int = 0) -> None:
        """Send that picture of the strip here, the latest first, through the viewer."""
        self.page.locator(".st-strip button").nth(place).click()
        self.page.locator('[data-deed="edit"]').click()
        self.wait_for_picture()

    def wait_for_picture(self, size: tuple[int, int] = (128, 128)) -> None:
        self.page.wait_for_function(
            "([w, h]) => { const c = document.querySelector('.st-painter-open canvas');"
            " return c && c.width === w && c.height === h; }",
            arg=list(size),
        )
        expect(self.go).to_be_enabled()

    def view(self, name: str) -> Locator:
        """The button of "paint" or "result"."""
        return self.page.locator(f'.st-views [data-view="{name}"]')

    def action(self, name: str) -> None:
        self.page.locator(f'.st-painter-bar [data-action="{name}"]').click()

    def number(self, label: str, value: int) -> None:
        field = self.page.locator(f'input[type=number][aria-label="{label}"]')
        field.fill(str(value))
        field.press("Tab")

    def extend(self, side: str, pixels: int) -> None:
        details = self.page.locator(".st-painter-extension")
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        self.number(f"Extend {side} by pixels", pixels)

    def stroke(self, *points: tuple[float, float], brush: int) -> None:
        """Drag the mouse along the points with a brush of that diameter."""
        self.number("Size in pixels", brush)
        mouse = self.page.mouse
        self.page.evaluate("scrollTo(0, 0)")
        mouse.move(*self.on_screen(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.on_screen(*point), steps=6)
        mouse.up()

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture point is on the screen, in CSS pixels."""
        left, top, across, down = self.page.evaluate(
            "() => { const c = document.querySelector('.st-painter canvas'), r = c.getBoundingClientRect();"
            " return [r.left, r.top, r.width / c.width, r.height / c.height]; }"
        )
        return left + x * across, top + y * down

    def seed(self, seed: int) -> None:
        """Have the next jobs begin with that noise."""
        field = self.page.locator("#edit-seed :is(input, textarea)")
        if not field.is_visible():
            self.page.locator("#edit-settings button").first.click()
        field.fill(str(seed))

    def choose_area(self, words: str) -> None:
        self.area.filter(has_text=words).click()

    @property
    def comparison(self) -> Locator:
        """The line between before and after on the latest picture."""
        return self.stage.locator(".st-latest .st-before-after:not([hidden])").first

    def shown(self) -> dict[str, Any]:
        """Natural sizes of both pictures of the comparison, and where the source lies on it, in shares."""
        shown: dict[str, Any] = self.comparison.evaluate(
            "e => { const [a, b] = ['a', 'b'].map((side) => e.querySelector(`.st-compare-${side}`));"
            " const style = getComputedStyle(a), box = a.getBoundingClientRect();"
            " return { before: [a.naturalWidth, a.naturalHeight], after: [b.naturalWidth, b.naturalHeight],"
            " fit: style.objectFit, right: parseFloat(style.paddingRight) / box.width, width: box.width,"
            " height: box.height }; }"
        )
        return shown
