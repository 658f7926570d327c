"""Building the engine from source, for this machine's processor and one backend."""

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil

from studio.cache import cache_dir
from studio.errors import EngineUnavailable
from studio.sdserver.install_place import place_engine, processor_kind, work_folder
from studio.sdserver.install_progress import InstallProgress, Reporter
from studio.sdserver.install_run import Finished, run, run_briefly
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
        options = (*source.options, *_BACKEND_OPTIONS[backend])
        if backend == "cuda":
            options += (f"-DCMAKE_CUDA_COMPILER={found.nvcc}",)
        report(InstallProgress(f"Configuring the engine for {_BACKEND_WORDS[backend]}"))
        tree = work / "build"
        argv: list[str | Path] = [
            "cmake",
            "-S",
            project,
            "-B",
            tree,
            "-G",
            "Ninja",
            "-DCMAKE_BUILD_TYPE=Release",
            *options,
        ]
        _require(run(argv, folder=work, environ=environ, log=log, stop=stop), "configured", log)
        _compile(source, backend, tree, environ, log, report, stop)
        engine = _gather(source, project, tree, work / "engine")
        report(InstallProgress("Trying the new engine", done=1, total=1))
        tried = run_briefly([engine / _program("sd-server"), "--version"])
        if tried.code != 0:
            raise EngineUnavailable(f"the engine was built but does not start: {tried.reason}; log: {log}")
        told_apart = source.identity + processor_kind()
        return place_engine(
            engine,
            f"{source.version}-{backend}-{hashlib.sha256(told_apart.encode()).hexdigest()[:8]}",
            origin=source.identity,
            backend=backend,
            processor=processor_kind(),
        )


def _compile(
    source: EngineSource,
    backend: str,
    tree: Path,
    environ: Mapping[str, str],
    log: Path,
    report: Reporter,
    stop: threading.Event,
) -> None:
    step = f"Building the engine for {_BACKEND_WORDS[backend]}"

    def show(line: str) -> None:
        counted = _NINJA_STEP.match(line)
        if counted is not None:
            report(InstallProgress(step, done=int(counted[1]), total=int(counted[2])))

    argv: list[str | Path] = [
        "cmake",
        "--build",
        tree,
        "--parallel",
        str(_compilers()),
        "--target",
        *source.targets,
    ]
    built = run(argv, folder=tree, environ=environ, log=log, stop=stop, on_line=show)
    _require(built, "built", log)


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


def _require(finished: Finished, verb: str, log: Path) -> None:
    if finished.code != 0:
        raise EngineUnavailable(
            f"the engine could not be {verb}: {finished.reason}; the whole story is in {log}"
        )
