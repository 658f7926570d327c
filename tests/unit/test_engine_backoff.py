"""A model that keeps dying is left alone for a minute; others go on."""

import threading

import pytest

from studio.errors import EngineUnavailable
from studio.sdserver.backoff import StartBackoff


class StoppedClock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, timeout: float) -> bool:
        self.seconds += timeout
        return event.is_set()


def after_deaths(count: int) -> tuple[StartBackoff, StoppedClock]:
    clock = StoppedClock()
    backoff = StartBackoff(clock)
    for _ in range(count):
        backoff.died("lame", "no text encoder")
    return backoff, clock


def test_two_dead_starts_are_forgiven() -> None:
    backoff, _ = after_deaths(2)
    backoff.check("lame")


def test_the_third_closes_the_model_for_a_minute_and_says_why_while_others_go_on() -> None:
    backoff, clock = after_deaths(3)
    with pytest.raises(EngineUnavailable, match=r"died 3 times.*lame.*60 s.*no text encoder"):
        backoff.check("lame")
    backoff.check("sound")
    clock.seconds += 59
    with pytest.raises(EngineUnavailable, match="1 s"):
        backoff.check("lame")


def test_after_the_minute_one_try_is_allowed_and_its_death_closes_it_again() -> None:
    backoff, clock = after_deaths(3)
    clock.seconds += 60
    backoff.check("lame")
    backoff.died("lame", "still none")
    with pytest.raises(EngineUnavailable, match="still none"):
        backoff.check("lame")


def test_a_job_that_worked_forgets_the_deaths() -> None:
    backoff, _ = after_deaths(3)
    backoff.worked("lame")
    backoff.died("lame", "again")
    backoff.check("lame")
