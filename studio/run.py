"""Run: one job in the worker's hands — its claim, the wishes of other threads, and how far it is."""

import threading

from studio.claims import Claim, Claims
from studio.clock import Clock
from studio.errors import CancelRequested, LeaseLost, StopRequested
from studio.events import EventBus
from studio.job import Job, Phase, Progress

# Progress is written at most this often; people see no more, and every write costs a transaction.
WRITE_SECONDS = 0.2


class Run:
    """What the engine reports to while it works on a job. Owner: the worker; `cancelled` from any thread."""

    def __init__(
        self, claim: Claim, *, claims: Claims, bus: EventBus, clock: Clock, hurry: threading.Event
    ) -> None:
        """`hurry` is set when the studio can't wait for the job."""
        self.claim = claim
        self.cancelled = threading.Event()
        self.started = clock.monotonic()
        self.seconds_per_step: float | None = None
        self._claims = claims
        self._bus = bus
        self._clock = clock
        self._hurry = hurry
        self._sampling_from: float | None = None
        self._note = claim.job.note
        # The claim itself was a write: nothing more to say for a moment.
        self._written_at = self.started

    @property
    def job(self) -> Job:
        """The job as it was claimed."""
        return self.claim.job

    @property
    def engine_seconds(self) -> float:
        """How long the engine has been sampling and decoding, loading left out."""
        since = self.started if self._sampling_from is None else self._sampling_from
        return self._clock.monotonic() - since

    def begin(self, note: str | None) -> None:
        """The engine begins, or begins anew, in a way that `note` tells people of; None: as ever."""
        self._sampling_from = self.seconds_per_step = None
        if note != self._note:
            self._note = note
            self._claims.note(self.claim, note)
            self._bus.hint(self.job.id)

    def report(self, progress: Progress) -> None:
        """Obey what others want of the job, and record how far it is.

        Errors: CancelRequested, StopRequested, LeaseLost, which must pass through the engine.
        """
        if self.cancelled.is_set():
            raise CancelRequested
        if self._hurry.is_set():
            raise StopRequested
        now = self._clock.monotonic()
        if progress.phase is Phase.SAMPLING and self._sampling_from is None:
            self._sampling_from = now
        if progress.seconds_per_step is not None:
            self.seconds_per_step = progress.seconds_per_step
        if now - self._written_at < WRITE_SECONDS:
            return
        self._written_at = now
        beat = self._claims.heartbeat(self.claim, progress)
        if not beat.ours:
            raise LeaseLost
        if beat.cancel_requested:
            raise CancelRequested
        self._bus.hint(self.job.id)
