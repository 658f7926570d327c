"""Input pictures: decoded within limits, upright, eight bits a channel, and brought to a size."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np

# WEBP is not among the formats Pillow registers by itself; naming it here spares loading all the others.
from PIL import Image, WebPImagePlugin

from studio import png_text
from studio.errors import InvalidImage, TooLarge
from studio.params import Fit

MAX_UPLOAD_BYTES = 20 * 2**20
MAX_INPUT_PIXELS = 4096 * 4096
# Measured at 512x512: level 1 takes 15-32 ms; level 6 takes 40-77 ms and saves 10-20 % of the size; level 0
# halves the time once more, but every picture then is 0.79 MB.
COMPRESS_LEVEL = 1

# The engine brings references to a small area; a longer one would lose its short side altogether.
LONGEST_REFERENCE = 16

_FORMATS = ("PNG", "JPEG", WebPImagePlugin.WebPImageFile.format)
_ORIENTATION_TAG = 0x0112
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders are known to raise on hostile files; Warning, where warnings are made errors.
DECODER_FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    MemoryError, AssertionError, struct.error, zlib.error, Warning,
)  # fmt: skip
_TOO_MANY_PIXELS = f"the limit is {MAX_INPUT_PIXELS} pixels (for example 4096x4096): make the picture smaller"


def opened(content: bytes, *, field: str) -> Image.Image:
    """The picture with its header read and its size checked, not yet decoded. Errors: InvalidImage."""
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidImage(f"too many pixels; {_TOO_MANY_PIXELS}", field=field) from None
    except DECODER_FAULTS:
        raise InvalidImage("not a readable PNG, JPEG or WEBP picture", field=field) from None
    if image.width * image.height > MAX_INPUT_PIXELS:
        raise InvalidImage(f"{image.width}x{image.height} pixels; {_TOO_MANY_PIXELS}", field=field)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """`image` turned as its EXIF says; unreadable EXIF says nothing."""
    try:
        turn = _TO_UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except DECODER_FAULTS:
        turn = None
    return image if turn is None else image.transpose(turn)


def _eight_bits(image: Image.Image) -> Image.Image:
    """`image` as RGB, or as RGBA if any pixel is not opaque; new, and without any metadata."""
    if image.mode.startswith("I"):
        # Pillow would clip the 16 bits of grey at 255; they are scaled instead.
        grey = np.asarray(image).astype(np.uint32).clip(0, 65535)
        image = Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8))
    if not image.has_transparency_data:
        plain = image.convert("RGB")
    else:
        plain = image.convert("RGBA")
        if plain.getchannel("A").getextrema() == (255, 255):
            plain = plain.convert("RGB")
    plain = plain.copy() if plain is image else plain
    plain.info = {}
    return plain


def _decode(content: bytes, field: str) -> Image.Image:
    if content.startswith(png_text.SIGNATURE):
        # First the size, which needs the header only: a damaged bomb is still called a bomb.
        image = opened(content, field=field)
        damage = png_text.fault(content)
        if damage is not None:
            raise InvalidImage(f"the picture can't be decoded: {damage}", field=field)
    else:
        image = opened(content, field=field)
    try:
        image.load()
        return _eight_bits(_upright(image))
    except DECODER_FAULTS:
        raise InvalidImage("the picture can't be decoded: it is cut off or damaged", field=field) from None


def read_upload(content: bytes, *, field: str) -> Image.Image:
    """An uploaded PNG, JPEG or WEBP file as pixels: RGB, or RGBA if any pixel is not opaque.

    Upright as its EXIF says, the first frame of several, eight bits a channel whatever it was (palette,
    grey, 16 bits, CMYK). Metadata is dropped, colour profiles too: their numbers are taken for sRGB.
    Errors: TooLarge over MAX_UPLOAD_BYTES; InvalidImage, naming `field`, for anything else, including more
    than MAX_INPUT_PIXELS, which is read from the header before anything is decoded.
    """
    if not content:
        raise InvalidImage("the file is empty; send a PNG, JPEG or WEBP picture", field=field)
    if len(content) > MAX_UPLOAD_BYTES:
        raise TooLarge(f"{field}: {len(content)} bytes; the limit is {MAX_UPLOAD_BYTES} bytes")
    return _decode(content, field)


def read_stored(png: bytes, *, field: str = "image") -> Image.Image:
    """A picture of our own as pixels, RGB or RGBA: as `read_upload`, but without the limit in bytes.

    A stored picture may be larger as a file than the upload it came from. Errors: InvalidImage.
    """
    return _decode(png, field)


def to_png(image: Image.Image) -> bytes:
    """`image` as a PNG of its own mode, without metadata; the same pixels always give the same bytes.

    Alpha is kept, because in an input it may mark the area to repaint.
    """
    output = io.BytesIO()
    image.save(output, "PNG", compress_level=COMPRESS_LEVEL, icc_profile=None, transparency=None)
    return output.getvalue()


def flatten(image: Image.Image) -> Image.Image:
    """`image` as RGB, over white where it is transparent."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


