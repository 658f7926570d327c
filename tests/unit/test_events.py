import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.events import EventBus


def test_a_listener_hears_its_topic_and_one_without_a_topic_hears_all() -> None:
    bus = EventBus()
    one: list[str] = []
    everything: list[str] = []

    with bus.listen(one.append, "job 1"), bus.listen(everything.append):
        for topic in ("job 1", "job 2", "queue"):
            bus.hint(topic)

    assert one == ["job 1"]
    assert everything == ["job 1", "job 2", "queue"]


def test_after_its_context_a_listener_hears_nothing_even_if_that_ended_badly() -> None:
    bus = EventBus()
    heard: list[str] = []

    with pytest.raises(KeyError), bus.listen(heard.append):
        raise KeyError
    bus.hint("queue")

    assert heard == []


def test_the_same_listener_may_listen_twice() -> None:
    bus = EventBus()
    heard: list[str] = []

    with bus.listen(heard.append):
        with bus.listen(heard.append):
            bus.hint("a")
        bus.hint("b")

    assert heard == ["a", "a", "b"]


def test_a_listener_may_hint_and_stop_listening_while_it_hears() -> None:
    bus = EventBus()
    heard: list[str] = []

    def echo(topic: str) -> None:
        heard.append(topic)
        with bus.listen(heard.append, "echo"):
            bus.hint("echo")

    with bus.listen(echo, "call"):
        bus.hint("call")

    assert heard == ["call", "echo"]


def test_no_hint_is_missed_by_a_listener_while_others_come_and_go() -> None:
    bus = EventBus()
    heard: list[str] = []
    start = threading.Barrier(8)

    def come_and_go(place: int) -> None:
        start.wait()
        for number in range(100):
            with bus.listen(lambda _topic: None):
                bus.hint(f"{place} {number}")

    with bus.listen(heard.append), ThreadPoolExecutor(8) as threads:
        list(threads.map(come_and_go, range(8)))

    assert sorted(heard) == sorted(f"{place} {number}" for place in range(8) for number in range(100))
