"""FlagProbe: which flags an engine has, asked once per binary."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from studio.engine_options import EngineOptions, flags_of
from studio.errors import EngineUnavailable
from studio.model import ModelFiles
from studio.sdserver.command import LOOPBACK, parse_help
from studio.sdserver.ports import free_port
from studio.sdserver.process import Child
from studio.sdserver.pulse import Pulse

log = logging.getLogger(__name__)

HELP_SECONDS = 10.0
_NEEDED = (
    "--listen-ip",
    "--listen-port",
    "--serve-html-path",
    "--lora-apply-mode",
    "--lora-model-dir",
    "--threads",
)


def pinned_flags() -> frozenset[str]:
    """The flags the studio uses; the engine version it was written for has them all."""
    return frozenset((*_NEEDED, *flags_of(ModelFiles).values(), *flags_of(EngineOptions).values()))


class FlagProbe:
    """Asks `--help` and remembers the answer until the file changes. Owner: the driver's thread.

    Flags that an engine doesn't know are fatal to it, and other versions have others.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], wake: threading.Event) -> None:
        self._directory = directory
        self._environment = environment
        self._wake = wake
        self._known: dict[tuple[Path, int, int], frozenset[str]] = {}

    def known_flags(self, binary: Path, pulse: Pulse) -> frozenset[str]:
        """What the engine lists; `pinned_flags` for one that lists nothing.

        Errors: EngineUnavailable if the file can't be run.
        """
        try:
            state = binary.stat()
        except OSError as error:
            raise EngineUnavailable(f"the engine {binary} can't be used: {error.strerror}") from error
        key = (binary, state.st_mtime_ns, state.st_size)
        if key not in self._known:
            self._known[key] = self._ask(binary, pulse)
        return self._known[key]

    def _ask(self, binary: Path, pulse: Pulse) -> frozenset[str]:
        serves = threading.Event()

        def watch(chunk: bytes) -> None:
            # A program that takes no --help starts to serve: no need to wait longer.
            if b"listening on" in chunk:
                serves.set()
                self._wake.set()

        child = Child(
            # A port of its own, should it serve.
            [str(binary), "--help", "--listen-ip", LOOPBACK, "--listen-port", str(free_port())],
            directory=self._directory,
            environment=self._environment,
            on_output=watch,
            on_exit=self._wake.set,
            keep_lines=2000,
        )
        try:
            pulse.rest(HELP_SECONDS, lambda: serves.is_set() or child.returncode is not None)
        finally:
            child.stop()
        flags = parse_help("\n".join(child.stdout.lines()))
        if "--listen-port" in flags:
            return flags
        log.warning("%s lists no flags with --help; using those the studio was written for", binary)
        return pinned_flags()
