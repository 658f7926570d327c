"""Running the programs that an installation needs: pip, cmake, ninja, and the new engine for a look at it."""

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.errors import StopRequested

TAIL_LINES = 200
_ERROR = re.compile(r"\berror(:| [A-Z]?\d+:)", re.IGNORECASE)
_BRIEF_SECONDS = 30
_NICENESS = 5
_STOP_LOOK_SECONDS = 0.1
_KILL_SECONDS = 1.0


@dataclass(frozen=True)
class Finished:
    """How a program ended: its exit code (127 if it could not be started) and the last lines it printed."""

    code: int
    tail: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The line that most likely says why it failed."""
        lines = [line.strip() for line in self.tail if line.strip()]
        for number, line in enumerate(lines):
            if line.startswith("CMake Error"):  # which puts the reason itself on the next line
                return " ".join(lines[number : number + 2])
            if _ERROR.search(line) is not None:
                return line
        return lines[-1] if lines else f"exit code {self.code}"


def run(
    argv: Sequence[str | Path],
    *,
    folder: Path,
    environ: Mapping[str, str],
    log: Path,
    stop: threading.Event,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run a program to its end in `folder`; what it prints goes to the end of `log`, and to `on_line`.

    It and all its children are killed when `stop` is set (StopRequested) or when `on_line` raises.
    If the studio itself dies, they end by their next line (nobody reads it) or by `end_all_in`.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with log.open("a", encoding="utf-8") as written:
        written.write(f"$ {' '.join(map(str, argv))}\n")
        written.flush()
        try:
            child = _start(argv, folder, environ)
        except OSError as error:
            return Finished(127, (f"{argv[0]}: {error.strerror}",))
        with child, _killed_on(stop, child):
            assert child.stdout is not None
            for line in child.stdout:
                written.write(line)
                written.flush()
                tail.append(line.rstrip())
                if on_line is not None:
                    on_line(line)
            code = child.wait()
    if stop.is_set():
        raise StopRequested
    return Finished(code, tuple(tail))


def run_briefly(argv: Sequence[str | Path]) -> Finished:
    """Run a program that answers within seconds; one that doesn't is killed and counts as not startable."""
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_BRIEF_SECONDS,
            check=False,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return Finished(127, (f"{argv[0]}: no answer within {_BRIEF_SECONDS} seconds",))
    except OSError as error:
        return Finished(127, (f"{argv[0]}: {error.strerror}",))
    return Finished(done.returncode, tuple(done.stdout.splitlines()))


def end_all_in(folder: Path) -> None:
    """Kill the processes without a terminal that work in `folder`: what a killed studio left of a build."""
    left = [process for process in psutil.process_iter() if _works_in(folder, process)]
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=_KILL_SECONDS)


def _works_in(folder: Path, process: psutil.Process) -> bool:
    try:
        if os.name == "posix" and process.terminal() is not None:
            return False  # a person looking around, not a build
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):  # gone, or somebody else's
        return False


def _start(argv: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [str(part) for part in argv],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that every compiler can be found and ended, see _kill_all
    )
    if os.name == "posix":
        with suppress(OSError):  # the studio answers people while the compilers run
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, child.pid, min(own + _NICENESS, 19))
    return child


@contextmanager
def _killed_on(stop: threading.Event, child: subprocess.Popen[str]) -> Iterator[None]:
    """Kills the child and its children as soon as `stop` is set, and in any case when the context is left."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if stop.wait(_STOP_LOOK_SECONDS):
                _kill_all(child)
                return

    watcher = threading.Thread(target=watch, name="install-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        _kill_all(child)


def _kill_all(child: subprocess.Popen[str]) -> None:
    """Kill the child and all that came of it, at once: what a build does is thrown away anyway."""
    if child.returncode is not None:  # collected already: the number may belong to somebody else by now
        return
    # By session, since ninja gives every compiler a process group of its own and SIGKILL of ninja alone would
    # leave them. Again until none is left, because one may have been born meanwhile.
    members = _all_of(child)
    child.kill()
    while members:
        for process in members:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(members, timeout=_KILL_SECONDS)
        members = _all_of(child)


def _all_of(child: subprocess.Popen[str]) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_of(child, process)]


def _is_of(child: subprocess.Popen[str], process: psutil.Process) -> bool:
    try:
        if process.pid == child.pid or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if os.name == "posix":
            return os.getsid(process.pid) == child.pid
        return child.pid in [parent.pid for parent in process.parents()]
    except (psutil.Error, OSError):  # gone, or not ours
        return False
