"""Weights: a model's file as the engine may be given it, and the checksum that is kept beside it."""

import hashlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from studio import gguf, safetensors
from studio.errors import StopRequested

_CHUNK = 2**22
_PARTS, _PART_BYTES = 16, 2**16
_RECORD = re.compile(r"([0-9a-f]{64}) [ *]\S.*\s*")


def fault(path: Path, suffix: str) -> str | None:
    """Why the engine must not be given this file, as the end of a sentence; None if its header is sound.

    `suffix` says what it must be: .gguf, else safetensors.
    """
    return gguf.fault(path) if suffix.lower() == ".gguf" else safetensors.fault(path)


def digest(
    path: Path,
    *,
    stop: threading.Event | None = None,
    report: Callable[[int], None] | None = None,
) -> str:
    """The file's SHA-256 in hexadecimal. Errors: OSError; StopRequested once `stop` is set."""
    found, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if stop is not None and stop.is_set():
                raise StopRequested
            found.update(chunk)
            done += len(chunk)
            if report is not None:
                report(done)
    return found.hexdigest()


def sample(path: Path) -> str:
    """By which the file's content is known without reading all of it: SHA-256 of its size and of 16 parts of
    64 KiB spread evenly. Headers alone would not do: other weights of the same shape have the same one.

    Errors: OSError.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        found = hashlib.sha256(str(size).encode())
        for number in range(_PARTS):
            file.seek(max(0, size - _PART_BYTES) * number // (_PARTS - 1))
            found.update(file.read(_PART_BYTES))
    return found.hexdigest()


def record_path(path: Path) -> Path:
    """Where the checksum of the file is kept, as `sha256sum -c` reads it."""
    return path.with_name(f"{path.name}.sha256")


def recorded(path: Path) -> str | None:
    """The checksum the file had when it came, or None if nobody wrote it down."""
    try:
        match = _RECORD.fullmatch(record_path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if match is None else match[1]


def record(path: Path, sha256: str) -> None:
    """Keep the file's checksum beside it. Errors: OSError."""
    record_path(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")
