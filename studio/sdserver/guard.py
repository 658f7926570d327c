"""Guard: notices an engine that lives but does nothing."""

from studio.clock import Clock
from studio.errors import EngineStalled
from studio.sdserver.monitor import Monitor
from studio.sdserver.process import Child

_SUSPENDED_CHECK_SECONDS = 1.0


class Guard:
    """Watches one child while it has work. Owner: the driver's thread."""

    def __init__(self, child: Child, clock: Clock, monitor: Monitor, stall_seconds: float) -> None:
        self._child = child
        self._clock = clock
        self._monitor = monitor
        self._stall_seconds = stall_seconds
        self._next_look = clock.monotonic() + _SUSPENDED_CHECK_SECONDS
        self._was_suspended = False

    def check(self) -> None:
        """Errors: EngineStalled if it has been silent for `stall_seconds`, or suspended at two looks."""
        now = self._clock.monotonic()
        silence = now - self._monitor.last_sign
        if silence > self._stall_seconds:
            raise EngineStalled(
                f"The engine showed no sign of progress for {silence:.0f} s; if the model is that slow here, "
                "raise its engine.stall_seconds in models.yml."
            )
        if now < self._next_look:
            return
        self._next_look = now + _SUSPENDED_CHECK_SECONDS
        is_suspended = self._child.is_suspended
        if is_suspended and self._was_suspended:
            raise EngineStalled("The engine was suspended (SIGSTOP) and did not go on.")
        self._was_suspended = is_suspended
