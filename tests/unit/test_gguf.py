"""GGUF files from strangers: what the engine may be given."""

import struct
from pathlib import Path

import pytest

from studio import weights


def gguf(
    magic: bytes = b"GGUF", version: int = 3, tensors: int = 2, values: int = 1, room: int = 200
) -> bytes:
    return struct.pack("<4sIQQ", magic, version, tensors, values) + bytes(room)


def fault(folder: Path, content: bytes, name: str = "a.gguf") -> str | None:
    path = folder / name
    path.write_bytes(content)
    return weights.fault(path, path.suffix)


@pytest.mark.parametrize("version", [2, 3])
def test_a_sound_start_is_taken(tmp_path: Path, version: int) -> None:
    assert fault(tmp_path, gguf(version=version), "a.GGUF") is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is 0 bytes long"),
        (b"GGUF\x03", "is 5 bytes long"),
        (gguf(magic=b"GGML"), "does not begin as a GGUF file"),
        (gguf(version=1), "version 1; the engine reads 2 and 3"),
        (gguf(version=4), "version 4"),
        (gguf(tensors=0), "holds no weights"),
        (gguf(tensors=100), "too few"),
        (gguf(values=2**63), "too few"),
    ],
)
def test_a_start_that_can_not_be_true_is_told(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in (fault(tmp_path, content) or "")


def test_the_name_decides_what_a_file_must_be(tmp_path: Path) -> None:
    assert "safetensors" in (fault(tmp_path, gguf(), "a.safetensors") or "")


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    assert weights.fault(tmp_path / "none.gguf", ".gguf") == "can't be read: No such file or directory"
