"""Files that are there whole or not at all, also after a power cut."""

import contextlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from studio.errors import StorageFull


def is_temporary(name: str) -> bool:
    """True for the name of a file that was being written."""
    return name.startswith(".") and name.endswith(".tmp")


def refused(error: OSError, path: Path) -> StorageFull:
    """What to tell people when the file system refused to write or remove `path`."""
    reason = error.strerror or str(error)
    return StorageFull(
        f"{path.parent} can't be written ({reason}); make room there, or make it writable for the studio."
    )


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    if os.name == "nt":
        return  # Windows opens no folders, and journals names by itself.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Have `folder` and its parents, each new name synced. Errors: OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _write_beside(path: Path, content: bytes) -> Path:
    """`content`, synced, under a temporary name next to `path`; nothing is left behind on an error."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write the files, all of them or none; when this returns they survive a power cut.

    Each is written beside its place and renamed; each folder is synced once, at the end. Existing files of
    those names are replaced. Errors: StorageFull.
    """
    leftovers: list[Path] = []
    try:
        for path, content in files:
            make_folder(path.parent)
            leftovers.append(_write_beside(path, content))
        for temporary, (path, _) in zip(list(leftovers), files, strict=True):
            temporary.replace(path)
            leftovers.append(path)
        for folder in dict.fromkeys(path.parent for path, _ in files):
            sync_folder(folder)
    except BaseException as error:
        for leftover in leftovers:
            with contextlib.suppress(OSError):
                leftover.unlink()
        if isinstance(error, OSError):
            raise refused(error, Path(error.filename or files[0][0])) from error
        raise


def remove(path: Path) -> bool:
    """Remove a file; False if it was not there. Errors: StorageFull."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise refused(error, path) from error
    return True
