"""The engine's source: which one, and getting it from the package index with its hash checked."""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from studio.errors import EngineUnavailable
from studio.sdserver.install_archive import unpack
from studio.sdserver.install_progress import InstallProgress, Reporter
from studio.sdserver.install_run import run
from studio.sdserver.install_tools import pip_command


@dataclass(frozen=True)
class EngineSource:
    """A source package and how to build it.

    `sha256` is of the package file. `folder` is the CMake project within the unpacked package. `options` go
    to cmake whatever the backend. `targets` are built, and the programs of that name kept together with
    `licence`, a file of `folder`. `tools` are the requirements of the private build environment.
    """

    package: str
    version: str
    sha256: str
    folder: str
    options: tuple[str, ...]
    targets: tuple[str, ...]
    licence: str = "LICENSE"
    tools: tuple[str, ...] = ("cmake>=3.28,<5", "ninja>=1.11,<2")

    @property
    def identity(self) -> str:
        """Names the source and how it is built; an engine of another identity is not this one."""
        recipe = "\n".join([self.sha256, self.folder, *self.options, *self.targets])
        return f"{self.package} {self.version} {hashlib.sha256(recipe.encode()).hexdigest()[:8]}"


STABLE_DIFFUSION_CPP = EngineSource(
    # Python bindings whose source package brings the engine along, its server included.
    package="stable-diffusion-cpp-python",
    version="0.4.7",
    sha256="998d1957260dd5ae4e18a8acc0c14b0a8757aaa9f96515197b6d5bbf46df9282",
    folder="vendor/stable-diffusion.cpp",
    options=(
        "-DSD_BUILD_EXAMPLES=ON",
        "-DSD_BUILD_SHARED_LIBS=OFF",
        "-DGGML_NATIVE=ON",
        # The engine's own page would be built by pnpm if that happens to be installed; nobody sees it.
        "-DSD_SERVER_BUILD_FRONTEND=OFF",
        # The project asks git for its version and, unpacked inside somebody's repository, would get theirs.
        "-DGIT_EXE=",
        "-DSDCPP_BUILD_VERSION=python-0.4.7",
    ),
    targets=("sd-server", "sd-cli"),
)


def fetch_source(
    source: EngineSource,
    *,
    python: Path,
    work: Path,
    log: Path,
    report: Reporter,
    stop: threading.Event,
) -> Path:
    """The folder of the CMake project, unpacked in `work`.

    `python` is the build environment's. Errors: EngineUnavailable, StopRequested.
    """
    named = f"{source.package} {source.version}"
    report(InstallProgress(f"Downloading the engine's source, {named}"))
    wanted = work / "wanted.txt"
    # With the hash in the requirement pip checks the file before it runs anything of it. pip insists on
    # asking the package for its metadata, by the package's own build backend: 3 seconds that no option saves.
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    folder = work / "download"
    argv = [
        *pip_command(python),
        *("download", "--no-input", "--no-deps", "--no-binary", source.package),
        *("--require-hashes", "-r", wanted, "-d", folder),
    ]
    # The build tools first on PATH: else the package's build backend gets itself another cmake.
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    environ = {**os.environ, "PATH": path, "TMPDIR": str(work)}
    downloaded = run(argv, folder=work, environ=environ, log=log, stop=stop)
    if downloaded.code != 0:
        if any("DO NOT MATCH THE HASHES" in line for line in downloaded.tail):
            raise _wrong_hash(named, log)
        raise EngineUnavailable(
            f"the engine's source {named} could not be downloaded: {downloaded.reason}; log: {log}"
        )
    archives = list(folder.iterdir())
    if len(archives) != 1:
        raise EngineUnavailable(f"pip brought {len(archives)} files for {named} instead of one; log: {log}")
    # Once more by ourselves: what is compiled and run must not hang on an option of pip alone.
    if _sha256(archives[0]) != source.sha256:
        raise _wrong_hash(named, log)
    report(InstallProgress("Unpacking the engine's source"))
    unpack(archives[0], work / "source", stop=stop)
    found = [path for path in (work / "source").glob(f"*/{source.folder}") if path.is_dir()]
    if len(found) != 1:
        raise EngineUnavailable(f"{named} has no folder {source.folder}")
    return found[0]


def _wrong_hash(named: str, log: Path) -> EngineUnavailable:
    return EngineUnavailable(
        f"the downloaded source {named} is not the expected file (its SHA-256 differs); log: {log}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
