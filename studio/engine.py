"""The seam to whatever makes pictures: the Engine protocol and the values that cross it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from studio.job import Progress
from studio.model import Model
from studio.recipe import Recipe
from studio.upscalers import Upscaler

Report = Callable[[Progress], None]
"""Called on every change and at least once a second; may raise an Interrupted, which must pass through."""


class EngineState(StrEnum):
    """What the engine is doing as a whole."""

    PREPARING = "preparing"
    """Being found, downloaded or built."""
    UNAVAILABLE = "unavailable"
    """Could not be prepared; `detail` says why and what to do."""
    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"


@dataclass(frozen=True)
class EngineFeatures:
    """What a running engine says it can do, in its own words; empty where it says nothing."""

    samplers: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ()
    """What it does besides plain pictures: lora, hires, vae_tiling, cache, ref_images, …"""
    limits: Mapping[str, int] = field(default_factory=dict)
    """max_width, max_height, min_width, min_height in pixels; max_batch_count, max_queue_size."""


@dataclass(frozen=True)
class EngineStatus:
    """A snapshot for people. `fraction` 0..1 while preparing or loading."""

    state: EngineState
    model: str | None = None
    detail: str = ""
    fraction: float | None = None
    pid: int | None = None
    started_at: float | None = None
    log_tail: tuple[str, ...] = ()
    features: EngineFeatures | None = None
    """Of the model in memory; None while there is none."""


@dataclass(frozen=True)
class Inputs:
    """Pictures a recipe works on, as PNG bytes: RGB8 `image` and L8 `mask`, both of the recipe's engine size.

    `references` are RGB8 of any size; `control` is RGB8 of the engine size.
    """

    image: bytes | None = None
    mask: bytes | None = None
    references: tuple[bytes, ...] = ()
    control: bytes | None = None


@dataclass(frozen=True)
class Picture:
    """One finished picture as the engine made it: PNG bytes, `width` x `height` pixels, RGB8."""

    png: bytes
    width: int
    height: int
    seed: int


class Engine(Protocol):
    """Makes pictures, one recipe at a time. Used by one thread, except `status` and `interrupt`."""

    @property
    def status(self) -> EngineStatus:
        """What it is doing now; any thread."""
        ...

    @property
    def log_tail(self) -> str:
        """The last lines the engine printed for the job in hand, or the last one."""
        ...

    def load(self, model: Model, report: Report) -> None:
        """Have `model` ready, run as its options say; nothing to do if it is.

        Errors: EngineUnavailable, EngineCrashed, OutOfMemory.
        """
        ...

    def generate(self, model: Model, recipe: Recipe, inputs: Inputs, report: Report) -> list[Picture]:
        """The recipe's n pictures, seeds recipe.seed + i, of the size `recipes.result_size` says.

        Errors: EngineCrashed, EngineStalled, OutOfMemory, EngineRefused, BadResult, EngineUnavailable;
        Interrupted from `report` passes through after the work has been stopped.
        """
        ...

    def check_upscaling(self) -> None:
        """Errors: EngineUnavailable if it can't make pictures larger; any thread."""
        ...

    def upscale(self, upscaler: Upscaler, png: bytes, repeats: int, report: Report) -> bytes:
        """An RGB8 picture after `repeats` goes of the network, each `upscaler.scale` times as large: a PNG.

        The model in memory stays unless there is no room for both. Errors: as `generate`.
        """
        ...

    def interrupt(self) -> None:
        """Make a running `load`, `generate` or `upscale` call its `report` at once; any thread."""
        ...

    def unload(self) -> None:
        """Free the model's memory; returns when the process is gone."""
        ...

    def close(self) -> None:
        """Stop for good; returns when nothing is left behind."""
        ...
