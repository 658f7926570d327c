"""Pulse: every wait of the driver; each one reports, obeys an interruption and notices a stuck engine."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from studio.clock import Clock
from studio.engine import Report
from studio.sdserver.monitor import Monitor

T = TypeVar("T")

_SHORTEST_REPORT_SECONDS = 0.02
_LONGEST_REPORT_SECONDS = 0.9
_FOR_EVER = 1e9


class Pulse:
    """Waits for one `load` or `generate`. Used by the driver's thread only.

    Meanwhile `report` is called on every change, at most 50 times a second and at least once a second, and at
    once after `interrupted` is set; what it raises ends the wait. `guard` is called as often and may raise
    too.
    """

    def __init__(
        self,
        clock: Clock,
        monitor: Monitor,
        report: Report,
        *,
        wake: threading.Event,
        interrupted: threading.Event,
        caller: Executor,
    ) -> None:
        self._clock = clock
        self._monitor = monitor
        self._report = report
        self._wake = wake
        self._interrupted = interrupted
        self._caller = caller
        self._reported_at = clock.monotonic() - _LONGEST_REPORT_SECONDS
        self._reported_change = -1
        self.guard: Callable[[], None] = _all_is_well

    def rest(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Wait until `until()` or for `seconds`; whether it was `until()`.

        `until` is asked whenever something happens that sets `wake`.
        """
        deadline = self._clock.monotonic() + seconds
        while not until():
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return False
            self._clock.wait(self._wake, min(left, max(self._next_report(), 0.0)))
            self._wake.clear()
            # What is waited for goes first: a report may write to a database.
            if until():
                return True
            self.flush_if_due()
            self.guard()
        return True

    def call(self, function: Callable[[], T]) -> T:
        """`function()`, run in another thread: a silent engine delays neither report nor interruption."""
        future = self._caller.submit(function)
        future.add_done_callback(lambda _: self._wake.set())
        self.rest(_FOR_EVER, future.done)
        return future.result()

    def flush(self) -> None:
        """Report now if anything changed since the last report."""
        change, progress = self._monitor.snapshot()
        if change != self._reported_change or self._interrupted.is_set():
            self._interrupted.clear()
            self._reported_change = change
            self._reported_at = self._clock.monotonic()
            self._report(progress)

    def flush_if_due(self) -> None:
        """Report if it is time to, changed or not."""
        if self._next_report() > 0:
            return
        self._interrupted.clear()
        self._reported_change, progress = self._monitor.snapshot()
        self._reported_at = self._clock.monotonic()
        self._report(progress)

    def _next_report(self) -> float:
        """Seconds until a report is due."""
        if self._interrupted.is_set():
            return 0.0
        changed = self._monitor.snapshot()[0] != self._reported_change
        pause = _SHORTEST_REPORT_SECONDS if changed else _LONGEST_REPORT_SECONDS
        return self._reported_at + pause - self._clock.monotonic()


def _all_is_well() -> None:
    return
