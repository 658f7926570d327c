"""The queue on the page: what runs, what waits in which order, what became of the rest, and changing it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from studio.errors import BadResult, EngineRefused, OutOfMemory
from tests.ui.queue_tab import QueueTab, order, submit
from tests.ui.studio_page import Served, new_page, serve_page

OpenQueue = Callable[..., QueueTab]
MARKUP = "<img src=x onerror=alert(1)>"


def test_an_empty_queue_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    with serve_page(tmp_path) as served:
        queue = QueueTab(new_page(served, browser))
        queue.open()

        expect(queue.root).to_contain_text("Nothing was asked for yet")
        queue.root.get_by_role("button", name="Make a picture").click()

        expect(queue.tab.field("prompt")).to_be_visible()
        queue.tab.context.close()
        assert queue.tab.faults == []


def test_the_running_job_shows_its_steps_and_can_be_cancelled(
    held_queue: Served, open_queue: OpenQueue
) -> None:
    queue = open_queue()

    submit(held_queue, "half a house")

    row = queue.row("half a house")
    expect(row.locator(".st-job-words")).to_have_text("Step 4 of 8")
    expect(row.locator(".st-job-share")).to_have_text("50 %")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(row.locator(".st-job-times")).to_contain_text("so far")
    # Seconds go on while nothing is told.
    expect(row.locator(".st-job-times")).to_contain_text(re.compile("[2-9] s so far"))

    queue.deed("half a house", "Cancel").click()

    expect(queue.badge("half a house")).to_have_text("Cancelled")


def test_a_paused_queue_begins_nothing_until_it_is_resumed(held_queue: Served, open_queue: OpenQueue) -> None:
    queue, other = open_queue(), open_queue()
    queue.root.get_by_role("button", name="Pause the queue").focus()
    queue.page.keyboard.press("Enter")
    expect(queue.root.get_by_role("button", name="Resume the queue")).to_be_focused()
    banner = queue.root.locator(".st-paused")
    expect(banner).to_be_visible()
    expect(other.root.locator(".st-paused")).to_be_visible()

    submit(held_queue, "later")
    queue.expect_waiting("later")
    expect(queue.row("later")).to_contain_text("Waits until the queue is resumed")
    queue.page.reload()
    queue.show()
    expect(queue.row("later")).to_contain_text("Waits until the queue is resumed")
    assert held_queue.studio.queue.is_paused()
    queue.root.get_by_role("button", name="Resume the queue").click()

    expect(banner).to_be_hidden()
    expect(other.badge("later")).to_have_text("Running")


def test_selected_jobs_are_cancelled_after_asking(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "in work", "one", "two", "three")
    queue.expect_waiting("one", "two", "three")
    for prompt in ("one", "three"):
        queue.row(prompt).get_by_role("checkbox").check()
    picked = queue.root.get_by_role("group", name="Selected jobs")
    expect(picked).to_contain_text("2 jobs selected")

    picked.get_by_role("button", name="Cancel 2 jobs").click()
    queue.page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()
    queue.expect_waiting("one", "two", "three")
    picked.get_by_role("button", name="Cancel 2 jobs").click()
    queue.page.get_by_role("dialog").get_by_role("button", name="Cancel 2 jobs").click()

    queue.expect_waiting("two")
    expect(picked).to_be_hidden()
    assert order(held_queue) == ["two"]


def test_all_that_wait_are_cancelled_after_asking(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "goes on", "one", "two", "three")
    expect(queue.chip("pending")).to_have_text(re.compile("Waiting *3"))

    queue.root.get_by_role("button", name="Cancel all waiting").click()
    queue.page.get_by_role("dialog").get_by_role("button", name="Cancel 3 jobs").click()

    expect(queue.prompts_waiting).to_have_count(0)
    expect(queue.root.get_by_role("button", name="Cancel all waiting")).to_be_hidden()
    assert order(held_queue) == []
    expect(queue.badge("goes on")).to_have_text("Running")


def test_a_job_that_needed_less_memory_says_so(served: Served, open_queue: OpenQueue) -> None:
    served.engine.faults.append(OutOfMemory("cudaMalloc failed: out of memory"))
    queue = open_queue()
    submit(served, "a very large wall")
    expect(queue.badge("a very large wall")).to_have_text("Done")

    expect(queue.details("a very large wall").locator(".st-job-note")).to_have_text(
        "There was too little memory, so VAE tiling was switched on."
    )


def test_a_job_for_which_no_memory_was_enough_tells_what_helps(served: Served, open_queue: OpenQueue) -> None:
    # Without anything switched on, and on each of the three rungs.
    served.engine.faults.extend(OutOfMemory("cudaMalloc failed: out of memory") for _ in range(4))
    queue = open_queue()
    submit(served, "an endless wall")
    expect(queue.badge("an endless wall")).to_have_text("Failed")

    cures = queue.details("an endless wall").locator(".st-cures")
    expect(cures).to_contain_text("Make the picture smaller")
    expect(cures).not_to_contain_text("offload_to_cpu")


def test_a_failed_job_tells_why_and_what_may_help_and_is_tried_again(
    served: Served, open_queue: OpenQueue
) -> None:
    served.engine.faults.append(
        BadResult("The engine's picture is one flat colour: the weights are damaged.")
    )
    queue = open_queue()
    submit(served, "a grey wall")
    expect(queue.badge("a grey wall")).to_have_text("Failed")
    expect(queue.row("a grey wall")).to_contain_text("one flat colour")

    dialog = queue.details("a grey wall")

    expect(dialog.locator(".st-error")).to_contain_text("one flat colour")
    expect(dialog.locator(".st-cures")).to_contain_text("Give it more steps.")
    expect(dialog.locator(".st-log pre")).to_have_text("the last line of the engine")
    expect(dialog.locator(".st-attempts li")).to_contain_text("Failed")
    expect(dialog.locator(".st-facts").last).to_contain_text("128 × 128")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog).to_be_hidden()
    expect(queue.rows("a grey wall")).to_have_count(2)
    expect(queue.badge("a grey wall")).to_have_text("Done")


def test_chips_count_and_filter_by_status(held_queue: Served, open_queue: OpenQueue) -> None:
    held_queue.engine.release()
    held_queue.engine.faults.append(EngineRefused("The engine can't do that."))
    queue = open_queue()
    submit(held_queue, "refused")
    expect(queue.badge("refused")).to_have_text("Failed")
    held_queue.engine.hold()
    submit(held_queue, "in work", "one", "two")
    expect(queue.chip("pending")).to_have_text(re.compile("Waiting *2"))

    queue.chip("failed").click()
    expect(queue.row("refused")).to_be_visible()
    expect(queue.rows("one")).to_have_count(0)
    expect(queue.chip("failed")).to_have_attribute("aria-pressed", "true")
    queue.chip("pending").click()
    queue.expect_waiting("one", "two")
    expect(queue.rows("refused")).to_have_count(0)
    queue.chip("all").click()
    expect(queue.row("refused")).to_be_visible()


def test_a_finished_job_shows_its_first_picture_large(served: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(served, "three of a kind", n=3)
    expect(queue.badge("three of a kind")).to_have_text("Done")
    expect(queue.row("three of a kind").locator(".st-job-count")).to_have_text("+2")
    expect(queue.row("three of a kind").locator("img")).to_have_js_property("naturalWidth", 128)

    queue.deed("three of a kind", "Show its 3 pictures").click()

    expect(queue.page.get_by_role("dialog")).to_contain_text("1 of 3")
    queue.page.keyboard.press("Escape")
    expect(queue.page.get_by_role("dialog")).to_have_count(0)


def test_a_prompt_that_is_markup_is_shown_as_text(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, MARKUP, MARKUP + " waits")

    expect(queue.row(MARKUP)).to_be_visible()
    expect(queue.row(MARKUP + " waits")).to_be_visible()
    dialog = queue.details(MARKUP)

    expect(dialog.locator(".st-facts-long dd").first).to_have_text(MARKUP)
    assert queue.page.locator('img[src="x"]').count() == 0


def test_what_is_over_is_loaded_page_by_page(browser: Browser, tmp_path: Path) -> None:
    with serve_page(tmp_path) as served:
        served.studio.queue.pause()
        jobs = submit(served, *(f"number {index}" for index in range(70)))
        for job in jobs[:65]:
            served.studio.cancel(job.id)
        queue = QueueTab(new_page(served, browser))
        queue.open()
        over = queue.root.locator("ul .st-job")
        expect(over).to_have_count(30)
        expect(over.first).to_contain_text("number 64")

        queue.root.get_by_role("button", name="Load more").click()

        expect(over).to_have_count(65)
        expect(queue.root.get_by_role("button", name="Load more")).to_be_hidden()
        assert len(set(over.locator(".st-job-prompt").all_text_contents())) == 65
        queue.expect_waiting(*(f"number {index}" for index in range(65, 70)))
        queue.tab.context.close()
        assert queue.tab.faults == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen_and_all_can_be_touched(
    held_queue: Served, open_queue: OpenQueue, theme: Literal["light", "dark"]
) -> None:
    queue = open_queue()
    queue.page.emulate_media(color_scheme=theme)
    submit(held_queue, "in work", "a" * 300, "a prompt of many words " * 10, "three")
    expect(queue.prompts_waiting).to_have_count(3)
    queue.page.set_viewport_size({"width": 390, "height": 844})

    expect(queue.deed("three", "One up")).to_be_visible()
    assert queue.tab.overflow <= 0
    for control in queue.row("three").get_by_role("button").all():
        box = control.bounding_box()
        assert box is not None
        if "st-job-prompt" not in (control.get_attribute("class") or ""):
            assert min(box["width"], box["height"]) >= 35.5, control.get_attribute("aria-label")
