import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from studio import pictures
from studio.errors import InvalidImage, StudioError, TooLarge
from studio.params import Fit


def encoded(image: Image.Image, form: str = "PNG", **save: object) -> bytes:
    output = io.BytesIO()
    image.save(output, form, **save)
    return output.getvalue()


def a_photo(width: int = 60, height: int = 40) -> Image.Image:
    """Smooth in x and y, so that every transposition and every resizing can be recognised."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))


def a_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def a_png_of(width: int, height: int, *, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    idat = a_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + a_chunk(b"IHDR", header) + idat + a_chunk(b"IEND", b"")


def a_webp_of(width: int, height: int) -> bytes:
    """An animated WEBP whose canvas is of that size and whose only frame is tiny."""
    body = encoded(Image.new("RGB", (4, 4)), "WEBP", lossless=True)[12:]
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    frame = b"\0" * 6 + struct.pack("<I", 3)[:3] * 2 + b"\0" * 4 + body
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    chunks += b"ANIM" + struct.pack("<I", 6) + b"\0" * 6 + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def a_jpeg_of(width: int, height: int) -> bytes:
    jpeg = encoded(Image.new("RGB", (8, 8)), "JPEG")
    start = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:start] + struct.pack(">HH", height, width) + jpeg[start + 4 :]


# -- what is accepted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        encoded(a_photo(), "PNG"),
        encoded(a_photo(), "WEBP", lossless=True),
        encoded(a_photo(), "JPEG", quality=100, subsampling=0),
        encoded(a_photo().convert("CMYK"), "JPEG", quality=100, subsampling=0),
        encoded(a_photo(), "JPEG", quality=100, subsampling=0, progressive=True),
    ],
    ids=["png", "webp", "jpeg", "cmyk jpeg", "progressive jpeg"],
)
def test_the_three_formats_give_the_same_rgb_pixels(content: bytes) -> None:
    image = pictures.read_upload(content, field="image")
    assert (image.mode, image.size) == ("RGB", (60, 40))
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(a_photo()).astype(int))
    assert difference.max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_every_kind_of_opaque_png_becomes_rgb(mode: str) -> None:
    image = a_photo().convert(mode)
    read = pictures.read_upload(encoded(image), field="image")
    assert read.mode == "RGB"
    assert np.array_equal(np.asarray(read), np.asarray(image.convert("RGB")))


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    read = pictures.read_upload(encoded(Image.fromarray(ramp)), field="image")
    assert np.array_equal(np.asarray(read)[..., 0], np.arange(256).reshape(16, 16))


def test_transparency_is_kept_from_alpha_palette_and_colour_key() -> None:
    alpha = Image.new("L", (60, 40), 255)
    alpha.paste(0, (0, 0, 10, 10))
    with_alpha = a_photo()
    with_alpha.putalpha(alpha)
    palette = Image.new("P", (60, 40), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.paste(0, (0, 0, 10, 10))
    keyed = Image.new("RGB", (60, 40), (1, 2, 3))
    keyed.paste((9, 9, 9), (0, 0, 10, 10))
    for content in (
        encoded(with_alpha),
        encoded(with_alpha, "WEBP", lossless=True),
        encoded(palette, transparency=0),
        encoded(keyed, transparency=(9, 9, 9)),
    ):
        read = pictures.read_upload(content, field="image")
        assert read.mode == "RGBA"
        assert np.array_equal(np.asarray(read.getchannel("A")), np.asarray(alpha))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_put_upright(orientation: int, form: str) -> None:
    back = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = a_photo() if back is None else a_photo().transpose(back)
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = pictures.read_upload(encoded(stored, form, exif=exif, quality=95), field="image")
    assert read.size == (60, 40)
    assert np.abs(np.asarray(read).astype(int) - np.asarray(a_photo()).astype(int)).mean() < 4


# Pillow warns of the damage; outside of tests a warning is no error.
@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_leaves_the_picture_as_it_lies() -> None:
    jpeg = encoded(a_photo(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pictures.read_upload(jpeg, field="image").size == (60, 40)


def test_of_a_moving_picture_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    for form in ("PNG", "WEBP"):
        content = encoded(
            frames[0], form, save_all=True, append_images=frames[1:], duration=50, lossless=True
        )
        assert pictures.read_upload(content, field="image").getpixel((5, 5)) == (255, 0, 0)


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        encoded(a_photo(), "GIF"),
        encoded(a_photo(), "BMP"),
        encoded(a_photo(), "TIFF"),
        encoded(a_photo(), "ICO"),
        encoded(a_photo(), "PPM"),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\0\0\0\0WEBP",
    ],
    ids=[
        "empty",
        "svg",
        "html",
        "eps",
        "gif",
        "bmp",
        "tiff",
        "ico",
        "ppm",
        "png start",
        "jpeg start",
        "webp start",
    ],
)
def test_anything_else_is_refused_with_the_field_and_the_formats(content: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"^mask: .*PNG, JPEG or WEBP") as caught:
        pictures.read_upload(content, field="mask")
    assert caught.value.field == "mask"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_picture_that_is_cut_off_is_refused(form: str, share: float) -> None:
    content = encoded(Image.effect_noise((200, 200), 90).convert("RGB"), form)
    with pytest.raises(InvalidImage, match=r"cut off|damaged|not a readable"):
        pictures.read_upload(content[: int(len(content) * share)], field="image")


def test_a_png_with_a_flipped_bit_in_its_pixels_is_refused() -> None:
    content = bytearray(encoded(a_photo()))
    content[len(content) // 2] ^= 4
    with pytest.raises(InvalidImage, match="damaged"):
        pictures.read_upload(bytes(content), field="image")


@pytest.mark.parametrize(
    "content",
    [
        a_png_of(60000, 60000), a_png_of(4097, 4097), a_png_of(10000, 10000), a_png_of(2**31 - 1, 2**31 - 1),
        a_png_of(60000, 60000, bits=16, colour=6), a_webp_of(16000, 16000), a_webp_of(60000, 60000),
        a_jpeg_of(60000, 60000), a_jpeg_of(10000, 10000),
    ],
)  # fmt: skip
def test_a_picture_with_too_many_pixels_is_refused_whatever_its_format(content: bytes) -> None:
    with pytest.raises(InvalidImage, match=f"the limit is {pictures.MAX_INPUT_PIXELS} pixels"):
        pictures.read_upload(content, field="image")


@pytest.mark.skipif(sys.platform == "win32", reason="reads the peak of memory from getrusage")
def test_bombs_are_refused_without_being_unpacked(tmp_path: Path) -> None:
    """200 million real pixels in three files of a few hundred KB: a new process stays small."""
    for form in ("PNG", "JPEG"):
        (tmp_path / f"bomb.{form}").write_bytes(encoded(Image.new("L", (9000, 9000)), form))
    (tmp_path / "bomb.WEBP").write_bytes(a_webp_of(16000, 16000))
    program = (
        "import pathlib, resource, sys\n"
        "from studio import pictures\n"
        "from studio.errors import InvalidImage\n"
        "pictures.read_upload(pictures.to_png(pictures.Image.new('RGB', (9, 9))), field='image')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try:\n"
        "        pictures.read_upload(path.read_bytes(), field='image')\n"
        "    except InvalidImage:\n"
        "        print('refused')\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(grown // (1024 if sys.platform == 'darwin' else 1))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    *answers, grown_kb = ran.stdout.split()
    assert answers == ["refused"] * 3
    assert int(grown_kb) < 16_000


def test_the_largest_allowed_picture_is_read() -> None:
    content = encoded(Image.new("L", (4096, 4096), 7))
    assert pictures.read_upload(content, field="image").size == (4096, 4096)


def test_a_file_over_the_limit_of_bytes_is_too_large() -> None:
    with pytest.raises(TooLarge, match=rf"image: .*the limit is {pictures.MAX_UPLOAD_BYTES} bytes"):
        pictures.read_upload(encoded(a_photo()) + bytes(pictures.MAX_UPLOAD_BYTES), field="image")


def test_a_png_without_its_end_or_with_a_wrong_checksum_is_refused() -> None:
    content = encoded(a_photo())
    with pytest.raises(InvalidImage, match="cut off"):
        pictures.read_upload(content[:-12], field="image")
    with pytest.raises(InvalidImage, match="a checksum does not match"):
        pictures.read_upload(content[:-16] + b"oops" + content[-12:], field="image")


def test_packed_text_and_profile_bombs_are_refused() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    png = encoded(a_photo())
    for kind, body in (
        (b"zTXt", b"k\0\0" + bomb),
        (b"iCCP", b"k\0\0" + bomb),
        (b"iTXt", b"k\0\1\0\0\0" + bomb),
    ):
        with pytest.raises(InvalidImage):
            pictures.read_upload(png[:33] + a_chunk(kind, body) + png[33:], field="image")


SAMPLES = [
    encoded(a_photo(), "PNG"),
    encoded(a_photo().quantize(8), "PNG"),
    encoded(a_photo(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
    encoded(a_photo(), "WEBP"),
    encoded(a_photo(), "WEBP", save_all=True, append_images=[a_photo()]),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2**32), st.integers(1, 12))
def test_no_damage_makes_the_reader_fail_in_any_other_way(sample: bytes, seed: int, changes: int) -> None:
    dice = random.Random(seed)
    content = bytearray(sample)
    for _ in range(changes):
        content[dice.randrange(len(content))] = dice.randrange(256)
    try:
        image = pictures.read_upload(bytes(content), field="image")
    except StudioError as error:
        assert error.message.startswith("image: ")
    else:
        assert image.mode in ("RGB", "RGBA")


# -- what is stored ----------------------------------------------------------------------------------


def test_a_stored_picture_has_no_metadata_and_nothing_behind_its_end() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for form in ("PNG", "JPEG", "WEBP"):
        content = encoded(a_photo(), form, exif=exif, icc_profile=profile, dpi=(300, 300)) + b"<script>SECRET"
        png = pictures.to_png(pictures.read_upload(content, field="image"))
        assert b"SECRET" not in png
        assert Image.open(io.BytesIO(png)).info == {}


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_survive_storing_and_the_same_pixels_give_the_same_bytes(mode: str) -> None:
    image = a_photo().convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    labelled = image.copy()
    labelled.info = {"icc_profile": b"x", "dpi": (1, 1), "parameters": "y"}
    assert pictures.to_png(labelled) == pictures.to_png(image)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures.to_png(image)))), np.asarray(image))


def test_a_stored_picture_is_read_even_if_it_is_larger_than_an_upload_may_be() -> None:
    png = pictures.to_png(Image.effect_noise((2800, 2800), 200).convert("RGB").rotate(3))
    padded = png + bytes(max(0, pictures.MAX_UPLOAD_BYTES - len(png) + 1))
    assert pictures.read_stored(padded).size == (2800, 2800)
    with pytest.raises(InvalidImage, match=r"^mask: "):
        pictures.read_stored(b"rubbish", field="mask")


def test_flatten_puts_white_behind_what_is_transparent() -> None:
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    image.putpixel((0, 0), (200, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    flat = pictures.flatten(image)
    assert flat.mode == "RGB"
    assert [flat.getpixel((x, 0)) for x in range(3)] == [(255, 255, 255), (127, 127, 127), (0, 0, 0)]


# -- sizes -------------------------------------------------------------------------------------------

SIDES = st.integers(1, 90)
HOW = st.sampled_from(["crop", "pad", "stretch"])


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, HOW)
def test_fit_gives_exactly_the_size_for_any_shape(w: int, h: int, to_w: int, to_h: int, how: Fit) -> None:
    assert pictures.fit(a_photo(w, h), to_w, to_h, how).size == (to_w, to_h)


@settings(deadline=None)
@given(SIDES, SIDES, HOW)
def test_fit_to_its_own_size_changes_nothing(width: int, height: int, how: Fit) -> None:
    photo = a_photo(width, height)
    assert np.array_equal(np.asarray(pictures.fit(photo, width, height, how)), np.asarray(photo))


def test_crop_keeps_the_middle_and_the_proportions() -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("lime", (100, 0, 200, 100))
    for picture in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        cropped = pictures.fit(picture, 50, 50, "crop")
        # The filter looks a little over the edge of what is kept.
        assert np.asarray(cropped.getchannel("G")).min() > 230
        assert cropped.crop((3, 3, 47, 47)).getcolors() == [(44 * 44, (0, 255, 0))]


def test_pad_shows_everything_and_repeats_the_edge() -> None:
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("lime", (0, 0, 40, 10))
    padded = pictures.fit(wide, 40, 40, "pad")
    assert padded.crop((0, 10, 40, 30)).tobytes() == wide.tobytes()
    assert padded.crop((0, 0, 40, 20)).getcolors() == [(800, (0, 255, 0))]
    assert padded.crop((0, 20, 40, 40)).getcolors() == [(800, (255, 0, 0))]


def test_stretch_uses_every_part_of_the_picture() -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("lime", (150, 0, 300, 100))
    stretched = pictures.fit(wide, 50, 50, "stretch")
    assert (stretched.getpixel((5, 25)), stretched.getpixel((45, 25))) == ((255, 0, 0), (0, 255, 0))


def test_a_line_of_pixels_is_fitted_too() -> None:
    for how in ("crop", "pad", "stretch"):
        assert pictures.fit(Image.new("RGB", (100_000, 1)), 64, 64, how).size == (64, 64)


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(0, 70), st.integers(0, 70), st.sampled_from(["RGB", "L"]))
def test_the_picture_for_the_engine_is_cropped_back_exactly(
    width: int, height: int, more_width: int, more_height: int, mode: str
) -> None:
    photo = a_photo(width, height).convert(mode)
    extended = pictures.for_engine(photo, width + more_width, height + more_height)
    assert extended.size == (width + more_width, height + more_height)
    assert extended.crop((0, 0, width, height)).tobytes() == photo.tobytes()
    assert extended.getpixel((width + more_width - 1, height + more_height - 1)) == photo.getpixel(
        (width - 1, height - 1)
    )


def test_an_engine_size_below_the_pictures_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="56x40 does not hold 60x40"):
        pictures.for_engine(a_photo(60, 40), 56, 40)
