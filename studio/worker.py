"""Worker: takes one job after the other, has the engine make the pictures, and records how it ended.

One long-lived thread owns the engine (its parent-death signal is tied to the thread that started it). A
second thread saves, so that the engine already works on the next job while the last one's files are
written: at most one job is being saved at a time.
"""

import logging
import threading

from studio.catalog import Catalog
from studio.claims import Claims
from studio.clock import Clock
from studio.darkroom import Darkroom, Sitting
from studio.endings import Endings
from studio.engine import Engine, Picture, Report
from studio.enlarger import Enlarger
from studio.errors import Interrupted, ModelFilesMissing, StorageFull, StudioError
from studio.estimates import Estimates
from studio.events import ENGINE, EventBus
from studio.gallery import Gallery
from studio.job import Phase, Progress
from studio.ladder import Ladder
from studio.logs import about
from studio.meter import Meter
from studio.model import Model
from studio.preparation import Preparation
from studio.residency import Residency
from studio.run import Run
from studio.saver import Finished, Saver

log = logging.getLogger(__name__)

# Less room than this under outputs/, and no job is begun.
RESERVE_BYTES = 64 * 2**20
# How long to wait before looking again whether a full disk has room.
STORAGE_SECONDS = 5.0
# Without a wake-up the worker looks this often: for idle models, and for jobs that other processes add.
IDLE_SECONDS = 5.0


