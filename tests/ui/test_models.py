"""The models on the page: how each stands, what it needs, starting, stopping, and the engine in words."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.system.running import running_studio, until
from tests.ui.queue_tab import submit
from tests.ui.studio_page import READY_MS, Served, StudioPage, new_page, serve_page

SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"
OpenTab = Callable[..., StudioPage]


def card(page: Page, model: str) -> Locator:
    return page.locator(f'#models .st-model[data-id="{model}"]')


def badge(page: Page, model: str) -> Locator:
    return card(page, model).locator(".st-badge[data-state]")


def deed(page: Page, model: str, name: str) -> Locator:
    return card(page, model).get_by_role("button", name=re.compile(f"^{name} "))


def headline(page: Page) -> Locator:
    return page.locator("#models .st-engine h2")


def test_each_model_tells_how_it_stands_and_what_it_lacks(open_page: OpenTab) -> None:
    page = open_page("models").page

    expect(card(page, "demo").locator("h3")).to_have_text(re.compile("Demonstration *default"))
    expect(card(page, "demo")).to_contain_text("Small and quick.")
    expect(card(page, "demo")).to_contain_text("Comes with the studio; it needs no files.")
    expect(badge(page, "absent")).to_have_text("Not downloaded")
    expect(deed(page, "absent", "Start")).to_be_hidden()
    card(page, "absent").get_by_text("Files: 1 of 1 missing").click()
    expect(card(page, "absent").locator(".st-files li")).to_contain_text("weights/not-here.safetensors")
    expect(card(page, "absent").locator(".st-files")).to_contain_text("from the folder of models.yml")
    card(page, "other").get_by_text("Defaults and limits").click()
    expect(card(page, "other").locator(".st-facts")).to_contain_text("256x192")
    expect(card(page, "other").locator(".st-facts")).to_contain_text("heun")


def test_files_that_come_and_go_are_noticed_by_cards_and_pickers(served: Served, open_page: OpenTab) -> None:
    tab = open_page()
    weights = served.studio.settings.models.parent / "weights" / "not-here.safetensors"
    weights.parent.mkdir()
    offered = tab.page.locator("#txt2img-model [role=option]")
    tab.field("model").click()
    expect(offered).to_contain_text(["Demonstration", "Other model", "Not here (not downloaded)"])

    weights.write_bytes(b"weights")
    _come_back(tab.page)

    expect(offered.last).to_have_accessible_name("Not here")
    expect(tab.field("model")).to_have_value("Demonstration")
    tab.show("models")
    expect(badge(tab.page, "absent")).to_have_text("Not in memory")
    expect(card(tab.page, "absent")).to_contain_text("all 1 are there")
    weights.unlink()
    _come_back(tab.page)
    expect(badge(tab.page, "absent")).to_have_text("Not downloaded")


def test_a_model_that_the_command_line_adds_is_noticed_by_every_reader(
    browser: Browser, tmp_path: Path
) -> None:
    with serve_page(tmp_path) as served:
        mine, others = new_page(served, browser), new_page(served, browser)
        for tab in (mine, others):
            tab.open("models")
            expect(card(tab.page, "demo")).to_be_visible()
        (tmp_path / "models.d").mkdir()
        (tmp_path / "models.d" / "new.yml").write_text("models: {new: {name: Newcomer, builtin: demo}}")

        _come_back(mine.page)

        for tab in (mine, others):
            expect(badge(tab.page, "new")).to_have_text("Not in memory")
            tab.show("txt2img")
            tab.field("model").click()
            expect(tab.page.get_by_role("option", name="Newcomer")).to_be_visible()
            assert tab.faults == []
            tab.page.context.close()


def _come_back(page: Page) -> None:
    """To the window, from wherever files are put in their place."""
    page.evaluate("dispatchEvent(new Event('focus'))")


def test_a_model_is_started_and_stopped(served: Served, open_page: OpenTab) -> None:
    page = open_page("models").page

    deed(page, "other", "Start").click()
    expect(badge(page, "other")).to_have_text("Ready")
    expect(headline(page)).to_have_text("Other model is in memory")
    expect(page.locator("#models .st-engine .st-log")).to_be_visible()
    assert served.engine.status.model == "other"

    deed(page, "other", "Stop").click()

    expect(badge(page, "other")).to_have_text("Not in memory")
    expect(headline(page)).to_have_text("The engine is asleep")
    expect(deed(page, "other", "Start")).to_be_enabled()


def test_a_model_at_work_can_not_be_stopped(held_queue: Served, open_page: OpenTab) -> None:
    page = open_page("models").page

    submit(held_queue, "at work")

    expect(badge(page, "demo")).to_have_text("Working")
    expect(deed(page, "demo", "Stop")).to_be_disabled()
    expect(headline(page)).to_have_text("Demonstration is working")


def test_an_example_is_brought_into_the_form_with_its_model(open_page: OpenTab) -> None:
    tab = open_page("models")

    card(tab.page, "demo").get_by_role("button", name="a blue square").click()

    expect(tab.field("prompt")).to_have_value("a blue square")
    expect(tab.field("model")).to_have_value("Demonstration")


def test_names_and_words_of_models_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    markup = "<img src=x onerror=alert(1)>"
    with serve_page(tmp_path) as served:
        catalogue = served.studio.settings.models
        text = catalogue.read_text().replace("Other model", json.dumps(markup))
        catalogue.write_text(text.replace("weights/not-here", markup.replace(" ", "_")))
    # It is read when a studio starts.
    outputs = tmp_path / "again"
    with running_studio(outputs, SCRIPTED, "--models", str(catalogue)) as studio:
        page = _ready_page(browser, studio.base, studio.log)

        expect(card(page, "other").locator("h3")).to_contain_text(markup)
        expect(card(page, "absent").locator(".st-files code").first).to_have_text(re.compile("onerror=alert"))
        assert page.locator('img[src="x"]').count() == 0
        page.context.close()


def _ready_page(browser: Browser, base: str, log: list[str]) -> Page:
    """The Models tab of a studio that runs in a process of its own."""
    until(lambda: any("the page is ready" in line for line in log))
    page = browser.new_page()
    page.goto(base)
    page.locator('#tabs button[data-tab-id="models"]').first.click()
    page.locator("#models .st-model").first.wait_for(timeout=READY_MS)
    return page


def test_an_engine_that_can_not_be_used_is_told_in_words_with_the_way_out(
    browser: Browser, tmp_path: Path
) -> None:
    broken = tmp_path / "sd-server"
    broken.write_text("no program")
    with running_studio(tmp_path / "outputs", broken) as studio:
        page = _ready_page(browser, studio.base, studio.log)

        expect(headline(page)).to_have_text("There is no working engine")
        expect(page.locator("#models .st-engine")).to_contain_text("STUDIO_SD_SERVER")
        expect(page.locator("#models .st-engine")).to_contain_text("start the studio again")
        expect(deed(page, "demo", "Start")).to_be_disabled()
        page.context.close()


def test_loading_shows_how_far_it_is_and_can_be_stopped(browser: Browser, tmp_path: Path) -> None:
    endless = tmp_path / "sd-server"
    endless.write_text(
        "#!/bin/sh\n"
        f"export SCRIPTED_START='{json.dumps({'answers': False})}'\n"
        f'exec {sys.executable} {SCRIPTED} "$@"\n'
    )
    endless.chmod(0o755)
    with running_studio(tmp_path / "outputs", endless) as studio:
        page = _ready_page(browser, studio.base, studio.log)

        deed(page, "demo", "Start").click()

        expect(badge(page, "demo")).to_have_text("Loading 50 %")
        expect(headline(page)).to_have_text("Loading Demonstration model (50 %)")
        page.locator("#models .st-engine .st-log summary").click()
        expect(page.locator("#models .st-engine .st-log pre")).not_to_be_empty()
        deed(page, "demo", "Stop").click()
        expect(badge(page, "demo")).to_have_text("Not in memory")
        page.context.close()


@pytest.mark.parametrize("tab_id", ["models", "settings"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    served: Served, browser: Browser, open_page: OpenTab, tab_id: str
) -> None:
    tab = open_page(tab_id)
    tab.page.locator(f"#{tab_id} .st-card").first.wait_for()
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert tab.overflow <= 0
    tab.page.emulate_media(color_scheme="dark")
    assert tab.overflow <= 0
