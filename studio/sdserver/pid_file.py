"""PidFile: which engine belongs to these outputs, so that a left-over one is ended at the next start."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

_SAME_START_SECONDS = 2.0
_END_SECONDS = 10.0


class PidFile:
    """A note of the running engine: process id, start time, program; all must agree before it is ended."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pid: int, programs: Sequence[Path]) -> None:
        """Note the process `pid`; `programs` are the files it may show as its program."""
        try:
            process = psutil.Process(pid)
            names = {str(program) for program in programs} | {process.exe()}
            note = {"pid": pid, "started": process.create_time(), "programs": sorted(names)}
        except psutil.Error:
            return  # gone already, nothing to note
        self._path.write_text(json.dumps(note))

    def clear(self) -> None:
        """The engine is gone."""
        self._path.unlink(missing_ok=True)

    def end_leftover(self) -> int | None:
        """End the noted process if it still runs; its process id, or None if there was nothing to end."""
        try:
            note = json.loads(self._path.read_text())
            pid, started, programs = int(note["pid"]), float(note["started"]), list(note["programs"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        ended = self._end(pid, started, programs)
        self.clear()
        return ended

    def _end(self, pid: int, started: float, programs: list[str]) -> int | None:
        try:
            process = psutil.Process(pid)
            same_start = abs(process.create_time() - started) < _SAME_START_SECONDS
            same_program = process.exe() in programs or any(word in programs for word in process.cmdline())
            if not (same_start and same_program):
                return None
            log.warning("engine process %d is left over from an earlier life: ending it", pid)
            process.kill()
            process.wait(_END_SECONDS)
        except psutil.Error:
            return None
        return pid
