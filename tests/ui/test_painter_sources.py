"""How pictures and mask files come into the painter and leave it."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.ui.painter_page import PainterPage, PainterServer, picture_bytes

DROP = """([selector, kind, items]) => {
  const transfer = new DataTransfer();
  for (const {type, name, text, base64} of items) {
    const bytes = Uint8Array.from(atob(base64 ?? ''), c => c.charCodeAt(0));
    if (text === undefined) transfer.items.add(new File([bytes], name, {type}));
    else transfer.setData(type, text);
  }
  const options = {bubbles: true, cancelable: true};
  const event = kind === 'paste' ? new ClipboardEvent('paste', {...options, clipboardData: transfer})
    : new DragEvent(kind, {...options, dataTransfer: transfer});
  document.querySelector(selector).dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture
def painter(painter_server: PainterServer, browser: Browser) -> Iterator[PainterPage]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = PainterPage(painter_server, context)
    yield page
    context.close()
    assert [fault for fault in page.faults if "Failed to load resource" not in fault] == []


def give(
    painter: PainterPage, kind: str, *items: dict[str, str], selector: str = ".st-painter-stage"
) -> bool:
    return bool(painter.page.evaluate(DROP, [selector, kind, list(items)]))


def file_item(content: bytes, name: str = "dropped.png", kind: str = "image/png") -> dict[str, str]:
    return {"type": kind, "name": name, "base64": base64.b64encode(content).decode()}


def test_an_empty_painter_hands_over_nothing_and_offers_three_ways(painter: PainterPage) -> None:
    assert painter.page.is_visible("text=Drop, paste or choose a picture")
    for words in ("Choose file", "Webcam", "From history"):
        assert painter.page.is_visible(f"button:has-text('{words}')")
    assert not painter.submitted()


def test_from_history_asks_the_page_for_a_picture(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    before = painter_server.state()["chosen"]
    painter.page.click("button:has-text('From history')")
    painter.submitted()
    assert painter_server.state()["chosen"] == before + 1


def test_a_dropped_file_opens(painter: PainterPage) -> None:
    assert give(painter, "drop", file_item(picture_bytes(320, 200)))
    painter.wait_for_picture(320, 200)
    assert painter.submitted()["image"]["width"] == 320


def test_a_picture_of_the_page_dropped_by_its_address_opens_without_an_upload(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    painter_server.add_image("41fe", picture_bytes(256, 384))
    give(
        painter, "drop", {"type": "text/uri-list", "text": f"{painter_server.base}/api/images/41fe?thumb=256"}
    )
    painter.wait_for_picture(256, 384)


def test_a_picture_of_another_site_is_refused_in_words(painter: PainterPage) -> None:
    give(painter, "drop", {"type": "text/uri-list", "text": "http://elsewhere.test/api/images/41fe"})
    assert "pictures of this studio" in painter.fault_shown()


def test_a_pasted_picture_opens_wherever_the_focus_is(painter: PainterPage) -> None:
    assert give(painter, "paste", file_item(picture_bytes(300, 301)), selector="body")
    painter.wait_for_picture(300, 301)
    painter.focus_prompt()
    assert give(
        painter, "paste", file_item(picture_bytes(302, 303)), selector="#prompt textarea, #prompt input"
    )
    painter.wait_for_picture(302, 303)


def test_pasted_text_stays_with_its_text_field(painter: PainterPage) -> None:
    text = {"type": "text/plain", "text": "a cat"}
    selector = "#prompt textarea, #prompt input"
    assert not give(painter, "paste", text, file_item(picture_bytes(64, 64)), selector=selector)
    assert not painter.submitted()


def test_what_is_no_picture_is_refused_in_words(painter: PainterPage) -> None:
    painter.upload(b"not a picture at all", "broken.png")
    assert "not a readable PNG, JPEG or WEBP picture" in painter.fault_shown()
    give(painter, "drop", file_item(b"%PDF-1.4", "paper.pdf", "application/pdf"))
    painter.page.wait_for_function(
        "() => document.querySelector('.st-painter-error').textContent.startsWith('That is not a picture')"
    )


def test_a_file_over_the_limit_is_refused_before_it_is_sent(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    before = painter_server.state()["inputs"]
    painter.upload(picture_bytes(64, 64) + bytes(21 * 2**20))
    assert "the limit is 20 MB" in painter.fault_shown()
    assert painter_server.state()["inputs"] == before


def test_python_opens_a_picture_and_the_old_mask_is_gone_but_can_be_brought_back(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    painter.open(512, 512)
    painter.stroke((100, 100), (200, 100))
    painted = painter.mask()
    painter_server.set_next({"open": painter_server.add_input(picture_bytes(640, 480))})
    painter.page.click("#set")
    painter.wait_for_picture(640, 480)
    assert painter.submitted()["mask"] is None

    painter.page.click("text=Bring back the last picture")
    painter.wait_for_picture(512, 512)
    painter.page.wait_for_selector("text=painted")
    assert (painter.mask() == painted).all()


def test_python_opens_a_picture_of_the_history_twice(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    painter_server.add_image("ab12", picture_bytes(200, 220))
    painter_server.set_next({"open_image": "ab12"})
    for _ in range(2):
        painter.page.click("#set")
        painter.wait_for_picture(200, 220)
        painter.stroke((50, 50), (100, 50))
        assert painter.submitted()["painted"] > 0
        painter.action("remove")
        painter.page.wait_for_selector(".st-painter:not(.st-painter-open)")


def test_python_closes_the_picture_with_none(painter: PainterPage, painter_server: PainterServer) -> None:
    painter.open(300, 200)
    painter_server.set_next(None)
    painter.page.click("#set")
    painter.page.wait_for_selector(".st-painter:not(.st-painter-open)")
    assert painter.submitted()["image"] is None


def test_a_picture_the_studio_does_not_have_is_said_in_words_shown_as_text(
    painter: PainterPage, painter_server: PainterServer
) -> None:
    name = "<img src=x onerror=document.title='broken'>"
    painter_server.set_next({"open_image": name})
    painter.page.click("#set")
    assert painter.fault_shown() == f"There is no picture {name}."
    assert painter.page.locator(".st-painter-error img").count() == 0


def test_picture_and_mask_survive_a_reload(painter: PainterPage) -> None:
    painter.open(512, 512)
    painter.set_number("Feather in pixels", 17)
    painter.stroke((100, 100), (300, 200))
    painted = painter.mask()
    painter.page.reload()
    painter.wait_for_picture(512, 512)
    painter.page.wait_for_selector("text=painted")

    assert (painter.mask() == painted).all()
    assert painter.submitted()["feather"] == 17


def test_a_saved_mask_is_a_plain_png_of_the_pictures_size_and_loads_again(
    painter: PainterPage, tmp_path: Path
) -> None:
    painter.open(501, 300)
    painter.stroke((100, 100), (300, 200))
    painted = painter.mask()
    with painter.page.expect_download() as download:
        painter.action("saveMask")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)

    saved = Image.open(path)
    assert (saved.format, saved.mode, saved.size) == ("PNG", "L", (501, 300))
    assert (np.asarray(saved) == painted).all()

    painter.action("clear")
    painter.page.set_input_files('input[aria-label="Mask file"]', path)
    painter.page.wait_for_selector("text=painted", state="visible")
    painter.page.wait_for_selector('[data-action="clear"][aria-disabled="false"]')
    assert (painter.mask() == painted).all()


@pytest.mark.parametrize("size", [(64, 48), (1203, 777), (512, 512)])
def test_a_loaded_mask_of_any_size_is_brought_to_the_picture_by_nearest_neighbour(
    painter: PainterPage, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (size[1], size[0]), np.uint8)
    output = io.BytesIO()
    Image.fromarray(noise).save(output, "PNG")
    painter.open(512, 384)
    painter.load_mask(output.getvalue())
    painter.page.wait_for_selector('[data-action="clear"][aria-disabled="false"]')

    hard = Image.fromarray(np.where(noise >= 128, 255, 0).astype(np.uint8))
    expected = np.asarray(hard.resize((512, 384), Image.Resampling.NEAREST))
    assert (painter.mask() == expected).all()


def test_a_mask_file_that_is_no_picture_is_refused_in_words(painter: PainterPage) -> None:
    painter.open(300, 200)
    painter.load_mask(b"nothing")
    assert "not a picture this browser can read" in painter.fault_shown()


def test_the_webcam_takes_a_picture(browser: Browser, painter_server: PainterServer) -> None:
    context = browser.new_context(permissions=["camera"])
    painter = PainterPage(painter_server, context)
    painter.page.click("button:has-text('Webcam')")
    painter.page.wait_for_selector("dialog button:enabled:has-text('Take the picture')")
    painter.page.click("text=Take the picture")
    painter.page.wait_for_selector(".st-painter-open")
    assert painter.submitted()["image"]["width"] >= 64
    assert painter.page.locator("dialog").count() == 0
    assert painter.faults == []
    context.close()


def test_a_refused_webcam_is_said_in_words(painter: PainterPage) -> None:
    painter.page.context.clear_permissions()
    painter.page.evaluate(
        "() => navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    painter.page.click("button:has-text('Webcam')")
    assert "was not allowed to use the camera" in painter.fault_shown()
