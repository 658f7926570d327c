"""Real builds, by the real pip, cmake, ninja and compiler, of an engine of one file."""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.errors import EngineUnavailable, StopRequested
from studio.sdserver.install import engine_version, ensure_engine, find_engine, install_engine
from studio.sdserver.install_progress import InstallProgress
from studio.sdserver.install_source import STABLE_DIFFUSION_CPP, EngineSource
from studio.sdserver.install_tools import build_tools

CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.12)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_executable(sd-server main.c)
if(TINY_FOREVER)
  add_custom_command(OUTPUT slow.h DEPENDS sd-server COMMAND ${CMAKE_COMMAND} -E sleep 3600)
  add_custom_target(forever DEPENDS slow.h)
endif()
"""
MAIN = """
#include <stdio.h>
int main(void) { puts("stable-diffusion.cpp version tiny, commit unknown"); return 0; }
"""
BUILD_BACKEND = """
from pathlib import Path

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, "tiny_engine-1.0.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-engine\\nVersion: 1.0\\n")
    return folder.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

BUILD_IN_ANOTHER_PROCESS = """
import json, sys, threading
from studio.sdserver.install import install_engine
from studio.sdserver.install_source import EngineSource
fields = json.loads(sys.argv[1])
for key in ("options", "targets", "tools"):
    fields[key] = tuple(fields[key])
source = EngineSource(**fields)
at = sys.argv[2]
def wait_to_be_told(progress):
    global at
    if at and progress.step.startswith(at):
        at = ""
        print("there", flush=True)
        sys.stdin.readline()
print(install_engine("cpu", report=wait_to_be_told, stop=threading.Event(), source=source))
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the build tools, made once: the only thing here that is downloaded."""
    cache = tmp_path_factory.mktemp("tools")
    build_tools(
        STABLE_DIFFUSION_CPP.tools, cache=cache, work=cache, log=cache / "log", stop=threading.Event()
    )
    return cache / "tools"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "tools").symlink_to(tools)
    monkeypatch.setenv("STUDIO_CACHE", str(folder))
    return folder


def tiny_source(
    folder: Path, *, main: str = MAIN, cmake: str = "", options: tuple[str, ...] = ()
) -> EngineSource:
    """A source package in `folder`, where pip is told to look."""
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: tiny-engine\nVersion: 1.0\n",
        "pyproject.toml": PROJECT,
        "backend.py": BUILD_BACKEND,
        "vendor/tiny/CMakeLists.txt": CMAKE_LISTS + cmake,
        "vendor/tiny/LICENSE": "free",
        "vendor/tiny/main.c": main,
    }
    path = folder / "tiny_engine-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"tiny_engine-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return EngineSource(
        package="tiny-engine",
        version="1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        folder="vendor/tiny",
        options=options,
        targets=("sd-server",),
    )


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is pip's only index; PATH holds no sd-server of somebody else."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def build(source: EngineSource, seen: list[InstallProgress]) -> Path:
    return ensure_engine(None, backend="cpu", report=seen.append, stop=threading.Event(), source=source)


def working_in(folder: Path) -> list[psutil.Process]:
    """The processes at work in `folder`, this one aside."""
    found = []
    for process in psutil.process_iter(["cwd"]):
        cwd = process.info["cwd"]
        if cwd is not None and Path(cwd).is_relative_to(folder):
            found.append(process)
    return found


@pytest.fixture
def no_process_left(tmp_path: Path) -> Iterator[None]:
    """Ends what a killed installation leaves running."""
    yield
    for process in working_in(tmp_path):
        process.kill()


def assert_nothing_half_done(cache: Path) -> None:
    assert not (cache / "engines").exists()
    assert not (cache / "current.json").exists()
    assert list((cache / "work").iterdir()) == []


def test_an_engine_is_built_once_and_then_found(packages: Path, cache: Path) -> None:
    source = tiny_source(packages)
    seen: list[InstallProgress] = []

    server = build(source, seen)

    assert server.is_relative_to(cache / "engines")
    assert engine_version(server) == "tiny"
    assert (server.parent / "LICENSE").read_text() == "free"
    assert find_engine(None, source=source) == server
    assert find_engine(None) is None
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert seen[-1].fraction == 1.0
    assert any(progress.step.startswith("Building") and progress.done > 0 for progress in seen)

    again: list[InstallProgress] = []
    assert build(source, again) == server
    assert again == []


def test_a_rebuild_can_be_asked_for(packages: Path) -> None:
    source = tiny_source(packages)
    server = build(source, [])
    first = server.stat().st_ino

    rebuilt = install_engine("cpu", report=lambda _: None, stop=threading.Event(), source=source, again=True)

    assert rebuilt == server
    assert rebuilt.stat().st_ino != first


