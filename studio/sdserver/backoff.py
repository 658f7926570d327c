"""StartBackoff: a model whose engine keeps dying at the start is left alone for a while."""

from dataclasses import dataclass

from studio.clock import Clock
from studio.errors import EngineUnavailable

DEAD_STARTS = 3
PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class _DeadStarts:
    count: int
    last: float
    reason: str


class StartBackoff:
    """Counts dead starts in a row, per model, so that other models go on. Owner: the driver's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dead: dict[str, _DeadStarts] = {}

    def check(self, model_id: str) -> None:
        """Errors: EngineUnavailable while the model is left alone."""
        dead = self._dead.get(model_id)
        if dead is None or dead.count < DEAD_STARTS:
            return
        left = dead.last + PAUSE_SECONDS - self._clock.monotonic()
        if left > 0:
            raise EngineUnavailable(
                f"the engine died {dead.count} times in a row while starting with {model_id}; "
                f"the next try is in {left:.0f} s. The last reason: {dead.reason}"
            )

    def died(self, model_id: str, reason: str) -> None:
        """A start with this model failed."""
        count = self._dead[model_id].count + 1 if model_id in self._dead else 1
        self._dead[model_id] = _DeadStarts(count, self._clock.monotonic(), reason)

    def worked(self, model_id: str) -> None:
        """A job of this model went well: forget the dead starts."""
        self._dead.pop(model_id, None)
