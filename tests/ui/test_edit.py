"""Editing a picture on the page: what is asked for, what the button says, and what is kept."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from studio.job import Job, JobStatus
from studio.params import GenerationParams
from tests.system.running import until
from tests.ui.edit_tab import EditTab, mask_of, pixels_of
from tests.ui.studio_page import MODELS, Served, StudioPage, new_page, serve_page

OpenPage = Callable[..., StudioPage]


def made(served: Served, **fields: object) -> Job:
    """A finished job, whose picture is the latest one."""
    asked = {"model": "demo", "prompt": "a red circle", "seed": 7, "steps": 5, **fields}
    job = served.studio.submit(GenerationParams(**asked))
    until(lambda: served.studio.job(job.id).is_final)
    return served.studio.job(job.id)


def newest(served: Served) -> Job:
    return served.studio.jobs(limit=1).rows[0]


def edited(served: Served, tab: EditTab) -> Job:
    """Press the button; the job it made, once its picture is on the stage."""
    before = newest(served).id
    tab.go.click()
    expect(tab.view("result")).to_have_attribute("aria-pressed", "true")
    until(lambda: newest(served).id != before)
    expect(tab.stage.locator(f'.st-latest[data-job="{newest(served).id}"]')).to_be_visible()
    expect(tab.comparison).to_be_visible()
    return newest(served)


def files(served: Served, job: Job) -> tuple[Path, Path, Path | None]:
    """Where the source, the result and the mask of a job lie."""
    studio, recipe = served.studio, job.recipe
    assert recipe.input_image is not None
    result = studio.image_file(studio.image(job.image_ids[0]))
    mask = None if recipe.mask is None else studio.inputs.file(recipe.mask)
    return studio.inputs.file(recipe.input_image), result, mask


@pytest.fixture
def source(served: Served) -> Job:
    """A picture to edit, the latest one."""
    return made(served)


@pytest.fixture
def tab(source: Job, open_page: OpenPage) -> EditTab:
    """The edit tab with that picture, sent there from the strip."""
    opened = EditTab(open_page().page)
    opened.bring()
    return opened


def test_without_a_picture_the_button_says_what_is_missing(open_page: OpenPage) -> None:
    tab = EditTab(open_page("edit").page)

    expect(tab.go).to_have_text("Choose a picture first")
    expect(tab.go).to_be_disabled()
    expect(tab.page.locator("#edit-area")).to_be_hidden()


def test_a_picture_comes_with_the_settings_that_made_it_but_not_its_seed(
    served: Served, open_page: OpenPage
) -> None:
    made(served, model="other", prompt="a green hill", negative_prompt="fog", width=256, height=128)
    page = open_page()
    tab = EditTab(page.page)
    tab.page.locator(".st-strip button").first.click()
    tab.page.locator('[data-deed="edit"]').click()
    tab.wait_for_picture((256, 128))

    expect(tab.prompt).to_have_value("a green hill")
    tab.page.locator("#edit-settings button").first.click()
    expect(page.field("negative_prompt", "edit")).to_have_value("fog")
    expect(page.field("model", "edit")).to_have_value("Other model")
    expect(page.field("steps", "edit")).to_have_value("5")
    expect(page.field("seed", "edit")).to_have_value("")
    expect(page.field("width", "edit")).to_have_value("")


def test_what_is_painted_is_changed_and_everything_else_stays(served: Served, tab: EditTab) -> None:
    tab.stroke((50, 64), (80, 64), brush=30)
    expect(tab.go).to_have_text("Repaint the painted area")
    tab.prompt.fill("a yellow star")

    job = edited(served, tab)

    source, result, mask = files(served, job)
    assert mask is not None
    before, after, painted = pixels_of(source), pixels_of(result), mask_of(mask) > 0
    rows, columns = np.nonzero(painted)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.subtract(box, (35, 49, 95, 79))).max() <= 1
    assert (before[~painted] == after[~painted]).all()
    assert (before[painted] != after[painted]).any(axis=1).mean() > 0.9
    assert (job.recipe.prompt, job.recipe.mask_feather, job.recipe.extend) == ("a yellow star", 4, None)


def test_without_a_stroke_the_whole_picture_changes_and_the_button_says_so(
    served: Served, tab: EditTab
) -> None:
    expect(tab.go).to_have_text("Repaint the whole picture (nothing painted)")
    tab.choose_area("Only the painted area")

    job = edited(served, tab)

    assert (job.recipe.mask, job.recipe.inpaint_area) == (None, "whole")
    source, result, _ = files(served, job)
    assert (pixels_of(source) != pixels_of(result)).any(axis=2).mean() > 0.9


def test_extending_keeps_the_picture_and_adds_to_its_side(served: Served, tab: EditTab) -> None:
    tab.extend("right", 64)
    expect(tab.go).to_have_text("Extend the picture")
    expect(tab.page.locator("#edit-strength")).to_contain_text("Always 1 here")
    expect(tab.page.locator("#edit-strength input[type=number]")).to_be_disabled()
    expect(tab.page.locator(".st-painter-status")).to_contain_text("only its new sides are drawn")

    job = edited(served, tab)

    source, result, _ = files(served, job)
    before, after = pixels_of(source), pixels_of(result)
    assert after.shape == (128, 192, 3)
    assert (after[:, :128] == before).all()
    assert (job.recipe.strength, job.recipe.mask) == (1.0, None)
    tab.page.wait_for_function(
        "() => getComputedStyle(document.querySelector('#edit-stage .st-compare-a')).paddingRight !== '0px'"
    )
    shown = tab.shown()
    assert (shown["before"], shown["after"], shown["fit"]) == ([128, 128], [192, 128], "fill")
    assert shown["right"] == pytest.approx(1 / 3, abs=0.01)
    assert shown["width"] / shown["height"] == pytest.approx(1.5, abs=0.02)


def test_only_the_painted_area_is_drawn_and_put_back_at_the_size_of_the_picture(
    served: Served, open_page: OpenPage
) -> None:
    made(served, width=320, height=256)
    tab = EditTab(open_page().page)
    tab.page.locator(".st-strip button").first.click()
    tab.page.locator('[data-deed="edit"]').click()
    tab.wait_for_picture((320, 256))
    expect(tab.padding).to_be_hidden()
    tab.choose_area("Only the painted area")
    tab.padding.fill("12")
    tab.padding.press("Tab")
    tab.stroke((200, 100), (220, 100), brush=24)

    job = edited(served, tab)

    assert (job.recipe.inpaint_area, job.recipe.inpaint_padding, job.recipe.size) == ("masked", 12, "128x128")
    source, result, mask = files(served, job)
    assert mask is not None
    before, after, painted = pixels_of(source), pixels_of(result), mask_of(mask) > 0
    assert after.shape == before.shape == (256, 320, 3)
    assert (before[~painted] == after[~painted]).all()
    assert (before[painted] != after[painted]).any(axis=1).mean() > 0.9
    tab.page.wait_for_function(
        "() => document.querySelector('#edit-stage .st-compare-stage')"
        ".style.getPropertyValue('--ratio') === '1.25'"
    )


def test_the_line_between_before_and_after_moves_by_keyboard(served: Served, tab: EditTab) -> None:
    edited(served, tab)
    line = tab.comparison.get_by_role("slider")
    line.focus()
    for _ in range(20):
        line.press("ArrowRight")

    expect(line).to_have_attribute("aria-valuetext", "60 % Before")
    assert "60%" in tab.comparison.locator(".st-compare-stage").evaluate("e => e.style.cssText")
    line.press("Home")
    expect(line).to_have_attribute("aria-valuetext", "0 % Before")


def test_before_and_after_can_be_switched_off_for_good(served: Served, tab: EditTab) -> None:
    edited(served, tab)
    switch = tab.stage.get_by_role("button", name="Before / after").first
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()

    expect(tab.comparison).to_have_count(0)
    expect(tab.stage.locator(".st-latest .st-shot-open").first).to_be_visible()
    tab.page.reload()
    tab.page.locator('#tabs button[role=tab][data-tab-id="edit"]').first.click()
    expect(tab.stage.locator(".st-latest .st-shot-open").first).to_be_visible()
    expect(tab.comparison).to_have_count(0)


def test_a_reload_keeps_picture_mask_and_settings_and_follows_the_job(served: Served, tab: EditTab) -> None:
    tab.stroke((50, 64), (80, 64), brush=30)
    tab.choose_area("Only the painted area")
    tab.padding.fill("50")
    tab.prompt.fill("a yellow star")
    tab.extend("left", 16)
    expect(tab.go).to_have_text("Extend and repaint the painted area")
    served.engine.hold()
    try:
        tab.go.click()
        expect(tab.stage.locator(".st-now-words")).to_contain_text("Step")
        tab.page.reload()
        tab.page.locator('#tabs button[role=tab][data-tab-id="edit"]').first.click()

        expect(tab.view("result")).to_have_attribute("aria-pressed", "true")
        expect(tab.stage.locator(".st-now-words")).to_contain_text("Step")
    finally:
        served.engine.release()
    expect(tab.comparison).to_be_visible()
    tab.view("paint").click()
    expect(tab.page.locator(".st-painter-status")).to_contain_text("% painted")
    expect(tab.go).to_have_text("Extend and repaint the painted area")
    expect(tab.prompt).to_have_value("a yellow star")
    expect(tab.area.filter(has_text="Only the painted area").locator("input")).to_be_checked()
    expect(tab.padding).to_have_value("50")


def test_a_result_becomes_the_source_and_the_settings_stay(served: Served, tab: EditTab) -> None:
    tab.prompt.fill("a first change")
    first = edited(served, tab)
    tab.prompt.fill("a second change")
    tab.stage.get_by_role("button", name="Use as source").click()

    expect(tab.view("paint")).to_have_attribute("aria-pressed", "true")
    tab.wait_for_picture()
    expect(tab.prompt).to_have_value("a second change")
    second = edited(served, tab)
    result = files(served, first)[1]
    source = files(served, second)[0]
    assert (pixels_of(source) == pixels_of(result)).all()


def test_a_result_can_be_sent_to_variations(served: Served, tab: EditTab) -> None:
    edited(served, tab)
    tab.stage.get_by_role("button", name="Variations").click()

    expect(tab.page.locator("#variations-picker img")).to_be_visible()


def test_a_picture_is_chosen_from_the_history_and_changing_ones_mind_loses_nothing(
    source: Job, open_page: OpenPage
) -> None:
    tab = EditTab(open_page("edit").page)
    tab.page.locator(".st-painter-empty").get_by_role("button", name="From history").click()
    tab.page.locator(".st-chooser button").first.click()
    tab.wait_for_picture()
    tab.stroke((50, 64), (80, 64), brush=30)
    expect(tab.go).to_have_text("Repaint the painted area")

    tab.action("choose")
    tab.page.locator(".st-chooser button").first.wait_for()
    tab.page.keyboard.press("Escape")

    expect(tab.page.locator("dialog[open]")).to_have_count(0)
    expect(tab.go).to_have_text("Repaint the painted area")
    expect(tab.page.locator(".st-painter-status")).to_contain_text("% painted")


def test_a_fault_of_the_form_is_told_beside_it_and_nothing_is_stored(served: Served, tab: EditTab) -> None:
    tab.stroke((50, 64), (80, 64), brush=30)
    tab.prompt.fill(" ")
    inputs = set(served.studio.settings.outputs.glob("inputs/*.png"))
    jobs = served.studio.counts()
    tab.go.click()

    expect(tab.notice).to_contain_text("Prompt: must not be empty")
    expect(tab.prompt).to_have_attribute("aria-invalid", "true")
    expect(tab.view("paint")).to_have_attribute("aria-pressed", "true")
    assert served.studio.counts() == jobs
    assert set(served.studio.settings.outputs.glob("inputs/*.png")) == inputs


def test_a_picture_that_is_not_stored_any_more_is_said_to_be_gone(served: Served, tab: EditTab) -> None:
    name = tab.page.evaluate("JSON.parse(sessionStorage.getItem('st-painter:edit-painter')).image.id")
    stored = served.studio.inputs.file(name)
    content = stored.read_bytes()
    stored.unlink()
    try:
        tab.go.click()

        expect(tab.notice).to_contain_text("Picture: it is not stored any more; choose it again")
    finally:
        stored.write_bytes(content)


def test_each_press_is_a_job_and_several_prompts_are_counted_on_the_button(
    served: Served, tab: EditTab
) -> None:
    tab.prompt.fill("a {red|blue} star")
    tab.page.locator("#edit-several button").first.click()
    tab.page.locator("#edit-alternatives label").filter(has_text="Every combination").click()
    number = tab.page.locator("#edit-n input[type=number]")
    number.fill("2")
    number.press("Tab")
    expect(tab.go).to_have_text("Repaint the whole picture (nothing painted): 4 pictures in 2 jobs")
    before = sum(served.studio.counts().values())

    for _ in range(3):
        tab.go.click()

    until(lambda: sum(served.studio.counts().values()) == before + 6)
    until(
        lambda: served.studio.counts()[JobStatus.PENDING] + served.studio.counts()[JobStatus.PROCESSING] == 0
    )
    prompts = {job.recipe.prompt for job in served.studio.jobs(limit=6).rows}
    assert prompts == {"a red star", "a blue star"}


def test_a_model_that_looks_at_pictures_takes_up_to_four_of_them(browser: Browser, tmp_path: Path) -> None:
    catalogue = tmp_path / "with-a-looker.yml"
    looker = "  looker:\n    name: Looker\n    builtin: demo\n    capabilities: {references: true}\n"
    catalogue.write_text(MODELS + looker)
    with serve_page(tmp_path, models=catalogue) as served:
        made(served)
        page = new_page(served, browser)
        page.open()
        tab = EditTab(page.page)
        tab.bring()
        expect(tab.page.locator(".st-references")).to_have_count(0)
        tab.page.locator("#edit-settings button").first.click()
        page.field("model", "edit").click()
        tab.page.locator("#edit-model [role=option]").filter(has_text="Looker").click()
        expect(tab.go).to_have_text("Edit the picture")
        expect(tab.page.locator("#edit-strength")).to_contain_text("No effect")
        tab.page.locator(".st-references").get_by_role("button", name="Add a picture of the history").click()
        tab.page.locator(".st-chooser button").first.click()
        expect(tab.page.locator(".st-references-head")).to_contain_text("1 of 4")

        job = edited(served, tab)

        assert job.recipe.by_reference
        assert len(job.recipe.references) == 1
        served.studio.inputs.file(job.recipe.references[0])
        assert page.faults == []
        page.context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 640)])
def test_on_a_phone_the_picture_is_on_top_and_nothing_lies_aside(
    served: Served, source: Job, open_page: OpenPage, width: int, height: int
) -> None:
    page = open_page(width=width, height=height)
    tab = EditTab(page.page)
    tab.bring()
    tab.choose_area("Only the painted area")
    tab.extend("right", 8)

    assert page.overflow <= 0
    assert tab.page.locator("#edit-painter").evaluate(
        "e => e.getBoundingClientRect().bottom"
        " <= document.querySelector('#edit-prompt').getBoundingClientRect().top"
    )
    edited(served, tab)
    assert page.overflow <= 0
    expect(tab.view("result")).to_be_in_viewport(ratio=1)
    expect(tab.comparison).to_be_in_viewport()


def test_markup_in_a_prompt_is_text(served: Served, tab: EditTab) -> None:
    markup = "<img src=x onerror=alert(1)>"
    tab.prompt.fill(markup)
    edited(served, tab)

    expect(tab.stage.locator(".st-now-prompt")).to_have_text(markup)
    expect(tab.comparison.get_by_alt_text(re.compile("After"))).to_be_visible()


def test_a_preset_holds_how_the_paint_is_used(served: Served, tab: EditTab) -> None:
    box = tab.page.locator("#edit-presets-box")
    tab.choose_area("Only the painted area")
    tab.padding.fill("20")
    tab.padding.press("Tab")
    tab.prompt.fill("a small repair")
    box.get_by_text("Presets", exact=True).click()
    box.get_by_label("Name of a new preset").fill("Repair")
    box.get_by_role("button", name="Save").click()
    expect(box.get_by_role("button", name="Repair", exact=True)).to_be_visible()
    kept = served.studio.presets.get("Repair").params
    assert (kept["inpaint_area"], kept["inpaint_padding"]) == ("masked", 20)
    tab.choose_area("Whole picture")
    expect(tab.padding).to_be_hidden()
    tab.prompt.fill("something else")

    box.get_by_role("button", name="Repair", exact=True).click()

    expect(tab.padding).to_have_value("20")
    expect(tab.prompt).to_have_value("a small repair")
