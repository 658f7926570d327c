"""A GGUF file as data from strangers: its beginning is read and believed only as far as it can be true."""

import struct
from pathlib import Path

_MAGIC = b"GGUF"
_START = struct.Struct("<4sIQQ")
# What the engine reads: 1 had shorter numbers and is gone.
_VERSIONS = (2, 3)
# The shortest a tensor's entry can be (name's length, dimensions, type, offset), and one of metadata.
_TENSOR_BYTES = 24
_VALUE_BYTES = 13


def fault(path: Path) -> str | None:
    """Why the engine must not be given this file, as the end of a sentence; None if its start is sound."""
    try:
        with path.open("rb") as file:
            start = file.read(_START.size)
            size = path.stat().st_size
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if len(start) < _START.size:
        return f"is {size} bytes long, which is no GGUF file"
    magic, version, tensors, values = _START.unpack(start)
    if magic != _MAGIC:
        return "does not begin as a GGUF file"
    if version not in _VERSIONS:
        return f"is GGUF of version {version}; the engine reads {' and '.join(map(str, _VERSIONS))}"
    if tensors == 0:
        return "holds no weights"
    if tensors * _TENSOR_BYTES + values * _VALUE_BYTES > size - _START.size:
        return f"says it holds {tensors} tensors and {values} values, for which its {size} bytes are too few"
    return None
