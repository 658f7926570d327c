"""Presets: what a form holds, kept under a name for another time and for everybody."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
MARKUP = "<img src=x onerror=alert(1)>"


def presets(tab: StudioPage) -> Locator:
    """The opened list of the txt2img form."""
    box = tab.page.locator("#txt2img-presets-box")
    if not box.locator(".st-preset-new").is_visible():
        box.get_by_text("Presets", exact=True).click()
    return box


def ask_to_save(tab: StudioPage, name: str) -> None:
    presets(tab).get_by_label("Name of a new preset").fill(name)
    presets(tab).get_by_role("button", name="Save").click()


def save(tab: StudioPage, name: str) -> None:
    ask_to_save(tab, name)
    expect(presets(tab).get_by_role("button", name=name, exact=True)).to_be_visible()


def remove(tab: StudioPage, name: str) -> None:
    presets(tab).get_by_role("button", name=f"Delete {name}").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(presets(tab).get_by_role("button", name=f"Delete {name}")).to_have_count(0)


def test_a_preset_is_saved_applied_renamed_and_deleted(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a castle")
    tab.fill("steps", "15")
    tab.fill("seed", "7")
    save(tab, "Castles")

    tab.fill("prompt", "a cat")
    tab.fill("steps", "3")
    tab.reload()
    presets(tab).get_by_role("button", name="Castles", exact=True).click()
    expect(tab.field("prompt")).to_have_value("a castle")
    expect(tab.field("steps")).to_have_value("15")
    expect(tab.field("seed")).to_have_value("7")

    presets(tab).get_by_role("button", name="Rename Castles").click()
    tab.page.get_by_role("dialog").get_by_label("New name").fill("Palaces")
    tab.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(presets(tab).get_by_role("button", name="Palaces", exact=True)).to_be_visible()
    assert [preset.name for preset in served.studio.presets.all()] == ["Palaces"]
    remove(tab, "Palaces")
    assert served.studio.presets.all() == []


def test_a_preset_can_be_replaced_after_asking(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "first")
    save(tab, "One")
    tab.fill("prompt", "second")

    ask_to_save(tab, "one")
    with tab.page.expect_response(lambda response: response.request.method == "PUT"):
        tab.page.get_by_role("dialog").get_by_role("button", name="Replace").click()

    assert served.studio.presets.get("One").params["prompt"] == "second"
    remove(tab, "One")


def test_a_preset_of_another_tab_is_there_at_once_and_markup_in_its_name_is_text(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    tab.fill("prompt", MARKUP)
    save(tab, MARKUP)

    tab.show("variations")
    box = tab.page.locator("#variations-presets-box")
    box.get_by_text("Presets", exact=True).click()
    box.get_by_role("button", name=MARKUP, exact=True).click()

    expect(tab.field("prompt", "variations")).to_have_value(MARKUP)
    expect(tab.page.locator(".st-toast").last).to_contain_text(f"{MARKUP} is in the form")
    tab.show("txt2img")
    remove(tab, MARKUP)


def test_a_preset_that_can_not_be_saved_says_why(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "a cat")
    tab.fill("seed", "lucky")
    ask_to_save(tab, "Broken")

    expect(tab.page.locator(".st-toast-bad")).to_contain_text("seed")
    assert served.studio.presets.all() == []
    assert tab.faults.pop(0).startswith("400 for ")
    assert tab.faults.pop(0).startswith("console: Failed to load resource")
