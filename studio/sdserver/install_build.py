"""Building the engine from source, for this machine's processor and one backend."""

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.cache import cache_dir
from studio.errors import EngineUnavailable
from studio.sdserver.install_place import place_engine, processor_kind, work_folder
from studio.sdserver.install_progress import InstallProgress, Reporter
from studio.sdserver.install_run import run, run_briefly
from studio.sdserver.install_source import EngineSource, fetch_source
from studio.sdserver.install_tools import FoundTools, build_tools

_BYTES_PER_COMPILER = 5 << 29
"""Free memory asked for per compiler at work, 2.5 GiB: the largest took 2.4 GB."""

_NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\]")

_BACKEND_OPTIONS = {
    "cpu": ("-DGGML_METAL=OFF",),  # which a Mac has on unless told
    "cuda": ("-DSD_CUDA=ON",),
    "vulkan": ("-DSD_VULKAN=ON",),
    "metal": ("-DSD_METAL=ON",),
}

_BACKEND_WORDS = {
    "cpu": "the processor",
    "cuda": "NVIDIA GPUs (CUDA)",
    "vulkan": "GPUs by Vulkan",
    "metal": "Apple GPUs (Metal)",
}


@dataclass(frozen=True)
class _Workshop:
    """Where and how the programs of one build run."""

    folder: Path
    log: Path
    environ: Mapping[str, str]
    report: Reporter
    stop: threading.Event

    def run(self, goal: str, *argv: str | Path, on_line: Callable[[str], None] | None = None) -> None:
        """Errors: EngineUnavailable, "the engine could not be `goal`"; StopRequested."""
        ended = run(
            argv, folder=self.folder, environ=self.environ, log=self.log, stop=self.stop, on_line=on_line
        )
        if ended.code != 0:
            raise EngineUnavailable(
                f"the engine could not be {goal}: {ended.reason}; the whole story is in {self.log}"
            )


def build_engine(
    source: EngineSource, backend: str, found: FoundTools, *, report: Reporter, stop: threading.Event
) -> Path:
    """Build, try and place an engine; its sd-server. The lock of the cache must be held.

    `backend` is one of the four real ones. Errors: EngineUnavailable, StopRequested.
    """
    cache = cache_dir()
    log = cache / "logs" / f"build-{backend}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    with work_folder() as work:
        report(InstallProgress("Getting the build tools, cmake and ninja"))
        python = build_tools(source.tools, cache=cache, work=work, log=log, stop=stop)
        project = fetch_source(source, python=python, work=work, log=log, report=report, stop=stop)
        environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
            "TMPDIR": str(work),  # what a killed compiler leaves goes with the rest
            "NINJA_STATUS": "[%f/%t] ",
        }
        workshop = _Workshop(work, log, environ, report, stop)
        options = (*source.options, *_BACKEND_OPTIONS[backend])
        if backend == "cuda":
            options += (f"-DCMAKE_CUDA_COMPILER={found.nvcc}",)
        report(InstallProgress(f"Configuring the engine for {_BACKEND_WORDS[backend]}"))
        tree = work / "build"
        kind = ("-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
        workshop.run("configured", "cmake", "-S", project, "-B", tree, *kind, *options)
        _compile(workshop, tree, source.targets, f"Building the engine for {_BACKEND_WORDS[backend]}")
        engine = _gather(source, project, tree, work / "engine")
        report(InstallProgress("Trying the new engine", done=1, total=1))
        tried = run_briefly([engine / _program("sd-server"), "--version"])
        if tried.code != 0:
            raise EngineUnavailable(f"the engine was built but does not start: {tried.reason}; log: {log}")
        processor = processor_kind()
        key = hashlib.sha256(f"{source.identity} {processor}".encode()).hexdigest()[:8]
        name = f"{source.version}-{backend}-{key}"
        return place_engine(engine, name, origin=source.identity, backend=backend, processor=processor)


def _compile(workshop: _Workshop, tree: Path, targets: Sequence[str], step: str) -> None:
    def show(line: str) -> None:
        counted = _NINJA_STEP.match(line)
        if counted is not None:
            workshop.report(InstallProgress(step, done=int(counted[1]), total=int(counted[2])))

    jobs = str(_compilers())
    workshop.run("built", "cmake", "--build", tree, "--parallel", jobs, "--target", *targets, on_line=show)


def _compilers() -> int:
    """How many compilers to run at once: all cores, if the memory is there."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, psutil.virtual_memory().available // _BYTES_PER_COMPILER))


def _gather(source: EngineSource, project: Path, tree: Path, engine: Path) -> Path:
    """`engine`, newly filled with the programs and their licence."""
    engine.mkdir()
    for target in source.targets:
        shutil.copy2(tree / "bin" / _program(target), engine)
    shutil.copy2(project / source.licence, engine)
    return engine


def _program(target: str) -> str:
    return f"{target}.exe" if os.name == "nt" else target
