"""Saver: a finished job's pictures become files and rows while the engine already works on the next job."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from studio.claims import Claims
from studio.clock import Clock
from studio.darkroom import Darkroom, Sitting
from studio.endings import Endings
from studio.engine import Picture
from studio.errors import StudioError
from studio.estimates import Estimates
from studio.events import EventBus
from studio.gallery import Gallery
from studio.logs import about
from studio.run import Run

log = logging.getLogger(__name__)

# The next job goes to the engine before the last one is saved, unless that takes longer than this.
HEAD_START_SECONDS = 0.02


@dataclass(frozen=True)
class Finished:
    """What the engine gave for a job. `took`: seconds it needed, loading left out."""

    run: Run
    sitting: Sitting
    pictures: list[Picture]
    log_tail: str
    took: float


class Saver:
    """One thread that saves at most one job at a time. Used by the worker's thread only, which owns it."""

    def __init__(
        self,
        *,
        claims: Claims,
        darkroom: Darkroom,
        gallery: Gallery,
        endings: Endings,
        estimates: Estimates,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._claims = claims
        self._darkroom = darkroom
        self._gallery = gallery
        self._endings = endings
        self._estimates = estimates
        self._bus = bus
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "saver")
        self._go = threading.Event()
        self._saving: Future[None] | None = None

    def take(self, finished: Finished) -> None:
        """Take a job over, when the last one is saved.

        Saving begins with `begin`, or soon by itself: until the engine has its next job, nothing should
        compete for the processor with handing that over.
        """
        self.settle()
        self._go = threading.Event()
        self._saving = self._thread.submit(self._save, finished, self._go)

    def begin(self) -> None:
        """There is nothing to wait for any more."""
        self._go.set()

    def settle(self) -> None:
        """Return when everything taken over is recorded."""
        self.begin()
        if self._saving is not None:
            saving, self._saving = self._saving, None
            saving.result()

    def close(self) -> None:
        """Save what is left, then end the thread."""
        self.begin()
        self._thread.shutdown()

    def _save(self, finished: Finished, go: threading.Event) -> None:
        """The saver's thread."""
        go.wait(HEAD_START_SECONDS)
        with about(job_id=finished.run.job.id):
            self._record(finished)

    def _record(self, finished: Finished) -> None:
        """Files first, then the rows. How it ended is in the row."""
        run, tail = finished.run, finished.log_tail
        job = run.job
        try:
            generation = self._darkroom.develop(
                job, finished.pictures, finished.sitting, now=self._clock.now()
            )
            if self._claims.finish(run.claim, generation, tail):
                self._endings.completed(run)
                self._bus.hint(job.id)
                self._estimates.note(job.recipe, seconds_per_step=run.seconds_per_step, took=finished.took)
            else:
                log.warning("job %s was taken over; its late pictures are dropped", job.id)
                images = generation.images
                self._gallery.delete([image.path for image in images], [image.id for image in images])
        except StudioError as error:
            self._endings.failed(run, error, tail)
        except Exception:
            self._endings.broken(run, tail)
        finally:
            self._bus.hint(job.id)
