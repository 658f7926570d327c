"""A picture from words, as a person makes it: type, press, watch, and go on from there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.ui.studio_page import Served, StudioPage, new_page, prompts, serve_page

OpenPage = Callable[..., StudioPage]


@pytest.mark.engine
def test_the_demonstration_model_paints_what_was_asked_for(
    engine_binary: Path, tmp_path: Path, browser: Browser
) -> None:
    with serve_page(tmp_path, sd_server=engine_binary) as served:
        tab = new_page(served, browser)
        tab.open()
        tab.fill("prompt", "a red circle on a blue background")
        tab.go().click()
        expect(tab.stage().locator(".st-now-words")).to_contain_text(
            re.compile(r"Step \d of 8"), timeout=60_000
        )
        expect(tab.shots()).to_have_count(1, timeout=60_000)
        job = served.studio.jobs(limit=1).rows[0]
        image = served.studio.image_file(served.studio.generation(job.generation_id or "").images[0])
        tab.context.close()

        with Image.open(image) as picture:
            red, _, blue = picture.convert("RGB").resize((32, 32)).getpixel((16, 16))  # type: ignore[misc]
            corner = picture.convert("RGB").getpixel((3, 3))
        assert red > 150 > blue
        assert corner[2] > 150 > corner[0]  # type: ignore[index]
        assert tab.faults == []


def test_a_newcomer_types_words_and_sees_steps_and_the_picture(held: Served, open_page: OpenPage) -> None:
    tab = open_page()
    expect(tab.stage()).to_contain_text("Your pictures will be here")

    tab.fill("prompt", "a red circle on a blue background")
    tab.go().click()

    expect(tab.stage().locator(".st-now-words")).to_contain_text("Step 4 of 8")
    expect(tab.stage().locator(".st-now-words")).to_contain_text("50 %")
    expect(tab.stage().locator(".st-now-prompt")).to_have_text("a red circle on a blue background")
    held.engine.release()
    expect(tab.shots()).to_have_count(1)
    expect(tab.stage().locator(".st-now-words")).to_have_text("1 picture ready")
    image = tab.shots().locator("img")
    expect(image).to_have_js_property("naturalWidth", 128)
    recipe = held.studio.jobs(limit=1).rows[0].recipe
    assert (recipe.prompt, recipe.size, recipe.steps) == ("a red circle on a blue background", "128x128", 8)


def test_ten_presses_make_ten_jobs(held: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "ten times")

    for _ in range(10):
        tab.go().click()

    expect(tab.stage().locator(".st-now .st-link")).to_have_text("9 more wait")
    assert prompts(held, 10) == ["ten times"] * 10
    held.engine.release()
    expect(tab.shots()).to_have_count(10)


def test_ten_presses_at_once_make_ten_jobs(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "all at once")

    tab.go().evaluate("button => { for (let press = 0; press < 10; press += 1) button.click(); }")

    expect(tab.shots()).to_have_count(10)
    assert prompts(served, 10) == ["all at once"] * 10


def test_a_reload_keeps_the_form_and_goes_on_following(held: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "keep me")
    tab.fill("negative_prompt", "no frame")
    tab.fill("steps", "12")
    tab.fill("n", "2")
    tab.fill("seed", "9007199254740993")
    tab.fill("width", "96")
    tab.page.get_by_text("Several prompts at once").click()
    tab.page.get_by_label("One prompt per line").check()
    expect(tab.go()).to_have_text("Generate 2 pictures")
    tab.go().click()
    expect(tab.stage().locator(".st-now-words")).to_contain_text("Step 6 of 12")

    tab.reload()

    assert [tab.value(name) for name in ("prompt", "negative_prompt", "steps", "n", "seed", "width")] == [
        "keep me", "no frame", "12", "2", "9007199254740993", "96",
    ]  # fmt: skip
    expect(tab.stage().locator(".st-now-words")).to_contain_text("Step 6 of 12")
    held.engine.release()
    expect(tab.shots()).to_have_count(2)
    tab.reload()
    expect(tab.shots()).to_have_count(2)
    tab.page.get_by_text("Several prompts at once").click()
    expect(tab.page.get_by_label("One prompt per line")).to_be_checked()


def test_ctrl_enter_generates_and_enter_in_a_field_does_not(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    before = served.studio.jobs().total
    tab.field("prompt").click()
    tab.page.keyboard.type("by keyboard")
    tab.field("seed").focus()
    tab.page.keyboard.type("7")
    tab.page.keyboard.press("Enter")
    tab.field("steps").focus()
    tab.page.keyboard.press("Enter")
    tab.field("prompt").focus()

    tab.page.keyboard.press("Control+Enter")

    expect(tab.shots()).to_have_count(1)
    assert served.studio.jobs().total == before + 1
    recipe = served.studio.jobs(limit=1).rows[0].recipe
    assert (recipe.prompt, recipe.seed) == ("by keyboard", 7)


def test_alternatives_wildcards_and_lines_are_counted_and_submitted(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    tab.page.get_by_text("Several prompts at once").click()
    tab.fill("prompt", "a {big|small} __colour__ ball")
    expect(tab.go()).to_have_text("Generate")

    tab.page.get_by_text("Every combination").click()
    expect(tab.go()).to_have_text("Generate 6 pictures in 6 jobs")
    tab.fill("n", "2")
    expect(tab.go()).to_have_text("Generate 12 pictures in 6 jobs")
    tab.fill("prompt", "a cat\na {red|blue} dog")
    tab.page.get_by_label("One prompt per line").check()
    expect(tab.go()).to_have_text("Generate 6 pictures in 3 jobs")
    tab.go().click()

    expect(tab.shots()).to_have_count(6)
    assert prompts(served, 3) == ["a cat", "a red dog", "a blue dog"]


def test_too_many_jobs_and_unknown_wildcards_are_told_and_make_none(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    before = served.studio.jobs().total
    tab.page.get_by_text("Several prompts at once").click()
    tab.page.get_by_text("Every combination").click()
    notice = tab.page.locator("#txt2img-notice")

    tab.fill("prompt", "{a|b|c}{a|b|c}{a|b|c}{a|b|c}{a|b|c}")
    expect(tab.go()).to_have_text("Generate 243 pictures in 243 jobs")
    tab.go().click()
    expect(notice).to_contain_text("243 jobs; at most 100")
    tab.fill("prompt", "a __shape__")
    expect(notice).to_contain_text("there is no wildcard __shape__")
    tab.fill("prompt", "a cat")
    expect(notice.get_by_role("alert")).to_be_hidden()

    assert served.studio.jobs().total == before


def test_an_empty_prompt_is_told_not_sent(served: Served, open_page: OpenPage) -> None:
    tab = open_page()

    tab.go().click()

    expect(tab.page.locator("#txt2img-notice")).to_contain_text("Prompt: must not be empty")


def test_on_a_phone_everything_is_in_reach_without_scrolling_sideways(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page(width=390, height=844)
    assert tab.overflow <= 0
    expect(tab.go()).to_be_in_viewport()
    tab.fill("prompt", "on a phone")
    tab.fill("n", "4")
    for title in ("Several prompts at once", "Sampler, quality and style", "Presets"):
        tab.page.get_by_text(title).first.click()
    expect(tab.go()).to_be_in_viewport()

    tab.go().click()

    expect(tab.shots()).to_have_count(4)
    assert tab.overflow <= 0
