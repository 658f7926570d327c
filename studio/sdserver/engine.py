"""SdServerEngine: the Engine that drives sd-server, one process with one model at a time."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from studio.clock import Clock
from studio.engine import EngineState, EngineStatus, Inputs, Picture, Report
from studio.errors import EngineCrashed, EngineStalled, EngineUnavailable
from studio.model import Model
from studio.recipe import Recipe
from studio.recipes import result_size
from studio.sdserver.backoff import StartBackoff
from studio.sdserver.client import READ_SECONDS
from studio.sdserver.exits import with_suspects
from studio.sdserver.launch import Folders, Launcher, model_paths
from studio.sdserver.monitor import Monitor
from studio.sdserver.payload import to_img_gen
from studio.sdserver.process import Child
from studio.sdserver.pulse import Pulse
from studio.sdserver.server import Server
from studio.sdserver.task import EngineTask
from studio.sdserver.tracker import ProgressTracker
from studio.sdserver.trial import try_out
from studio.sdserver.upscale import UpscaleProgram, UpscaleWork, upscale_program
from studio.upscalers import Upscaler

log = logging.getLogger(__name__)

Expected = Callable[[str, Recipe], float | None]
"""(model id, recipe) -> seconds such a recipe took before without loading, or None."""

# A machine that was once silent for so long may be again; only far more than that is a stall.
_SILENCES = 20
# Of the log, in a status.
_SHOWN_LINES = 50


class SdServerEngine:
    """Makes pictures with sd-server. One thread owns it; `status`, `log_tail` and `interrupt` are for any.

    That thread must live as long as the engine: Linux ends the child with the thread that started it.
    `on_start()` and `on_end(whether it was told to)` hear of every process.
    `runtime_dir` is a folder of its own, not shared with another studio. `stall_seconds` of silence count as
    stuck unless the model's entry says otherwise. `environment` is added to the little the engine gets to
    see.
    """

    def __init__(
        self,
        find_binary: Callable[[], Path],
        clock: Clock,
        runtime_dir: Path,
        stall_seconds: float = 300.0,
        *,
        expected: Expected | None = None,
        paths_of: Callable[[Model], Mapping[str, Path]] = model_paths,
        environment: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
        on_start: Callable[[], None] = lambda: None,
        on_end: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._find_binary = find_binary
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._expected = expected
        self._on_start = on_start
        self._wake = threading.Event()
        self._interrupted = threading.Event()
        self._caller = ThreadPoolExecutor(1, "engine-call")
        self._monitor = Monitor(clock, self._wake)
        self._backoff = StartBackoff(clock)
        self._launcher = Launcher(
            clock,
            self._monitor,
            self._wake,
            Folders(runtime_dir.absolute()),
            on_start=self._show_child,
            on_end=on_end,
            paths_of=paths_of,
            environment=environment or {},
            read_seconds=read_seconds,
        )
        self._upscaling = UpscaleProgram(
            clock, self._monitor, self._wake, runtime_dir.absolute(), environment or {}
        )
        self._server: Server | None = None
        self._child: Child | None = None
        self._tried: set[str] = set()
        self._longest_silences: dict[str, float] = {}
        self._status = EngineStatus(EngineState.STOPPED)
        self._launcher.end_leftover()
        self._upscaling.end_leftover()

    @property
    def status(self) -> EngineStatus:
        """What it is doing now; any thread."""
        status, child = self._status, self._child
        runs = status.state in (EngineState.READY, EngineState.BUSY)
        if runs and child is not None and child.returncode is not None:
            return EngineStatus(
                EngineState.STOPPED, detail="the engine ended by itself", log_tail=child.log.lines()
            )
        fraction = None
        if status.state is EngineState.LOADING:
            progress = self._monitor.snapshot()[1]
            fraction = progress.step / progress.steps if progress.steps else 0.0
        log_tail = child.log.lines()[-_SHOWN_LINES:] if child is not None else ()
        return replace(status, fraction=fraction, log_tail=log_tail)

    @property
    def log_tail(self) -> str:
        """The last lines the engine printed for the job in hand, or the last one; any thread."""
        child = self._upscaling.child or self._child
        return "\n".join(child.log.lines()) if child is not None else ""

    def interrupt(self) -> None:
        """Make a running `load` or `generate` call its `report` at once; any thread."""
        self._interrupted.set()
        self._wake.set()

    def load(self, model: Model, report: Report) -> None:
        """Have `model` ready; nothing to do if it is.

        Errors: EngineUnavailable, EngineCrashed, EngineStalled, OutOfMemory; Interrupted from `report` passes
        through.
        """
        with self._work(ProgressTracker(0), report) as pulse:
            self._have_ready(model, pulse)

    def generate(self, model: Model, recipe: Recipe, inputs: Inputs, report: Report) -> list[Picture]:
        """The recipe's n pictures with the seeds recipe.seed + i.

        Their size is the recipe's, each side rounded up to the model's multiple. The PNG bytes are the
        engine's own and unverified beyond their header. Errors: EngineCrashed, EngineStalled, OutOfMemory,
        EngineRefused, BadResult, EngineUnavailable; Interrupted from `report` passes through after the work
        has been stopped.
        """
        expected = self._expected(model.id, recipe) if self._expected is not None else None
        if self._child is not None:
            self._child.begin_job()
        tracker = ProgressTracker(recipe.n, expected, second_pass=recipe.second_pass_share)
        with self._work(tracker, report) as pulse:
            server = self._have_ready(model, pulse)
            self._set_status(EngineState.BUSY, server)
            pictures: list[Picture] = []
            while len(pictures) < recipe.n:
                batch = min(recipe.n - len(pictures), server.batch_limit)
                pictures += self._run_batch(
                    server, model, recipe, inputs, pulse, first=len(pictures), count=batch
                )
            pulse.flush()
            self._backoff.worked(model.id)
            return pictures

    def check_upscaling(self) -> None:
        """Errors: EngineUnavailable if there is no sd-cli; any thread."""
        upscale_program(self._find_binary())

    def upscale(self, upscaler: Upscaler, png: bytes, repeats: int, report: Report) -> bytes:
        """An RGB8 picture after `repeats` goes of the network: a PNG, unverified.

        The server stays as it is, unless there is no room for both. Errors: as `generate`.
        """
        program = upscale_program(self._find_binary())
        work = UpscaleWork(program, upscaler, png, repeats, self._stall_seconds)
        with self._work(work.tracker(), report) as pulse:
            if self._server is None:
                return self._upscaling.run(work, pulse)
            self._set_status(EngineState.BUSY, self._server)
            return self._upscaling.run(work, pulse, make_room=self.unload)

    def unload(self) -> None:
        """Free the model's memory; returns when the process is gone."""
        if self._server is not None:
            log.info("stopping the engine (%s)", self._server.model.id)
            self._launcher.stop(self._server)
            self._server = None
        if self._status.state is not EngineState.UNAVAILABLE:
            self._status = EngineStatus(EngineState.STOPPED)

    def close(self) -> None:
        """Stop for good; returns when nothing is left behind."""
        self.unload()
        self._caller.shutdown()

    @contextmanager
    def _work(self, tracker: ProgressTracker, report: Report) -> Iterator[Pulse]:
        """One load or generate: whatever ends it early leaves no engine at work."""
        self._monitor.follow(tracker)
        self._upscaling.child = None
        pulse = Pulse(
            self._clock,
            self._monitor,
            report,
            wake=self._wake,
            interrupted=self._interrupted,
            caller=self._caller,
        )
        try:
            yield pulse
        except BaseException:
            # An engine that is still at work, or that died, is only freed by ending it.
            if self._server is not None and (self._server.busy or not self._server.is_alive):
                self.unload()
            raise
        finally:
            if self._server is not None:
                self._set_status(EngineState.READY, self._server)

    def _have_ready(self, model: Model, pulse: Pulse) -> Server:
        """The running server if it has `model`, else a new one in its place."""
        server = self._server
        if server is not None and server.serves(model):
            pulse.guard = self._launcher.guard(server.child, self._stall_after(model))
            return server
        self.unload()
        self._backoff.check(model.id)
        try:
            binary = self._find_binary()
        except EngineUnavailable as error:
            self._status = EngineStatus(EngineState.UNAVAILABLE, detail=error.message)
            raise
        self._monitor.begin_loading()
        pulse.flush()
        try:
            return self._start(model, binary, pulse)
        except (EngineUnavailable, EngineCrashed, EngineStalled) as error:
            self.unload()
            self._backoff.died(model.id, error.message)
            raise
        except BaseException:
            self.unload()
            raise

    def _start(self, model: Model, binary: Path, pulse: Pulse) -> Server:
        self._status = EngineStatus(EngineState.LOADING, model=model.id)
        began = self._clock.monotonic()
        server = self._launcher.start(model, binary, pulse, self._stall_after(model))
        self._server = server
        if model.id not in self._tried:
            try_out(server, model, self._clock, self._monitor, pulse)
            self._tried.add(model.id)
        log.info("the engine has %s ready after %.1f s", model.id, self._clock.monotonic() - began)
        return server

    def _run_batch(
        self,
        server: Server,
        model: Model,
        recipe: Recipe,
        inputs: Inputs,
        pulse: Pulse,
        *,
        first: int,
        count: int,
    ) -> list[Picture]:
        """Pictures `first` .. `first` + `count` - 1 of the recipe, as one engine job."""
        seed = recipe.seed + first
        request = to_img_gen(recipe, model, inputs, seed=seed, batch=count)
        self._monitor.begin_batch(first, count)
        self._monitor.begin()
        try:
            contents = EngineTask(server, self._clock, self._monitor, pulse).run(request)
        except EngineCrashed as error:
            raise EngineCrashed(with_suspects(error.message, recipe.loras)) from None
        silence = max(self._longest_silences.get(model.id, 0.0), self._monitor.longest_silence)
        self._longest_silences[model.id] = silence
        width, height = result_size(recipe, model)
        return [Picture(png, width, height, seed + index) for index, png in enumerate(contents)]

    def _stall_after(self, model: Model) -> float:
        """Seconds of silence that mean a stuck engine: the entry's own word, else the studio's."""
        said = "stall_seconds" in model.engine.model_fields_set
        seconds = model.engine.stall_seconds if said else self._stall_seconds
        return max(seconds, _SILENCES * self._longest_silences.get(model.id, 0.0))

    def _show_child(self, child: Child) -> None:
        self._child = child
        self._on_start()
        self._status = EngineStatus(
            EngineState.LOADING, model=self._status.model, pid=child.pid, started_at=self._clock.now()
        )

    def _set_status(self, state: EngineState, server: Server) -> None:
        self._status = EngineStatus(
            state,
            model=server.model.id,
            pid=server.child.pid,
            started_at=self._status.started_at,
            features=server.features,
        )
