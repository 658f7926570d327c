"""What the mask painter hands over, checked: it comes from a browser, so nothing of it is taken on trust."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio import png_text
from studio.errors import InvalidImage, InvalidRequest
from studio.extras import MAX_EXTENSION
from studio.masks import KEEP, REPAINT, is_empty
from studio.pictures import read_upload, to_png

# The painter's own masks take at most 1.2 bits a pixel, 2.4 MB for the largest picture; one in three
# characters of base64 is overhead.
MAX_MASK_CHARACTERS = 8 * 2**20
MAX_FEATHER = 256
EXTENSION_STEP = 8

_PREFIX = "data:image/png;base64,"
_ID = re.compile(r"[0-9a-f]{64}")
_THRESHOLD = 128


@dataclass(frozen=True)
class Extension:
    """How many pixels the picture is to grow at each side; multiples of 8, 0 to MAX_EXTENSION."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any((self.left, self.top, self.right, self.bottom))


@dataclass(frozen=True)
class Painting:
    """A picture with the mask painted on it.

    `image_id` is the sha256 of the stored input, as the browser names it: whether it exists is for the
    studio to say. `mask` is a PNG of exactly `width` x `height` pixels, mode L, each 0 or 255, or None if
    nothing is painted; `feather` is in pixels.
    """

    image_id: str
    width: int
    height: int
    mask: bytes | None
    feather: int
    extend: Extension


def read_painting(value: object) -> Painting | None:
    """The painter's value, or None if no picture is open.

    Errors: InvalidRequest while another picture is on its way; also InvalidImage, which a hand-made request
    meets but not the painter itself.
    """
    if not isinstance(value, Mapping):
        return None
    if value.get("waiting") is True:
        raise InvalidRequest("is still being opened; press the button again in a moment", field="image")
    # Right after Python opened a picture the browser may not have answered yet.
    image = value.get("image") or value.get("open")
    if image is None:
        return None
    if not isinstance(image, Mapping):
        raise InvalidRequest("the painter's picture must have an id, a width and a height", field="image")
    image_id = image.get("id")
    if not isinstance(image_id, str) or _ID.fullmatch(image_id) is None:
        raise InvalidRequest("no stored picture has such an id; choose the picture again", field="image")
    size = (_whole(image, "width", 1, 2**16), _whole(image, "height", 1, 2**16))
    return Painting(
        image_id, *size, read_mask(value.get("mask"), size),
        feather=_whole(value, "feather", 0, MAX_FEATHER, default=0), extend=_extension(value.get("extend")),
    )  # fmt: skip


def read_mask(value: object, size: tuple[int, int]) -> bytes | None:
    """The painted mask as a PNG, mode L, each pixel 0 or 255, or None if nothing is painted.

    `value` is a PNG as a data address; `size` is the picture's (width, height), which the mask must have.
    Errors: InvalidImage.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith(_PREFIX):
        raise InvalidImage(
            f'the painted mask must be a PNG as text that begins with "{_PREFIX}"', field="mask"
        )
    if len(value) > MAX_MASK_CHARACTERS:
        raise InvalidImage(
            f"the painted mask is {len(value)} characters long; the limit is {MAX_MASK_CHARACTERS}",
            field="mask",
        )
    try:
        content = base64.b64decode(value[len(_PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidImage("the painted mask is not valid base64", field="mask") from None
    if not content.startswith(png_text.SIGNATURE):
        raise InvalidImage("the painted mask must be a PNG", field="mask")
    image = read_upload(content, field="mask")
    if image.size != size:
        raise InvalidImage(
            f"the painted mask has {image.width}x{image.height} pixels, its picture {size[0]}x{size[1]}; "
            "open the picture again and paint once more",
            field="mask",
        )
    if image.mode != "RGB":
        raise InvalidImage(
            "the painted mask has transparent pixels; it must be black and white", field="mask"
        )
    mask = image.convert("L").point([REPAINT if luma >= _THRESHOLD else KEEP for luma in range(256)])
    return None if is_empty(mask) else to_png(mask)


def _extension(value: object) -> Extension:
    if value is None:
        return Extension()
    if not isinstance(value, Mapping):
        raise InvalidRequest("must give pixels for left, top, right and bottom", field="extend")
    sides = [_whole(value, side, 0, MAX_EXTENSION, default=0) for side in ("left", "top", "right", "bottom")]
    if any(pixels % EXTENSION_STEP for pixels in sides):
        raise InvalidRequest(f"each side must be a multiple of {EXTENSION_STEP} pixels", field="extend")
    return Extension(*sides)


def _whole(mapping: Mapping[str, Any], key: str, least: int, most: int, *, default: int | None = None) -> int:
    number = mapping.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise InvalidRequest(f"must be a whole number from {least} to {most}, not {number!r:.40}", field=key)
    return number
