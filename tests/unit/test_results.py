import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from studio import png_text
from studio.errors import BadResult
from studio.framing import whole
from studio.results import Kept, check_result, finish_picture

TEXTS = {"parameters": "a red circle\nSteps: 8", "sdcpp_studio": '{"prompt":"☕"}'}


def noise(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    shape = (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **save: object) -> bytes:
    output = io.BytesIO()
    image.save(output, form, **save)
    return output.getvalue()


def with_broken_pixels(png: bytes) -> bytes:
    """A PNG whose structure and checksums are right and whose pixel stream is rubbish."""
    rubbish = b"\x78\x9c" + b"\xff" * 40
    idat = struct.pack(">I", len(rubbish)) + b"IDAT" + rubbish
    return png[:33] + idat + struct.pack(">I", zlib.crc32(idat[4:])) + png[-12:]


def test_a_sound_picture_is_decoded_to_its_pixels() -> None:
    picture = check_result(encoded(noise()), 64, 48)
    assert picture.mode == "RGB" and picture.tobytes() == noise().tobytes()
    assert check_result(encoded(noise().convert("RGBA")), 64, 48).tobytes() == noise().tobytes()


@pytest.mark.parametrize(
    ("png", "why"),
    [
        (b"", "not a PNG"),
        (b"<html>oops</html>", "not a PNG"),
        (encoded(noise(), "JPEG"), "not a PNG"),
        (encoded(noise())[:-1], "cut off"),
        (encoded(noise())[:2000], "cut off"),
        (encoded(noise(48, 64)), "48x64 pixels; 64x48 was asked for"),
        (encoded(noise(64, 64)), "64x64 pixels; 64x48 was asked for"),
        (with_broken_pixels(encoded(noise())), "can't be decoded"),
    ],
)
def test_what_is_not_the_picture_asked_for_is_refused_with_the_reason(png: bytes, why: str) -> None:
    with pytest.raises(BadResult, match=why):
        check_result(png, 64, 48)


def test_a_flipped_bit_among_the_pixels_is_noticed() -> None:
    png = bytearray(encoded(noise()))
    png[len(png) // 2] ^= 1
    with pytest.raises(BadResult, match="damaged"):
        check_result(bytes(png), 64, 48)


@pytest.mark.parametrize("colour", ["black", "white", (12, 200, 7)])
def test_one_flat_colour_is_refused_unless_the_model_is_known_for_it(colour: str) -> None:
    flat = encoded(Image.new("RGB", (64, 48), colour))
    with pytest.raises(BadResult, match="one flat colour"):
        check_result(flat, 64, 48)
    assert check_result(flat, 64, 48, allow_flat=True).size == (64, 48)


def test_a_single_other_pixel_makes_a_picture() -> None:
    almost = Image.new("RGB", (64, 48))
    almost.putpixel((63, 47), (0, 0, 1))
    assert check_result(encoded(almost), 64, 48).getpixel((63, 47)) == (0, 0, 1)


def test_a_picture_of_the_right_size_keeps_the_engines_own_compressed_bytes() -> None:
    png = encoded(noise(), compress_level=9)
    finished = finish_picture(png, check_result(png, 64, 48), whole((64, 48)), (64, 48), TEXTS)
    assert png_text.read_texts(finished) == TEXTS
    assert png[33:-12] in finished


def test_a_picture_generated_at_the_next_multiple_is_cropped_back() -> None:
    png = encoded(noise(64, 48))
    finished = finish_picture(png, check_result(png, 64, 48), whole((61, 45)), (64, 48), TEXTS)
    image = Image.open(io.BytesIO(finished))
    assert image.size == (61, 45)
    assert image.tobytes() == noise(64, 48).crop((0, 0, 61, 45)).tobytes()
    assert png_text.read_texts(finished) == TEXTS


def test_what_an_edit_keeps_is_pasted_back_exactly_after_cropping() -> None:
    png = encoded(noise(64, 48))
    original = noise(61, 45, seed=5)
    mask = Image.new("L", (61, 45), 0)
    mask.paste(255, (10, 10, 30, 30))
    kept_part = Kept(original, mask, 3)
    picture = check_result(png, 64, 48)
    finished = finish_picture(png, picture, whole((61, 45)), (64, 48), TEXTS, kept=kept_part)
    pixels = np.asarray(Image.open(io.BytesIO(finished)))
    kept = np.asarray(mask) == 0
    assert np.array_equal(pixels[kept], np.asarray(original)[kept])
    assert np.array_equal(pixels[15:25, 15:25], np.asarray(noise(64, 48))[15:25, 15:25])
    assert png_text.read_texts(finished) == TEXTS
