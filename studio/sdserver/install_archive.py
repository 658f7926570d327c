"""Unpacking zip and tar archives that nobody has looked into: nothing outside the folder, nothing huge."""

import lzma
import os
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from studio.errors import EngineUnavailable, StopRequested

_CHUNK_BYTES = 1 << 20

# What the standard library's readers raise on damaged, cut off, encrypted or unknown content.
_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may hold at most."""

    entries: int = 20_000
    unpacked_bytes: int = 8 << 30


@dataclass(frozen=True)
class _Entry:
    """One member: exactly one of a folder, a link to `link`, or a file to be read from `content`."""

    name: str
    is_folder: bool = False
    link: str | None = None
    content: IO[bytes] | None = None
    is_program: bool = False


def unpack(archive: Path, folder: Path, *, stop: threading.Event, limits: UnpackLimits | None = None) -> None:
    """Unpack a zip or tar (plain, gz, bz2, xz) into `folder`, which must not exist.

    Only files, folders and links that stay inside are made; owners, times and special bits are not kept.
    Errors: EngineUnavailable naming the member that is not acceptable (what was unpacked so far stays in
    `folder`, for the caller to throw away), StopRequested.
    """
    if limits is None:
        limits = UnpackLimits()
    folder.mkdir()
    left = limits.unpacked_bytes
    links: list[tuple[Path, str]] = []
    try:
        with closing(_entries(archive)) as entries:
            for number, entry in enumerate(entries):
                if stop.is_set():
                    raise StopRequested
                if number >= limits.entries:
                    raise _refused(archive, entry.name, f"more than {limits.entries} entries")
                place = folder / _safe_name(archive, entry.name)
                if entry.is_folder:
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if entry.link is not None:
                    links.append((place, entry.link))
                    continue
                written = _write(entry, place, left, stop)
                if written is None:
                    raise _refused(archive, entry.name, f"more than {limits.unpacked_bytes} bytes in all")
                left -= written
    except FileExistsError as error:
        raise EngineUnavailable(f"{archive.name} holds {error.filename} twice") from error
    except _UNREADABLE as error:
        raise EngineUnavailable(f"{archive.name} can't be unpacked: {error}") from error
    _make_links(archive, folder, links)


def _make_links(archive: Path, folder: Path, links: list[tuple[Path, str]]) -> None:
    # After all files, so that none was written through a link; and judged by where they really lead,
    # because two links that look harmless one by one can lead out together.
    for place, target in links:
        try:
            place.symlink_to(target)
        except OSError as error:
            raise _refused(archive, place.name, f"a link that can't be made ({error.strerror})") from error
    root = folder.resolve()
    for place, target in links:
        try:
            inside = place.resolve().is_relative_to(root)
        except (OSError, RuntimeError):  # a circle of links
            inside = False
        if not inside or os.path.isabs(target):  # noqa: PTH117 - the target's own text, not a place of ours
            raise _refused(archive, place.name, f"a link to {target!r}, outside of the archive")


def _entries(archive: Path) -> Generator[_Entry, None, None]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield from _zip_entries(archive, zipped)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            yield from _tar_entries(archive, tarred)
    else:
        raise EngineUnavailable(f"{archive.name} is neither a zip nor a tar archive")


def _zip_entries(archive: Path, zipped: zipfile.ZipFile) -> Iterator[_Entry]:
    for member in zipped.infolist():
        mode = member.external_attr >> 16  # where zip programs of Unix keep it; 0 from the others
        kind = stat.S_IFMT(mode)
        if member.is_dir():
            yield _Entry(member.filename, is_folder=True)
        elif kind == stat.S_IFLNK:
            with zipped.open(member) as content:
                yield _Entry(member.filename, link=content.read(4096).decode("utf-8"))
        elif kind in (0, stat.S_IFREG):
            with zipped.open(member) as content:
                yield _Entry(member.filename, content=content, is_program=bool(mode & 0o111))
        else:
            raise _refused(archive, member.filename, "neither a file, a folder nor a link")


def _tar_entries(archive: Path, tarred: tarfile.TarFile) -> Iterator[_Entry]:
    for member in tarred:
        if member.isdir():
            yield _Entry(member.name, is_folder=True)
        elif member.issym():
            yield _Entry(member.name, link=member.linkname)
        elif member.isreg():
            content = tarred.extractfile(member)
            assert content is not None, "a regular member has content"
            yield _Entry(member.name, content=content, is_program=bool(member.mode & 0o111))
        else:
            raise _refused(archive, member.name, "neither a file, a folder nor a link")


def _safe_name(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not name or "\0" in name or "\\" in name or ":" in name or path.is_absolute() or ".." in path.parts:
        raise _refused(archive, name, "a name that leads out of the archive")
    return path


def _write(entry: _Entry, place: Path, limit: int, stop: threading.Event) -> int | None:
    """The bytes written, counted as they come because a header may lie; None if more than `limit`."""
    assert entry.content is not None
    written = 0
    with place.open("xb") as file:
        while chunk := entry.content.read(_CHUNK_BYTES):
            if stop.is_set():
                raise StopRequested
            written += len(chunk)
            if written > limit:
                return None
            file.write(chunk)
    place.chmod(0o755 if entry.is_program else 0o644)
    return written


def _refused(archive: Path, name: str, reason: str) -> EngineUnavailable:
    return EngineUnavailable(f"{archive.name} is not unpacked, because of {name[:200]!r}: {reason}")
