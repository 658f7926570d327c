"""Painting a mask with a finger, on the page as a phone shows it."""

from collections.abc import Callable

import numpy as np
from playwright.sync_api import expect

from studio.params import GenerationParams
from tests.system.running import until
from tests.ui.edit_tab import EditTab, mask_of
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]


def test_what_a_finger_paints_on_a_phone_is_stored_where_it_was(served: Served, open_page: OpenPage) -> None:
    source = served.studio.submit(GenerationParams(model="demo", prompt="a red circle", seed=7))
    until(lambda: served.studio.job(source.id).is_final)
    page = open_page(width=390, height=844)
    tab = EditTab(page.page)
    tab.bring()
    tab.number("Size in pixels", 30)
    tab.page.locator(".st-painter-stage").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(tab.page)
    for kind, points in (("touchStart", [(50, 64)]), ("touchMove", [(80, 64)]), ("touchEnd", [])):
        places = [{"x": x, "y": y} for x, y in (tab.on_screen(*point) for point in points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    expect(tab.go).to_have_text("Repaint the painted area")

    tab.go.click()

    expect(tab.comparison).to_be_visible()
    recipe = served.studio.jobs(limit=1).rows[0].recipe
    assert recipe.mask is not None
    rows, columns = np.nonzero(mask_of(served.studio.inputs.file(recipe.mask)))
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.subtract(box, (35, 49, 95, 79))).max() <= 1
    assert page.overflow <= 0
