"""An engine without a model: real pictures of the right size at once, or what a test tells it to do."""

import io
import threading
from collections import deque

import numpy as np
from PIL import Image

from studio.engine import EngineState, EngineStatus, Inputs, Picture, Report
from studio.errors import StudioError
from studio.job import Phase, Progress
from studio.model import Model
from studio.recipe import Recipe
from studio.recipes import result_size
from studio.upscalers import Upscaler


def picture(width: int, height: int, seed: int) -> bytes:
    """A PNG of noise: the same seed gives the same pixels, another gives others."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=0)
    return out.getvalue()


def _halfway(recipe: Recipe) -> Progress:
    return Progress(
        Phase.SAMPLING, 0.5, step=recipe.steps // 2, steps=recipe.steps, image=1, images=recipe.n,
        seconds_per_step=0.1, eta_seconds=0.4,
    )  # fmt: skip


class FakeEngine:
    """Implements studio.engine.Engine.

    `hold()` makes every job stop in the middle of sampling until `release()`; `faults` are raised by the next
    jobs, one each; `recipes` and `inputs` are what the jobs so far came with, `upscaled` (upscaler, repeats)
    of those that made a picture larger. `no_upscaling` is raised where that is asked for.
    """

    def __init__(self) -> None:
        self.recipes: list[Recipe] = []
        self.inputs: list[Inputs] = []
        self.faults: deque[StudioError] = deque()
        self.closed = False
        self.upscaled: list[tuple[str, int]] = []
        self.no_upscaling: StudioError | None = None
        self._changed = threading.Condition()
        self._held = False
        self._interrupted = False
        self._sampling = 0
        self._status = EngineStatus(EngineState.STOPPED)

    # -- what tests say --------------------------------------------------------------------------

    def hold(self) -> None:
        """From now on every job stops in the middle."""
        with self._changed:
            self._held = True

    def release(self) -> None:
        """Let the held job, and all after it, go on."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def wait_until_sampling(self, seconds: float = 30) -> None:
        """Returns when a job is in the middle; AssertionError if none comes."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sampling > 0, seconds), "no job reached the engine"

    # -- the protocol ----------------------------------------------------------------------------

    @property
    def status(self) -> EngineStatus:
        return self._status

    @property
    def log_tail(self) -> str:
        return "the last line of the engine"

    def load(self, model: Model, report: Report) -> None:
        report(Progress(Phase.LOADING, fraction=0.0))
        self._status = EngineStatus(EngineState.READY, model=model.id)

    def generate(self, model: Model, recipe: Recipe, inputs: Inputs, report: Report) -> list[Picture]:
        self.recipes.append(recipe)
        self.inputs.append(inputs)
        self.load(model, report)
        self._status = EngineStatus(EngineState.BUSY, model=model.id)
        try:
            self._pause(report, _halfway(recipe))
            if self.faults:
                raise self.faults.popleft()
            width, height = result_size(recipe, model)
            seeds = range(recipe.seed, recipe.seed + recipe.n)
            return [Picture(picture(width, height, seed), width, height, seed) for seed in seeds]
        finally:
            self._status = EngineStatus(EngineState.READY, model=model.id)

    def check_upscaling(self) -> None:
        if self.no_upscaling is not None:
            raise self.no_upscaling

    def upscale(self, upscaler: Upscaler, png: bytes, repeats: int, report: Report) -> bytes:
        self.upscaled.append((upscaler.name, repeats))
        self._pause(report, Progress(Phase.UPSCALING, 0.5, step=2, steps=4, image=1, images=1))
        if self.faults:
            raise self.faults.popleft()
        size = Image.open(io.BytesIO(png)).size
        scale = upscaler.scale**repeats
        return picture(size[0] * scale, size[1] * scale, 7)

    def _pause(self, report: Report, progress: Progress) -> None:
        report(progress)
        with self._changed:
            self._sampling += 1
            self._changed.notify_all()
        try:
            while self._wait_for_change():
                report(progress)
        finally:
            with self._changed:
                self._sampling -= 1

    def _wait_for_change(self) -> bool:
        """True if `interrupt` ended the wait, False once nothing is held any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._interrupted)
            was_interrupted, self._interrupted = self._interrupted, False
            return was_interrupted

    def interrupt(self) -> None:
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def unload(self) -> None:
        self._status = EngineStatus(EngineState.STOPPED)

    def close(self) -> None:
        self.unload()
        self.closed = True
