import os
import sys
from pathlib import Path

import pytest

from studio.errors import EngineUnavailable
from studio.sdserver.install_tools import FoundTools, choose_backend, look_for_tools, require_compilers

NVCC = Path("/opt/cuda/bin/nvcc")
HEADERS = Path("/usr/include/vulkan/vulkan.h")
GLSLC = Path("/usr/bin/glslc")


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("found", "backend"),
    [
        (FoundTools(), "cpu"),
        (FoundTools(macos=True), "metal"),
        (FoundTools(nvcc=NVCC, nvidia_driver=True), "cuda"),
        (FoundTools(nvcc=NVCC, nvidia_driver=False), "cpu"),
        (FoundTools(nvcc=None, nvidia_driver=True), "cpu"),
        (FoundTools(vulkan_headers=HEADERS, glslc=GLSLC), "vulkan"),
        (FoundTools(vulkan_headers=HEADERS), "cpu"),
        (FoundTools(glslc=GLSLC), "cpu"),
        (FoundTools(nvcc=NVCC, nvidia_driver=True, vulkan_headers=HEADERS, glslc=GLSLC), "cuda"),
        (FoundTools(nvcc=NVCC, vulkan_headers=HEADERS, glslc=GLSLC), "vulkan"),
    ],
)
def test_auto_takes_the_fastest_backend_that_will_also_run(found: FoundTools, backend: str) -> None:
    assert choose_backend("auto", found) == backend


@pytest.mark.parametrize(
    ("asked", "found", "missing"),
    [
        ("cuda", FoundTools(nvidia_driver=True), "nvcc"),
        ("vulkan", FoundTools(glslc=GLSLC), "libvulkan-dev"),
        ("vulkan", FoundTools(vulkan_headers=HEADERS), "glslc"),
        ("metal", FoundTools(), "macOS"),
    ],
)
def test_a_backend_that_cannot_be_built_names_what_is_missing(
    asked: str, found: FoundTools, missing: str
) -> None:
    with pytest.raises(EngineUnavailable, match=f"the {asked} backend needs .*{missing}"):
        choose_backend(asked, found)


def test_a_named_backend_is_taken_at_its_word() -> None:
    everything = FoundTools(macos=True, nvcc=NVCC, nvidia_driver=True, vulkan_headers=HEADERS, glslc=GLSLC)

    assert choose_backend("cpu", everything) == "cpu"
    assert choose_backend("cuda", FoundTools(nvcc=NVCC, nvidia_driver=False)) == "cuda"


def test_an_unknown_backend_is_named_with_the_known_ones() -> None:
    with pytest.raises(EngineUnavailable, match=r"'rocm'; known: auto, cpu, cuda, vulkan, metal"):
        choose_backend("rocm", FoundTools())


@pytest.mark.parametrize(("answer", "works"), [("exit 0", True), ("exit 9", False)])
def test_only_a_driver_that_answers_counts(tmp_path: Path, answer: str, works: bool) -> None:
    nvcc = program(tmp_path / "bin/nvcc")
    program(tmp_path / "bin/nvidia-smi", answer)

    found = look_for_tools({"PATH": str(tmp_path / "bin")})

    assert found.nvcc == nvcc
    assert found.nvidia_driver is works


def test_an_sdk_named_by_the_environment_is_found(tmp_path: Path) -> None:
    glslc = program(tmp_path / "sdk/bin/glslc")
    header = tmp_path / "sdk/include/vulkan/vulkan.h"
    header.parent.mkdir(parents=True)
    header.touch()
    nvcc = program(tmp_path / "cuda/bin/nvcc")

    found = look_for_tools(
        {"PATH": "", "VULKAN_SDK": str(tmp_path / "sdk"), "CUDA_HOME": str(tmp_path / "cuda")}
    )

    assert (found.vulkan_headers, found.glslc, found.nvcc) == (header, glslc, nvcc)


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        ("darwin", "xcode-select --install"),
        ("win32", "Visual Studio Build Tools"),
        ("linux", r"gcc-c\+\+|build-"),
    ],
)
def test_without_compilers_one_sentence_names_what_to_install(
    tmp_path: Path, system: str, advice: str
) -> None:
    with pytest.raises(EngineUnavailable, match=f"needs a C.. compiler: .*({advice})") as caught:
        require_compilers({"PATH": str(tmp_path)}, system=system)

    assert "\n" not in caught.value.message


def test_a_c_compiler_alone_is_not_enough(tmp_path: Path) -> None:
    program(tmp_path / "gcc")

    with pytest.raises(EngineUnavailable):
        require_compilers({"PATH": str(tmp_path)}, system="linux")

    program(tmp_path / "g++")
    require_compilers({"PATH": str(tmp_path)}, system="linux")


def test_compilers_named_by_the_environment_count(tmp_path: Path) -> None:
    environ = {
        "PATH": "",
        "CC": str(program(tmp_path / "my-cc")),
        "CXX": f"{program(tmp_path / 'my-cxx')} -m64",
    }

    require_compilers(environ, system="linux")

    with pytest.raises(EngineUnavailable):
        require_compilers({**environ, "CXX": "gone", "PATH": os.environ["PATH"]}, system="linux")


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler of Windows is not on PATH")
def test_the_compilers_of_this_machine_are_found() -> None:
    require_compilers(os.environ)
