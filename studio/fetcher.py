"""Fetcher: brings the missing files of a model to their places, each whole, of its hash, and sound."""

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from studio import weights
from studio.addresses import Addresses
from studio.download import DownloadFile
from studio.errors import DownloadFailed, StopRequested
from studio.files import sync_folder
from studio.huggingface import HuggingFace
from studio.model import Model
from studio.source import SourceFile
from studio.transfer import Remote, Transfer, cant_write, check_room, size_of

# How often it is asked whether another download has finished with a file, in seconds.
_LOCK_SECONDS = 0.2

Report = Callable[[DownloadFile, bool], None]
"""(the file as it stands now, whether it is being checked)"""


@dataclass(frozen=True)
class Wanted:
    """A missing file whose source is known."""

    key: str
    given: str
    """Its path as models.yml spells it."""
    path: Path
    source: SourceFile


def wanted(model: Model) -> list[Wanted]:
    """The model's missing files that can be downloaded."""
    source, paths, missing = model.source, model.paths(), set(model.missing())
    files = source.files if source is not None else {}
    return [
        Wanted(key, model.files.given[key], paths[key], file)
        for key, file in files.items()
        if model.files.given[key] in missing
    ]


class Fetcher:
    """Fetches one model at a time for each caller; any thread. A file is fetched by one of them at a time."""

    def __init__(
        self, *, hub: HuggingFace, addresses: Addresses, transfer: Transfer, locks: Callable[[], Path]
    ) -> None:
        """`locks` gives the folder by which processes of this machine keep out of each other's files."""
        self._hub = hub
        self._addresses = addresses
        self._transfer = transfer
        self._locks = locks

    def fetch(self, model: Model, *, report: Report, stop: threading.Event) -> None:
        """Returns when every file with a source is there. What came so far is kept by every fault but a wrong
        hash. Errors: DownloadFailed; StopRequested."""
        files = wanted(model)
        remotes = []
        for file in files:
            if stop.is_set():
                raise StopRequested
            remotes.append(self._remote(model, file.source))
            report(_progress(file, remotes[-1], size_of(_part(file, remotes[-1]))), False)
        _check_room(files, remotes)
        for file, remote in zip(files, remotes, strict=True):
            with self._alone(file.path, stop):
                if not file.path.exists():  # another download of the same file may have been faster
                    self._fetch(file, remote, report, stop)
            report(_progress(file, remote, size_of(file.path), size_of(file.path)), False)

    def discard(self, model: Model) -> None:
        """Remove what came of files that are not whole yet. Errors: DownloadFailed."""
        for file in wanted(model):
            with contextlib.suppress(Timeout), self._lock(file.path).acquire(timeout=0):
                for part in file.path.parent.glob(f"{_escaped(file.path.name)}.*.part"):
                    try:
                        part.unlink()
                    except OSError as error:
                        raise cant_write(part, error) from error

    def _remote(self, model: Model, file: SourceFile) -> Remote:
        if file.url is not None:
            assert file.sha256 is not None, "a source file with an address has a hash"
            return Remote(file.url, file.sha256, file.bytes)
        assert model.source is not None
        assert file.path is not None
        repo = model.source.repo_of(file)
        assert repo is not None
        return self._hub.find(repo, model.source.revision, file.path, file.sha256)

    def _fetch(self, file: Wanted, remote: Remote, report: Report, stop: threading.Event) -> None:
        part = _part(file, remote)
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cant_write(file.path.parent, error) from error
        self._transfer.fetch(
            remote,
            part,
            pin=self._addresses.pin if file.source.url is not None else self._hub.pin,
            report=lambda done, total: report(_progress(file, remote, done, total), False),
            stop=stop,
        )
        report(_progress(file, remote, size_of(part), size_of(part)), True)
        try:
            _check(part, file, remote, stop)
            part.replace(file.path)
            sync_folder(file.path.parent)
            weights.record(file.path, remote.sha256)
        except DownloadFailed:
            report(_progress(file, remote, size_of(part)), False)  # what was wrong is gone
            raise
        except OSError as error:
            raise cant_write(file.path, error) from error

    @contextlib.contextmanager
    def _alone(self, path: Path, stop: threading.Event) -> Iterator[None]:
        """Nobody else on this machine fetches that file meanwhile."""
        lock = self._lock(path)
        while True:
            if stop.is_set():
                raise StopRequested
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
                break
            except Timeout:
                continue
        try:
            yield
        finally:
            lock.release()

    def _lock(self, path: Path) -> FileLock:
        folder = self._locks()
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.lock")


def _progress(file: Wanted, remote: Remote, done: int, total: int | None = None) -> DownloadFile:
    return DownloadFile(
        key=file.key, path=file.given, done=done, total=total or remote.size, sha256=remote.sha256
    )


def _part(file: Wanted, remote: Remote) -> Path:
    """Where its bytes gather: another version of the file gathers elsewhere."""
    return file.path.with_name(f"{file.path.name}.{remote.sha256[:12]}.part")


def _check(part: Path, file: Wanted, remote: Remote, stop: threading.Event) -> None:
    """Errors: DownloadFailed if it must not get its name; it is removed then. StopRequested; OSError."""
    found = weights.digest(part, stop=stop)
    if found != remote.sha256:
        part.unlink()
        raise DownloadFailed(
            f"{file.given} came with the wrong content: its SHA-256 is {found}, not {remote.sha256}. "
            "It was removed; try again, and if that happens again, don't use this source."
        )
    wrong = weights.fault(part, file.path.suffix)
    if wrong is not None:
        part.unlink()
        raise DownloadFailed(f"{file.given} {wrong}. It was removed: the source has no usable file.")
    with part.open("rb+") as content:
        os.fsync(content.fileno())


def _check_room(files: Sequence[Wanted], remotes: Sequence[Remote]) -> None:
    """Errors: DownloadFailed if what is still to come finds no room on one of the disks."""
    needed: dict[int, tuple[Path, int]] = {}
    for file, remote in zip(files, remotes, strict=True):
        part = _part(file, remote)
        folder = next(parent for parent in file.path.absolute().parents if parent.is_dir())
        path, so_far = needed.get(folder.stat().st_dev, (file.path, 0))
        needed[folder.stat().st_dev] = path, so_far + max(0, (remote.size or 0) - size_of(part))
    for path, total in needed.values():
        check_room(path, total)


def _escaped(name: str) -> str:
    """For glob: the name itself, whatever it holds."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