@dataclass(frozen=True)
class Placement:
    """Where a source lands in a target: its `box` is resized to `inner` and put at `offset`.

    `box` is (left, upper, right, lower) in source pixels, with fractions; `inner` and `offset` are whole
    target pixels. Outside of `inner` the target has a border.
    """

    box: tuple[float, float, float, float]
    inner: tuple[int, int]
    offset: tuple[int, int]


def placement(source: tuple[int, int], target: tuple[int, int], how: Fit) -> Placement:
    """How a picture of `source` size is brought to `target` size; the same for a picture and its mask."""
    (source_width, source_height), (width, height) = source, target
    is_wider = source_width * height > source_height * width
    if how == "crop":
        seen_width = source_height * width / height if is_wider else float(source_width)
        seen_height = float(source_height) if is_wider else source_width * height / width
        left, upper = (source_width - seen_width) / 2, (source_height - seen_height) / 2
        # Halving and adding may round past the edge, which Pillow refuses.
        right, lower = min(left + seen_width, source_width), min(upper + seen_height, source_height)
        return Placement((left, upper, right, lower), target, (0, 0))
    everything = (0.0, 0.0, float(source_width), float(source_height))
    if how == "stretch":
        return Placement(everything, target, (0, 0))
    inner_width = width if is_wider else max(1, round(source_width * height / source_height))
    inner_height = max(1, round(source_height * width / source_width)) if is_wider else height
    offset = ((width - inner_width) // 2, (height - inner_height) // 2)
    return Placement(everything, (inner_width, inner_height), offset)


def _with_border(image: Image.Image, left: int, upper: int, width: int, height: int) -> Image.Image:
    """`image` at (left, upper) of a width x height picture, its outermost pixels repeated around it."""
    if (width, height) == image.size:
        return image
    pixels = np.asarray(image)
    sides = [(upper, height - upper - image.height), (left, width - left - image.width)]
    return Image.fromarray(np.pad(pixels, [*sides, (0, 0)][: pixels.ndim], mode="edge"))


def fit(image: Image.Image, width: int, height: int, how: Fit) -> Image.Image:
    """`image` at exactly width x height pixels.

    "crop" fills the size and cuts what stands out, evenly on both sides; "pad" shows the whole picture and
    repeats its outermost pixels in the border, so that no foreign colour leads the model astray; "stretch"
    changes the aspect ratio.
    """
    place = placement(image.size, (width, height), how)
    inner = image
    if image.size != place.inner or place.box != (0, 0, *image.size):
        inner = image.resize(place.inner, Image.Resampling.LANCZOS, box=place.box)
    return _with_border(inner, *place.offset, width, height)


def checked_reference(image: Image.Image) -> Image.Image:
    """`image`, if a model can look at it. Errors: InvalidImage for one many times longer than wide."""
    if max(image.size) > LONGEST_REFERENCE * min(image.size):
        raise InvalidImage(
            f"{image.width}x{image.height} pixels: one side is more than {LONGEST_REFERENCE} times the other",
            field="references",
        )
    return image


def at_most(image: Image.Image, pixels: int) -> Image.Image:
    """`image`, made smaller if it has more pixels than that; its shape stays."""
    if image.width * image.height <= pixels:
        return image
    scale = (pixels / (image.width * image.height)) ** 0.5
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def for_engine(image: Image.Image, engine_width: int, engine_height: int) -> Image.Image:
    """`image` (a picture or a mask) extended to the right and below to the size the engine works at.

    The last column and row are repeated; cropping the result back to the size of `image` gives `image`.
    ValueError if the engine's size is the smaller one.
    """
    if engine_width < image.width or engine_height < image.height:
        raise ValueError(f"{engine_width}x{engine_height} does not hold {image.width}x{image.height}")
    return _with_border(image, 0, 0, engine_width, engine_height)
