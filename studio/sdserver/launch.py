"""Launcher: from a model to a server that answers, on a port that is surely its own."""

import logging
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.cache import cache_dir
from studio.clock import Clock
from studio.demo.expand import demo_files
from studio.errors import EngineCrashed, EngineUnavailable
from studio.loras import is_walkable, lora_folder
from studio.model import Model
from studio.sdserver.client import SdServerClient
from studio.sdserver.command import default_threads, to_argv
from studio.sdserver.exits import lack_of_memory, reason_for_exit
from studio.sdserver.flags import FlagProbe
from studio.sdserver.guard import Guard
from studio.sdserver.monitor import Monitor
from studio.sdserver.pid_file import PidFile
from studio.sdserver.ports import free_port, is_sole_listener
from studio.sdserver.process import Child, engine_environment
from studio.sdserver.pulse import Pulse
from studio.sdserver.server import Server

log = logging.getLogger(__name__)

PORT_TRIES = 3
# The output says when it is about to listen, a moment before it does; asking without that is only for an
# engine whose output says nothing.
_FALLBACK_SECONDS = 0.25
_AFTER_HINT_SECONDS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.1)


def model_paths(model: Model) -> Mapping[str, Path]:
    """{key of files: path} of the model, a builtin one's files made if need be."""
    return demo_files(cache_dir()) if model.builtin == "demo" else model.paths()


@dataclass(frozen=True)
class Folders:
    """What the engine may see and write, all under `root`, which belongs to one studio."""

    root: Path

    @property
    def working(self) -> Path:
        """The engine's own working directory; empty."""
        return self.root / "engine"

    @property
    def no_loras(self) -> Path:
        """The LoRA folder of models whose own can't be used; empty."""
        return self.root / "no-loras"

    @property
    def page(self) -> Path:
        """What the engine serves at "/": a word only our own child can know."""
        return self.root / "engine.html"

    @property
    def pid_file(self) -> Path:
        """The note of the running engine."""
        return self.root / "engine.json"

    def make(self) -> None:
        """Have them."""
        for folder in (self.working, self.no_loras):
            folder.mkdir(parents=True, exist_ok=True)


