"""Monitor: what the engine's output says, handed from its reader thread to the driver."""

import threading
from collections.abc import Callable

from studio.clock import Clock
from studio.job import Progress
from studio.sdserver.progress import Mark, Marker, OutputParser
from studio.sdserver.tracker import ProgressTracker


class Monitor:
    """Keeps the running tracker fed and the time of the last sign of life. Thread-safe.

    Every sign sets `wake`, so that the driver need not poll.
    """

    def __init__(self, clock: Clock, wake: threading.Event) -> None:
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._tracker = ProgressTracker(0)
        self._last_sign = clock.monotonic()
        self._longest_silence = 0.0
        self._listening = False

    def follow(self, tracker: ProgressTracker) -> None:
        """From here on the output is about `tracker`'s work."""
        with self._lock:
            self._tracker = tracker

    def begin(self) -> None:
        """Something was handed to the engine: silence counts from now."""
        with self._lock:
            self._last_sign = self._clock.monotonic()
            self._longest_silence = 0.0

    def new_stream(self) -> Callable[[bytes], None]:
        """A place for a new child's output; to be called by its one reader thread."""
        parser = OutputParser()
        with self._lock:
            self._listening = False

        def take(chunk: bytes) -> None:
            facts = parser.feed(chunk)
            with self._lock:
                self._sign()
                for fact in facts:
                    if isinstance(fact, Marker) and fact.mark is Mark.LISTENING:
                        self._listening = True
                    self._tracker.apply(fact)
            self._wake.set()

        return take

    def sign(self) -> None:
        """The engine showed by other means than output that it goes on."""
        with self._lock:
            self._sign()

    def _sign(self) -> None:
        now = self._clock.monotonic()
        self._longest_silence = max(self._longest_silence, now - self._last_sign)
        self._last_sign = now

    @property
    def listening(self) -> bool:
        """The child said that it is about to listen."""
        with self._lock:
            return self._listening

    @property
    def finished(self) -> int:
        """How many engine jobs were seen to end in the work that is followed."""
        with self._lock:
            return self._tracker.finished

    @property
    def last_sign(self) -> float:
        """Clock.monotonic seconds."""
        with self._lock:
            return self._last_sign

    @property
    def longest_silence(self) -> float:
        """Seconds between two signs of life since `begin`, the longest."""
        with self._lock:
            return self._longest_silence

    def begin_loading(self) -> None:
        """Tell the tracker that the weights are being read."""
        with self._lock:
            self._tracker.begin_loading()

    def begin_batch(self, first: int, count: int) -> None:
        """Tell the tracker that an engine job is handed in."""
        with self._lock:
            self._tracker.begin_batch(first, count, self._clock.monotonic())

    def snapshot(self) -> tuple[int, Progress]:
        """A number that grows with every change, and the progress now."""
        with self._lock:
            return self._tracker.changes, self._tracker.progress(self._clock.monotonic())
