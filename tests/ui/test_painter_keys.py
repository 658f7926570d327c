"""The painter by keyboard and by touch."""

from collections.abc import Callable

import numpy as np

from tests.ui.painter_page import PainterPage, box_of

PagePlan = Callable[..., PainterPage]


def test_the_keys_choose_tools_sizes_and_steps(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.stroke((100, 100), (110, 100))
    keyboard = painter.page.keyboard
    size = painter.page.locator('input[type=number][aria-label="Size in pixels"]')
    assert size.input_value() == "32"
    keyboard.press("]")
    assert size.input_value() == "38"
    keyboard.press("[")
    assert size.input_value() == "32"
    keyboard.press("e")
    assert painter.pressed("eraser")
    keyboard.press("b")
    assert painter.pressed("brush")
    one = painter.mask()
    painter.stroke((300, 300), (310, 300))
    two = painter.mask()
    painter.page.focus(".st-painter-stage")
    for keys, expected in [
        ("Control+z", one),
        ("Control+Shift+Z", two),
        ("Control+z", one),
        ("Control+y", two),
    ]:
        painter.page.focus(".st-painter-stage")
        keyboard.press(keys)
        assert (painter.mask() == expected).all(), keys


def test_keys_typed_into_a_text_field_paint_and_undo_nothing(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.stroke((100, 100), (200, 100))
    painted = painter.mask()
    painter.focus_prompt()
    painter.page.keyboard.type("e[]bi")
    painter.page.keyboard.press("Control+z")

    assert painter.pressed("brush")
    assert (painter.mask() == painted).all()


def test_a_mask_can_be_painted_with_the_keyboard_alone(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(512, 512)
    painter.brush(32)
    painter.page.focus(".st-painter-stage")
    keyboard = painter.page.keyboard
    keyboard.press("ArrowRight")  # shows the brush in the middle
    for _ in range(4):
        keyboard.press("Shift+ArrowRight")

    assert box_of(painter.mask()) == (240, 240, 336, 272)


def test_the_space_bar_pans_instead_of_painting(open_painter: PagePlan) -> None:
    painter = open_painter()
    painter.open(1024, 768)
    painter.page.focus(".st-painter-stage")
    before = painter.on_screen(0, 0)
    painter.page.keyboard.down("Space")
    painter.stroke((400, 400), (500, 450))
    painter.page.keyboard.up("Space")

    assert painter.on_screen(0, 0)[0] > before[0] + 50
    assert painter.submitted()["mask"] is None


def test_one_finger_paints_and_two_fingers_zoom_without_painting(open_painter: PagePlan) -> None:
    painter = open_painter(390, 844, ratio=3, has_touch=True, is_mobile=True)
    painter.open(512, 512)
    painter.brush(40)
    touch = painter.page.context.new_cdp_session(painter.page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", painter.on_screen(100, 100))
    fingers("touchMove", painter.on_screen(200, 150))
    fingers("touchEnd")
    mask = painter.mask()
    box = box_of(mask)
    assert box is not None
    assert np.abs(np.subtract(box, (80, 80, 220, 170))).max() <= 1

    x, y = painter.on_screen(256, 256)
    fingers("touchStart", (x - 30, y))
    fingers("touchMove", (x - 40, y))
    fingers("touchStart", (x - 40, y), (x + 40, y))
    fingers("touchMove", (x - 80, y), (x + 80, y))
    fingers("touchEnd")
    painter.wait_for_zoom_over(120)
    assert (painter.mask() == mask).all()
