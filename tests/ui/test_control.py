"""The control picture, as a person chooses it: there for models that follow one, and used end to end."""

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from studio.params import GenerationParams
from studio.recipe import Recipe
from tests.fake_engine import picture
from tests.steered import STEERED, add_weights
from tests.system.running import until
from tests.ui.edit_tab import EditTab
from tests.ui.queue_tab import QueueTab
from tests.ui.studio_page import MODELS, Served, StudioPage, new_page, serve_page

OpenPage = Callable[..., StudioPage]
OpenQueue = Callable[..., QueueTab]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a model that has a control net, beside the usual ones."""
    folder = tmp_path_factory.mktemp("studio")
    add_weights(folder)
    catalogue = folder / "steered.yml"
    catalogue.write_text(MODELS + STEERED)
    with serve_page(folder, models=catalogue) as running:
        yield running


def map_file(seed: int = 1) -> dict[str, object]:
    """What a file chooser is given."""
    return {"name": "edges.png", "mimeType": "image/png", "buffer": picture(128, 128, seed)}


def choose_model(tab: StudioPage, name: str, form: str = "txt2img") -> None:
    tab.field("model", form).click()
    tab.page.locator(f"#{form}-model [role=option]").filter(has_text=name).click()


def control(tab: StudioPage, form: str = "txt2img") -> Locator:
    """The widget of the opened section."""
    return tab.page.locator(f"#{form}-control_image .st-control")


def open_advanced(tab: StudioPage, form: str = "txt2img") -> None:
    tab.page.locator(f"#{form}-advanced").get_by_text("Advanced", exact=True).click()


def bring_map(tab: StudioPage, form: str = "txt2img", seed: int = 1) -> None:
    """Choose a map and wait until it is shown."""
    control(tab, form).locator("input[type=file]").set_input_files([map_file(seed)])
    expect(control(tab, form).get_by_alt_text("Control picture")).to_have_js_property("naturalWidth", 128)


def made(served: Served, tab: StudioPage, form: str = "txt2img") -> Recipe:
    """What was asked for by pressing the button."""
    before = tab.shots(form).count()
    tab.go(form).click()
    expect(tab.shots(form)).to_have_count(before + 1)
    return served.studio.jobs(limit=1).rows[0].recipe


def test_only_models_that_follow_a_map_show_a_place_for_one(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    open_advanced(tab)
    expect(tab.page.locator("#txt2img-vae_tiling")).to_be_visible()
    expect(control(tab)).to_be_hidden()
    expect(tab.page.locator("#txt2img-control_strength")).to_be_hidden()

    choose_model(tab, "Follows a map")

    expect(control(tab)).to_be_visible()
    expect(tab.field("control_strength")).to_have_value("0.9")


def test_a_map_is_followed_and_removed_again(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    tab.fill("prompt", "a bridge")
    bring_map(tab)
    tab.fill("control_strength", "1.25")
    tab.field("control_strength").press("Tab")

    recipe = made(served, tab)

    assert (recipe.model, recipe.control_strength) == ("steered", 1.25)
    sent = served.engine.inputs[-1].control
    assert sent is not None
    expected = Image.open(io.BytesIO(picture(128, 128, 1)))
    assert Image.open(io.BytesIO(sent)).tobytes() == expected.tobytes()
    control(tab).get_by_role("button", name="Remove the control picture").click()
    expect(control(tab).get_by_role("img", name="Control picture")).to_have_count(0)
    assert made(served, tab).control_image is None
    assert served.engine.inputs[-1].control is None


def test_the_map_stays_over_a_reload_and_waits_while_another_model_is_used(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    tab.fill("prompt", "a bridge")
    bring_map(tab)
    tab.reload()
    open_advanced(tab)
    expect(control(tab).get_by_alt_text("Control picture")).to_have_js_property("naturalWidth", 128)

    choose_model(tab, "Other model")
    expect(control(tab)).to_be_hidden()
    assert made(served, tab).control_image is None
    choose_model(tab, "Follows a map")

    expect(control(tab).get_by_alt_text("Control picture")).to_be_visible()
    assert made(served, tab).control_image is not None


def test_settings_sent_from_a_picture_bring_its_map_and_take_another_away(
    served: Served, open_page: OpenPage
) -> None:
    tab = open_page()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    tab.fill("prompt", "with a map")
    bring_map(tab, seed=2)
    steered = made(served, tab)
    control(tab).get_by_role("button", name="Remove the control picture").click()
    plain = made(served, tab)
    assert plain.control_image is None

    for place, expected in ((1, steered), (0, plain)):
        tab.page.locator(".st-strip button").nth(place).click()
        tab.page.get_by_role("dialog").get_by_role("button", name="Use settings").click()
        shown = control(tab).get_by_role("img", name="Control picture")
        expect(shown).to_have_count(0 if expected.control_image is None else 1)
    assert made(served, tab).control_image is None


def test_a_map_that_is_not_stored_any_more_is_taken_away_and_told_of(
    served: Served, browser: Browser
) -> None:
    tab = new_page(served, browser)
    tab.open()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    bring_map(tab, seed=9)
    (map_id,) = tab.page.locator("#txt2img-control_image [data-id]").evaluate_all(
        "found => found.map((each) => each.dataset.id)"
    )
    served.studio.inputs.file(map_id).unlink()
    # With a route in its way the browser asks again instead of looking into its cache.
    tab.page.route("**/api/inputs/**", lambda route: route.continue_())

    tab.reload()
    open_advanced(tab)

    expect(control(tab).get_by_role("alert")).to_contain_text("not there any more")
    expect(control(tab).get_by_role("img", name="Control picture")).to_have_count(0)
    tab.fill("prompt", "a bridge")
    assert made(served, tab).control_image is None
    assert all("404" in fault for fault in tab.faults)
    tab.context.close()


def test_the_queue_shows_which_map_a_job_followed(served: Served, open_queue: OpenQueue) -> None:
    stored = served.studio.inputs.save_picture(picture(128, 128, 4))
    asked = GenerationParams(model="steered", prompt="shown with its map", control_image=stored.id)
    job = served.studio.submit(asked)
    until(lambda: served.studio.job(job.id).is_final)
    queue = open_queue()

    details = queue.details("shown with its map")

    expect(details.get_by_text("Followed", exact=True)).to_be_visible()
    expect(details.locator(f'img[src*="{stored.id}"]')).to_have_js_property("naturalWidth", 128)
    expect(details.get_by_text("Control strength", exact=True)).to_be_visible()


def test_a_second_pass_beside_a_map_is_refused_by_its_label(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    tab.fill("prompt", "a bridge")
    bring_map(tab)
    tab.page.get_by_label("Hires fix").check()

    tab.go().click()

    notice = tab.page.locator("#txt2img-notice")
    expect(notice).to_contain_text("Hires fix: can't be combined with a control picture")


def test_what_is_no_picture_is_refused_and_the_map_stays(served: Served, open_page: OpenPage) -> None:
    tab = open_page()
    choose_model(tab, "Follows a map")
    open_advanced(tab)
    bring_map(tab)
    wrong = {"name": "x.txt", "mimeType": "text/plain", "buffer": b"<img src=x onerror=alert(1)>"}

    control(tab).locator("input[type=file]").set_input_files([wrong])

    expect(control(tab).get_by_role("alert")).to_contain_text("not a picture")
    expect(control(tab).get_by_alt_text("Control picture")).to_be_visible()


def test_an_edit_follows_a_map_of_the_history(served: Served, browser: Browser) -> None:
    source = served.studio.submit(GenerationParams(model="demo", prompt="a source", seed=3))
    until(lambda: served.studio.job(source.id).is_final)
    page = new_page(served, browser)
    page.open()
    tab = EditTab(page.page)
    tab.bring()
    tab.page.locator("#edit-settings button").first.click()
    choose_model(page, "Follows a map", "edit")
    open_advanced(page, "edit")
    control(page, "edit").get_by_role("button", name="Take the control picture from the history").click()
    tab.page.locator(".st-chooser button").first.click()
    expect(control(page, "edit").get_by_alt_text("Control picture")).to_have_js_property("naturalWidth", 128)
    tab.prompt.fill("in winter")
    before = served.studio.jobs(limit=1).rows[0].id

    tab.go.click()

    until(lambda: served.studio.jobs(limit=1).rows[0].id != before)
    job = served.studio.jobs(limit=1).rows[0]
    until(lambda: served.studio.job(job.id).is_final)
    assert (job.recipe.type, job.recipe.model) == ("edit", "steered")
    inputs = served.engine.inputs[-1]
    assert inputs.control is not None
    assert inputs.control == inputs.image
    assert page.faults == []
    page.context.close()
