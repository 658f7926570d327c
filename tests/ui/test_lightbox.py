"""The viewer: walking, zooming, what stands beside a picture, and what can be done with it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from studio.params import JobType
from tests.ui.history_tab import HERON, HistoryTab, found, serve_library
from tests.ui.studio_page import Served

_FOCUSED = """
() => {
  const { activeElement } = document;
  return [activeElement.closest("dialog") !== null, activeElement.ariaLabel ?? activeElement.textContent];
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history."""
    with serve_library(tmp_path_factory.mktemp("studio")) as running:
        yield running


def _scale(tab: HistoryTab) -> int:
    """How large the picture is shown, in percent."""
    return int(tab.viewer.locator(".st-lightbox-scale").inner_text().split()[0])


def _whole_shown(tab: HistoryTab, image_id: str) -> None:
    """Wait until the whole picture is shown, not its thumbnail."""
    expect(tab.viewer.locator(".st-zoom-image")).to_have_attribute("src", re.compile(rf"/images/{image_id}$"))


def test_a_picture_is_shown_with_all_its_settings(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    (heron,) = found(served, "heron")

    tab.view(HERON)

    _whole_shown(tab, heron.image.id)
    panel = tab.viewer.get_by_role("complementary")
    prompts = panel.locator(".st-lightbox-prompt:visible")
    expect(prompts).to_have_text([HERON, "blurry"])
    facts = dict(
        zip(panel.locator("dt").all_inner_texts(), panel.locator("dd").all_inner_texts(), strict=True)
    )
    assert {name: facts[name] for name in facts if name != "Made"} == {
        "Model": "demo", "Size": "64 × 64", "Steps": "8", "CFG scale": "2", "Sampler": "euler",
        "Scheduler": "discrete", "Seed": "501", "Type": "Text to picture", "File": f"{heron.image.size} B",
    }  # fmt: skip
    expect(panel.locator(".st-tags-word")).to_have_text(["birds", "water"])


def test_arrows_walk_and_the_grid_follows(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    names = tab.viewer.locator(".st-lightbox-prompt").first

    tab.cells.first.click()
    expect(tab.viewer.get_by_role("button", name="Picture before")).to_be_hidden()
    first = names.inner_text()
    tab.page.keyboard.press("ArrowLeft")
    expect(names).to_have_text(first)
    for _ in range(30):
        tab.page.keyboard.press("ArrowRight")
    expect(tab.viewer.locator(".st-lightbox-place")).to_have_text(re.compile(r"^31 of \d+$"))
    shown = names.inner_text()
    tab.page.keyboard.press("Escape")

    expect(tab.viewer).to_be_hidden()
    expect(tab.cell(shown)).to_be_focused()
    expect(tab.cell(shown)).to_be_in_viewport()


def test_walking_goes_on_beyond_what_the_grid_had_loaded(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.cells.first.click()

    for number in range(2, 101):
        tab.page.keyboard.press("ArrowRight")
        expect(tab.viewer.locator(".st-lightbox-place")).to_have_text(re.compile(rf"^{number} of "))

    expect(tab.viewer.get_by_role("button", name="Next picture")).to_be_visible()


def test_the_wheel_keys_and_double_click_zoom_and_a_drag_moves_the_picture(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.view(HERON)
    _whole_shown(tab, found(served, "heron")[0].image.id)
    assert _scale(tab) == 400  # enlarged, but no further than still looks like a picture
    stage = tab.viewer.locator(".st-zoom")
    image = tab.viewer.locator(".st-zoom-image")

    tab.page.keyboard.press("+")
    assert _scale(tab) == 520
    tab.page.keyboard.press("-")
    tab.page.keyboard.press("1")
    assert _scale(tab) == 100
    tab.page.keyboard.press("0")
    assert _scale(tab) == 400
    stage.dblclick()
    assert _scale(tab) == 1000
    tab.page.keyboard.press("+")
    tab.page.keyboard.press("+")
    assert _scale(tab) == 1690
    before = image.bounding_box()
    box = stage.bounding_box()
    assert before is not None and box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.move(*middle)
    tab.page.mouse.down()
    tab.page.mouse.move(middle[0], middle[1] + 20, steps=4)
    tab.page.mouse.up()
    moved = image.bounding_box()
    assert moved is not None
    assert round(moved["y"] - before["y"]) == 20
    tab.page.mouse.move(box["x"] + 200, box["y"] + 100)
    point = _pixel_under(tab, 200, 100)
    tab.page.mouse.wheel(0, -240)
    expect(tab.viewer.locator(".st-lightbox-scale")).not_to_have_text("1690 %")
    assert _scale(tab) > 1690
    after = _pixel_under(tab, 200, 100)

    assert [round(value, 1) for value in after] == [round(value, 1) for value in point]
    stage.dblclick()
    assert _scale(tab) == 400


def _pixel_under(tab: HistoryTab, x: float, y: float) -> list[float]:
    """Which pixel of the picture lies at a point of the stage."""
    place: list[float] = tab.viewer.locator(".st-zoom").evaluate(
        "(stage, [x, y]) => { const image = stage.querySelector('img').getBoundingClientRect();"
        " const box = stage.getBoundingClientRect(); const scale = image.width / 64;"
        " return [(x + box.left - image.left) / scale, (y + box.top - image.top) / scale]; }",
        [x, y],
    )
    return place


def test_two_fingers_zoom_and_a_swipe_turns_the_page(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history(width=390, height=844)
    tab.view(HERON)
    session = tab.page.context.new_cdp_session(tab.page)
    box = tab.viewer.locator(".st-zoom").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fit = _scale(tab)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x + dx, "y": y + dy, "id": number} for number, (dx, dy) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (-30, 0), (30, 0))
    for spread in (40, 50, 60, 90):
        touch("touchMove", (-spread, 0), (spread, 0))
    touch("touchEnd")
    tab.page.wait_for_function(
        "fit => Number.parseInt(document.querySelector('.st-lightbox-scale').textContent) >= 2 * fit", arg=fit
    )
    tab.viewer.get_by_role("button", name="Fit to the window").click()
    place = tab.viewer.locator(".st-lightbox-place")
    before = int(place.inner_text().split()[0])
    touch("touchStart", (80, 0))
    for dx in (50, 10, -40, -80):
        touch("touchMove", (dx, 0))
    touch("touchEnd")

    expect(place).to_have_text(re.compile(rf"^{before + 1} of "))


def test_on_a_phone_the_settings_are_below_the_picture(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history(width=390, height=844)
    tab.view(HERON)
    stage = tab.viewer.locator(".st-zoom").bounding_box()
    panel = tab.viewer.get_by_role("complementary").bounding_box()

    assert stage is not None and panel is not None
    assert panel["y"] >= stage["y"] + stage["height"]
    assert panel["width"] == 390
    assert tab.viewer.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    tab.viewer.get_by_role("button", name="Delete").scroll_into_view_if_needed()
    expect(tab.viewer.get_by_role("button", name="Delete")).to_be_in_viewport()


def test_the_focus_stays_inside(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.view(HERON)
    visited = set()

    for _ in range(40):
        tab.page.keyboard.press("Tab")
        inside, name = tab.page.evaluate(_FOCUSED)
        assert inside
        visited.add(name)

    assert {"Close (Esc)", "Delete", "Add a tag"} <= visited


def test_a_picture_whose_file_is_gone_is_said_to_be(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    (entry,) = found(served, "picture 239,")
    assert entry.recipe.type is JobType.VARIATION
    tab = open_history()
    path = served.studio.image_file(entry.image)
    content = path.read_bytes()
    path.unlink()
    try:
        tab.look_for("picture 239,", 1)
        tab.cells.first.click()
        expect(tab.viewer.locator(".st-zoom-fault")).to_contain_text("could not be loaded")
    finally:
        path.write_bytes(content)
    tab.tab.faults.clear()


def test_the_strip_of_latest_pictures_opens_the_viewer(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.page.locator("#strip button").nth(1).click()

    expect(tab.viewer.locator(".st-lightbox-place")).to_have_text(re.compile(r"^2 of \d+$"))
    expect(tab.viewer.get_by_role("button", name="Copy all settings")).to_be_enabled()
