"""What this machine can build with: compilers, GPU kits, and cmake and ninja from the package index."""

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.errors import EngineUnavailable
from studio.sdserver.install_run import run, run_briefly

BACKENDS = ("auto", "cpu", "cuda", "vulkan", "metal")


@dataclass(frozen=True)
class FoundTools:
    """What a look at the machine found; paths are None where there is nothing."""

    macos: bool = False
    nvcc: Path | None = None
    nvidia_driver: bool = False
    vulkan_headers: Path | None = None
    glslc: Path | None = None


def look_for_tools(environ: Mapping[str, str]) -> FoundTools:
    """What is installed here, by PATH and the variables that CUDA's and Vulkan's installers set."""
    path = environ.get("PATH", "")
    cuda_homes = [environ.get("CUDA_HOME", ""), environ.get("CUDA_PATH", ""), "/usr/local/cuda"]
    nvcc = shutil.which("nvcc", path=os.pathsep.join([path, *(f"{home}/bin" for home in cuda_homes if home)]))
    driver = shutil.which("nvidia-smi", path=path)
    # The tool is often installed without a driver, as in container images: only its answer counts.
    driver_works = driver is not None and run_briefly([driver, "-L"]).code == 0
    sdk = environ.get("VULKAN_SDK", "")
    roots = [Path(sdk), Path("/usr"), Path("/usr/local")] if sdk else [Path("/usr"), Path("/usr/local")]
    headers = [root / "include/vulkan/vulkan.h" for root in roots]
    glslc = shutil.which("glslc", path=os.pathsep.join([path, f"{sdk}/bin"]) if sdk else path)
    return FoundTools(
        macos=sys.platform == "darwin",
        nvcc=Path(nvcc) if nvcc is not None else None,
        nvidia_driver=driver_works,
        vulkan_headers=next((header for header in headers if header.is_file()), None),
        glslc=Path(glslc) if glslc is not None else None,
    )


def choose_backend(asked: str, found: FoundTools) -> str:
    """The backend to build: the one asked for, or for "auto" the fastest that will also run here.

    Errors: EngineUnavailable if the one asked for can't be built with what was found, or is unknown.
    """
    if asked not in BACKENDS:
        raise EngineUnavailable(f"there is no engine backend {asked!r}; known: {', '.join(BACKENDS)}")
    if asked != "auto":
        missing = _missing_for(asked, found)
        if missing:
            raise EngineUnavailable(
                f"the {asked} backend needs {missing}; choose another --backend or install it"
            )
        return asked
    if found.macos:
        return "metal"
    # Both, because a CUDA program doesn't even start where the driver's libraries are missing:
    # the toolkit alone, as on build machines and in images, would give an engine that can't run.
    if found.nvcc is not None and found.nvidia_driver:
        return "cuda"
    if found.vulkan_headers is not None and found.glslc is not None:
        return "vulkan"
    return "cpu"


def _missing_for(backend: str, found: FoundTools) -> str:
    if backend == "cuda" and found.nvcc is None:
        return "NVIDIA's CUDA toolkit (nvcc was not found)"
    if backend == "vulkan" and found.vulkan_headers is None:
        return "the Vulkan headers (vulkan/vulkan.h was not found; Debian/Ubuntu: libvulkan-dev)"
    if backend == "vulkan" and found.glslc is None:
        return "the shader compiler glslc (Debian/Ubuntu: glslc; else the Vulkan SDK)"
    if backend == "metal" and not found.macos:
        return "macOS"
    return ""


def require_compilers(environ: Mapping[str, str], *, system: str = sys.platform) -> None:
    """Errors: EngineUnavailable with one sentence that names what to install, if C or C++ can't be compiled.

    CC and CXX count, as they do for cmake.
    """
    path = environ.get("PATH", "")
    c_names = [environ["CC"]] if environ.get("CC") else ["cc", "gcc", "clang", "cl"]
    cxx_names = [environ["CXX"]] if environ.get("CXX") else ["c++", "g++", "clang++", "cl"]
    found = all(
        any(shutil.which(shlex.split(name)[0], path=path) is not None for name in names)
        for names in (c_names, cxx_names)
    )
    if found and system == "darwin":
        # Every Mac has /usr/bin/c++; without the command line tools it only asks to install them.
        found = run_briefly(["xcode-select", "-p"]).code == 0
    if not found:
        raise EngineUnavailable(f"building the engine needs a C++ compiler: {_compiler_advice(system)}")


def _compiler_advice(system: str) -> str:
    if system == "darwin":
        return "run xcode-select --install"
    if system == "win32":
        return "install the Visual Studio Build Tools with C++ and start again from their Developer Prompt"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    for names, advice in (
        (("debian", "ubuntu"), "run sudo apt install build-essential"),
        (
            ("fedora", "rhel", "suse", "opensuse"),
            "install gcc and gcc-c++ (on Fedora: sudo dnf install gcc-c++)",
        ),
        (("arch",), "run sudo pacman -S base-devel"),
        (("alpine",), "run sudo apk add build-base"),
    ):
        if any(name in family for name in names):
            return advice
    return "install GCC or Clang with C++ (Debian/Ubuntu: build-essential; Fedora: gcc-c++)"


def pip_command(python: Path) -> list[str | Path]:
    """How to call pip for the environment of `python`: this interpreter's own pip, so that its configuration
    (indexes, certificates, proxies) counts; if it has none, the environment's."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", python]
    return [python, "-m", "pip"]


def build_tools(
    requirements: Sequence[str], *, cache: Path, work: Path, log: Path, stop: threading.Event
) -> Path:
    """The Python of a private environment in the cache that holds `requirements`, made once.

    Errors: EngineUnavailable, StopRequested.
    """
    key = hashlib.sha256("\n".join([sys.version, sys.base_prefix, *requirements]).encode()).hexdigest()[:12]
    home = cache / "tools" / key
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = home / "complete"  # written last; without it the environment is made anew
    if complete.is_file() and python.exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    without_pip = ["--without-pip"] if importlib.util.find_spec("pip") is not None else []
    environ = {**os.environ, "TMPDIR": str(work)}
    made = run(
        [sys.executable, "-m", "venv", *without_pip, home], folder=work, environ=environ, log=log, stop=stop
    )
    if made.code != 0:
        raise EngineUnavailable(
            f"no environment for the build tools could be made: {made.reason}; log: {log}"
        )
    argv: list[str | Path] = [*pip_command(python), "install", "--no-input", *requirements]
    installed = run(argv, folder=work, environ=environ, log=log, stop=stop)
    if installed.code != 0:
        raise EngineUnavailable(
            f"the build tools {' '.join(requirements)} could not be installed: {installed.reason}; log: {log}"
        )
    complete.touch()
    return python
