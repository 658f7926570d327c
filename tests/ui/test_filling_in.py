"""Filling in a form: models, sizes, quality, seeds, examples, weights, and what is told of faults."""

import re
from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.ui.studio_page import Served, StudioPage, prompts, whole

OpenPage = Callable[..., StudioPage]


def test_what_is_typed_while_the_page_still_fills_its_form_is_kept(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    tab.fill("prompt", "from last time")
    tab.fill("steps", "12")
    waiting: list[Route] = []
    is_early = True
    tab.page.route(
        "**/gradio_api/run/**", lambda route: waiting.append(route) if is_early else route.continue_()
    )

    tab.page.reload()
    tab.page.wait_for_function("document.body.dataset.filled === ''")
    tab.field("prompt").press_sequentially("early")
    is_early = False
    for route in waiting:
        route.continue_()
    tab.settled()

    expect(tab.field("steps")).to_have_value("12")
    expect(tab.field("prompt")).to_have_value("early")


def test_another_model_applies_its_defaults_and_leaves_the_words(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "stay")
    tab.page.locator("#txt2img-advanced").get_by_text("Advanced", exact=True).click()
    expect(tab.page.locator("#txt2img-vae_tiling")).to_be_visible()
    expect(tab.page.locator("#txt2img-clip_skip")).to_be_hidden()

    tab.field("model").click()
    tab.page.get_by_role("option", name="Other model").click()

    expect(tab.field("steps")).to_have_value("20")
    assert [tab.value(name) for name in ("prompt", "width", "height", "cfg_scale", "negative_prompt")] == [
        "stay", "256", "192", "7", "blurry",
    ]  # fmt: skip
    expect(tab.field("clip_skip")).to_have_value("2")
    expect(tab.page.locator("#txt2img-flow_shift")).to_be_hidden()
    tab.go().click()
    expect(tab.shots()).to_have_count(1)
    recipe = served.studio.jobs(limit=1).rows[0].recipe
    assert (recipe.model, recipe.size, recipe.sampler, recipe.clip_skip) == ("other", "256x192", "heun", 2)


def test_a_model_without_its_files_says_what_it_needs(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a cat")

    tab.field("model").click()
    tab.page.get_by_role("option", name="Not here (not downloaded)").click()

    about = tab.page.locator("#txt2img-about-model")
    expect(about).to_contain_text("Not downloaded")
    expect(about.get_by_role("button")).to_have_attribute("title", re.compile("weights/not-here.safetensors"))
    tab.go().click()
    expect(tab.page.locator("#txt2img-notice")).to_contain_text("weights/not-here.safetensors missing")


def test_shapes_and_swap_set_the_size(served: Served, open_page: OpenPage) -> None:
    tab = open_page()

    tab.page.locator("#txt2img-shape").get_by_text("16:9").click()
    expect(tab.field("width")).to_have_value("176")
    expect(tab.field("height")).to_have_value("96")
    tab.page.locator("#txt2img-swap").click()

    expect(tab.field("width")).to_have_value("96")
    expect(tab.field("height")).to_have_value("176")
    expect(tab.page.locator("#txt2img-shape label.selected")).to_have_text("9:16")
    tab.fill("width", "100")
    expect(tab.page.locator("#txt2img-shape label.selected")).to_have_count(0)


def test_the_words_of_quality_show_in_the_steps(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.page.get_by_text("Sampler, quality and style").click()

    tab.field("quality").click()
    tab.page.get_by_role("option", name=whole("High")).click()
    expect(tab.field("steps")).to_have_value("12")
    tab.field("style").click()
    tab.page.get_by_role("option", name="Vivid").click()
    expect(tab.field("cfg_scale")).to_have_value("2.5")

    tab.fill("prompt", "a cat")
    tab.go().click()
    expect(tab.shots()).to_have_count(1)
    recipe = served.studio.jobs(limit=1).rows[0].recipe
    assert (recipe.quality, recipe.style, recipe.steps, recipe.cfg_scale) == ("high", "vivid", 12, 2.5)
    assert recipe.sent_prompt == "a cat, vivid colors, dramatic light"


def test_the_last_seed_can_be_used_again_and_thrown_away(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "seeds")
    tab.fill("n", "2")
    tab.go().click()
    expect(tab.shots()).to_have_count(2)
    seed = served.studio.jobs(limit=1).rows[0].recipe.seed

    tab.page.locator("#txt2img-reuse").click()
    expect(tab.field("seed")).to_have_value(str(seed))
    tab.page.locator("#txt2img-dice").click()
    expect(tab.field("seed")).to_have_value("")
    tab.shots().nth(1).get_by_role("button", name="Reuse seed").click()
    expect(tab.field("seed")).to_have_value(str(seed + 1))

    tab.fill("n", "1")
    tab.go().click()
    expect(tab.shots()).to_have_count(3)
    assert served.studio.jobs(limit=1).rows[0].recipe.seed == seed + 1


def test_a_wrong_seed_is_told_at_the_button_and_at_the_field(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    before = served.studio.jobs().total
    tab.fill("prompt", "a cat")
    tab.fill("seed", "lucky")

    tab.go().click()

    notice = tab.page.locator("#txt2img-notice")
    expect(notice).to_contain_text("Seed: must be a whole number")
    expect(tab.field("seed")).to_have_attribute("aria-invalid", "true")
    assert served.studio.jobs().total == before
    tab.field("seed").press_sequentially("1")
    expect(notice.get_by_role("alert")).to_be_hidden()


def test_examples_fill_an_empty_prompt_and_go_away(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    examples = tab.page.locator("#txt2img-examples").get_by_role("button")
    expect(examples).to_have_text(["a red circle", "a blue square"])

    examples.first.click()

    assert tab.value("prompt") == "a red circle"
    expect(examples.first).to_be_hidden()
    tab.fill("prompt", "")
    expect(examples.first).to_be_visible()


def test_ctrl_up_and_down_weigh_words_and_can_be_undone(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a red circle, blue sky")
    tab.page.evaluate("document.querySelector('#txt2img-prompt textarea').setSelectionRange(3, 3)")

    tab.field("prompt").press("Control+ArrowUp")
    assert tab.value("prompt") == "a (red:1.1) circle, blue sky"
    tab.field("prompt").press("Control+ArrowUp")
    assert tab.value("prompt") == "a (red:1.2) circle, blue sky"
    tab.field("prompt").press("Control+ArrowDown")
    tab.field("prompt").press("Control+ArrowDown")
    assert tab.value("prompt") == "a red circle, blue sky"
    tab.field("prompt").press("Control+ArrowDown")
    assert tab.value("prompt") == "a (red:0.9) circle, blue sky"
    tab.field("prompt").press("Control+z")
    assert tab.value("prompt") == "a red circle, blue sky"
    tab.page.evaluate("document.querySelector('#txt2img-prompt textarea').setSelectionRange(14, 22)")
    tab.field("prompt").press("Control+ArrowUp")
    assert tab.value("prompt") == "a red circle, (blue sky:1.1)"

    tab.go().click()
    expect(tab.shots()).to_have_count(1)
    assert prompts(served, 1) == ["a red circle, (blue sky:1.1)"]
