"""UpscaleProgram: sd-cli's upscale mode as a child for one picture, watched as the server is."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio import files
from studio.clock import Clock
from studio.errors import EngineCrashed, EngineRefused, EngineUnavailable
from studio.sdserver.command import default_threads
from studio.sdserver.exits import error_text, lack_of_memory, reason_for_exit
from studio.sdserver.guard import Guard
from studio.sdserver.monitor import Monitor
from studio.sdserver.pid_file import PidFile
from studio.sdserver.process import Child, engine_environment
from studio.sdserver.pulse import Pulse
from studio.sdserver.upscale_tracker import UpscaleTracker
from studio.upscalers import LANCZOS, Upscaler

log = logging.getLogger(__name__)

# Pixels of the source's side that are worked on at a time: without tiles a large picture takes all memory.
TILE = 128
_FOR_EVER = 1e9


def upscale_program(server: Path) -> Path:
    """The sd-cli that belongs to a sd-server. Errors: EngineUnavailable if there is none beside it."""
    program = server.with_name(f"sd-cli{server.suffix if server.suffix == '.exe' else ''}")
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise EngineUnavailable(
            f"This engine can't make pictures larger: there is no sd-cli beside {server}. "
            f"`python app.py engine install` gets an engine that has one; the method {LANCZOS} needs none."
        )
    return program


@dataclass(frozen=True)
class UpscaleWork:
    """One picture, `png`, to be made larger by `repeats` goes of a network.

    `stall_seconds` of silence end it.
    """

    program: Path
    upscaler: Upscaler
    png: bytes
    repeats: int
    stall_seconds: float

    def tracker(self) -> UpscaleTracker:
        """What tells how far it is."""
        return UpscaleTracker(self.upscaler.scale, self.repeats)


class UpscaleProgram:
    """Runs sd-cli, one picture at a time. Owner: the driver's thread, which must live as long as a run."""

    def __init__(
        self,
        clock: Clock,
        monitor: Monitor,
        wake: threading.Event,
        root: Path,
        environment: Mapping[str, str],
    ) -> None:
        """`root` belongs to one studio; `environment` is added to what the engine gets to see."""
        self.child: Child | None = None
        """The latest one, for its output."""
        self._clock = clock
        self._monitor = monitor
        self._wake = wake
        self._folder = root / "upscale"
        self._environment = engine_environment(os.environ, environment)
        self._pid_file = PidFile(root / "upscale.json")

    def end_leftover(self) -> int | None:
        """End a run of an earlier life of this studio; its process id, or None."""
        return self._pid_file.end_leftover()

    def run(self, work: UpscaleWork, pulse: Pulse, *, make_room: Callable[[], None] | None = None) -> bytes:
        """What the program makes of the picture, unverified; no file of it is left.

        When there is too little memory it is tried once more after `make_room`. Errors: EngineCrashed;
        EngineStalled; EngineRefused; EngineUnavailable; StorageFull. Whatever is raised, no child is left.
        """
        try:
            return self._run(work, pulse)
        except (EngineRefused, EngineCrashed):
            if make_room is None or not self._lacked_memory:
                raise
        log.info("too little memory to make a picture larger beside the model: unloading that")
        make_room()
        return self._run(work, pulse)

    @property
    def _lacked_memory(self) -> bool:
        return self.child is not None and lack_of_memory(self.child.stderr.lines()) is not None

    def _run(self, work: UpscaleWork, pulse: Pulse) -> bytes:
        source, result = self._folder / "in.png", self._folder / "out.png"
        try:
            files.write_all([(source, work.png)])
            argv = [
                str(work.program), "-M", "upscale", "--upscale-model", str(work.upscaler.path),
                "-i", str(source), "-o", str(result), "--upscale-repeats", str(work.repeats),
                "--upscale-tile-size", str(TILE),
                "--threads", str(default_threads(psutil.cpu_count(logical=False) or 1)),
            ]  # fmt: skip
            log.info("making a picture larger with %s, %d times over", work.upscaler.name, work.repeats)
            self._wait_for(argv, pulse, work.stall_seconds)
            return self._made(result)
        finally:
            for path in (source, result):
                files.remove(path)

    def _wait_for(self, argv: list[str], pulse: Pulse, stall_seconds: float) -> None:
        child = self.child = Child(
            argv,
            directory=self._folder,
            environment=self._environment,
            on_output=self._monitor.new_stream(),
            on_exit=self._wake.set,
        )
        self._monitor.begin()
        self._pid_file.write(child.pid, [Path(argv[0])])
        pulse.guard = Guard(child, self._clock, self._monitor, stall_seconds).check
        try:
            pulse.flush()
            pulse.rest(_FOR_EVER, lambda: child.returncode is not None)
        finally:
            child.stop()
            self._pid_file.clear()

    def _made(self, result: Path) -> bytes:
        """The picture, if the program ended well: when it can't read the network, it saves the source."""
        assert self.child is not None
        stderr = self.child.stderr.lines()
        code = self.child.returncode or 0
        if code != 0:
            reason = reason_for_exit(code, stderr, self.child.stdout.lines())
            raise EngineCrashed(reason) if code < 0 else EngineRefused(reason)
        fault = error_text(stderr)
        if fault is not None:
            raise EngineRefused(f"The engine could not make the picture larger: {fault}.")
        try:
            return result.read_bytes()
        except OSError:
            raise EngineRefused("The engine ended without having made a picture.") from None
