"""Text inside PNG files: read it, and replace it without touching a pixel."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from studio.errors import BadResult, InvalidImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 2 * 2**20
"""The most that all texts of one file may hold together, unpacked."""

_TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
_REPLACED_KINDS = (*_TEXT_KINDS, b"eXIf")


class _Chunk(NamedTuple):
    """One chunk of a PNG; `start` and `end` are offsets in the file, length and checksum included."""

    kind: bytes
    start: int
    end: int


def _chunks(png: bytes, *, checksums: bool) -> Iterator[_Chunk]:
    """The chunks from IHDR to IEND; what follows IEND is ignored. Errors: ValueError says what is wrong."""
    if not png.startswith(SIGNATURE):
        raise ValueError("it is not a PNG file")
    view = memoryview(png)
    position, pixels_seen = len(SIGNATURE), False
    while True:
        if position + 12 > len(png):
            raise ValueError("it is cut off")
        length, kind = struct.unpack_from(">I4s", png, position)
        chunk = _Chunk(kind, position, position + 12 + length)
        if chunk.end > len(png):
            raise ValueError("it is cut off")
        if position == len(SIGNATURE) and (kind != b"IHDR" or length != 13):
            raise ValueError("it has no header")
        # Only critical chunks (capital first letter) are needed; a bad checksum elsewhere harms nobody.
        if checksums and kind[:1].isupper():
            (stated,) = struct.unpack_from(">I", png, chunk.end - 4)
            if zlib.crc32(view[position + 4 : chunk.end - 4]) != stated:
                raise ValueError("it is damaged: a checksum does not match")
        pixels_seen = pixels_seen or kind == b"IDAT"
        yield chunk
        if kind == b"IEND":
            break
        position = chunk.end
    if not pixels_seen:
        raise ValueError("it holds no pixels")


def fault(png: bytes) -> str | None:
    """What is wrong with the file's structure or checksums, as half a sentence; None if it is sound.

    Pillow skips the checksum of pixel chunks and forgives a missing end, so this is asked as well.
    """
    try:
        for _ in _chunks(png, checksums=True):
            pass
    except ValueError as error:
        return str(error)
    return None


def _chunk_bytes(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _text_chunk(key: str, text: str) -> bytes:
    keyword = key.encode("latin-1")
    if not 1 <= len(keyword) <= 79 or "\0" in key or "\0" in text:
        raise ValueError(f"PNG can't hold the text {key!r}: 1 to 79 characters of key, no NUL in either")
    try:
        return _chunk_bytes(b"tEXt", keyword + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        # keyword, not compressed, no language, no translated keyword
        return _chunk_bytes(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode("utf-8"))


def splice(png: bytes, texts: Mapping[str, str]) -> bytes:
    """The same picture with `texts` as its only texts; the bytes of the pixels are not touched.

    A text goes into a tEXt chunk if Latin-1 can hold it, else into iTXt as UTF-8, as readers of the A1111
    `parameters` expect. All tEXt, zTXt, iTXt and eXIf chunks of `png` are dropped, and so is anything after
    its end. Errors: BadResult if `png` is not a whole PNG; ValueError for a key or text no PNG can hold.
    """
    ours = b"".join(_text_chunk(key, text) for key, text in texts.items())
    view = memoryview(png)
    try:
        kept = [view[c.start : c.end] for c in _chunks(png, checksums=False) if c.kind not in _REPLACED_KINDS]
    except ValueError as error:
        raise BadResult(f"The engine's picture can't be used: {error}.") from None
    # Before the pixels, so that a reader finds the texts in the first kilobytes.
    return b"".join([SIGNATURE, kept[0], ours, *kept[1:]])


def _unpack(packed: bytes, limit: int) -> bytes:
    """`packed` inflated; ValueError if it is broken or would exceed `limit` bytes."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, limit + 1)
    except zlib.error:
        raise ValueError("one of its texts is damaged") from None
    if len(text) > limit:
        raise ValueError(f"its texts hold more than {MAX_TEXT_BYTES} bytes")
    return text


def _read_text(kind: bytes, body: bytes, limit: int) -> tuple[str, str]:
    """(key, text) of one text chunk; ValueError if it is broken or holds more than `limit` bytes."""
    keyword, separator, rest = body.partition(b"\0")
    packed, encoding = False, "latin-1"
    if kind == b"zTXt":
        packed, rest = True, rest[1:]
    elif kind == b"iTXt":
        packed, encoding = rest[:1] == b"\1", "utf-8"
        # language, translated keyword, text
        rest = [*rest[2:].split(b"\0", 2), b"", b""][2]
    if not separator:
        raise ValueError("one of its texts is damaged")
    content = _unpack(rest, limit) if packed else rest
    if len(keyword) + len(content) > limit:
        raise ValueError(f"its texts hold more than {MAX_TEXT_BYTES} bytes")
    # UnicodeDecodeError is a ValueError too, but its words are no help to anybody.
    return keyword.decode("latin-1"), content.decode(encoding, errors="replace")


def read_texts(png: bytes | Path, *, field: str = "image") -> dict[str, str]:
    """All texts of a PNG file by key, in the file's order; the first of equal keys counts.

    Errors: InvalidImage, naming `field`, if it is no whole PNG or its texts exceed MAX_TEXT_BYTES unpacked.
    """
    try:
        content = png.read_bytes() if isinstance(png, Path) else png
        texts: dict[str, str] = {}
        left = MAX_TEXT_BYTES
        for chunk in _chunks(content, checksums=False):
            if chunk.kind in _TEXT_KINDS:
                key, text = _read_text(chunk.kind, content[chunk.start + 8 : chunk.end - 4], left)
                left -= len(key) + len(text)
                texts.setdefault(key, text)
    except OSError as error:
        raise InvalidImage(f"the file can't be read: {error.strerror}", field=field) from None
    except ValueError as error:
        raise InvalidImage(f"the picture's texts can't be read: {error}", field=field) from None
    return texts
