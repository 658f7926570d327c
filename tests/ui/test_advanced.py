"""Advanced: LoRAs with weights, the second pass, tiles and caches, as a person sets them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from studio.demo.tensor_file import write_tensors
from studio.extras import Hires, Lora
from studio.recipe import Recipe
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
MARKUP = "<img src=x onerror=alert(1)>.safetensors"


@pytest.fixture(scope="module")
def loras(served: Served) -> Path:
    """The folder of LoRAs, with three in it."""
    folder = served.studio.settings.models.parent / "models" / "loras"
    folder.mkdir(parents=True)
    for name in ("ink.safetensors", "old photo.safetensors", MARKUP):
        write_tensors(folder / name, {"x": np.zeros(4, np.float32)})
    return folder


def advanced(tab: StudioPage) -> Locator:
    """The opened section of the txt2img form."""
    box = tab.page.locator("#txt2img-advanced")
    if not box.locator("#txt2img-hires").is_visible():
        box.get_by_text("Advanced", exact=True).click()
    return box


def add_lora(tab: StudioPage, shown: str) -> None:
    choice = advanced(tab).get_by_label("Add a LoRA")
    expect(choice.locator("option", has_text=shown)).to_have_count(1)
    choice.select_option(label=shown)


def made(served: Served, tab: StudioPage) -> Recipe:
    """What was asked for by pressing the button."""
    before = tab.shots().count()
    tab.go().click()
    expect(tab.shots()).to_have_count(before + 1)
    return served.studio.jobs(limit=1).rows[0].recipe


def test_loras_are_chosen_weighed_and_removed(served: Served, open_page: OpenPage, loras: Path) -> None:
    tab = open_page()
    tab.fill("prompt", "a cat in ink")
    for shown in ("ink", "old photo", MARKUP.removesuffix(".safetensors")):
        add_lora(tab, shown)
    box = advanced(tab)
    expect(box.get_by_role("listitem")).to_have_count(3)
    expect(box.get_by_text("<img src=x")).to_be_visible()

    box.get_by_label("Weight of ink in figures").fill("0.6")
    box.get_by_label("Weight of old photo", exact=True).fill("-0.5")
    box.get_by_role("button", name="Remove <img").click()

    expect(box.get_by_role("listitem")).to_have_count(2)
    assert made(served, tab).loras == (
        Lora(name="ink.safetensors", weight=0.6), Lora(name="old photo.safetensors", weight=-0.5),
    )  # fmt: skip


def test_a_reload_keeps_loras_and_one_whose_file_is_gone_says_so(
    served: Served, open_page: OpenPage, loras: Path
) -> None:
    tab = open_page()
    write_tensors(loras / "brief.safetensors", {"x": np.zeros(4, np.float32)})
    add_lora(tab, "ink")
    add_lora(tab, "brief")
    advanced(tab).get_by_label("Weight of ink in figures").fill("1.4")
    expect(advanced(tab).get_by_label("Weight of ink", exact=True)).to_have_value("1.4")
    (loras / "brief.safetensors").unlink()

    tab.reload()

    rows = advanced(tab).get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(advanced(tab).get_by_label("Weight of ink in figures")).to_have_value("1.4")
    expect(rows.filter(has_text="brief")).to_contain_text("is not there any more")
    expect(rows.filter(has_text="ink").get_by_text("is not there any more")).to_be_hidden()
    tab.fill("prompt", "a cat")
    tab.go().click()
    expect(tab.page.locator("#txt2img-notice")).to_contain_text("brief.safetensors")


def test_a_second_pass_makes_the_picture_larger(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a red circle")
    box = advanced(tab)
    expect(box.locator("#txt2img-hires_scale")).to_be_hidden()

    box.get_by_label("Hires fix").check()
    tab.fill("hires_scale", "1.5")
    tab.fill("hires_denoising_strength", "0.4")
    tab.fill("hires_steps", "3")
    tab.field("hires_upscaler").click()
    tab.page.get_by_role("option", name="Lanczos").click()

    expected = Hires(scale=1.5, upscaler="Lanczos", steps=3, denoising_strength=0.4)
    assert made(served, tab).hires == expected
    image = tab.shots().first.locator("img")
    expect(image).to_have_js_property("naturalWidth", 192)


def test_tiles_and_a_cache_are_asked_for_and_another_model_takes_them_back(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    tab.fill("prompt", "a red circle")
    advanced(tab)
    tab.field("vae_tiling").click()
    tab.page.get_by_role("option", name="On: less memory").click()
    tab.field("cache").click()
    expect(tab.page.get_by_role("option", name="UCache")).to_have_count(0)
    tab.page.get_by_role("option", name="EasyCache").click()
    recipe = made(served, tab)
    assert (recipe.vae_tiling, recipe.cache) == (True, "easycache")

    tab.field("model").click()
    tab.page.get_by_role("option", name="Other model").click()

    expect(tab.field("steps")).to_have_value("20")
    recipe = made(served, tab)
    assert (recipe.model, recipe.vae_tiling, recipe.cache) == ("other", None, None)


def test_settings_sent_from_a_picture_bring_its_extras_and_take_away_others(
    served: Served, open_page: OpenPage, loras: Path
) -> None:
    tab = open_page()
    tab.fill("prompt", "with everything")
    add_lora(tab, "ink")
    advanced(tab).get_by_label("Hires fix").check()
    tab.fill("hires_scale", "1.25")
    rich = made(served, tab)
    advanced(tab).get_by_role("button", name="Remove ink").click()
    advanced(tab).get_by_label("Hires fix").uncheck()
    expect(tab.page.locator("#txt2img-hires_scale")).to_be_hidden()
    plain = made(served, tab)
    assert (plain.loras, plain.hires) == ((), None)

    tab.show("history")
    tab.page.locator("#history .st-cell img").nth(1).click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Use settings").click()

    expect(tab.page.locator("#txt2img-hires")).to_be_visible()
    expect(advanced(tab).get_by_role("listitem")).to_have_count(1)
    expect(tab.field("hires_scale")).to_have_value("1.25")
    again = made(served, tab)
    assert (again.loras, again.hires) == (rich.loras, rich.hires)


def test_what_the_second_pass_can_not_do_is_told_by_its_label(open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a red circle")
    advanced(tab).get_by_label("Hires fix").check()
    tab.fill("hires_steps", "500")
    tab.go().click()

    expect(tab.page.locator("#txt2img-notice")).to_contain_text("Second-pass steps:")
