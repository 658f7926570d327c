"""ModelStates: how the models of the catalogue stand on this machine, and asking for one to come or go."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.admission import Admission
from studio.catalog import Catalog
from studio.clock import Clock
from studio.demo.expand import PACKED
from studio.download import Download
from studio.downloads import Downloads
from studio.engine import Engine, EngineFeatures, EngineState, EngineStatus
from studio.errors import Conflict
from studio.fetcher import wanted
from studio.fit import Fit, estimate
from studio.loras import LoraFile, list_loras, lora_folder
from studio.model import FOLDER_KEYS, Model
from studio.preparation import Preparation
from studio.worker import Worker

# How long to wait for the engine's process to end before answering with what is so far.
STOP_SECONDS = 5.0
_IN_MEMORY = (EngineState.LOADING, EngineState.READY, EngineState.BUSY)


@dataclass(frozen=True)
class ModelFile:
    """A file of a model: its key in models.yml, where that says it is, and its bytes (None: not there)."""

    key: str
    path: str
    size: int | None


@dataclass(frozen=True)
class ModelState:
    """A catalogue entry and how it stands on this machine."""

    model: Model
    missing: tuple[str, ...]
    state: str
    """missing | stopped | loading | ready | busy"""
    is_default: bool
    files: tuple[ModelFile, ...] = ()
    fault: str | None = None
    """Why it could not be loaded the last time somebody asked for that."""
    features: EngineFeatures | None = None
    """What the engine offers with this model; None while it is not in memory."""
    download: Download | None = None
    """How its files come, or came, to this machine."""
    obtainable: int = 0
    """How many of the missing files can be downloaded."""
    download_bytes: int | None = None
    """Size of these, as models.yml tells it."""
    fit: Fit | None = None
    """Whether it should find room in memory; None while it is there."""
    log_tail: str = ""
    """The last lines of the engine that has it in memory, or that failed to."""


class ModelStates:
    """Looks at models, starts and stops them. Thread-safe; owner: the studio."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        preparation: Preparation,
        worker: Worker,
        clock: Clock,
        admission: Admission,
        downloads: Downloads,
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._preparation = preparation
        self._worker = worker
        self._clock = clock
        self._admission = admission
        self._downloads = downloads

    @property
    def engine(self) -> EngineStatus:
        """What the engine is doing, its preparation included."""
        if self._preparation.status.state is not EngineState.READY:
            return self._preparation.status
        return self._engine.status

    def all(self) -> list[ModelState]:
        """Every catalogue entry, in the catalogue's order, those that came this moment included."""
        self._catalog.look()
        status = self.engine
        return [self._state(model, status) for model in self._catalog.models.values()]

    def get(self, model_id: str) -> ModelState:
        """One entry, by id or alias. Errors: UnknownModel."""
        return self._state(self._catalog.model(model_id), self.engine)

    def loras(self, model_id: str) -> list[LoraFile]:
        """The LoRA files for a model, by id or alias. Errors: UnknownModel."""
        return list_loras(lora_folder(self._catalog.model(model_id)))

    def start(self, model_id: str) -> ModelState:
        """Have the model loaded as soon as no job runs; its state at once.

        Errors: UnknownModel; ModelFilesMissing; Stopping; EngineUnavailable.
        """
        model = self._admission.downloaded(self._catalog.model(model_id))
        if self.get(model.id).state not in _IN_MEMORY:
            self._worker.residency.want(model)
        return self.get(model.id)

    def stop(self, model_id: str) -> ModelState:
        """Free the model's memory, or stop loading it; its state afterwards.

        Errors: UnknownModel; Conflict while a job needs it; Stopping; EngineUnavailable.
        """
        model = self._catalog.model(model_id)
        self._admission.check()
        if self.get(model.id).state in _IN_MEMORY and (self._worker.uses(model) or not self._is_gone(model)):
            raise Conflict(f"A job is running with model {model.id!r}; cancel it, or wait for its end.")
        return self.get(model.id)

    def _is_gone(self, model: Model) -> bool:
        """Ask for it, and wait a moment; whether no job came first."""
        self._clock.wait(self._worker.residency.drop(model), STOP_SECONDS)
        return not self._worker.uses(model)

    def _state(self, model: Model, status: EngineStatus) -> ModelState:
        missing = tuple(model.missing())
        state = "missing" if missing else "stopped"
        residency = self._worker.residency
        fault = residency.faults.get(model.id)
        in_memory = status.model == model.id and status.state in _IN_MEMORY
        if in_memory:
            state = str(status.state)
        elif residency.wanted == model.id:
            state = str(EngineState.LOADING)
        files, lacking = _files(model), wanted(model) if missing else []
        available = psutil.virtual_memory().available
        sizes = ((file.key, file.size) for file in files)
        return ModelState(
            model,
            missing,
            state,
            is_default=model.id == self._catalog.default,
            files=files,
            fault=None if fault is None else fault.sentence,
            features=status.features if in_memory else None,
            download=self._downloads.of(model.id),
            obtainable=len(lacking),
            download_bytes=_total(file.source.bytes for file in lacking),
            fit=None if in_memory else estimate(model, sizes, available),
            log_tail="\n".join(status.log_tail) if in_memory else fault.log_tail if fault else "",
        )


def _files(model: Model) -> tuple[ModelFile, ...]:
    if model.builtin is not None:
        return (ModelFile("builtin", PACKED.name, _size(PACKED)),)
    return tuple(
        ModelFile(key, model.files.given[key], _size(path))
        for key, path in model.paths().items()
        if key not in FOLDER_KEYS
    )


def _total(sizes: Iterable[int | None]) -> int | None:
    """Their sum; None if there are none or one is unknown."""
    known = list(sizes)
    total = sum(size for size in known if size is not None)
    return total if known and None not in known else None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # not there, or in a folder we may not look into
        return None
