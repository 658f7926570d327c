"""The frame around the tabs: its theme from the first paint on, its heading, its line, its title."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.studio_page import Served, StudioPage, new_page

OpenPage = Callable[..., StudioPage]
# Before each frame is painted: what lies behind everything, as it would be seen.
WATCH = """
globalThis.painted = new Set();
const look = () => {
  if (document.body) {
    const layers = [document.documentElement, document.body, document.querySelector('.gradio-container')];
    const colours = layers.filter(Boolean).map((layer) => getComputedStyle(layer).backgroundColor);
    painted.add(colours.findLast((colour) => !colour.endsWith(', 0)')));
    painted.add(getComputedStyle(document.documentElement).colorScheme);
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
LIGHT, DARK = {"light", "rgb(245, 246, 248)"}, {"dark", "rgb(14, 15, 19)"}


@pytest.fixture
def visitor(served: Served, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A visitor with a choice of theme (None: as the system) on a system with another one."""
    pages: list[StudioPage] = []

    def plan(choice: str | None, system: str) -> Page:
        pages.append(new_page(served, browser))
        page = pages[-1].page
        page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        if choice is not None:
            page.add_init_script(f"localStorage.setItem('studio-theme', '{choice}')")
        page.add_init_script(WATCH)
        pages[-1].open()
        return page

    yield plan
    for page in pages:
        page.context.close()
    assert [page.faults for page in pages] == [[] for _ in pages]


@pytest.mark.parametrize(
    ("choice", "system", "seen"),
    [("dark", "light", DARK), ("light", "dark", LIGHT), (None, "dark", DARK), (None, "light", LIGHT)],
)
def test_no_frame_is_painted_in_the_wrong_theme(
    visitor: Callable[..., Page], choice: str | None, system: str, seen: set[str]
) -> None:
    page = visitor(choice, system)

    assert set(page.evaluate("[...painted]")) == seen


def test_a_theme_that_is_chosen_in_one_tab_is_taken_over_by_the_others(open_page: OpenPage) -> None:
    one = open_page()
    other = one.context.new_page()
    other.goto(one.served.base)
    other.get_by_role("button", name="Switch between dark and light").click()

    one.page.wait_for_function("document.body.classList.contains('dark')")


def test_the_early_head_is_served_with_the_page_and_nothing_else_is_changed(served: Served) -> None:
    plain = {"Accept-Encoding": "identity"}  # compressed, its length is another one
    with httpx.Client(base_url=served.base, headers=plain, trust_env=False) as client:
        page = client.get("/")
        assert page.text.index("globalThis.studioTheme") < page.text.index("<body")
        assert int(page.headers["content-length"]) == len(page.content)
        assert client.head("/").status_code == 200
        assert "studioTheme" not in client.get("/config").text


def test_the_page_has_one_heading_and_one_line_below_its_tabs(open_page: OpenPage) -> None:
    page = open_page().page

    expect(page.get_by_role("heading", level=1)).to_have_text("sd.cpp Studio")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    lines = page.locator("#tabs > .tab-wrapper").evaluate(
        "bar => [getComputedStyle(bar).borderBottomWidth, ...[bar, ...bar.children].flatMap((each) =>"
        " ['::before', '::after'].map((part) => getComputedStyle(each, part))"
        ".filter((style) => style.content !== 'none' && style.display !== 'none')"
        ".map((style) => style.height))]"
    )
    assert lines == ["1px"]
