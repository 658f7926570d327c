"""Reading pictures back in by dropping them on the history, and cleaning it up by rules."""

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from studio.params import GenerationParams
from tests.ui.history_tab import DAY, HOSTILE, HistoryTab, found, serve_library
from tests.ui.studio_page import Served

A1111_TEXT = (
    f"a fox {HOSTILE}\nNegative prompt: blurry\n"
    "Steps: 12, Sampler: Euler a, CFG scale: 5.5, Seed: 4711, Size: 64x64"
)
OLD: tuple[dict[str, Any], ...] = (
    {"prompt": "very old", "created_at": 1_000_000_000.0},
    {"prompt": "very old but loved", "created_at": 1_000_000_000.0 + DAY, "favourite": True},
    {"prompt": "old work of another model", "created_at": 1_000_000_000.0 + 2 * DAY, "model": "other"},
)
# Put a file in the hands of the page as a person who drops it does.
_DROP = """
([content, name]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  const target = document.querySelector(".st-gallery");
  for (const kind of ["dragenter", "dragover"]) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  window.drop = () => target.dispatchEvent(drop);
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a short history, some of it very old."""
    with serve_library(tmp_path_factory.mktemp("studio"), *OLD, fillers=12) as running:
        yield running


def _png(**texts: str) -> bytes:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG", pnginfo=info)
    return out.getvalue()


def _drop(tab: HistoryTab, content: bytes, name: str = "found.png") -> None:
    tab.page.evaluate(_DROP, [base64.b64encode(content).decode(), name])
    expect(tab.root.get_by_text("Drop a picture to read its parameters")).to_be_visible()
    tab.page.evaluate("window.drop()")
    expect(tab.root.get_by_text("Drop a picture to read its parameters")).to_be_hidden()


def _made(served: Served, prompt: str, seed: int) -> bytes:
    """The file of a picture that the studio itself makes now."""
    job = served.studio.submit(GenerationParams(model="other", prompt=prompt, seed=seed, steps=11))
    changed = threading.Event()
    with served.studio.bus.listen(lambda _: changed.set(), job.id):
        while not served.studio.job(job.id).is_final:
            assert changed.wait(30)
            changed.clear()
    return served.studio.image_file(found(served, prompt)[0].image).read_bytes()


def test_a_picture_of_this_studio_fills_the_form_with_its_settings(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    content = _made(served, "read me back", seed=77)
    tab = open_history(with_forms=True)

    _drop(tab, content)
    expect(tab.dialog).to_contain_text("Found a picture of this studio.")
    expect(tab.dialog.locator(".st-lightbox-prompt").first).to_have_text("read me back")
    tab.answer("Use in txt2img")

    expect(tab.tab.field("prompt")).to_be_visible()
    expect(tab.tab.field("prompt")).to_have_value("read me back")
    expect(tab.tab.field("seed")).to_have_value("77")
    expect(tab.tab.field("steps")).to_have_value("11")


def test_settings_of_a1111_are_read_and_hostile_text_stays_text(
    open_history: Callable[..., HistoryTab],
) -> None:
    tab = open_history()

    _drop(tab, _png(parameters=A1111_TEXT), name=f"{HOSTILE}.png".replace("/", ""))

    expect(tab.dialog).to_contain_text("written by A1111")
    expect(tab.dialog.get_by_role("heading")).to_have_text(f"{HOSTILE}.png")
    expect(tab.dialog.locator(".st-lightbox-prompt").first).to_have_text(f"a fox {HOSTILE}")
    expect(tab.dialog.locator("dd").filter(has_text="4711")).to_be_visible()
    tab.dialog.get_by_text("The text in the file").click()
    expect(tab.dialog.locator("pre")).to_have_text(A1111_TEXT)
    assert tab.page.locator('img[src="x"]').count() == 0


def test_a_picture_without_settings_is_said_to_have_none(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    with tab.page.expect_file_chooser() as chooser:
        tab.root.get_by_role("button", name="Read parameters from a picture").click()
    chooser.value.set_files({"name": "plain.png", "mimeType": "image/png", "buffer": _png()})

    expect(tab.dialog).to_contain_text("There are no settings in this picture")
    expect(tab.dialog.get_by_role("button", name="Use in txt2img")).to_have_count(0)


def test_a_file_that_is_no_picture_is_refused_in_words(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    _drop(tab, b"not a picture")

    expect(tab.page.locator(".st-toast-bad")).to_contain_text("image")
    tab.tab.faults.clear()


def test_a_thumbnail_dragged_within_the_page_is_not_read(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()

    tab.page.evaluate(
        "document.querySelector('.st-cell img').dispatchEvent(new DragEvent('dragstart', { bubbles: true }))"
    )
    tab.page.evaluate(_DROP, ["AAAA", "own.png"])

    expect(tab.root.locator(".st-gallery-veil")).to_be_hidden()


def test_clean_up_counts_first_then_asks_and_keeps_favourites(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()

    tab.root.get_by_role("button", name="Clean up").click()
    expect(tab.dialog).to_contain_text("Uploaded pictures")
    button = tab.dialog.first.locator(".st-danger")
    expect(button).to_be_disabled()
    tab.dialog.get_by_label("Older than, days").fill("3650")
    expect(tab.dialog.get_by_role("status")).to_have_text(
        re.compile(r"2 pictures would be deleted, [\d.]+ k?B\.")
    )
    tab.dialog.get_by_label("Model").select_option("demo")
    expect(tab.dialog.get_by_role("status")).to_have_text(
        re.compile(r"1 picture would be deleted, [\d.]+ k?B\.")
    )
    button.click()
    tab.dialog.last.get_by_role("button", name="Cancel").click()
    expect(tab.dialog).to_have_count(1)
    assert len(found(served, "very old")) == 2
    button.click()
    tab.dialog.last.get_by_role("button", name="Delete 1 picture").click()

    expect(tab.page.locator(".st-toast")).to_contain_text("1 picture deleted")
    expect(tab.dialog).to_have_count(0)
    assert [entry.recipe.prompt for entry in found(served, "very old")] == ["very old but loved"]


def test_clean_up_by_room_asks_for_the_bytes_that_may_stay(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.root.get_by_role("button", name="Clean up").click()

    with tab.page.expect_request("**/api/library/clean") as request:
        tab.dialog.get_by_label("Beyond the newest, GB").fill("1.5")

    assert json.loads(request.value.post_data or "") == {"keep_bytes": 1_500_000_000, "dry_run": True}
    expect(tab.dialog.get_by_role("status")).to_have_text("Nothing would be deleted.")
