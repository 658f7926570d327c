import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from studio import png_text
from studio.errors import BadResult, InvalidImage


def a_png(size: tuple[int, int] = (24, 16), **save: object) -> bytes:
    output = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(output, "PNG", **save)
    return output.getvalue()


def with_texts(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text, zip=True)
    return a_png(pnginfo=info)


def a_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """`png` with one more chunk right after its header."""
    return png[:33] + a_chunk(kind, body) + png[33:]


def bodies(png: bytes, kind: bytes) -> list[bytes]:
    """The contents of all chunks of a kind, by a walk of our own."""
    found, position = [], 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == kind:
            found.append(png[position + 8 : position + 8 + length])
        position += 12 + length
    return found


PNG = a_png()
NO_SURROGATES = st.characters(codec="utf-8", exclude_characters="\0")
KEYS = st.text(st.characters(codec="latin-1", exclude_characters="\0"), min_size=1, max_size=79)


@settings(deadline=None)
@given(st.dictionaries(KEYS, st.text(NO_SURROGATES, max_size=300), max_size=4))
def test_spliced_texts_are_read_back_and_the_pixel_bytes_are_untouched(texts: dict[str, str]) -> None:
    spliced = png_text.splice(PNG, texts)
    assert png_text.read_texts(spliced) == texts
    assert bodies(spliced, b"IDAT") == bodies(PNG, b"IDAT")
    assert png_text.fault(spliced) is None


@settings(deadline=None)
@given(st.text(NO_SURROGATES, max_size=300), st.text(NO_SURROGATES, max_size=300))
def test_pillow_reads_what_was_spliced_in(parameters: str, ours: str) -> None:
    image = Image.open(io.BytesIO(png_text.splice(PNG, {"parameters": parameters, "sdcpp_studio": ours})))
    image.load()
    assert image.text == {"parameters": parameters, "sdcpp_studio": ours}  # type: ignore[attr-defined]


def test_latin_1_goes_to_text_and_anything_else_to_international_text() -> None:
    assert bodies(png_text.splice(PNG, {"parameters": "café"}), b"tEXt") == [b"parameters\0caf\xe9"]
    spliced = png_text.splice(PNG, {"parameters": "café ☕"})
    assert bodies(spliced, b"tEXt") == []
    assert bodies(spliced, b"iTXt") == [b"parameters\0\0\0\0\0" + "café ☕".encode()]


def test_every_earlier_text_and_the_exif_are_replaced() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    labelled = a_png(exif=exif)
    for kind, body in (
        (b"tEXt", b"a\0old"),
        (b"iTXt", b"b\0\0\0\0\0old"),
        (b"zTXt", b"c\0\0" + zlib.compress(b"old")),
    ):
        labelled = with_chunk(labelled, kind, body)
    assert set(png_text.read_texts(labelled)) == {"a", "b", "c"}
    spliced = png_text.splice(labelled, {"parameters": "new"})
    assert png_text.read_texts(spliced) == {"parameters": "new"}
    assert bodies(labelled, b"eXIf") and not bodies(spliced, b"eXIf")
    assert b"old" not in spliced


def test_what_follows_the_end_of_the_picture_is_dropped() -> None:
    assert png_text.splice(PNG + b"<script>alert(1)</script>", {}) == PNG


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
        (PNG[:-12], "cut off"),
        (PNG[:60], "cut off"),
        (PNG[:33] + PNG[-12:], "no pixels"),
        (PNG[:8] + PNG[33:], "no header"),
    ],
)
def test_splice_refuses_what_is_no_whole_png(content: bytes, why: str) -> None:
    with pytest.raises(BadResult, match=why):
        png_text.splice(content, {"parameters": "x"})
    with pytest.raises(InvalidImage, match=why):
        png_text.read_texts(content)
    assert why in str(png_text.fault(content))


@settings(deadline=None)
@given(st.integers(min_value=33, max_value=len(PNG) - 1), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_in_a_critical_chunk_is_noticed(position: int, flip: int) -> None:
    damaged = bytearray(PNG)
    damaged[position] ^= flip
    kind_of_ihdr_idat_iend = png_text.fault(bytes(damaged))
    # Setting bit 5 of a chunk's first letter makes it an optional one, whose checksum nobody needs.
    assert kind_of_ihdr_idat_iend is not None or flip & 0x20


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_in_any_other_way(junk: bytes) -> None:
    for content in (
        junk,
        png_text.SIGNATURE + junk,
        with_chunk(PNG, b"iTXt", junk),
        with_chunk(PNG, b"zTXt", junk),
    ):
        try:
            png_text.read_texts(content)
        except InvalidImage as error:
            assert error.field == "image"


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_that_unpacks_to_200_mb_is_refused_without_unpacking_it(kind: bytes) -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    head = b"parameters\0\0" if kind == b"zTXt" else b"parameters\0\1\0\0\0"
    swollen = with_chunk(PNG, kind, head + packed)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidImage, match=str(png_text.MAX_TEXT_BYTES)):
            png_text.read_texts(swollen)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * png_text.MAX_TEXT_BYTES


def test_many_texts_together_are_limited_too() -> None:
    swollen = PNG
    for number in range(5):
        swollen = with_chunk(swollen, b"zTXt", b"k%d\0\0" % number + zlib.compress(bytes(500_000)))
    with pytest.raises(InvalidImage, match=str(png_text.MAX_TEXT_BYTES)):
        png_text.read_texts(swollen)


def test_texts_are_read_from_a_file_and_a_missing_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(with_texts(parameters="x" * 5000))
    assert png_text.read_texts(path) == {"parameters": "x" * 5000}
    with pytest.raises(InvalidImage, match="No such file"):
        png_text.read_texts(tmp_path / "b.png")


@pytest.mark.parametrize(("key", "text"), [("", "x"), ("k" * 80, "x"), ("k", "a\0b"), ("☕", "x")])
def test_a_text_no_png_can_hold_is_an_error_of_the_caller(key: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"PNG can't hold|latin-1"):
        png_text.splice(PNG, {key: text})
