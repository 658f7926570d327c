"""Painting a mask in the browser: what Python gets is exactly what was painted."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.ui.painter_page import PainterPage, PainterServer, box_of

PagePlan = Callable[..., PainterPage]


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
@pytest.mark.parametrize("size", [(1024, 768), (333, 517), (1600, 300)])
def test_a_stroke_is_where_the_pointer_was(
    open_painter: PagePlan, ratio: float, size: tuple[int, int]
) -> None:
    painter = open_painter(ratio=ratio)
    painter.open(*size)
    painter.brush(40)
    painter.stroke((100, 100), (200, 180))

    mask = painter.mask()

    assert mask.shape == (size[1], size[0])
    assert set(np.unique(mask)) == {0, 255}
    box = box_of(mask)
    assert box is not None
    assert np.abs(np.subtract(box, (80, 80, 220, 200))).max() <= 1


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_a_stroke_is_where_the_pointer_was_when_zoomed_and_panned(
    open_painter: PagePlan, ratio: float
) -> None:
    painter = open_painter(ratio=ratio)
    painter.open(1024, 768)
    painter.brush(20)
    mouse, keyboard = painter.page.mouse, painter.page.keyboard
    before = painter.on_screen(700, 500)
    # The browser tells a wheel's place in whole pixels, and its way in pixels of the device.
    wheel = round(before[0]), round(before[1])
    mouse.move(*wheel)
    keyboard.down("Control")
    mouse.wheel(0, -500 * ratio)
    painter.wait_for_zoom_over(200)
    keyboard.up("Control")
    zoomed = painter.on_screen(700, 500)
    assert np.abs(np.subtract(zoomed, before)).max() < 2, "the point under the pointer stays"
    mouse.down(button="middle")
    mouse.move(wheel[0] - 130, wheel[1] + 77, steps=3)
    mouse.up(button="middle")
    assert np.allclose(painter.on_screen(700, 500), (zoomed[0] - 130, zoomed[1] + 77), atol=0.1)

    painter.stroke((650, 450), (650, 520))

    box = box_of(painter.mask())
    assert box is not None
    assert np.abs(np.subtract(box, (640, 440, 660, 530))).max() <= 1


def test_a_mask_has_only_hard_edges_and_no_gaps_along_a_fast_stroke(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.brush(9)
    painter.stroke((50, 256), (450, 256), steps=1)

    mask = painter.mask()

    assert set(np.unique(mask)) == {0, 255}
    assert (mask[256, 50:450] == 255).all()
    assert mask.sum(dtype=np.int64) / 255 == pytest.approx(400 * 9 + np.pi * 4.5**2, rel=0.02)


def test_eraser_undo_and_redo_walk_the_strokes(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 384)
    painter.brush(60)
    painter.stroke((100, 200), (400, 200))
    painted = painter.mask()
    painter.action("eraser")
    painter.stroke((250, 100), (250, 300))
    cut = painter.mask()
    assert cut[200, 250] == 0
    assert cut[200, 120] == 255

    painter.action("undo")
    assert (painter.mask() == painted).all()
    painter.action("undo")
    assert painter.mask().max() == 0
    painter.action("redo")
    painter.action("redo")
    assert (painter.mask() == cut).all()


def test_invert_fill_and_clear_change_the_mask_and_never_the_picture(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(501, 333)
    painter.stroke((100, 100), (300, 200))
    painted = painter.mask()

    painter.action("invert")
    assert (painter.mask() == 255 - painted).all()
    painter.action("fill")
    assert painter.mask().min() == 255
    assert painter.submitted()["painted"] == 1
    painter.action("clear")
    value = painter.submitted()
    assert value["mask"] is None
    assert value["painted"] == 0
    assert (value["image"]["width"], value["image"]["height"]) == (501, 333)
    painter.action("undo")
    assert painter.mask().min() == 255


def test_fit_and_hundred_percent_buttons(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(1024, 768)
    fitted = painter.page.inner_text(".st-painter-percent")
    painter.action("actualSize")
    assert painter.page.inner_text(".st-painter-percent") == "100 %"
    left, right = painter.on_screen(0, 0)[0], painter.on_screen(1024, 0)[0]
    assert right - left == pytest.approx(1024, abs=0.5)
    painter.action("fitView")
    assert painter.page.inner_text(".st-painter-percent") == fitted


def test_hiding_the_mask_changes_nothing_that_is_sent(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.stroke((100, 100), (200, 100))
    painted = painter.mask()
    painter.action("toggleMask")

    assert painter.page.locator(".st-painter canvas").evaluate("c => getComputedStyle(c).opacity") == "0"
    assert (painter.mask() == painted).all()


def test_feather_and_extension_travel_with_the_value(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(2400, 512)
    assert painter.submitted()["feather"] == 4
    painter.set_number("Feather in pixels", 90)
    painter.page.click(".st-painter-extension summary")
    painter.set_number("Extend left by pixels", 128)
    painter.set_number("Extend bottom by pixels", 61)
    painter.stroke((10, 10), (60, 60))

    value = painter.submitted()

    assert value["feather"] == 90
    assert value["extend"] == {"left": 128, "top": 0, "right": 0, "bottom": 64}
    assert "2400×512 → 2528×576" in painter.page.inner_text(".st-painter-extension summary")
    assert painter.mask().shape == (512, 2400)
    painter.set_number("Extend right by pixels", 1024)
    painter.set_number("Extend left by pixels", 1024)
    assert "each side must stay within 4096" in painter.page.inner_text(".st-painter-extension summary")


def test_a_value_read_in_the_middle_of_a_stroke_has_it(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.focus_prompt()
    painter.page.mouse.move(*painter.on_screen(100, 100))
    painter.page.mouse.down()
    painter.page.mouse.move(*painter.on_screen(300, 100), steps=4)
    with painter.one_use():
        painter.focus_prompt()
        painter.page.keyboard.press("Enter")
    painter.page.mouse.up()

    assert painter.server.state()["last"]["painted"] > 0.02


def test_each_stroke_is_one_change_event(open_painter: PagePlan, painter_server: PainterServer) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.submitted()
    before = painter_server.state()["changes"]
    painter.stroke((100, 100), (200, 100))
    painter.stroke((100, 200), (200, 200))
    painter.submitted()
    painter.submitted()

    assert painter_server.state()["changes"] == before + 2


def test_large_pictures_keep_every_pixel(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(4096, 4096)
    painter.brush(1)
    painter.action("actualSize")
    painter.stroke((2048, 2048), (2148, 2048))

    mask = painter.mask()

    assert mask.shape == (4096, 4096)
    box = box_of(mask)
    assert box is not None
    assert np.abs(np.subtract(box, (2048, 2048, 2149, 2049))).max() <= 1


def test_undo_of_large_masks_stays_within_its_memory(open_painter: PagePlan) -> None:
    painter = open_painter()
    steps = painter.page.evaluate(
        """async () => {
          const address = new URL('studio-assets/js/mask_canvas.js', document.baseURI);
          const {MaskCanvas, HISTORY_BYTES} = await import(address);
          const mask = new MaskCanvas(document.createElement('canvas'), () => {});
          mask.open(6000, 4000);
          const most = Math.floor(HISTORY_BYTES / (750 * 4000));
          for (let i = 0; i < most + 10; i += 1) mask.invert();
          let undone = 0;
          for (; mask.canUndo; undone += 1) mask.undo();
          return {undone, most, painted: mask.painted};
        }"""
    )
    # 10 of the inversions can't be taken back any more: an even number, so the mask is empty again.
    assert steps == {"undone": steps["most"], "most": 44, "painted": 0}
