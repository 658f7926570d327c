"""The edit tab on the real engine: a star where the mask was, and everything else as it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, expect

from tests.system.running import RunningStudio, running_studio, until
from tests.ui.edit_tab import EditTab, Pixels, mask_of, pixels_of
from tests.ui.screenshots import wait_for_page

pytestmark = pytest.mark.engine

SECONDS = 120_000


@pytest.fixture(scope="module")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """`python app.py` with its page, and one picture: a red circle on a blue background."""
    with running_studio(tmp_path_factory.mktemp("outputs"), engine_binary) as running:
        wait_for_page(running)
        with running.api as api:
            api.post(
                "/generate", json={"prompt": "a red circle on a blue background", "seed": 7}
            ).raise_for_status()
        yield running


@pytest.fixture
def tab(studio: RunningStudio, browser: Browser) -> Iterator[EditTab]:
    """The edit tab with the circle; a test in which the page complained has failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.goto(studio.base)
    page.locator("#txt2img-go").wait_for(timeout=SECONDS)
    opened = EditTab(page)
    page.locator(".st-strip button").last.click()
    page.locator('[data-deed="edit"]').click()
    opened.wait_for_picture()
    opened.seed(11)
    yield opened
    context.close()
    assert faults == []


def edited(studio: RunningStudio, tab: EditTab) -> tuple[dict[str, Any], Pixels, Pixels]:
    """Press the button: the request of the job it made, and the pixels of its source and its result."""

    def newest() -> dict[str, Any]:
        with studio.api as api:
            job: dict[str, Any] = api.get("/queue?limit=1").json()["jobs"][0]
            return job

    before = newest()["id"]
    tab.go.click()
    until(lambda: newest()["id"] != before)
    job = studio.final(newest()["id"])
    assert job["status"] == "completed", job["error"]
    expect(tab.comparison).to_be_visible(timeout=SECONDS)
    with studio.api as api:
        request = api.get(f"/queue/{job['id']}/request").json()
        result = api.get(f"/images/{job['image_ids'][0]}").content
        source = api.get(f"/inputs/{job['source_image_id']}").content
    return request, pixels_of(source), pixels_of(result)


def yellow(pixels: Pixels) -> npt.NDArray[np.bool_]:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return (red > 170) & (green > 140) & (blue < 110)


def test_a_star_is_where_the_mask_was_and_the_rest_is_untouched(studio: RunningStudio, tab: EditTab) -> None:
    tab.stroke((58, 64), (70, 64), brush=72)
    tab.prompt.fill("a yellow star on a blue background")
    expect(tab.go).to_have_text("Repaint the painted area")

    request, source, result = edited(studio, tab)

    painted = mask_of(studio.outputs / "inputs" / f"{request['mask']}.png") > 0
    rows, columns = np.nonzero(painted)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.subtract(box, (22, 28, 106, 100))).max() <= 1
    assert (source[~painted] == result[~painted]).all()
    assert (source[painted] != result[painted]).any(axis=1).mean() > 0.5
    assert not yellow(source).any()
    assert yellow(result)[painted].mean() > 0.05
    assert not yellow(result)[~painted].any()


def test_a_picture_grows_to_the_right_and_its_old_part_stays(studio: RunningStudio, tab: EditTab) -> None:
    tab.extend("right", 64)

    _, source, result = edited(studio, tab)

    assert result.shape == (128, 192, 3)
    assert (result[:, :128] == source).all()
    new = result[:, 128:]
    assert new.std() > 1, "the new ground is a picture, not one colour"


def test_only_the_painted_area_is_drawn_at_the_models_own_size(studio: RunningStudio, tab: EditTab) -> None:
    tab.choose_area("Only the painted area")
    tab.padding.fill("8")
    tab.padding.press("Tab")
    tab.stroke((64, 64), (66, 64), brush=40)
    tab.prompt.fill("a yellow star on a red background")

    request, source, result = edited(studio, tab)

    assert (request["inpaint_area"], request["inpaint_padding"]) == ("masked", 8)
    painted = mask_of(studio.outputs / "inputs" / f"{request['mask']}.png") > 0
    assert (source[~painted] == result[~painted]).all()
    assert yellow(result)[painted].mean() > 0.05


def test_without_a_stroke_the_whole_picture_follows_the_prompt(studio: RunningStudio, tab: EditTab) -> None:
    tab.prompt.fill("a yellow star on a blue background")
    strength = tab.page.locator("#edit-strength input[type=number]")
    strength.fill("0.95")
    strength.press("Tab")

    request, source, result = edited(studio, tab)

    assert (request["mask"], request["strength"]) == (None, 0.95)
    assert (source != result).any(axis=2).mean() > 0.5
    assert yellow(result).any()
