"""The stub's pictures: valid PNGs of a real one's weight, made without an imaging library."""

import os
import random
import struct
import threading
import zlib
from pathlib import Path

VARIANTS = 4
"""Pictures differ by their seed modulo this."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD_BYTES = 33  # the signature and the IHDR chunk
_MOST_CACHED = 32


def png_size(picture: bytes) -> tuple[int, int]:
    """(width, height) from a PNG's header; 512x512 for anything else."""
    if picture[:8] == _SIGNATURE and len(picture) >= 24:
        width, height = struct.unpack(">II", picture[16:24])
        return width, height
    return (512, 512)


def _chunk(tag: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))


def _row(width: int, down: float, hues: list[list[int]]) -> bytearray:
    """One line of two soft colour fields; `down` is 0 at the top and 1 at the bottom."""
    row = bytearray(width * 3)
    for channel in range(3):
        level = hues[0][channel] * (1 - down) + hues[1][channel] * down
        left, right = int(level) << 4, int(min(15, level + 2)) << 4
        edge = int(width * (0.25 + 0.5 * abs(0.5 - ((down * 3 + channel / 3) % 1))))
        row[channel::3] = bytes([left]) * edge + bytes([right]) * (width - edge)
    return row


def _draw(width: int, height: int, variant: int, noise_bits: int) -> tuple[bytes, bytes]:
    chance = random.Random(variant * 7919 + 1)
    hues = [[chance.randrange(3, 13) for _ in range(3)] for _ in range(2)]
    mask = bytes(byte & ((1 << noise_bits) - 1) for byte in range(256))
    rows = []
    for y in range(height):
        row = _row(width, y / max(1, height - 1), hues)
        noise = chance.randbytes(len(row)).translate(mask)
        mixed = int.from_bytes(row, "little") | int.from_bytes(noise, "little")
        rows.append(b"\0" + mixed.to_bytes(len(row), "little"))
    head = _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return head, _chunk(b"IDAT", zlib.compress(b"".join(rows), 6)) + _chunk(b"IEND", b"")


class PictureBook:
    """Makes PNGs, keeping what it drew in memory and in a folder, so that a picture costs no time."""

    def __init__(self, folder: Path, noise_bits: int) -> None:
        self._folder = folder
        self._noise_bits = noise_bits
        self._kept: dict[tuple[int, int, int], tuple[bytes, bytes]] = {}
        self._lock = threading.Lock()

    def prepare(self, width: int, height: int) -> None:
        """Have every variant of that size at hand."""
        for variant in range(VARIANTS):
            self._parts(width, height, variant)

    def png(self, width: int, height: int, seed: int, parameters: str) -> bytes:
        """An RGB8 PNG that carries `parameters` as its text chunk."""
        head, tail = self._parts(width, height, seed % VARIANTS)
        text = parameters.encode("latin-1", "replace")
        return head + _chunk(b"tEXt", b"parameters\0" + text) + tail

    def _parts(self, width: int, height: int, variant: int) -> tuple[bytes, bytes]:
        """What stands before and after the text chunk."""
        key = (width, height, variant)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        path = self._folder / f"{width}x{height}-{variant}-{self._noise_bits}.png"
        try:
            whole = path.read_bytes()
            parts = whole[:_HEAD_BYTES], whole[_HEAD_BYTES:]
        except OSError:
            parts = _draw(width, height, variant, self._noise_bits)
            self._save(path, b"".join(parts))
        with self._lock:
            if len(self._kept) > _MOST_CACHED:
                self._kept.clear()
            self._kept[key] = parts
        return parts

    def _save(self, path: Path, whole: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
            beside.write_bytes(whole)
            beside.replace(path)
        except OSError:
            pass  # a read-only checkout: it is drawn again next time
