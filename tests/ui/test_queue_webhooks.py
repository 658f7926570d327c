"""The details of a job tell who hears of its end, and how far that is, as it happens."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from studio.params import GenerationParams
from tests.receiver import Receiver, receiving
from tests.ui.queue_tab import QueueTab, submit
from tests.ui.studio_page import Served, serve_page

OpenQueue = Callable[..., QueueTab]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    """A studio whose webhooks may reach the receiver."""
    with serve_page(tmp_path_factory.mktemp("studio"), webhook_hosts=receiver.host) as running:
        yield running


def submit_with_webhook(served: Served, receiver: Receiver, prompt: str) -> None:
    served.studio.submit(GenerationParams(model="demo", prompt=prompt), webhook=receiver.address())


def test_the_details_follow_a_webhook_from_the_plan_to_its_delivery(
    held_queue: Served, receiver: Receiver, open_queue: OpenQueue
) -> None:
    receiver.hold()
    submit_with_webhook(held_queue, receiver, "a bell")
    queue = open_queue()
    told = queue.details("a bell").locator(".st-detail-webhooks")
    where = f"http://{receiver.host}, named by the request: "
    expect(told.get_by_role("listitem")).to_have_text(f"{where}will be told when the job is over")

    held_queue.engine.release()
    receiver.wait(1)
    expect(told.get_by_role("listitem")).to_have_text(f"{where}is being told")

    receiver.release()
    expect(told.get_by_role("listitem")).to_contain_text(f"{where}told, ")
    expect(told).not_to_contain_text("s3cret")


def test_the_details_say_why_a_receiver_was_given_up(
    served: Served, receiver: Receiver, open_queue: OpenQueue
) -> None:
    receiver.answers.append(410)
    submit_with_webhook(served, receiver, "a gone bell")
    queue = open_queue()

    line = queue.details("a gone bell").locator(".st-detail-webhooks li")

    expect(line).to_contain_text("given up after 1 try")
    expect(line.locator(".st-job-error")).to_have_text("The receiver answered 410.")


def test_a_job_that_tells_nobody_has_no_such_line(served: Served, open_queue: OpenQueue) -> None:
    submit(served, "a silent wall")
    dialog = open_queue().details("a silent wall")

    expect(dialog.get_by_role("heading", name="Attempt")).to_be_visible()
    expect(dialog.locator(".st-detail-webhooks")).to_be_hidden()
