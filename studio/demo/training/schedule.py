"""How far a run has come, by steps or by the clock, and the learning rate that goes with it."""

import argparse

from studio.clock import Clock
from studio.demo.training.devices import first_says


class Schedule:
    """A run of a fixed number of steps (repeatable) or, if `steps` is 0, of `minutes` of wall time."""

    def __init__(self, steps: int, minutes: float, clock: Clock) -> None:
        self.step = 0
        self._steps, self._minutes, self._clock = steps, minutes, clock
        self._start = clock.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock.monotonic() - self._start

    def fraction(self) -> float:
        """0 at the start, 1 and more when it is over; the same in all processes."""
        done = self.step / self._steps if self._steps else self.seconds / (self._minutes * 60)
        return first_says(done)

    def rate(self, fraction: float, warm_steps: int, decay: float) -> float:
        """Share of the full learning rate: up over `warm_steps`, down over the last `decay` (a share)."""
        return min(1.0, (self.step + 1) / warm_steps) * min(1.0, (1 - fraction) / decay + 0.01)


def add_length(parser: argparse.ArgumentParser) -> None:
    """The options --steps and --minutes, one of which is needed."""
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, default=0, help="length in steps; repeatable")
    length.add_argument("--minutes", type=float, default=0.0, help="length in minutes of wall time")
