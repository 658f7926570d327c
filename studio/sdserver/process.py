"""Child: one program, its output drained for ever, gone when its parent is gone."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from studio.errors import EngineUnavailable
from studio.sdserver.log_tail import LogTail

# sd-server has no clean-up of its own: SIGTERM's default action ends it in some 20 ms. What is still there
# after half a second ignores it, and a person who cancelled is waiting.
TERMINATE_SECONDS = 0.5
KILL_SECONDS = 30.0
DRAIN_SECONDS = 2.0

# Linux can end a child with its parent, but the child must ask for it before it becomes the program. Doing so
# in a preexec_fn runs Python between fork and exec of a threaded process, which can deadlock; an interpreter
# of its own that asks and then becomes the program costs some 20 ms and has no such hazard. The parent may be
# gone already.
_ASK_AND_BECOME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(125)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    print(f"{sys.argv[2]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(126)
"""

_KEPT_NAMES = frozenset(
    {"PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TZ", "USER", "SYSTEMROOT", "TEMP", "TMP"}
)
_KEPT_PREFIXES = (
    "CUDA", "NVIDIA", "VK_", "VULKAN", "HIP", "HSA", "ROC", "GPU_", "GGML", "SD_VK", "LD_", "DYLD_", "LC_",
    "OMP_", "KMP_", "GOMP_", "MTL_", "METAL_", "MESA", "RADV_", "ONEAPI", "SYCL", "ZE_",
)  # fmt: skip


def engine_environment(inherited: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """What the engine gets to see of `inherited`: hardware and locale variables, no secrets; then `extra`."""
    kept = {
        name: value
        for name, value in inherited.items()
        if name in _KEPT_NAMES or name.startswith(_KEPT_PREFIXES)
    }
    # Without it a failed GGML_ASSERT starts gdb when that is installed.
    return kept | {"GGML_NO_BACKTRACE": "1"} | dict(extra)


class Child:
    """A started program. Owner: the thread that made it, which must outlive it.

    Linux binds "end with the parent" to the thread that called fork: when that thread ends, the child is
    killed. `on_output(chunk)` gets every chunk of stdout in a reader thread and must be quick; `on_exit()` is
    called once, in a thread of its own, when the program is gone and all its output has been read;
    `on_end(whether we ended it)` right after. Errors:
    EngineUnavailable if the program can't be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        on_output: Callable[[bytes], None],
        on_exit: Callable[[], None],
        on_end: Callable[[bool], None] = lambda _: None,
        keep_lines: int = 200,
    ) -> None:
        self.stdout = LogTail(keep_lines)
        self.stderr = LogTail(keep_lines)
        self.log = LogTail(keep_lines)
        self._on_output = on_output
        self._on_exit = on_exit
        self._on_end = on_end
        self._was_told = False
        self._gone = threading.Event()
        if not os.access(argv[0], os.X_OK):
            raise EngineUnavailable(f"the engine {argv[0]} is not an executable file")
        try:
            self._process = subprocess.Popen(
                _ending_with_parent(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineUnavailable(f"the engine {argv[0]} could not be started: {error}") from error
        self._readers = [
            self._thread("stdout", self._drain, self._process.stdout, self.stdout, True),
            self._thread("stderr", self._drain, self._process.stderr, self.stderr, False),
        ]
        self._watcher = self._thread("exit", self._watch)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Popen's exit code (negative: signal); None while it runs or its last output is being read."""
        return self._process.returncode if self._gone.is_set() else None

    @property
    def is_alive(self) -> bool:
        """Whether it can still do anything; false as soon as it died, before its exit code is known."""
        if self.returncode is not None:
            return False
        try:
            return psutil.Process(self.pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.NoSuchProcess:
            return False

    @property
    def is_suspended(self) -> bool:
        """Whether somebody suspended it (SIGSTOP), so that it will never answer."""
        try:
            return psutil.Process(self.pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        except psutil.Error:
            return False

    def begin_job(self) -> None:
        """Forget the output so far: the tails from here on belong to the next job."""
        for tail in (self.stdout, self.stderr, self.log):
            tail.clear()

    def kill(self) -> None:
        """End it at once and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._join(KILL_SECONDS)

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL; returns when it is gone and its threads have ended."""
        if not self.is_suspended:  # a suspended process never sees SIGTERM
            self._signal(signal.SIGTERM)
            if self._gone.wait(TERMINATE_SECONDS):
                return self._join(DRAIN_SECONDS)
        return self.kill()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, waiting at most `seconds` for it; None if it still runs."""
        self._gone.wait(seconds)
        return self.returncode

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is not None:
            return
        self._was_told = True
        try:
            # The whole session: a start script's real program must not outlive the script.
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            self._process.send_signal(number)

    def _join(self, seconds: float) -> None:
        self._gone.wait(seconds)
        self._watcher.join(seconds)

    def _thread(self, name: str, run: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(
            target=run, args=args, name=f"engine-{name}-{self._process.pid}", daemon=True
        )
        thread.start()
        return thread

    def _drain(self, stream: IO[bytes], tail: LogTail, parse: bool) -> None:
        """Read for ever: an unread pipe fills up, and the engine then waits while answering "generating"."""
        with stream:
            while chunk := stream.read(1 << 16):
                tail.feed(chunk)
                self.log.feed(chunk)
                if parse:
                    self._on_output(chunk)

    def _watch(self) -> None:
        self._process.wait()
        for reader in self._readers:
            # A program it left behind may keep the pipe open; the reason is read by then.
            reader.join(DRAIN_SECONDS)
        self._gone.set()
        self._on_exit()
        self._on_end(self._was_told)


def _ending_with_parent(argv: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _ASK_AND_BECOME, str(os.getpid()), *argv]
