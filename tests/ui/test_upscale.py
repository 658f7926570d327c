"""Making a picture larger from the viewer and the stage, and finding it again."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from studio.job import JobStatus
from tests.ui.history_tab import HERON, HistoryTab, found, serve_library
from tests.ui.studio_page import Served, StudioPage
from tests.upscaler_files import write_upscaler

NETWORK = "x4 <img src=x onerror=alert(1)>.safetensors"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history and a network that enlarges four times."""
    folder = tmp_path_factory.mktemp("studio")
    write_upscaler(folder / "models" / "upscalers" / NETWORK, 4)
    prompts = ("larger on a desk", "larger on a phone", "find me larger", "delete me first")
    with serve_library(folder, *({"prompt": prompt} for prompt in prompts), fillers=6) as running:
        yield running


def ask(tab: HistoryTab) -> Locator:
    """The dialog, opened from the viewer, when it knows the methods."""
    tab.viewer.locator('[data-deed="upscale"]').click()
    expect(tab.dialog.get_by_label("Method")).to_be_enabled()
    return tab.dialog


@pytest.mark.parametrize(("prompt", "width"), [("larger on a desk", 1280), ("larger on a phone", 390)])
def test_a_picture_is_made_larger_from_the_viewer_and_appears_in_the_history(
    open_history: Callable[..., HistoryTab], served: Served, prompt: str, width: int
) -> None:
    tab = open_history(width=width)
    tab.view(prompt)
    dialog = ask(tab)
    expect(dialog.get_by_label("Method").locator("option")).to_have_text(
        ["Lanczos (plain enlarging, at once)", NETWORK]
    )
    dialog.get_by_label("Method").select_option(NETWORK)
    expect(dialog.get_by_label("Times as large")).to_have_value("4")
    dialog.get_by_label("Times as large").fill("3")
    expect(dialog.locator("[data-part=result]")).to_have_text("64 × 64 becomes 192 × 192 pixels")
    wider = tab.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wider
    dialog.get_by_role("button", name="Upscale").click()
    expect(tab.page.locator(".st-toast")).to_contain_text("The upscale is in the queue")
    tab.page.keyboard.press("Escape")

    expect(tab.cell(prompt)).to_have_count(2)
    larger, _ = found(served, prompt)
    assert larger.recipe.upscale is not None
    assert (larger.image.width, larger.recipe.upscale.method, larger.recipe.upscale.factor) == (
        192,
        NETWORK,
        3,
    )


def test_the_viewer_tells_how_a_picture_was_made_larger_and_the_filter_finds_it(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.view("find me larger")
    ask(tab).get_by_role("button", name="Upscale").click()
    expect(tab.page.locator(".st-toast")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.cell("find me larger")).to_have_count(2)

    tab.root.get_by_label("Type").select_option(label="Upscaled")
    expect(tab.cell("find me larger")).to_have_count(1)
    tab.view("find me larger")

    expect(tab.viewer.locator("dl")).to_contain_text("2 × by lanczos")
    expect(tab.viewer.locator("dl")).to_contain_text("128 × 128")


def test_a_factor_out_of_range_can_not_be_sent(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.view(HERON)
    dialog = ask(tab)

    for wrong in ("0.5", "4.5", ""):
        dialog.get_by_label("Times as large").fill(wrong)
        expect(dialog.get_by_role("button", name="Upscale")).to_be_disabled()
        expect(dialog.locator("[data-part=result]")).to_have_text("1 to 4 times")
    dialog.get_by_label("Times as large").fill("1.5")
    expect(dialog.get_by_role("button", name="Upscale")).to_be_enabled()


def test_what_the_studio_refuses_is_said_in_the_dialog(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.view("delete me first")
    dialog = ask(tab)
    served.studio.shelf.delete([entry.image.id for entry in found(served, "delete me first")])
    dialog.get_by_role("button", name="Upscale").click()

    expect(dialog.locator(".st-error")).to_contain_text("No image")
    expect(dialog.get_by_role("button", name="Upscale")).to_be_enabled()
    tab.tab.faults.clear()


def test_a_result_on_the_stage_can_be_made_larger_and_the_queue_tells_of_it(
    open_page: Callable[..., StudioPage], served: Served
) -> None:
    tab = open_page()
    tab.page.locator("#txt2img-prompt textarea").fill("a lighthouse")
    tab.page.get_by_role("button", name="Generate", exact=True).first.click()
    shot = tab.page.locator(".st-latest .st-shot").first
    expect(shot).to_be_visible()
    served.engine.hold()
    try:
        shot.get_by_role("button", name="Upscale").click()
        dialog = tab.page.locator("dialog.st-dialog")
        expect(dialog.get_by_label("Method")).to_be_enabled()
        dialog.get_by_label("Method").select_option(NETWORK)
        dialog.get_by_role("button", name="Upscale").click()
        served.engine.wait_until_sampling()
        tab.page.locator('#tabs button[role=tab][data-tab-id="queue"]').first.click()
        expect(tab.page.locator("#queue")).to_contain_text(f"Upscaled · {NETWORK} · 512 × 512")
        expect(tab.page.locator("#queue")).to_contain_text("Making it larger, tile 2 of 4")
    finally:
        served.engine.release()
    expect(tab.page.locator("#queue")).not_to_contain_text("Making it larger")
    assert not served.studio.jobs(status=JobStatus.FAILED).rows
