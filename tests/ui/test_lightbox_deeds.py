"""What can be done with the picture in the viewer: copy, mark, delete, save, make again, send on, compare."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from studio.errors import EngineRefused
from studio.job import JobStatus
from tests.ui.history_tab import HERON, HOSTILE, HistoryTab, found, pixels, serve_library
from tests.ui.studio_page import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a history."""
    more = (
        {"prompt": "run me again"}, {"prompt": "delete me"},
        {"prompt": "delete me although I am loved", "favourite": True},
    )  # fmt: skip
    with serve_library(tmp_path_factory.mktemp("studio"), *more, fillers=12) as running:
        yield running


def test_prompt_seed_and_all_settings_are_copied(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.view(HERON)

    def copied(name: str, said: str) -> str:
        tab.viewer.get_by_role("button", name=f"Copy {name}").click()
        expect(tab.viewer.locator(".st-lightbox-status")).to_have_text(f"Copied the {said}.")
        return str(tab.page.evaluate("navigator.clipboard.readText()"))

    assert copied("prompt", "prompt") == HERON
    assert copied("seed", "seed") == "501"
    assert copied("all settings", "settings").startswith(
        f"{HERON}\nNegative prompt: blurry\nSteps: 8, Sampler: "
    )


def test_a_favourite_and_tags_are_kept_and_shown_in_the_grid(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.view("an owl in the snow")

    tab.page.keyboard.press("f")
    expect(tab.viewer.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    field = tab.viewer.get_by_label("Add a tag")
    field.fill(HOSTILE)
    field.press("Enter")
    field.fill("night")
    field.press("Enter")
    words = tab.viewer.locator(".st-tags-word")
    expect(words).to_have_text([HOSTILE, "night"])
    tab.viewer.get_by_role("button", name="Remove the tag night").click()
    expect(words).to_have_text([HOSTILE])
    tab.page.keyboard.press("Escape")

    expect(tab.cell("an owl in the snow, favourite")).to_be_focused()
    (owl,) = found(served, "an owl")
    assert (owl.favourite, owl.tags) == (True, (HOSTILE,))
    assert tab.page.locator('img[src="x"]').count() == 0


def test_a_tag_that_is_refused_is_said_and_taken_back(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.view(HERON)

    tab.viewer.get_by_label("Add a tag").fill("turned\u202eround")
    tab.viewer.get_by_label("Add a tag").press("Enter")

    expect(tab.viewer.locator(".st-lightbox-status")).to_contain_text("U+202E")
    expect(tab.viewer.locator(".st-tags-word")).to_have_text(["birds", "water"])
    tab.tab.faults.clear()


def test_deleting_asks_and_goes_on_with_the_next_one(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    tab.look_for("delete me", 2)
    tab.cell("delete me although I am loved, favourite").click()

    tab.viewer.press("Delete")
    expect(tab.dialog).to_contain_text("Delete this favourite?")
    tab.answer("Cancel")
    assert len(found(served, "delete me")) == 2
    tab.viewer.get_by_role("button", name="Delete").click()
    tab.answer("Delete 1 picture")
    expect(tab.viewer.locator(".st-lightbox-prompt").first).to_have_text("delete me")
    tab.viewer.get_by_role("button", name="Delete").click()
    tab.answer("Delete 1 picture")

    expect(tab.viewer).to_be_hidden()
    expect(tab.root.get_by_text("No picture matches")).to_be_visible()
    assert found(served, "delete me") == []


def test_the_file_can_be_saved(open_history: Callable[..., HistoryTab], served: Served) -> None:
    tab = open_history()
    (heron,) = found(served, "heron")
    tab.view(HERON)

    with tab.page.expect_download() as download:
        tab.viewer.get_by_role("link", name="Download").click()

    assert download.value.suggested_filename == f"{heron.image.id}.png"
    original = served.studio.image_file(heron.image).read_bytes()
    assert pixels(download.value.path().read_bytes()) == pixels(original)


def test_run_again_exactly_queues_the_same_recipe(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    (made,) = found(served, "run me again")
    tab.view("run me again")

    tab.viewer.get_by_role("button", name="Run again exactly").click()
    # What lies there was drawn by the test, not by the engine that makes it again.
    status = tab.viewer.locator(".st-lightbox-status")
    expect(status).to_contain_text("Made again: the pixels differ, by up to ")

    newest = served.studio.jobs(limit=1).rows[0]
    assert newest.id != made.job_id
    assert newest.recipe.model_dump() == made.recipe.model_dump()
    tab.page.keyboard.press("Escape")
    tab.look_for("run me again", 2)
    assert served.studio.job(newest.id).status is JobStatus.COMPLETED
    tab.cells.first.click()
    expect(tab.viewer.get_by_role("button", name="Copy all settings")).to_be_enabled()
    tab.viewer.get_by_role("button", name="Run again exactly").click()
    expect(status).to_have_text("Made again: every pixel is the same.")


def test_what_became_of_a_repetition_is_told_also_where_it_was_left(
    open_history: Callable[..., HistoryTab], served: Served
) -> None:
    tab = open_history()
    served.engine.hold()
    try:
        tab.view(HERON)
        tab.viewer.get_by_role("button", name="Run again exactly").click()
        status = tab.viewer.locator(".st-lightbox-status")
        expect(status).to_contain_text("The same job waits in the queue.")
        tab.page.keyboard.press("Escape")
        served.engine.wait_until_sampling()
        served.engine.faults.append(EngineRefused("The engine can't do that."))
    finally:
        served.engine.release()
    expect(tab.page.get_by_role("alert")).to_contain_text("The same job failed: The engine can't do that.")


def test_use_settings_fills_txt2img(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history(with_forms=True)
    tab.look_for("owl", 1)
    tab.cells.first.click()

    tab.viewer.get_by_role("button", name="Use settings").click()

    expect(tab.viewer).to_be_hidden()
    expect(tab.tab.field("prompt")).to_be_visible()
    expect(tab.tab.field("prompt")).to_have_value("an owl in the snow")
    expect(tab.tab.field("seed")).to_have_value("500")
    expect(tab.tab.field("negative_prompt")).to_have_value("")


@pytest.mark.parametrize(("deed", "form"), [("Edit", "edit"), ("Variations", "variations")])
def test_edit_and_variations_start_from_the_picture(
    open_history: Callable[..., HistoryTab], served: Served, deed: str, form: str
) -> None:
    tab = open_history(with_forms=True)
    tab.look_for("pelican", 1)
    tab.cells.first.click()

    with tab.page.expect_response("**/api/inputs/from-image") as response:
        tab.viewer.get_by_role("button", name=deed, exact=True).click()

    expect(tab.viewer).to_be_hidden()
    expect(tab.page.locator(f'#tabs button[data-tab-id="{form}"]').first).to_have_attribute(
        "aria-selected", "true"
    )
    (pelican,) = found(served, "pelican")
    stored = response.value.json()
    assert (stored["width"], stored["height"]) == (pelican.image.width, pelican.image.height)


def test_compare_lays_a_neighbour_over_the_picture(open_history: Callable[..., HistoryTab]) -> None:
    tab = open_history()
    tab.view(HERON)

    tab.viewer.get_by_role("button", name="Compare").click()
    tab.dialog.get_by_role("button", name="an owl in the snow").click()
    expect(tab.dialog.locator(".st-compare-label")).to_have_text(["demo · seed 501", "other · seed 500"])
    tab.page.keyboard.press("Escape")

    expect(tab.dialog).to_have_count(0)
    expect(tab.viewer.get_by_role("button", name="Compare")).to_be_focused()
