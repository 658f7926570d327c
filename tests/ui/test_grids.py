"""Grids in the page: entered in the form, filled live, tried again, taken along, deleted."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from studio.errors import EngineRefused
from tests.ui.studio_page import READY_MS, Served, StudioPage, prompts

OpenPage = Callable[..., StudioPage]


class GridForm:
    """The accordion of txt2img, opened."""

    def __init__(self, page: StudioPage) -> None:
        self.page = page
        self.box = page.page.locator("#txt2img-grid-box")
        self.box.locator("button").first.click()
        self.root = self.box.locator(".st-grid-form")
        self.root.wait_for(timeout=READY_MS)
        self.count = self.root.get_by_role("status")
        self.go = self.root.get_by_role("button", name="Make the grid")
        self.fault = self.root.get_by_role("alert")

    def axis(self, name: str, parameter: str, values: str | None = None) -> Locator:
        group = self.root.get_by_role("group", name=f"{name} axis")
        group.get_by_role("combobox").select_option(label=parameter)
        if values is not None:
            group.get_by_role("textbox").fill(values)
        return group


def newest(page: StudioPage) -> Locator:
    """The latest grid in the Queue tab."""
    found = page.page.locator("#grids .st-grid").first
    expect(found).to_have_attribute("open", "")
    return found


def cells(grid: Locator) -> Locator:
    return grid.locator(".st-grid-cell")


def forget(served: Served) -> None:
    for line in served.studio.grids.page(limit=100, offset=0).rows:
        served.studio.grids.delete(line.grid.id)


def test_a_grid_is_entered_counted_submitted_and_fills_live(held: Served, open_page: OpenPage) -> None:
    page = open_page()
    page.fill("prompt", "a red circle")
    form = GridForm(page)
    expect(form.go).to_be_disabled()
    form.axis("X", "Seed", "1-3")
    form.axis("Y", "CFG scale", "1.5, 3")
    expect(form.count).to_have_text("3 × 2 = 6 cells")
    form.root.get_by_role("textbox", name="Name of the grid").fill("<b>seed</b> by cfg")
    form.go.click()

    grid = newest(page)
    expect(grid.locator("summary")).to_contain_text("<b>seed</b> by cfg")
    expect(cells(grid)).to_have_count(6)
    expect(cells(grid).first).to_contain_text("50 %")
    expect(cells(grid).nth(5)).to_contain_text("Waiting")
    expect(grid.get_by_role("columnheader")).to_have_text(["1", "2", "3"])
    expect(grid.get_by_role("rowheader")).to_have_text(["1.5", "3"])
    held.engine.release()

    expect(grid.locator("img")).to_have_count(6)
    expect(grid.locator("summary")).to_contain_text("6 of 6")
    expect(grid.get_by_role("button", name="Cancel the rest")).to_be_hidden()
    assert prompts(held, 6) == ["a red circle"] * 6
    grid.get_by_role("button", name="Look at seed 2, cfg_scale 3").click()
    expect(page.page.get_by_role("dialog")).to_be_visible()
    page.page.keyboard.press("Escape")
    forget(held)
    expect(page.page.locator("#grids .st-grid")).to_have_count(0)


def test_prompts_and_models_are_axes(served: Served, open_page: OpenPage) -> None:
    page = open_page()
    form = GridForm(page)
    form.axis("X", "Prompt", "a cat, sitting\na dog")
    models = form.axis("Z", "Model")
    expect(models.get_by_role("checkbox")).to_have_count(2)
    models.get_by_label("demo").check()
    models.get_by_label("other").check()
    expect(form.count).to_have_text("2 × 2 = 4 cells")
    form.go.click()

    grid = newest(page)
    expect(grid.locator("img")).to_have_count(4)
    assert sorted(prompts(served, 4)) == ["a cat, sitting", "a cat, sitting", "a dog", "a dog"]
    expect(grid.locator("tbody tr")).to_have_count(2)
    forget(served)


def test_what_is_wrong_is_said_in_the_form_and_nothing_is_submitted(
    served: Served, open_page: OpenPage
) -> None:
    page = open_page()
    before = served.studio.jobs(limit=1).total
    form = GridForm(page)
    form.axis("X", "Steps", "4, many")
    expect(form.count).to_have_text("X: many is no number.")
    expect(form.go).to_be_disabled()
    form.axis("X", "Seed", "0-150")
    form.axis("Y", "CFG scale", "1, 2")
    expect(form.count).to_contain_text("at most 200")
    expect(form.go).to_be_disabled()
    form.axis("X", "Words in the prompt", "blue, red")
    form.go.click()
    expect(form.fault).to_contain_text("Prompt")
    page.fill("prompt", "a green circle")
    form.go.click()

    expect(form.fault).to_contain_text("'blue' is not in the prompt")
    assert served.studio.jobs(limit=1).total == before
    assert served.studio.grids.page(limit=1, offset=0).total == 0
    # The page's console tells of answers that refuse; here they are what was asked for.
    refused = [fault for fault in page.faults if "400" in fault]
    assert refused
    page.faults[:] = [fault for fault in page.faults if fault not in refused]


def test_a_failed_cell_is_tried_again_and_sheet_and_table_are_taken_along(
    served: Served, open_page: OpenPage
) -> None:
    served.engine.faults.append(EngineRefused("The engine says no."))
    page = open_page()
    page.fill("prompt", "a red circle")
    form = GridForm(page)
    form.axis("X", "Seed", "7, 9223372036854775807")
    form.go.click()
    grid = newest(page)
    expect(grid.locator("summary")).to_contain_text("1 of 2, 1 failed")

    grid.get_by_role("button", name="Try seed 7 again").click()

    expect(grid.locator("img")).to_have_count(2)
    assert {job.recipe.seed for job in served.studio.jobs(limit=2).rows} >= {7}
    for name, kind in (("Contact sheet", "png"), ("Table", "csv")):
        with page.page.expect_download() as download:
            grid.get_by_role("link", name=name).click()
        assert re.fullmatch(rf"grid-[0-9a-f-]+\.{kind}", download.value.suggested_filename)
        assert download.value.path().stat().st_size > 100
    grid.get_by_role("button", name="Delete").click()
    page.page.get_by_role("button", name="Delete the grid").click()
    expect(page.page.locator("#grids .st-grid")).to_have_count(0)
    assert served.studio.grids.page(limit=1, offset=0).total == 0


def test_the_rest_of_a_grid_is_cancelled_after_asking(held: Served, open_page: OpenPage) -> None:
    page = open_page()
    page.fill("prompt", "a red circle")
    form = GridForm(page)
    form.axis("X", "Seed", "1-4")
    form.go.click()
    grid = newest(page)
    expect(cells(grid).first).to_contain_text("50 %")

    grid.get_by_role("button", name="Cancel the rest").click()
    page.page.get_by_role("dialog").get_by_role("button", name="Cancel the rest").click()

    expect(grid.locator("summary")).to_contain_text("4 cancelled")
    forget(held)


def test_a_phone_shows_form_and_table_without_a_wider_page(served: Served, open_page: OpenPage) -> None:
    page = open_page(width=390, height=844)
    page.fill("prompt", "a red circle")
    form = GridForm(page)
    form.axis("X", "Seed", "1-6")
    form.axis("Y", "Sampler").get_by_label("euler", exact=True).check()
    assert page.overflow <= 0
    form.go.click()

    grid = newest(page)
    expect(grid.locator("img")).to_have_count(6)
    assert page.overflow <= 0
    forget(served)