class Worker:
    """Runs the queue. start/stop/hurry/wake/cancel/uses from any thread; everything else in its own.

    Owner: the studio. Tests call `run_once` and `settle` instead of `start`.
    """

    def __init__(
        self,
        *,
        name: str,
        claims: Claims,
        estimates: Estimates,
        gallery: Gallery,
        darkroom: Darkroom,
        enlarger: Enlarger,
        engine: Engine,
        ladder: Ladder,
        catalog: Catalog,
        preparation: Preparation,
        bus: EventBus,
        meter: Meter,
        clock: Clock,
    ) -> None:
        self.name = name
        self._claims = claims
        self._endings = Endings(claims, meter, clock)
        self._gallery = gallery
        self._darkroom = darkroom
        self._enlarger = enlarger
        self._engine = engine
        self._ladder = ladder
        self._catalog = catalog
        self._preparation = preparation
        self._bus = bus
        self._clock = clock
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)
        self._saver = Saver(
            claims=claims, darkroom=darkroom, gallery=gallery, endings=self._endings, estimates=estimates,
            bus=bus, clock=clock,
        )  # fmt: skip
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._current: Run | None = None
        self.residency = Residency(engine, ladder, bus, clock, self._stopping)

    # -- any thread ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work; returns at once."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Take no more jobs, give the running one `timeout` seconds, then put it back; idempotent.

        Returns when the thread is gone and the engine stopped.
        """
        self._stopping.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
            self.hurry()
            self._thread.join()

    def hurry(self) -> None:
        """The running job goes back to the queue now."""
        self._stopping.set()
        self._hurry.set()
        self._awake.set()
        self._engine.interrupt()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    def cancel(self, job_id: str) -> None:
        """Somebody cancelled this job; if it is the running one, it stops at once."""
        run = self._current
        if run is not None and run.job.id == job_id:
            run.cancelled.set()
            self._engine.interrupt()

    def uses(self, model: Model) -> bool:
        """Whether a job that needs the model is in the engine's hands."""
        run = self._current
        recipe = None if run is None else run.job.recipe
        return recipe is not None and recipe.upscale is None and recipe.model == model.id

    # -- the worker's thread -------------------------------------------------------------------------

    def _loop(self) -> None:
        try:
            self.preload()
            # Also for the moment in which the engine is there.
            with self._bus.listen(lambda _: self._awake.set(), ENGINE):
                while not self._stopping.is_set():
                    self._awake.clear()
                    try:
                        if not self.step():
                            self._rest()
                    except Exception:
                        self._recover()
        finally:
            self._saver.close()
            self._engine.close()

    def _recover(self) -> None:
        """The queue itself could not be written, which a full disk does: wait, then free what was in hand."""
        log.exception("the worker could not reach the queue; it goes on in %d s", STORAGE_SECONDS)
        self._clock.wait(self._stopping, STORAGE_SECONDS)
        try:
            self._saver.settle()  # what is being saved may still succeed
            for job in self._claims.release(self.name):
                self._bus.hint(job.id)
        except StudioError as error:
            log.error("the queue is still out of reach: %s", error)

    def preload(self) -> None:
        """Have the model ready that wants to be, once the engine is there."""
        model = next((model for model in self._catalog.models.values() if model.preload), None)
        if model is not None and model.is_downloaded:
            self.residency.want(model)

    def step(self) -> bool:
        """Do what comes next; False if there is nothing."""
        if not self._preparation.is_ready:
            return False
        return self.residency.obey() or (self._has_room() and self.run_once())

    def run_once(self) -> bool:
        """Do the next job; False if none waits. Its pictures may still be being saved: see `settle`."""
        claim = self._claims.claim(self.name)
        if claim is None:
            self._saver.begin()
            return False
        run = self._current = Run(
            claim, claims=self._claims, bus=self._bus, clock=self._clock, hurry=self._hurry
        )
        with about(job_id=run.job.id):
            self._do(run)
        return True

    def _do(self, run: Run) -> None:
        """Have the pictures made and hand them to the saver, or write how it ended otherwise."""
        log.info("job %s pending -> processing, attempt %d", run.job.id, run.claim.attempt)
        self._bus.hint(run.job.id)
        try:
            if run.job.recipe.upscale is None:
                sitting, pictures = self._generate(run)
            else:
                sitting, pictures = self._enlarger.enlarge(run.job.recipe, self._reports_to(run))
        except Interrupted as interruption:
            self._endings.interrupted(run, interruption, self._engine.log_tail)
        except StudioError as error:
            self._endings.failed(run, error, self._engine.log_tail)
        except Exception:
            self._endings.broken(run, self._engine.log_tail)
        else:
            tail, took = self._engine.log_tail, run.engine_seconds
            self._saver.take(Finished(run, sitting, pictures, tail, took))
        finally:
            self._current = None
            self._bus.hint(run.job.id)

    def settle(self) -> None:
        """Wait until the last job's pictures are recorded."""
        self._saver.settle()

    def _generate(self, run: Run) -> tuple[Sitting, list[Picture]]:
        recipe = run.job.recipe
        model = self._catalog.model(recipe.model)
        sitting = self._darkroom.prepare(recipe, model)
        missing = model.missing()
        if missing:
            raise ModelFilesMissing(f"Files of model {model.id!r} are gone: {', '.join(missing)}.")

        with self.residency.using(model):
            report = self._reports_to(run)
            return sitting, self._ladder.generate(model, recipe, sitting.inputs, report, run.begin)

    def _reports_to(self, run: Run) -> Report:
        def report(progress: Progress) -> None:
            if progress.phase in (Phase.SAMPLING, Phase.UPSCALING):
                self._saver.begin()  # the engine is at work
            run.report(progress)

        return report

    # -- between jobs --------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Wait for a wake-up, or until a model has been idle for long enough."""
        due = self.residency.rest()
        self._clock.wait(self._awake, IDLE_SECONDS if due is None else min(IDLE_SECONDS, due))

    def _has_room(self) -> bool:
        """Whether pictures could be stored; if not, wait a while and say so once."""
        try:
            free = self._gallery.free_bytes()
            if free >= RESERVE_BYTES:
                return True
            log.error(
                "the queue waits: %d MB free under outputs/, %d needed", free >> 20, RESERVE_BYTES >> 20
            )
        except StorageFull as error:
            log.error("the queue waits: %s", error)
        self._clock.wait(self._stopping, STORAGE_SECONDS)
        return False
