"""Pictures as they are handed over: the stored PNG itself, or made into a JPEG or WEBP of it."""

import io

from PIL import ExifTags, Image

from studio import pictures, png_text
from studio.api.openai.bodies import OutputFormat
from studio.errors import InvalidImage
from studio.recipe_text import PARAMETERS_KEY

# EXIF's mark of the encoding, and the byte order that other programs expect behind it.
_UTF16 = b"UNICODE\0"
# All of a JPEG's EXIF must fit into 64 KiB.
_MAX_COMMENT = 60_000


def encoded(png: bytes, kind: OutputFormat, quality: int) -> bytes:
    """The picture in that format; `quality` 0..100 is for JPEG and WEBP.

    A PNG is the stored file byte for byte. The others keep its text of parameters as their EXIF comment, and
    nothing else of its metadata.
    """
    if kind == "png":
        return png
    out = io.BytesIO()
    exif = Image.Exif()
    comment = _UTF16 + _parameters(png).encode("utf-16-be", "replace")
    if len(_UTF16) < len(comment) <= _MAX_COMMENT:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    pictures.flatten(pictures.read_stored(png)).save(out, kind.upper(), quality=quality, exif=exif)
    return out.getvalue()


def _parameters(png: bytes) -> str:
    try:
        return png_text.read_texts(png, field="image").get(PARAMETERS_KEY, "")
    except InvalidImage:
        return ""
