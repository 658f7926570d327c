"""A studio as people run it: `python app.py` in a process of its own, spoken to over HTTP."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
LISTENING = re.compile(r"on (http://[\w.:\[\]]+) ")


def until(what: Callable[[], T | None], seconds: float = 60) -> T:
    """What `what` gives as soon as it is true; a test that waits longer than `seconds` has failed."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        found = what()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


class RunningStudio:
    """One `python app.py`; `log` holds every line it printed."""

    def __init__(
        self, outputs: Path, engine: Path, flags: tuple[str, ...] = (), env: Mapping[str, str] = {}
    ) -> None:
        self.outputs = outputs
        self.log: list[str] = []
        self._listening = threading.Event()
        self._base = ""
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", "0", "--outputs", str(outputs), *flags],
            cwd=ROOT,
            env={**os.environ, "STUDIO_SD_SERVER": str(engine), **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.log.append(line.rstrip("\n"))
                match = LISTENING.search(line)
                if match:
                    self._base = match[1]
                    self._listening.set()
        self._listening.set()

    @property
    def base(self) -> str:
        """ "http://127.0.0.1:port" once it listens."""
        assert self._listening.wait(60), "\n".join(self.log)
        assert self._base, "the studio ended early:\n" + "\n".join(self.log)
        return self._base

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.base}/api", timeout=120, trust_env=False)

    def engine_pid(self) -> int | None:
        """The sd-server that runs as our child, or None."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next((child.pid for child in children if "sd-server" in child.name()), None)

    def job(self, job_id: str) -> dict[str, Any]:
        with self.api as api:
            answer = api.get(f"/queue/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def submit(self, **body: Any) -> str:
        """The id of a new generate job."""
        with self.api as api:
            answer = api.post("/queue/generate", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def final(self, job_id: str, seconds: float = 120) -> dict[str, Any]:
        """The job once it is final."""

        def ended() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ("completed", "failed", "cancelled") else None

        return until(ended, seconds)

    def sampling(self, job_id: str) -> dict[str, Any]:
        """The job once the engine samples it."""

        def busy() -> dict[str, Any] | None:
            job = self.job(job_id)
            assert job["status"] in ("pending", "processing"), job
            return job if job["phase"] == "sampling" else None

        return until(busy)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Send the signal; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code


@contextmanager
def running_studio(
    outputs: Path, engine: Path, *flags: str, env: Mapping[str, str] = {}
) -> Iterator[RunningStudio]:
    """A studio process that is gone, with its engine, when the context ends."""
    studio = RunningStudio(outputs, engine, flags, env)
    try:
        yield studio
    finally:
        if studio.process.poll() is None:
            studio.process.kill()
            studio.process.wait(30)


def engines_of(outputs: Path) -> list[int]:
    """Every engine process on this machine that works for these outputs."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "name"]):
        line = process.info["cmdline"] or []
        if any(str(outputs) in word for word in line) and "sd-server" in (process.info["name"] or ""):
            found.append(process.pid)
    return found
