"""Metadata: the texts that a picture file carries besides its pixels, whatever its format."""

import html
import re

from PIL import ExifTags, Image

from studio import pictures, png_text
from studio.errors import InvalidImage, TooLarge
from studio.png_text import MAX_TEXT_BYTES
from studio.recipe_text import PARAMETERS_KEY

# Where stable-diffusion.cpp puts its text into a WEBP.
_ENGINE_XMP = re.compile(rb"<sdcpp:parameters>([^<]*)</sdcpp:parameters>")
# EXIF comments begin with eight bytes that name their encoding.
_ENCODING_BYTES = 8
_UTF16 = b"UNICODE\0"


def read_metadata(content: bytes, *, field: str) -> dict[str, str]:
    """{key: text} of a PNG, JPEG or WEBP; what stands for A1111's text has the key `parameters`.

    The pixels are not decoded. Errors: TooLarge over MAX_UPLOAD_BYTES; InvalidImage, naming `field`, for
    what is no such file or holds more than MAX_TEXT_BYTES of texts.
    """
    if not content:
        raise InvalidImage("the file is empty; send a PNG, JPEG or WEBP picture", field=field)
    if len(content) > pictures.MAX_UPLOAD_BYTES:
        raise TooLarge(f"{field}: {len(content)} bytes; the limit is {pictures.MAX_UPLOAD_BYTES} bytes")
    if content.startswith(png_text.SIGNATURE):
        texts = png_text.read_texts(content, field=field)
        return {key: _mended(text) for key, text in texts.items()}
    text = _comment(content, field)
    return {} if text is None else {PARAMETERS_KEY: text}


def _mended(text: str) -> str:
    """`text` as it was meant: some programs, the engine too, write UTF-8 where PNG wants Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _comment(content: bytes, field: str) -> str | None:
    """The first comment of a JPEG or WEBP: EXIF as A1111 writes it, then the engine's own places."""
    with pictures.opened(content, field=field) as image:
        for found in (_exif_comment(image), _xmp(image), _jpeg_comment(image)):
            if found is not None:
                return found[:MAX_TEXT_BYTES]
    return None


def _exif_comment(image: Image.Image) -> str | None:
    try:
        comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    except pictures.DECODER_FAULTS:
        return None  # unreadable EXIF says nothing
    if isinstance(comment, str):
        return comment.strip("\0 ") or None
    if not isinstance(comment, bytes) or len(comment) <= _ENCODING_BYTES:
        return None
    body = comment[_ENCODING_BYTES:]
    if comment.startswith(_UTF16):
        # Programs disagree about the byte order; in most alphabets the upper byte of a letter is zero.
        order = "utf-16-le" if body[1::2].count(0) > body[::2].count(0) else "utf-16-be"
        return body.decode(order, errors="replace").strip("\ufeff\0 ") or None
    return body.decode("utf-8", errors="replace").strip("\0 ") or None


def _xmp(image: Image.Image) -> str | None:
    packet = image.info.get("xmp")
    found = _ENGINE_XMP.search(packet) if isinstance(packet, bytes) else None
    return None if found is None else html.unescape(found[1].decode("utf-8", errors="replace"))


def _jpeg_comment(image: Image.Image) -> str | None:
    comment = image.info.get("comment")
    if not isinstance(comment, bytes):
        return None
    prefix = f"{PARAMETERS_KEY}\0".encode()
    return comment.removeprefix(prefix).decode("utf-8", errors="replace").strip("\0 ") or None
