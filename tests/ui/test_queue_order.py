"""The order of the queue on the page: changed by buttons, with a pointer, and with the keyboard alone."""

from collections.abc import Callable

from playwright.sync_api import expect

from studio.job import JobStatus
from tests.ui.queue_tab import QueueTab, order, submit
from tests.ui.studio_page import Served

OpenQueue = Callable[..., QueueTab]


def test_jobs_are_moved_by_buttons(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "in work", "one", "two", "three")
    queue.expect_waiting("one", "two", "three")
    expect(queue.deed("one", "One up")).to_be_disabled()
    expect(queue.deed("three", "To the back")).to_be_disabled()

    queue.deed("three", "To the front").click()
    queue.expect_waiting("three", "one", "two")
    expect(queue.said).to_have_text("three: place 1 of 3.")
    queue.deed("one", "One down").click()
    queue.expect_waiting("three", "two", "one")
    queue.deed("three", "To the back").click()
    queue.expect_waiting("two", "one", "three")
    queue.deed("one", "One up").click()

    queue.expect_waiting("one", "two", "three")
    assert order(held_queue) == ["one", "two", "three"]


def test_a_job_is_dragged_to_another_place(held_queue: Served, open_queue: OpenQueue) -> None:
    queue, other = open_queue(), open_queue()
    submit(held_queue, "in work", "one", "two", "three", "four")
    queue.expect_waiting("one", "two", "three", "four")

    queue.drag("four", "two")

    queue.expect_waiting("one", "four", "two", "three")
    other.expect_waiting("one", "four", "two", "three")
    queue.drag("one", "three")
    other.expect_waiting("four", "two", "three", "one")
    queue.expect_waiting("four", "two", "three", "one")
    assert order(held_queue) == ["four", "two", "three", "one"]


def test_escape_puts_a_dragged_job_back(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "in work", "one", "two", "three")
    queue.expect_waiting("one", "two", "three")

    queue.drag("three", "one", drop=False)
    queue.page.keyboard.press("Escape")
    queue.page.mouse.up()

    expect(queue.row("three")).to_have_class("st-job")
    queue.expect_waiting("one", "two", "three")
    assert order(held_queue) == ["one", "two", "three"]


def test_a_job_is_moved_with_the_keyboard_alone(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "in work", "one", "two", "three")
    queue.expect_waiting("one", "two", "three")
    keyboard = queue.page.keyboard

    queue.grip("three").focus()
    keyboard.press("Space")
    expect(queue.said).to_contain_text("three taken up, place 3 of 3.")
    keyboard.press("ArrowUp")
    expect(queue.said).to_have_text("place 2 of 3.")
    keyboard.press("Space")

    expect(queue.said).to_have_text("Dropped, place 2 of 3.")
    queue.expect_waiting("one", "three", "two")
    expect(queue.grip("three")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Home")
    keyboard.press("Escape")
    expect(queue.said).to_have_text("Put back.")
    queue.expect_waiting("one", "three", "two")
    assert order(held_queue) == ["one", "three", "two"]


def test_a_job_that_begins_while_it_is_dragged_is_let_go(held_queue: Served, open_queue: OpenQueue) -> None:
    queue = open_queue()
    submit(held_queue, "in work", "one", "two", "three")
    queue.expect_waiting("one", "two", "three")

    queue.drag("one", "two", drop=False)
    queue.tab.page.evaluate(
        "id => fetch(`api/queue/${id}`, {method: 'DELETE'})",
        held_queue.studio.jobs(status=JobStatus.PROCESSING).rows[0].id,
    )

    expect(queue.badge("one")).to_have_text("Running")
    queue.page.mouse.up()
    queue.expect_waiting("two", "three")
    queue.deed("three", "One up").click()
    queue.expect_waiting("three", "two")
