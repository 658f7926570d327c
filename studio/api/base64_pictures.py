"""Pictures as base64 text, with or without `data:image/png;base64,` in front."""

import base64
import binascii
import re

from studio.errors import InvalidImage, TooLarge
from studio.pictures import MAX_UPLOAD_BYTES

_DATA_URL = re.compile(r"data:[\w.+/-]*(;[\w=.+-]+)*;base64,", re.IGNORECASE)
_LONGEST = MAX_UPLOAD_BYTES * 4 // 3 + 1024


def from_base64(text: str, *, field: str) -> bytes:
    """The file in the text. Errors: InvalidImage naming `field`, also for an address; TooLarge."""
    if re.match(r"\s*(https?|ftp|file):", text[:64], re.IGNORECASE):
        raise InvalidImage(
            "an address; the studio fetches nothing: send the picture itself as base64", field=field
        )
    prefix = _DATA_URL.match(text[:256])
    start = 0 if prefix is None else prefix.end()
    if len(text) - start > _LONGEST:
        raise TooLarge(f"{field}: the picture is larger than the limit of {MAX_UPLOAD_BYTES} bytes")
    letters = "".join(text[start:].split())
    try:
        # Many programs leave out the "=" at the end.
        content = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidImage("is not base64", field=field) from None
    if not content:
        raise InvalidImage("is empty; send a PNG, JPEG or WEBP picture as base64", field=field)
    return content


def to_base64(content: bytes) -> str:
    """The text for a file."""
    return base64.b64encode(content).decode("ascii")
