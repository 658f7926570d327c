"""Getting the engine: named by the user, on PATH, in the cache, else built now, or downloaded if asked."""

import argparse
import logging
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from studio.cache import cache_dir
from studio.errors import EngineUnavailable, StopRequested, StudioError
from studio.sdserver.install_archive import unpack
from studio.sdserver.install_build import build_engine
from studio.sdserver.install_download import download
from studio.sdserver.install_place import (
    PREBUILT,
    current_engine,
    installing,
    is_program,
    place_engine,
    prefer_engine,
    server_in,
    work_folder,
)
from studio.sdserver.install_progress import ConsoleProgress, InstallProgress, Reporter
from studio.sdserver.install_run import run_briefly
from studio.sdserver.install_source import STABLE_DIFFUSION_CPP, EngineSource
from studio.sdserver.install_tools import (
    BACKENDS,
    FoundTools,
    choose_backend,
    look_for_tools,
    require_compilers,
)

log = logging.getLogger(__name__)

_EXIT_FAILED = 1
_EXIT_STOPPED = 130


def find_engine(explicit: Path | None, *, source: EngineSource = STABLE_DIFFUSION_CPP) -> Path | None:
    """An sd-server that is there already, or None.

    Looked for in this order: `explicit` (STUDIO_SD_SERVER), PATH, the cache.
    Errors: EngineUnavailable if `explicit` is given and can't be run; it is never passed over in silence.
    """
    if explicit is not None:
        return _require_program(explicit)
    on_path = shutil.which("sd-server")
    if on_path is not None:
        return Path(on_path).absolute()
    return current_engine(source.identity)


def ensure_engine(
    explicit: Path | None,
    *,
    backend: str = "auto",
    report: Reporter,
    stop: threading.Event,
    source: EngineSource = STABLE_DIFFUSION_CPP,
) -> Path:
    """The engine of `find_engine`, or one built now, which takes minutes.

    `backend` is one of BACKENDS and says what to build; an engine in the cache of another backend than an
    explicitly named one doesn't count. `report` is called by this thread.
    Errors: EngineUnavailable with the way out; StopRequested soon after `stop` is set, nothing half-done.
    """
    found = find_engine(explicit, source=source)
    if found is not None and (backend == "auto" or found != current_engine(source.identity)):
        return found
    return install_engine(backend, report=report, stop=stop, source=source)


def install_engine(
    backend: str = "auto",
    *,
    report: Reporter,
    stop: threading.Event,
    source: EngineSource = STABLE_DIFFUSION_CPP,
    again: bool = False,
) -> Path:
    """The cache's engine of that backend, built unless it is there; with `again` built in any case.

    Errors: as of `ensure_engine`.
    """
    with _faults_of_the_disk_named(), installing(report, stop):
        # Looked up again under the lock: another process may just have built it.
        present = None if again else current_engine(source.identity, backend)
        if present is not None:
            prefer_engine(present)
            return present
        found = look_for_tools(os.environ)
        chosen = choose_backend(backend, found)
        require_compilers(os.environ)
        return _build_or_fall_back(source, backend, chosen, found, report, stop)


def _build_or_fall_back(
    source: EngineSource,
    asked: str,
    chosen: str,
    found: FoundTools,
    report: Reporter,
    stop: threading.Event,
) -> Path:
    try:
        return build_engine(source, chosen, found, report=report, stop=stop)
    except EngineUnavailable as error:
        # GPU kits come in many versions and not all suit the compiler. Who didn't ask for the GPU gets a
        # slower engine rather than none.
        if asked != "auto" or chosen == "cpu":
            raise
        log.warning("engine for %s not built, building for the processor instead: %s", chosen, error)
        report(InstallProgress(f"The engine for {chosen} could not be built; building for the processor"))
        return build_engine(source, "cpu", found, report=report, stop=stop)


