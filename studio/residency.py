"""Residency: which model is in memory, and what brings it there and takes it away between jobs."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from studio.clock import Clock
from studio.endings import UNEXPECTED
from studio.engine import Engine
from studio.errors import CancelRequested, Interrupted, ModelFilesMissing, StopRequested, StudioError
from studio.events import ENGINE, EventBus
from studio.job import Progress
from studio.ladder import Ladder
from studio.model import Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """Why a model could not be loaded, and the last lines of the engine that tried."""

    sentence: str
    log_tail: str


class Residency:
    """Loads and frees models as jobs, people and the catalogue's `ttl` want it. Owner: the worker.

    `want`, `drop`, `wanted` and `faults` are for any thread; everything else runs in the worker's, between
    jobs. Of several wishes the latest counts: one model fits into memory.
    """

    def __init__(
        self, engine: Engine, ladder: Ladder, bus: EventBus, clock: Clock, stopping: threading.Event
    ) -> None:
        """`stopping` is set when the studio shuts down."""
        self.faults: dict[str, Fault] = {}
        """{model: why it could not be loaded the last time somebody asked for that}"""
        self._engine = engine
        self._ladder = ladder
        self._bus = bus
        self._clock = clock
        self._stopping = stopping
        self._wishes = threading.Lock()
        self._wanted: Model | None = None
        self._dropped: tuple[Model, threading.Event] | None = None
        self._loaded: Model | None = None
        self._last_use = 0.0

    # -- any thread ----------------------------------------------------------------------------------

    @property
    def wanted(self) -> str | None:
        """The model that somebody asked for and that is not in memory yet."""
        wanted = self._wanted
        return None if wanted is None else wanted.id

    def want(self, model: Model) -> None:
        """Load it as soon as no job runs."""
        with self._wishes:
            self._wanted = model
            self.faults.pop(model.id, None)
            if self._dropped is not None and self._dropped[0].id == model.id:
                self._forget_drop()
        self._bus.hint(ENGINE)

    def drop(self, model: Model) -> threading.Event:
        """Free its memory as soon as no job runs, or stop loading it; the event tells that this was done.

        A job that needs the model and comes first overrules the wish, which is then done with as well.
        """
        with self._wishes:
            done = threading.Event()
            if self._wanted is not None and self._wanted.id == model.id:
                self._wanted = None
                self._engine.interrupt()
            if self._dropped is not None:
                self._forget_drop()
            self._dropped = (model, done)
        self._bus.hint(ENGINE)
        return done

    # -- the worker's thread -------------------------------------------------------------------------

    @contextmanager
    def using(self, model: Model) -> Iterator[None]:
        """A job needs the model while the context is open."""
        with self._wishes:
            if self._dropped is not None and self._dropped[0].id == model.id:
                self._forget_drop()
        self._loaded = model
        try:
            yield
        finally:
            self._last_use = self._clock.monotonic()

    def obey(self) -> bool:
        """Do what people asked for; whether there was anything."""
        with self._wishes:
            dropped, wanted = self._dropped, self._wanted
        if dropped is not None:
            model, done = dropped
            if self._loaded is not None and self._loaded.id == model.id:
                self._free("was asked to go")
            with self._wishes:
                if self._dropped is dropped:
                    self._dropped = None
            done.set()
        if wanted is not None:
            self._load(wanted)
        return dropped is not None or wanted is not None

    def rest(self) -> float | None:
        """Free a model that nobody used for its time to live; seconds until the next one is due, or None."""
        if self._loaded is None or self._loaded.ttl is None:
            return None
        left = self._last_use + self._loaded.ttl - self._clock.monotonic()
        if left > 0:
            return left
        self._free(f"was not used for {self._loaded.ttl} s")
        return None

    def _load(self, model: Model) -> None:
        def report(_: Progress) -> None:
            if self._stopping.is_set():
                raise StopRequested
            if self._wanted is not model:
                raise CancelRequested
            self._bus.hint(ENGINE)

        self._loaded = None
        try:
            missing = model.missing()
            if missing:
                raise ModelFilesMissing(f"Files of model {model.id!r} are gone: {', '.join(missing)}.")
            self._ladder.load(model, report)
            self._loaded = model
        except Interrupted:
            log.info("loading %s stopped", model.id)
        except StudioError as error:
            self.faults[model.id] = Fault(error.message, self._engine.log_tail)
            log.error("model %s could not be loaded: %s", model.id, error)
        except Exception:
            self.faults[model.id] = Fault(UNEXPECTED, self._engine.log_tail)
            log.exception("model %s could not be loaded", model.id)
        finally:
            self._last_use = self._clock.monotonic()
            with self._wishes:
                if self._wanted is model:
                    self._wanted = None
            self._bus.hint(ENGINE)

    def _free(self, why: str) -> None:
        if self._loaded is not None:
            log.info("model %s unloaded: it %s", self._loaded.id, why)
        self._engine.unload()
        self._loaded = None
        self._bus.hint(ENGINE)

    def _forget_drop(self) -> None:
        if self._dropped is not None:
            self._dropped[1].set()
            self._dropped = None
