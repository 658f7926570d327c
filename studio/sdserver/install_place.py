"""The engines in the cache, and the only way to put one there: complete, under a lock, or not at all.

<cache>/
  current.json          which engine is used; written last, so it never names half an engine
  engines/<name>/       sd-server and what belongs to it
  work/                 builds and unpackings in progress; swept by the next installation
  tools/                cmake and ninja
  downloads/            parts of archives, to be resumed
  logs/                 the last build of each backend
  install.lock          held by the one process that installs
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from studio.cache import cache_dir
from studio.errors import StopRequested
from studio.sdserver.install_progress import InstallProgress, Reporter
from studio.sdserver.install_run import end_all_in

PREBUILT = "prebuilt"
_LOCK_SECONDS = 0.2
_SERVER_NAMES = ("sd-server", "sd-server.exe")


@dataclass(frozen=True)
class InstalledEngine:
    """What engine.json says. `server` is the path of sd-server within the engine's folder, with slashes."""

    server: str
    origin: str
    """What it was built from (EngineSource.identity), or the hash of the archive it was downloaded as."""
    backend: str
    """cpu, cuda, vulkan or metal; PREBUILT for a downloaded one."""
    processor: str = ""
    """The `processor_kind` it was built for; empty if it runs on any."""


def current_engine(origin: str, backend: str = "auto") -> Path | None:
    """The cache's sd-server for this machine that was built from `origin`, or None.

    The one installed last comes first, and a downloaded one counts only as such: somebody chose it.
    With another `backend` than "auto" only engines built for that backend count.
    """
    cache = cache_dir()
    last = _last_installed(cache)
    others = sorted(path.parent for path in (cache / "engines").glob("*/engine.json"))
    for folder in [last, *others] if last is not None else others:
        entry = _read_entry(folder)
        if entry is None or not is_program(folder / entry.server):
            continue
        # A build for this processor's own instructions dies of "illegal instruction" on a lesser one,
        # which a cache shared by several machines would otherwise bring about.
        if entry.processor not in ("", processor_kind()):
            continue
        if entry.backend == PREBUILT:
            fits = backend == "auto" and folder == last
        else:
            fits = entry.origin == origin and backend in ("auto", entry.backend)
        if fits:
            return folder / entry.server
    return None


def place_engine(folder: Path, name: str, *, origin: str, backend: str, processor: str = "") -> Path:
    """Move the complete engine in `folder` to engines/`name` and make it the current one; its sd-server.

    `folder` must lie in a `work_folder` and hold one sd-server. The lock must be held.
    """
    engines = cache_dir() / "engines"
    engines.mkdir(exist_ok=True)
    server = server_in(folder)
    assert server is not None, f"no sd-server in {folder}"
    within = server.relative_to(folder)
    entry = InstalledEngine(within.as_posix(), origin, backend, processor)
    (folder / "engine.json").write_text(json.dumps(asdict(entry), indent=2) + "\n", encoding="utf-8")
    _sync_tree(folder)
    place = engines / name
    if place.exists():
        # A folder can't be replaced in one step. Should the studio die between these two, there is no such
        # engine, and the next start installs it again.
        place.rename(folder.with_name("replaced"))
    folder.rename(place)
    _sync(engines)
    prefer_engine(place / within)
    return place / within


def prefer_engine(server: Path) -> None:
    """Make an engine of the cache the current one, by its sd-server. The lock must be held."""
    cache = cache_dir()
    name = server.relative_to(cache / "engines").parts[0]
    _write_durably(cache / "current.json", json.dumps({"engine": name}) + "\n")


def server_in(folder: Path) -> Path | None:
    """The one sd-server somewhere under `folder`; None if there is none, or more than one."""
    found = [path for name in _SERVER_NAMES for path in folder.rglob(name) if path.is_file()]
    return found[0] if len(found) == 1 else None


def is_program(path: Path) -> bool:
    """Whether `path` is a file that this user may run."""
    return path.is_file() and os.access(path, os.X_OK)


@contextmanager
def installing(report: Reporter, stop: threading.Event) -> Iterator[None]:
    """Hold the right to install, waiting for another process that does; what dead ones left is swept away.

    Errors: StopRequested.
    """
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "install.lock")
    while not lock.is_locked:
        if stop.is_set():
            raise StopRequested
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            report(InstallProgress("Another process is installing the engine; waiting for it"))
    try:
        if (cache / "work").exists():
            end_all_in((cache / "work").resolve())
            shutil.rmtree(cache / "work", ignore_errors=True)
        yield
    finally:
        lock.release()


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder on the cache's file system, gone when the context is left. The lock must be held."""
    parent = cache_dir() / "work"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def processor_kind() -> str:
    """A short name that differs between processors that offer different instructions.

    Source: on Linux the feature list of /proc/cpuinfo; elsewhere the architecture and the model.
    """
    described = f"{platform.machine()} {platform.processor()}"
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("flags", "Features")):
                described = " ".join([platform.machine(), *sorted(line.split())])
                break
    except OSError:
        pass  # not Linux
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _last_installed(cache: Path) -> Path | None:
    try:
        return (
            cache
            / "engines"
            / str(json.loads((cache / "current.json").read_text(encoding="utf-8"))["engine"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_entry(folder: Path) -> InstalledEngine | None:
    try:
        return InstalledEngine(**json.loads((folder / "engine.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_durably(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                _sync(path)
        _sync(Path(parent))


def _sync(path: Path) -> None:
    if os.name != "posix":
        return  # Windows syncs neither folders nor files opened for reading
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
