"""Stand-ins for what can't run for real in a test: the passing of time."""

import threading


class FakeClock:
    """A clock that stands still until it is told to move.

    `wait` really waits: until the event is set, or until another thread advances the clock past the timeout.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._moved = threading.Condition()
        self._now = now
        self._monotonic = 1_000.0

    def now(self) -> float:
        with self._moved:
            return self._now

    def monotonic(self) -> float:
        with self._moved:
            return self._monotonic

    def wait(self, event: threading.Event, timeout: float) -> bool:
        with self._moved:
            deadline = self._monotonic + timeout
            while not event.is_set() and self._monotonic < deadline:
                # Nobody tells a clock that an event was set, so it looks now and then.
                self._moved.wait(0.001)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass, for both kinds of time."""
        with self._moved:
            self._now += seconds
            self._monotonic += seconds
            self._moved.notify_all()

    def set_back(self, seconds: float) -> None:
        """Somebody corrects the wall clock; durations don't notice."""
        with self._moved:
            self._now -= seconds