def install_from_url(url: str, sha256: str, *, report: Reporter, stop: threading.Event) -> Path:
    """Download an archive that holds one sd-server, and make that the cache's engine.

    It is a zip or a tar (gz, bz2, xz), and `sha256` its hash in hexadecimal.
    Errors: EngineUnavailable, StopRequested.
    """
    digest = sha256.strip().lower()
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise EngineUnavailable(f"--sha256 {sha256!r} is not a SHA-256: 64 hexadecimal digits")
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise EngineUnavailable(f"--url {url!r} is not an address: {error}") from error
    with _faults_of_the_disk_named(), installing(report, stop):
        downloads = cache_dir() / "downloads"
        archive = download(url, digest, downloads, report=report, stop=stop)
        report(InstallProgress("Unpacking the engine", done=1, total=1))
        with work_folder() as work:
            engine = work / "engine"
            unpack(archive, engine, stop=stop)
            server = server_in(engine)
            if server is None:
                raise EngineUnavailable(f"{url} does not hold exactly one program named sd-server")
            server.chmod(0o755)
            engine_version(server)  # shows that it starts on this machine
            name = f"{PREBUILT}-{digest[:12]}"
            placed = place_engine(engine, name, origin=f"sha256:{digest}", backend=PREBUILT)
        shutil.rmtree(downloads, ignore_errors=True)
        return placed


def engine_version(path: Path) -> str:
    """The version that the engine tells, such as "python-0.4.7" of one built by `ensure_engine`.

    Errors: EngineUnavailable if it can't be run.
    """
    asked = run_briefly([path, "--version"])
    if asked.code != 0:
        raise EngineUnavailable(f"{path} can't be run: {asked.reason}")
    answer = " ".join(asked.tail)
    named = re.search(r"version (\S+?),? commit (\S+)", answer)
    if named is None:
        return answer.strip()[:100] or "unknown"
    version, commit = named.groups()
    return version if commit == "unknown" else f"{version} ({commit})"


def engine_command(argv: list[str], *, explicit: Path | None) -> int:
    """`python app.py engine install|where|version`; the exit code: 0, 1 failed, 2 misused, 130 stopped.

    The answer goes to standard output, progress and faults to standard error. Main thread only.
    """
    try:
        asked = _arguments().parse_args(argv)
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else 2
    if (asked.action == "install") and (asked.url is None) != (asked.sha256 is None):
        print("engine install: --url and --sha256 go together", file=sys.stderr)
        return 2
    try:
        if asked.action == "install":
            print(_install_as_asked(asked))
            return 0
        found = find_engine(explicit)
        if found is None:
            print("no engine yet; get one with: python app.py engine install", file=sys.stderr)
            return _EXIT_FAILED
        print(found if asked.action == "where" else engine_version(found))
        return 0
    except StudioError as error:
        print(error, file=sys.stderr)
        return _EXIT_FAILED
    except StopRequested:
        print("stopped; nothing was installed", file=sys.stderr)
        return _EXIT_STOPPED


def _install_as_asked(asked: argparse.Namespace) -> Path:
    with _stop_on_signals() as stop, ConsoleProgress() as report:
        if asked.url is not None:
            return install_from_url(asked.url, asked.sha256, report=report, stop=stop)
        return install_engine(asked.backend, report=report, stop=stop, again=asked.again)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="app.py engine", description="The engine, stable-diffusion.cpp.")
    actions = parser.add_subparsers(dest="action", required=True)
    install = actions.add_parser("install", help="build the engine into the cache, or download it")
    install.add_argument(
        "--backend", choices=BACKENDS, default="auto", help="what to build for (%(default)s)"
    )
    install.add_argument("--again", action="store_true", help="build even if the cache has one")
    install.add_argument("--url", metavar="U", help="download this archive (zip or tar) instead of building")
    install.add_argument("--sha256", metavar="H", help="of the archive; required with --url")
    actions.add_parser("where", help="print the path of the engine in use")
    actions.add_parser("version", help="print the version of the engine in use")
    return parser


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that no compiler is left running."""
    stop = threading.Event()

    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _faults_of_the_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineUnavailable(f"the engine could not be installed under {cache_dir()}: {error}") from error


def _require_program(explicit: Path) -> Path:
    path = explicit.expanduser().absolute()
    if is_program(path):
        return path
    if not path.exists():
        fault = "there is no such file"
    elif path.is_dir():
        fault = "that is a folder; name the program sd-server in it"
    else:
        fault = "that is not a program; make it one with chmod +x"
    raise EngineUnavailable(f"STUDIO_SD_SERVER is {str(explicit)!r}: {fault}")
