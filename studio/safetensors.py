"""A safetensors file as data from strangers: its header is read and believed only as far as it adds up.

The engine trusts what it reads: an entry without a shape, or one that points outside the file, ends it.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any, TypeGuard

# A few megabytes are the largest seen; beyond it is no header.
MAX_HEADER_BYTES = 64 * 2**20
MAX_DIMENSIONS = 5
_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
# Bytes per number of the types the engine reads; it passes over U8.
_WIDTHS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "I32": 4, "I64": 8, "U8": 1}


def fault(path: Path) -> str | None:
    """Why the engine must not be given this file, as the end of a sentence; None if its header is sound."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start = file.read(_LENGTH.size)
            if len(start) < _LENGTH.size:
                return f"is {size} bytes long, which is no safetensors file"
            (length,) = _LENGTH.unpack(start)
            if not 2 < length <= min(MAX_HEADER_BYTES, size - _LENGTH.size):
                return "does not begin with the header of a safetensors file, or is cut off"
            text = file.read(length)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        return "has a header that is not JSON"
    return _header_fault(header, size - _LENGTH.size - length)


def _header_fault(header: Any, room: int) -> str | None:
    if not isinstance(header, dict):
        return "has a header that is not a JSON object"
    tensors = {name: entry for name, entry in header.items() if name != _METADATA}
    if not tensors:
        return "holds no weights"
    for name, entry in tensors.items():
        wrong = _entry_fault(entry, room)
        if wrong is not None:
            return f"says of {name!r:.100} {wrong}"
    return None


def _entry_fault(entry: Any, room: int) -> str | None:
    """What is wrong with one tensor's entry; `room` is how many bytes of numbers the file has."""
    if not isinstance(entry, dict):
        return "nothing that makes sense"
    kind, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    width = _WIDTHS.get(kind) if isinstance(kind, str) else None
    if width is None:
        return f"a type of numbers the engine does not know: {kind!r:.40}"
    if not _is_count_list(shape) or len(shape) > MAX_DIMENSIONS:
        return f"a shape that is none: {shape!r:.80}"
    if not _is_count_list(offsets) or len(offsets) != 2:
        return f"no place in the file: {offsets!r:.80}"
    begin, end = offsets
    if not begin <= end <= room:
        return f"a place outside of the file: {begin} to {end} of {room} bytes"
    if end - begin != math.prod(shape) * width:
        return f"{end - begin} bytes, but its shape {shape!r:.80} of {kind} needs another number"
    return None


def _is_count_list(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 2**48 for number in value)
