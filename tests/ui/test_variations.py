"""Variations of a picture: choose it, say how far, look at them beside it, and go on from one of them."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from studio.params import JobType
from tests.ui.painter_page import picture_bytes
from tests.ui.studio_page import Served, StudioPage

OpenPage = Callable[..., StudioPage]
FORM = "variations"

# A transfer with one file, as the system makes it for a drop or a paste.
TRANSFER = """
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "picture.png", { type: "image/png" }));
"""
DROP = f"""([selector, content]) => {{{TRANSFER}
    const target = document.querySelector(selector);
    const how = {{ dataTransfer: transfer, bubbles: true, cancelable: true }};
    for (const type of ["dragenter", "dragover", "drop"]) target.dispatchEvent(new DragEvent(type, how));
}}"""
PASTE = f"""([content]) => {{{TRANSFER}
    const how = {{ clipboardData: transfer, bubbles: true, cancelable: true }};
    document.body.dispatchEvent(new ClipboardEvent("paste", how));
}}"""


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    """A picture of 96x64 pixels."""
    path = tmp_path / "source.png"
    path.write_bytes(picture_bytes(96, 64))
    return path


def picker(tab: StudioPage) -> Locator:
    return tab.page.locator("#variations-picker")


def choose(tab: StudioPage, path: Path) -> None:
    """Open a file in the picker."""
    picker(tab).locator("input[type=file]").set_input_files(path)
    expect(picker(tab)).to_contain_text("96 × 64")


def test_a_file_is_varied_and_shown_beside_its_variations(
    served: Served, open_page: OpenPage, picture_file: Path
) -> None:
    tab = open_page(FORM)
    choose(tab, picture_file)
    tab.page.locator("#variations-far").get_by_text("Subtle").click()
    expect(tab.field("strength", FORM)).to_have_value("0.35")
    tab.fill("n", "3", FORM)
    expect(tab.go(FORM)).to_have_text("Make 3 variations")

    tab.go(FORM).click()

    expect(tab.shots(FORM)).to_have_count(3)
    expect(tab.stage(FORM).locator(".st-source img")).to_have_js_property("naturalWidth", 96)
    recipe = served.studio.jobs(limit=1).rows[0].recipe
    assert (recipe.type, recipe.strength, recipe.n, recipe.prompt) == (JobType.VARIATION, 0.35, 3, "")
    assert recipe.width / recipe.height == pytest.approx(96 / 64, rel=0.1)


def test_how_far_and_the_number_follow_each_other(served: Served, open_page: OpenPage) -> None:
    tab = open_page(FORM)
    chosen = tab.page.locator("#variations-far label.selected")
    expect(chosen).to_have_text("Medium")

    tab.fill("strength", "0.6", FORM)
    expect(chosen).to_have_count(0)
    tab.fill("strength", "0.75", FORM)
    expect(chosen).to_have_text("Strong")


def test_without_a_picture_it_says_to_choose_one(served: Served, open_page: OpenPage) -> None:
    tab = open_page(FORM)

    tab.go(FORM).click()

    expect(tab.page.locator("#variations-notice")).to_contain_text("Picture: choose one to vary")


def test_one_of_the_results_is_varied_again(served: Served, open_page: OpenPage, picture_file: Path) -> None:
    tab = open_page(FORM)
    choose(tab, picture_file)
    tab.go(FORM).click()
    expect(tab.shots(FORM)).to_have_count(1)
    first = served.studio.jobs(limit=1).rows[0].recipe.input_image

    tab.shots(FORM).first.get_by_role("button", name="Vary again").click()

    expect(tab.shots(FORM)).to_have_count(2)
    second = served.studio.jobs(limit=1).rows[0].recipe
    assert second.input_image != first
    expect(picker(tab).locator("img")).to_have_attribute("src", f"api/inputs/{second.input_image}?thumb=512")


def test_one_of_the_results_becomes_the_source_and_waits_for_the_button(
    served: Served, open_page: OpenPage, picture_file: Path
) -> None:
    tab = open_page(FORM)
    choose(tab, picture_file)
    before = picker(tab).locator("img").get_attribute("src") or ""
    tab.go(FORM).click()
    expect(tab.shots(FORM)).to_have_count(1)
    jobs = served.studio.jobs().total

    tab.shots(FORM).first.get_by_role("button", name="Use as source").click()

    expect(picker(tab).locator("img")).not_to_have_attribute("src", before)
    assert served.studio.jobs().total == jobs


def test_a_picture_of_txt2img_is_sent_over_and_varied(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    tab.fill("prompt", "to vary")
    tab.go().click()
    tab.shots().get_by_role("button", name="Variations").click()

    expect(picker(tab)).to_contain_text("128 × 128")
    tab.go(FORM).click()

    expect(tab.shots(FORM)).to_have_count(1)


def test_a_picture_is_chosen_from_the_history_by_its_words(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    for prompt in ("a very rare bird", "a common stone"):
        tab.fill("prompt", prompt)
        tab.go().click()
    expect(tab.shots()).to_have_count(2)
    tab.show(FORM)

    picker(tab).get_by_role("button", name="From history").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Search in prompts").fill("rare bird")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_title("a very rare bird").click()

    expect(picker(tab)).to_contain_text("128 × 128")


def test_pictures_can_be_dropped_and_pasted_and_outlive_a_reload(served: Served, open_page: OpenPage) -> None:
    tab = open_page(FORM)
    picker(tab).locator(".st-picker").wait_for()
    content = base64.b64encode(picture_bytes(80, 64)).decode()
    tab.page.evaluate(DROP, ["#variations-picker .st-picker", content])
    expect(picker(tab)).to_contain_text("80 × 64")

    tab.page.evaluate(PASTE, [base64.b64encode(picture_bytes(72, 64)).decode()])
    expect(picker(tab)).to_contain_text("72 × 64")
    tab.reload()
    tab.show(FORM)
    expect(picker(tab)).to_contain_text("72 × 64")

    picker(tab).get_by_role("button", name="Remove the picture").click()
    expect(picker(tab)).to_contain_text("Drop, paste or open")
    tab.reload()
    tab.show(FORM)
    expect(picker(tab)).to_contain_text("Drop, paste or open")


def test_a_picture_is_taken_with_the_webcam(served: Served, open_page: OpenPage) -> None:
    tab = open_page(FORM)
    tab.context.grant_permissions(["camera"])

    picker(tab).get_by_role("button", name="Webcam").click()
    tab.page.get_by_role("button", name="Take the picture").click()

    expect(picker(tab).locator("img")).to_be_visible()
    expect(tab.page.locator("dialog")).to_have_count(0)
    tab.go(FORM).click()
    expect(tab.shots(FORM)).to_have_count(1)


def test_a_refused_webcam_is_said_in_words(open_page: OpenPage) -> None:
    tab = open_page(FORM)
    tab.context.clear_permissions()
    tab.page.evaluate(
        "() => navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )

    picker(tab).get_by_role("button", name="Webcam").click()

    expect(picker(tab).get_by_role("alert")).to_contain_text("was not allowed to use the camera")


def test_what_is_no_picture_is_refused_in_words(served: Served, open_page: OpenPage, tmp_path: Path) -> None:
    tab = open_page(FORM)
    path = tmp_path / "notes.txt"
    path.write_text("no picture")

    picker(tab).locator("input[type=file]").set_input_files(path)

    expect(picker(tab).get_by_role("alert")).to_contain_text("not a picture")


def test_variations_fit_on_a_phone(served: Served, open_page: OpenPage, picture_file: Path) -> None:
    tab = open_page(FORM, width=390, height=844)
    choose(tab, picture_file)
    tab.page.get_by_text("Model and settings").locator("visible=true").click()
    expect(tab.field("width", FORM)).to_have_value("")
    tab.fill("n", "4", FORM)
    tab.go(FORM).click()

    expect(tab.shots(FORM)).to_have_count(4)
    assert tab.overflow <= 0
