"""One browser for all tests of the page, and the painter on a page of its own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.ui.painter_page import PainterPage, PainterServer, chromium, serve_painter


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; only one can be driven at a time, so every test of the page shares it."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def painter_server() -> Iterator[PainterServer]:
    """A server whose only page is the painter."""
    with serve_painter() as running:
        yield running


@pytest.fixture
def open_painter(painter_server: PainterServer, browser: Browser) -> Iterator[Callable[..., PainterPage]]:
    """Opens pages with the painter; a test in which one of them complained has failed."""
    pages: list[PainterPage] = []

    def plan(width: int = 1280, height: int = 900, ratio: float = 1, **settings: object) -> PainterPage:
        context = browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=ratio, **settings
        )
        pages.append(PainterPage(painter_server, context))
        return pages[-1]

    yield plan
    for page in pages:
        page.page.context.close()
    assert [page.faults for page in pages] == [[] for _ in pages]
