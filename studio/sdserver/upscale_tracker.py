"""UpscaleTracker: how far the engine is in making a picture larger, by its bars of tiles."""

from studio.job import Phase, Progress
from studio.sdserver.progress import Bar, Fact
from studio.sdserver.tracker import ProgressTracker

# The rest is the caller's: the picture is stored after the engine is done.
_SHARE = 0.98


class UpscaleTracker(ProgressTracker):
    """Follows one `upscale`. Each go over the picture has a bar; a picture of a single tile has none."""

    def __init__(self, scale: int, repeats: int) -> None:
        super().__init__(1)
        # Every go has that many times the pixels of the one before.
        self._weights = [float(scale**2) ** go for go in range(repeats)]
        self._go = 0
        self._step = 0
        self._steps = 0
        self._pace: float | None = None
        self._began = None

    def apply(self, fact: Fact) -> None:
        """The engine said `fact`."""
        self.changes += 1
        if not isinstance(fact, Bar) or fact.counts_weights or not 0 < fact.step <= fact.steps:
            return
        if fact.step <= self._step and self._go + 1 < len(self._weights):
            self._go += 1
        self._step, self._steps, self._pace = fact.step, fact.steps, fact.seconds_per_step or None

    def progress(self, now: float) -> Progress:
        """Where it stands at `now`."""
        if self._began is None:
            self._began = now
        within = self._step / self._steps if self._steps else 0.0
        done = sum(self._weights[: self._go]) + self._weights[self._go] * within
        share = done / sum(self._weights)
        self._highest = max(self._highest, _SHARE * share)
        elapsed = now - self._began
        return Progress(
            Phase.UPSCALING,
            fraction=self._highest,
            step=self._step,
            steps=self._steps,
            image=1,
            images=1,
            seconds_per_step=self._pace,
            eta_seconds=elapsed * (1 - share) / share if share > 0 else None,
        )
