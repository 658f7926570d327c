"""Endings: what the queue is told when an attempt did not end in pictures."""

import logging

from studio.claims import Claims
from studio.clock import Clock
from studio.errors import CancelRequested, Interrupted, LeaseLost, StorageFull, StudioError
from studio.job import JobStatus, after_error
from studio.meter import Meter, Outcome
from studio.run import Run

log = logging.getLogger(__name__)

UNEXPECTED = "Something unexpected went wrong; the log of the studio says what."


class Endings:
    """Writes how attempts ended. Stateless; the worker's and the saver's thread."""

    def __init__(self, claims: Claims, meter: Meter, clock: Clock) -> None:
        self._claims = claims
        self._meter = meter
        self._clock = clock

    def completed(self, run: Run) -> None:
        """The pictures are recorded."""
        seconds = self._count(run, Outcome.COMPLETED)
        log.info("job %s processing -> completed in %.2f s", run.job.id, seconds)

    def interrupted(self, run: Run, interruption: Interrupted, log_tail: str) -> None:
        """Somebody told the work to stop: a cancel, a shutdown, or the job isn't ours any more."""
        if isinstance(interruption, CancelRequested):
            self._claims.mark_cancelled(run.claim, log_tail)
            self._count(run, Outcome.CANCELLED)
            log.info("job %s processing -> cancelled", run.job.id)
        elif isinstance(interruption, LeaseLost):
            log.warning("job %s is no longer ours", run.job.id)
        else:
            self._claims.requeue(run.claim, None, log_tail)
            self._count(run, Outcome.RETURNED)
            log.info("job %s processing -> pending: the studio stops", run.job.id)

    def failed(self, run: Run, error: StudioError, log_tail: str) -> None:
        """A fault: the job is tried again, waits for room on the disk, or is given up with the reason."""
        if isinstance(error, StorageFull):
            # Not the job's fault, and it costs nobody anything to wait for room.
            log.error("job %s processing -> pending: %s", run.job.id, error)
            self._claims.requeue(run.claim, None, log_tail)
            self._count(run, Outcome.RETURNED)
            return
        status, sentence = after_error(error, run.job.failures)
        log.warning("job %s processing -> %s: %s", run.job.id, status, error)
        if status is JobStatus.PENDING:
            self._claims.requeue(run.claim, sentence, log_tail)
            self._count(run, Outcome.RETURNED)
        else:
            self._claims.fail(run.claim, sentence, error.code, log_tail)
            self._count(run, Outcome.FAILED)

    def broken(self, run: Run, log_tail: str) -> None:
        """A defect of the studio; call while handling the exception, which is logged."""
        log.exception("job %s failed unexpectedly", run.job.id)
        self._claims.fail(run.claim, UNEXPECTED, "error", log_tail)
        self._count(run, Outcome.FAILED)

    def _count(self, run: Run, outcome: Outcome) -> float:
        """Have the meter know; the seconds since the claim."""
        seconds = self._clock.monotonic() - run.started
        self._meter.job_ended(run.job.recipe.model, outcome, seconds)
        return seconds
