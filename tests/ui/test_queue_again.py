"""Jobs asked for again with changes: their settings, and the picture they started from, in the form."""

import io
from collections.abc import Callable

from PIL import Image, ImageDraw
from playwright.sync_api import expect

from studio.errors import BadResult
from studio.params import GenerationParams, JobType
from tests.ui.queue_tab import QueueTab, submit
from tests.ui.studio_page import Served

OpenQueue = Callable[..., QueueTab]


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_cure_brings_the_changed_request_into_the_form(served: Served, open_queue: OpenQueue) -> None:
    served.engine.faults.append(BadResult("The engine's picture is one flat colour: broken."))
    queue = open_queue(with_forms=True)
    submit(served, "a wall with too few steps")

    queue.details("a wall with too few steps").get_by_role("button", name="Try it with more steps").click()

    expect(queue.tab.field("prompt")).to_have_value("a wall with too few steps")
    expect(queue.tab.field("steps")).to_have_value("16")
    expect(queue.tab.field("seed")).to_have_value("7")


def test_a_job_is_duplicated_with_changes(served: Served, open_queue: OpenQueue) -> None:
    queue = open_queue(with_forms=True)
    submit(served, "a pattern to repeat", n=2)
    expect(queue.badge("a pattern to repeat")).to_have_text("Done")

    queue.deed("a pattern to repeat", "Duplicate with changes").click()

    expect(queue.tab.field("prompt")).to_have_value("a pattern to repeat")
    expect(queue.tab.field("n")).to_have_value("2")


def test_an_edit_is_duplicated_with_its_picture_and_its_mask(served: Served, open_queue: OpenQueue) -> None:
    mask = Image.new("L", (128, 128))
    ImageDraw.Draw(mask).rectangle((40, 40, 79, 79), fill=255)
    upload = served.studio.upload(_png(Image.linear_gradient("L").resize((128, 128))), _png(mask))
    served.studio.submit(
        GenerationParams(
            type=JobType.EDIT, model="demo", prompt="a star in the middle", input_image=upload.image,
            mask=upload.mask, mask_feather=9, strength=0.4, seed=11, n=2, inpaint_area="masked",
            inpaint_padding=12,
        ),
        input_size=(128, 128),
    )  # fmt: skip
    queue = open_queue(with_forms=True)
    expect(queue.row("a star in the middle").locator("img")).to_be_visible()

    queue.deed("a star in the middle", "Duplicate with changes").click()

    tab = queue.tab
    expect(tab.field("prompt", "edit")).to_have_value("a star in the middle")
    expect(tab.field("strength", "edit")).to_have_value("0.4")
    expect(tab.page.get_by_text("128 × 128 · 9.8 % painted")).to_be_visible()
    expect(tab.go("edit")).to_have_text("Repaint the painted area: 2 pictures")
    expect(tab.page.locator("#edit-padding input[type=number]")).to_have_value("12")
    tab.go("edit").click()
    expect(tab.stage("edit").locator(".st-now-words")).to_have_text("2 pictures ready")
    again = served.studio.jobs(limit=1).rows[0].recipe
    assert (again.inpaint_area, again.inpaint_padding) == ("masked", 12)
    assert (again.input_image, again.mask, again.mask_feather) == (upload.image, upload.mask, 9)
    assert (again.seed, again.strength, again.size) == (11, 0.4, "128x128")


def test_a_variation_is_duplicated_with_its_picture(served: Served, open_queue: OpenQueue) -> None:
    upload = served.studio.upload(_png(Image.linear_gradient("L").resize((192, 128))))
    job = served.studio.submit(
        GenerationParams(
            type=JobType.VARIATION, model="demo", prompt="like this one", input_image=upload.image, seed=5
        ),
        input_size=(192, 128),
    )
    queue = open_queue(with_forms=True)

    queue.deed("like this one", "Duplicate with changes").click()

    tab = queue.tab
    expect(tab.field("prompt", "variations")).to_have_value("like this one")
    expect(tab.page.locator("#variations-picker img")).to_be_visible()
    tab.go("variations").click()
    expect(tab.shots("variations")).to_have_count(1)
    again = served.studio.jobs(limit=1).rows[0].recipe
    assert (again.input_image, again.seed, again.size) == (upload.image, 5, job.recipe.size)
