"""Getting a model in the Models tab: progress, cancelling, going on, faults in words, using it at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.hub import Hub, serving_hub, some_weights
from tests.ui.studio_page import StudioPage, new_page, serve_page

NAME = "someone/tiny/weights.safetensors"
ENTRY = """
models:
  tiny:
    name: Tiny
    files: {model: models/tiny.safetensors, vae: models/vae.safetensors}
    defaults: {size: 64x64}
    source: {repo: someone/tiny, files: {model: {path: weights.safetensors, bytes: 2000072}}}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the first of the model's two files; the other one is there already."""
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    with serving_hub() as running:
        running.files[NAME] = some_weights(tmp_path)
        monkeypatch.setenv("HF_ENDPOINT", running.base)
        yield running


@pytest.fixture
def page(hub: Hub, tmp_path: Path, browser: Browser) -> Iterator[StudioPage]:
    """The Models tab of a studio that knows the model."""
    (tmp_path / "models.d").mkdir()
    (tmp_path / "models.d" / "tiny.yml").write_text(ENTRY)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vae.safetensors").write_bytes(some_weights(tmp_path, count=10))
    with serve_page(tmp_path) as served:
        tab = new_page(served, browser)
        tab.open("models")
        yield tab
        tab.context.close()
        assert tab.faults == []


def card(tab: StudioPage) -> Locator:
    return tab.page.locator('#models .st-model[data-id="tiny"]')


def deed(tab: StudioPage, name: str) -> Locator:
    return card(tab).get_by_role("button", name=name, exact=True)


def state(tab: StudioPage) -> Locator:
    return card(tab).locator(".st-badge[data-state]")


def test_a_model_is_downloaded_watched_cancelled_gone_on_with_and_used(hub: Hub, page: StudioPage) -> None:
    hub.free.clear()
    expect(card(page)).to_contain_text("2.0 MB")
    expect(page.page.locator('#models .st-model[data-id="absent"] .st-model-download')).to_be_hidden()

    deed(page, "Download Tiny").click()

    bar = card(page).get_by_role("progressbar", name="Download of Tiny")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d$"))
    expect(card(page)).to_contain_text(re.compile(r"\d+ % · 1\.\d MB of 2\.0 MB"))
    expect(deed(page, "Download Tiny")).to_be_hidden()

    deed(page, "Cancel the download of Tiny").click()
    hub.free.set()

    expect(card(page)).to_contain_text(re.compile(r"1\.\d MB of 2\.0 MB are kept from the last try"))
    expect(state(page)).to_have_text("Not downloaded")
    page.reload()
    page.show("models")
    expect(deed(page, "Discard the download of Tiny")).to_be_visible()

    deed(page, "Resume the download of Tiny").click()

    expect(state(page)).to_have_text("Not in memory")
    expect(card(page)).to_contain_text("Files: all 2 are there")
    expect(card(page)).to_contain_text("(an estimate)")
    expect(card(page).locator(".st-model-download")).to_be_hidden()
    assert len(hub.transfers()) == 2
    assert hub.transfers()[1].range is not None
    _generate(page)


def _generate(tab: StudioPage) -> None:
    """A picture with the model that just came, in the form that was open all the time."""
    tab.show("txt2img")
    tab.field("model").click()
    tab.page.locator("#txt2img-model").get_by_role("option", name="Tiny", exact=True).click()
    tab.fill("prompt", "a red circle")
    tab.go().click()
    expect(tab.shots()).to_have_count(1)
    (job,) = tab.served.studio.jobs().rows
    assert job.recipe.model == "tiny"


def test_what_went_wrong_is_told_in_words_and_tried_again(hub: Hub, page: StudioPage) -> None:
    weights = hub.files[NAME]
    hub.lies[NAME] = "0" * 64

    deed(page, "Download Tiny").click()

    fault = card(page).get_by_role("alert")
    expect(fault).to_contain_text("came with the wrong content")
    expect(fault).to_contain_text("It was removed")
    del hub.lies[NAME]
    hub.files = {"someone/tiny/other.safetensors": weights}
    deed(page, "Try again the download of Tiny").click()
    expect(fault).to_have_text("someone/tiny has no file weights.safetensors at revision main.")
    hub.files = {NAME: weights}

    deed(page, "Try again the download of Tiny").click()

    expect(state(page)).to_have_text("Not in memory")
    expect(fault).to_be_hidden()


def test_what_came_can_be_discarded(hub: Hub, page: StudioPage, tmp_path: Path) -> None:
    hub.drops = [500_000, *[0] * 100]
    deed(page, "Download Tiny").click()
    expect(card(page).get_by_role("alert")).to_contain_text("bytes are kept: resume", timeout=60_000)

    deed(page, "Discard the download of Tiny").click()

    expect(deed(page, "Download Tiny")).to_be_visible()
    expect(card(page).get_by_role("alert")).to_be_hidden()
    assert list((tmp_path / "models").glob("*.part")) == []


def test_a_model_that_nobody_described_is_added_by_its_repository(
    hub: Hub, page: StudioPage, tmp_path: Path
) -> None:
    hub.files["else/more/deep/finetune.safetensors"] = some_weights(tmp_path, seed=4, count=1000)
    page.page.get_by_role("button", name="Add a model").click()
    dialog = page.page.get_by_role("dialog", name="Add a model")
    expect(dialog.get_by_label("Repository")).to_be_focused()
    go = dialog.get_by_role("button", name="Add and download")
    expect(go).to_be_disabled()

    dialog.get_by_label("From").select_option("Another address")
    expect(dialog.get_by_label("Repository")).to_be_hidden()
    dialog.get_by_label("Address", exact=True).fill("https://10.0.0.1/new.safetensors")
    dialog.get_by_label("Its SHA-256").fill("5e" * 32)
    expect(dialog.get_by_label("Id")).to_have_value("new")
    go.click()
    expect(dialog.get_by_role("alert")).to_contain_text("not on the public internet")
    page.faults.clear()  # of the refused request

    dialog.get_by_label("From").select_option("Hugging Face")
    dialog.get_by_label("Repository").fill("else/more")
    dialog.get_by_label("Id").fill("")
    dialog.get_by_label("File in it").fill("deep/finetune.safetensors")
    dialog.get_by_label("Name").fill("Another <b>one</b>")
    expect(dialog.get_by_label("Id")).to_have_value("finetune")
    dialog.get_by_label("It is like").select_option("tiny")
    expect(dialog).to_contain_text("That model's size, steps")
    go.click()

    expect(dialog).to_be_hidden()
    added = page.page.locator('#models .st-model[data-id="finetune"]')
    expect(added.get_by_text("Another <b>one</b>")).to_be_visible()
    expect(added.locator(".st-badge[data-state]")).to_have_attribute("data-state", "stopped")
    assert (tmp_path / "models" / "finetune" / "model.safetensors").is_file()


def test_on_a_phone_a_download_is_not_wider_than_the_screen(hub: Hub, page: StudioPage) -> None:
    page.page.set_viewport_size({"width": 390, "height": 844})
    hub.statuses = [404]
    deed(page, "Download Tiny").click()
    expect(card(page).get_by_role("alert")).to_contain_text("does not exist")

    assert page.overflow <= 0
