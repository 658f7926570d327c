"""The safetensors file format, as far as the engine's loader needs it."""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[Any]

KINDS = {"float16": "F16", "float32": "F32"}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write float16 and float32 arrays in the mapping's order; on the disk on return."""
    head: dict[str, object] = {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        kind = KINDS[tensor.dtype.name]
        head[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(head).encode()
    header += b" " * (-len(header) % 8)  # the numbers start at a multiple of 8 bytes
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)))
        file.write(header)
        for tensor in tensors.values():
            file.write(np.ascontiguousarray(tensor).data)
        file.flush()
        os.fsync(file.fileno())


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """Name -> {"dtype", "shape", "data_offsets"} of a safetensors file, without reading its numbers."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    return header
