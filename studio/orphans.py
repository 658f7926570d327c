"""Files under outputs/ that nothing refers to any more: found and removed."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio import files

Known = Callable[[list[str]], set[str]]
"""Which of these ids something still refers to; asked with at most BATCH of them."""

BATCH = 500

IMAGE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INPUT_ID = re.compile(r"[0-9a-f]{64}")

_IMAGE_FILE = re.compile(IMAGE_ID.pattern + r"\.png")
_IMAGE_THUMBNAIL_FILE = re.compile(IMAGE_ID.pattern + r"\.webp")
_INPUT_THUMBNAIL_FILE = re.compile(INPUT_ID.pattern + r"\.webp")
_INPUT_FILE = re.compile(INPUT_ID.pattern + r"\.png")


@dataclass(frozen=True)
class SweepReport:
    """What a sweep removed: numbers of files, and bytes in all."""

    temporary: int = 0
    images: int = 0
    thumbnails: int = 0
    inputs: int = 0
    freed_bytes: int = 0


@dataclass(frozen=True)
class _Found:
    """A file seen while sweeping; `id` is its name without the ending."""

    path: Path
    id: str
    size: int


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in `folder`; nothing if it is not there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        yield from entries


def _folders(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _old_files(folder: Path, older_than: float) -> Iterator[_Found]:
    """The plain files in `folder` last changed before `older_than`."""
    for entry in _entries(folder):
        # A file may go while the folder is read: somebody else removed it.
        with contextlib.suppress(FileNotFoundError):
            about = entry.stat(follow_symlinks=False)
            if entry.is_file(follow_symlinks=False) and about.st_mtime < older_than:
                yield _Found(Path(entry.path), entry.name.partition(".")[0], about.st_size)


@dataclass
class _Removed:
    """A running count of what was removed."""

    files: int = 0
    bytes: int = 0

    def remove(self, found: Iterable[_Found]) -> None:
        for each in found:
            if files.remove(each.path):
                self.files += 1
                self.bytes += each.size


def _unknown(candidates: list[_Found], known: Known) -> list[_Found]:
    """Those that `known` does not confirm."""
    ids = sorted({each.id for each in candidates})
    confirmed: set[str] = set()
    for start in range(0, len(ids), BATCH):
        confirmed |= known(ids[start : start + BATCH])
    return [each for each in candidates if each.id not in confirmed]


def _sweep_folders(
    folders: Iterable[Path], names: re.Pattern[str], known: Known, older_than: float, temporary: _Removed
) -> _Removed:
    """The orphans removed from `folders`; temporary files are removed too and counted in `temporary`."""
    orphans = _Removed()
    candidates: list[_Found] = []
    for folder in folders:
        found = list(_old_files(folder, older_than))
        temporary.remove(each for each in found if files.is_temporary(each.path.name))
        candidates += [each for each in found if names.fullmatch(each.path.name)]
        # Folders of thumbnails hold few each: asked about together, they cost few questions.
        if len(candidates) >= BATCH:
            orphans.remove(_unknown(candidates, known))
            candidates = []
    orphans.remove(_unknown(candidates, known))
    return orphans


def sweep(
    images: Path,
    thumbnails: Path,
    inputs: Path,
    known_images: Known,
    known_inputs: Known,
    older_than: float,
) -> SweepReport:
    """Remove temporary files, and pictures, thumbnails and inputs of unknown ids.

    Only files last changed before `older_than`, seconds since the epoch, and only names that the studio
    gives: whatever else lies there is left alone. Errors: StorageFull if a file can't be removed,
    OSError if a folder can't be read.
    """
    thumbnail_folders = [folder for edge in _folders(thumbnails) for folder in _folders(edge)]
    temporary = _Removed()
    images_gone = _sweep_folders(_folders(images), _IMAGE_FILE, known_images, older_than, temporary)
    thumbnails_gone = [
        _sweep_folders(thumbnail_folders, names, known, older_than, temporary)
        for names, known in ((_IMAGE_THUMBNAIL_FILE, known_images), (_INPUT_THUMBNAIL_FILE, known_inputs))
    ]
    inputs_gone = _sweep_folders([inputs], _INPUT_FILE, known_inputs, older_than, temporary)
    return SweepReport(
        temporary=temporary.files,
        images=images_gone.files,
        thumbnails=sum(gone.files for gone in thumbnails_gone),
        inputs=inputs_gone.files,
        freed_bytes=sum(each.bytes for each in (temporary, images_gone, *thumbnails_gone, inputs_gone)),
    )