class Launcher:
    """Starts and ends servers. Owner: the driver's thread, which must live as long as what it starts.

    `on_start` gets every child as soon as it runs; `on_end` hears, in a thread of the child's, whether one
    that is gone was told to go. `environment` is added to what the engine gets to see;
    `read_seconds` is how long it may leave a question unanswered.
    """

    def __init__(
        self,
        clock: Clock,
        monitor: Monitor,
        wake: threading.Event,
        folders: Folders,
        *,
        on_start: Callable[[Child], None],
        on_end: Callable[[bool], None],
        paths_of: Callable[[Model], Mapping[str, Path]],
        environment: Mapping[str, str],
        read_seconds: float,
    ) -> None:
        self._clock = clock
        self._monitor = monitor
        self._wake = wake
        self._folders = folders
        self._on_start = on_start
        self._on_end = on_end
        self._paths_of = paths_of
        self._environment = engine_environment(os.environ, environment)
        self._read_seconds = read_seconds
        self._pid_file = PidFile(folders.pid_file)
        self._probe = FlagProbe(folders.working, self._environment, wake)

    def end_leftover(self) -> int | None:
        """End an engine of an earlier life of this studio; its process id, or None."""
        return self._pid_file.end_leftover()

    def guard(self, child: Child, stall_seconds: float) -> Callable[[], None]:
        """A check that raises EngineStalled when `child` lives but does nothing for `stall_seconds`."""
        return Guard(child, self._clock, self._monitor, stall_seconds).check

    def stop(self, server: Server) -> None:
        """End `server`; returns when it is gone."""
        server.stop()
        self._pid_file.clear()

    def start(self, model: Model, binary: Path, pulse: Pulse, stall_seconds: float) -> Server:
        """A server with `model` loaded.

        Errors: EngineUnavailable (the engine said why it can't), EngineCrashed, EngineStalled, OutOfMemory.
        Whatever is raised, no child is left.
        """
        self._folders.make()
        flags = self._probe.known_flags(binary, pulse)
        paths = dict(pulse.call(lambda: self._paths_of(model)))
        lora_dir = pulse.call(lambda: self._lora_dir(model, paths.pop("lora_dir", None)))
        for attempt in range(1, PORT_TRIES + 1):
            port, nonce = free_port(), secrets.token_hex(16)
            self._folders.page.write_text(f"<!doctype html><title>{nonce}</title>")
            argv = to_argv(
                binary,
                model,
                paths,
                port=port,
                lora_dir=lora_dir,
                nonce_page=self._folders.page,
                known_flags=flags,
                threads=default_threads(psutil.cpu_count(logical=False) or 1),
            )
            log.info("starting the engine for %s on port %d", model.id, port)
            child = Child(
                argv,
                directory=self._folders.working,
                environment=self._environment,
                on_output=self._monitor.new_stream(),
                on_exit=self._wake.set,
                on_end=self._on_end,
            )
            pulse.guard = self.guard(child, stall_seconds)
            server = self._made_ready(child, binary, model, port, nonce, pulse)
            if server is not None:
                return server
            log.warning("port %d was taken while the engine started (%d of %d)", port, attempt, PORT_TRIES)
        raise EngineUnavailable(
            f"the engine found its port taken {PORT_TRIES} times in a row; something occupies loopback ports"
        )

    def _lora_dir(self, model: Model, named: Path | None) -> Path:
        """Where the engine looks for LoRAs, on every request: a folder it can look through."""
        folder = named or lora_folder(model)
        return folder if is_walkable(folder) else self._folders.no_loras

    def _made_ready(
        self, child: Child, binary: Path, model: Model, port: int, nonce: str, pulse: Pulse
    ) -> Server | None:
        """A ready server, or None, the child ended, if somebody else has the port."""
        client = SdServerClient(port, read_seconds=self._read_seconds)
        server: Server | None = None
        try:
            self._on_start(child)
            self._monitor.begin()
            self._pid_file.write(child.pid, [binary])
            if self._is_ours_and_answers(child, client, port, nonce, pulse):
                features = pulse.call(client.features)
                # Once more: a start script has become the real program by now.
                self._pid_file.write(child.pid, [binary])
                server = Server(child, client, model=model, features=features)
        finally:
            if server is None:
                child.stop()
                client.close()
                self._pid_file.clear()
        return server

    def _is_ours_and_answers(
        self, child: Child, client: SdServerClient, port: int, nonce: str, pulse: Pulse
    ) -> bool:
        """Wait until somebody answers on the port; False if that is not our child."""
        pauses = iter(_AFTER_HINT_SECONDS)
        pulse.rest(_FALLBACK_SECONDS, lambda: _is_gone(child) or self._monitor.listening)
        while not _is_gone(child):
            if pulse.call(client.is_serving):
                # An engine that has no page of ours is known by its socket, where the system tells.
                return nonce in pulse.call(client.front_page) or pulse.call(
                    lambda: is_sole_listener(child.pid, port)
                )
            if self._monitor.listening:
                pulse.rest(next(pauses, _AFTER_HINT_SECONDS[-1]), lambda: _is_gone(child))
            else:
                pulse.rest(_FALLBACK_SECONDS, lambda: _is_gone(child) or self._monitor.listening)
        returncode = child.returncode or 0
        if returncode == 0:
            # Not a word about it, but this is how sd-server ends when it can't have the port.
            return False
        lack = lack_of_memory(child.stderr.lines(), while_loading=True)
        if lack is not None:
            raise lack
        reason = reason_for_exit(returncode, child.stderr.lines(), child.stdout.lines())
        raise EngineCrashed(reason) if returncode < 0 else EngineUnavailable(reason)


def _is_gone(child: Child) -> bool:
    return child.returncode is not None