def test_a_source_of_another_hash_is_refused_before_anything_of_it_runs(packages: Path, cache: Path) -> None:
    traces = packages / "ran"
    source = tiny_source(packages)
    trap = BUILD_BACKEND.replace("def ", f"Path({str(traces)!r}).touch()\n\ndef ", 1)
    other = dataclasses.replace(source, sha256="0" * 64)
    with tarfile.open(packages / "tiny_engine-1.0.tar.gz", "w:gz") as archive:
        for name, text in {
            "PKG-INFO": "Name: tiny-engine\n",
            "pyproject.toml": PROJECT,
            "backend.py": trap,
        }.items():
            member = tarfile.TarInfo(f"tiny_engine-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))

    with pytest.raises(EngineUnavailable, match=r"tiny-engine 1\.0 is not the expected file"):
        build(other, [])

    assert not traces.exists()
    assert_nothing_half_done(cache)


def test_a_source_that_no_index_has_is_named(packages: Path, cache: Path) -> None:
    source = dataclasses.replace(tiny_source(packages), version="2.0")

    with pytest.raises(EngineUnavailable, match=r"tiny-engine 2\.0 could not be downloaded: ERROR: .*==2\.0"):
        build(source, [])

    assert_nothing_half_done(cache)


def test_a_compiler_error_is_told_with_the_place_of_the_log(packages: Path, cache: Path) -> None:
    source = tiny_source(packages, main="int main(void) { return undeclared; }\n")

    with pytest.raises(
        EngineUnavailable, match=r"could not be built: .*undeclared.*build-cpu\.log"
    ) as caught:
        build(source, [])

    assert "\n" not in caught.value.message
    assert "main.c" in (cache / "logs/build-cpu.log").read_text()
    assert_nothing_half_done(cache)


def test_an_engine_that_does_not_start_is_not_installed(packages: Path, cache: Path) -> None:
    source = tiny_source(packages, main="int main(void) { return 3; }\n")

    with pytest.raises(EngineUnavailable, match="was built but does not start"):
        build(source, [])

    assert_nothing_half_done(cache)


def test_a_stop_ends_all_compilers_and_leaves_nothing(packages: Path, cache: Path, tmp_path: Path) -> None:
    source = dataclasses.replace(
        tiny_source(packages, options=("-DTINY_FOREVER=ON",)), targets=("sd-server", "forever")
    )
    stop = threading.Event()

    def stop_while_building(progress: InstallProgress) -> None:
        if progress.step.startswith("Building"):
            stop.set()

    with pytest.raises(StopRequested):
        ensure_engine(None, backend="cpu", report=stop_while_building, stop=stop, source=source)

    assert working_in(tmp_path) == []
    assert_nothing_half_done(cache)


def test_a_reporter_that_raises_ends_the_build(packages: Path, cache: Path, tmp_path: Path) -> None:
    source = dataclasses.replace(
        tiny_source(packages, options=("-DTINY_FOREVER=ON",)), targets=("sd-server", "forever")
    )

    def fail(progress: InstallProgress) -> None:
        if progress.step.startswith("Building"):
            raise LookupError("nobody listens")

    with pytest.raises(LookupError):
        ensure_engine(None, backend="cpu", report=fail, stop=threading.Event(), source=source)

    assert working_in(tmp_path) == []
    assert_nothing_half_done(cache)


def another_process(source: EngineSource, wait_at: str) -> subprocess.Popen[str]:
    """A process that builds `source`, and at its step `wait_at` prints a line and waits for one."""
    fields = json.dumps(dataclasses.asdict(source))
    return subprocess.Popen(
        [sys.executable, "-c", BUILD_IN_ANOTHER_PROCESS, fields, wait_at],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_build_once(packages: Path) -> None:
    source = tiny_source(packages)
    with another_process(source, wait_at="Getting the build tools") as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "there\n"
        said: set[str] = set()

        def let_the_first_go_on(progress: InstallProgress) -> None:
            said.add(progress.step)
            if first.stdin is not None and not first.stdin.closed:
                first.stdin.close()

        second = ensure_engine(
            None, backend="cpu", report=let_the_first_go_on, stop=threading.Event(), source=source
        )

        assert first.stdout.readline().strip() == str(second)
    assert said == {"Another process is installing the engine; waiting for it"}


@pytest.mark.usefixtures("no_process_left")
def test_after_a_killed_build_the_next_one_succeeds(packages: Path, cache: Path) -> None:
    forever = dataclasses.replace(
        tiny_source(packages, options=("-DTINY_FOREVER=ON",)), targets=("sd-server", "forever")
    )
    with another_process(forever, wait_at="Building") as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "there\n"
        killed.kill()
        killed.wait()
    assert len(list((cache / "work").iterdir())) == 1
    assert not (cache / "current.json").exists()
    source = dataclasses.replace(forever, options=(), targets=("sd-server",))

    server = build(source, [])

    assert engine_version(server) == "tiny"
    assert list((cache / "work").iterdir()) == []


def test_auto_builds_for_the_processor_if_the_gpu_build_fails(
    packages: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny_source(packages, cmake='if(SD_CUDA)\n  message(FATAL_ERROR "no such GPU kit")\nendif()\n')
    kit = tmp_path / "kit"
    kit.mkdir()
    for name in ("nvcc", "nvidia-smi"):
        (kit / name).write_text("#!/bin/sh\nexit 0\n")
        (kit / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(kit), prepend=os.pathsep)
    seen: list[InstallProgress] = []

    server = ensure_engine(None, report=seen.append, stop=threading.Event(), source=source)

    assert engine_version(server) == "tiny"
    assert any("cuda could not be built; building for the processor" in progress.step for progress in seen)
    assert "no such GPU kit" in (cache / "logs/build-cuda.log").read_text()
    with pytest.raises(EngineUnavailable, match=r"could not be configured: CMake Error .*no such GPU kit"):
        ensure_engine(None, backend="cuda", report=seen.append, stop=threading.Event(), source=source)
