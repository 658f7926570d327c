"""A receiver that can't be told at once: when it is tried again, and when it is given up."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio.webhook import PAUSES
from tests.api.hooked import over, webhooks, webhooks_once
from tests.api.serving import Served, serving
from tests.fakes import FakeClock
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def served(tmp_path: Path, receiver: Receiver, clock: FakeClock) -> Iterator[Served]:
    with serving(tmp_path, webhook_hosts="127.0.0.1,localhost", clock=clock) as running:
        yield running


def tried(served: Served, job_id: str, times: int) -> dict[str, Any]:
    """Its webhook after so many tries."""
    (webhook,) = webhooks_once(served, job_id, lambda each: each["tries"] >= times)
    return webhook


def later(served: Served, clock: FakeClock, seconds: float) -> None:
    """Let time pass; the hint is for a thread that read the time just before."""
    clock.advance(seconds)
    served.studio.bus.hint("0199c0de-7a5b-7c11-8d2e-0242ac120002")


def test_a_receiver_that_is_down_is_tried_again_after_growing_pauses_and_then_given_up(
    served: Served, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answers.extend([503] * 9)
    job_id = served.submit(webhook=receiver.address())
    for times, pause in enumerate(PAUSES, start=1):
        webhook = tried(served, job_id, times)
        assert (webhook["state"], webhook["tries"]) == ("waiting", times)
        assert webhook["error"] == "The receiver answered 503."
        assert webhook["next_try_at"] == int(clock.now() + pause)
        # One second before nothing happens: the try after it would be one too many in the end.
        later(served, clock, pause - 1)
        later(served, clock, 1)

    webhook = tried(served, job_id, len(PAUSES) + 1)

    assert webhook["state"] == "given_up"
    assert webhook["error"] == "The receiver answered 503. That was try 6, the last one."
    assert webhook["next_try_at"] is None
    times_told = [int(told.headers["x-studio-signature"].split(",")[0][2:]) for told in receiver.told]
    assert [one - before for before, one in pairwise(times_told)] == list(PAUSES)
    assert len({told.json["delivery"] for told in receiver.told}) == 1
    assert len({told.body for told in receiver.told}) == 1


def test_the_passing_of_time_alone_wakes_a_retry(
    served: Served, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answers.append(429)
    job_id = served.submit(webhook=receiver.address())
    tried(served, job_id, 1)
    for _ in range(300):
        clock.advance(PAUSES[0])
        with receiver.changed:
            if receiver.changed.wait_for(lambda: len(receiver.told) == 2, 0.1):
                break

    assert tried(served, job_id, 2)["state"] == "delivered"


def test_a_receiver_that_nobody_runs_is_tried_again(served: Served, clock: FakeClock) -> None:
    with receiving() as gone:
        address = gone.address()

    job_id = served.submit(webhook=address)

    webhook = tried(served, job_id, 1)
    assert webhook["state"] == "waiting"
    assert webhook["error"].startswith("127.0.0.1 can't be reached")


@pytest.mark.parametrize(("status", "sentence"), [
    (410, "The receiver answered 410."), (404, "The receiver answered 404."),
    (401, "The receiver answered 401."),
    (302, "The receiver answered 302; redirects are not followed."),
])  # fmt: skip
def test_an_answer_that_will_not_change_is_not_asked_for_again(
    served: Served, receiver: Receiver, clock: FakeClock, status: int, sentence: str
) -> None:
    receiver.more_headers = {"Location": receiver.address("/elsewhere")}
    receiver.answers.append(status)
    job_id = served.submit(webhook=receiver.address())

    (webhook,) = webhooks_once(served, job_id, over)

    assert (webhook["state"], webhook["tries"], webhook["error"]) == ("given_up", 1, sentence)
    later(served, clock, PAUSES[0])
    last = served.submit(webhook=receiver.address("/last"))
    webhooks_once(served, last, over)
    assert [told.path for told in receiver.told] == ["/hook?token=s3cret", "/last"]


def test_a_receiver_that_keeps_silent_holds_up_only_its_own(served: Served, receiver: Receiver) -> None:
    with receiving() as other:
        receiver.hold()
        slow = [served.submit(webhook=receiver.address()) for _ in range(4)]
        quick = served.submit(webhook=other.address())

        webhooks_once(served, quick, over)

        assert [webhooks(served, job_id)[0]["state"] for job_id in slow] == ["waiting"] * 4
        receiver.release()
        for job_id in slow:
            assert webhooks_once(served, job_id, over)[0]["state"] == "delivered"
        assert receiver.most == 2


def test_what_was_over_a_week_ago_is_forgotten(served: Served, receiver: Receiver, clock: FakeClock) -> None:
    job_id = served.submit(webhook=receiver.address())
    webhooks_once(served, job_id, over)
    clock.advance(7 * 86400 + 1)

    webhooks_once(served, served.submit(webhook=receiver.address()), over)

    assert webhooks(served, job_id) == []


def test_what_was_not_told_when_the_studio_stopped_is_told_after_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers.append(503)
    clock = FakeClock()
    with serving(tmp_path, webhook_hosts="127.0.0.1", clock=clock) as first:
        job_id = first.submit(webhook=receiver.address())
        tried(first, job_id, 1)
    clock.advance(PAUSES[0])

    with serving(tmp_path, webhook_hosts="127.0.0.1", clock=clock) as second:
        (webhook,) = webhooks_once(second, job_id, over)

    assert (webhook["state"], webhook["tries"]) == ("delivered", 2)
    one, two = receiver.told
    assert one.headers["x-studio-delivery"] == two.headers["x-studio-delivery"]
    assert one.body == two.body


def test_a_host_that_is_named_no_longer_is_not_told(tmp_path: Path, receiver: Receiver) -> None:
    clock = FakeClock()
    receiver.answers.append(503)
    with serving(tmp_path, webhook_hosts="127.0.0.1", clock=clock) as first:
        job_id = first.submit(webhook=receiver.address())
        tried(first, job_id, 1)
    clock.advance(PAUSES[0])

    with serving(tmp_path, clock=clock) as second:
        (webhook,) = webhooks_once(second, job_id, over)

    assert webhook["state"] == "given_up"
    assert "https only" in webhook["error"]
    assert len(receiver.told) == 1
