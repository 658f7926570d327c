"""The engine's pictures: checked, cropped to the asked size, joined with what is kept, and labelled."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from studio import png_text
from studio.errors import BadResult
from studio.framing import Frame, Size
from studio.masks import paste_back
from studio.pictures import to_png


@dataclass(frozen=True)
class Kept:
    """What an edit must leave alone: `original` RGB and `mask` L (255 repaints), both of the canvas's size.

    `feather` is the width of the transition inside the repainted area, in pixels.
    """

    original: Image.Image
    mask: Image.Image
    feather: int


def check_result(png: bytes, width: int, height: int, *, allow_flat: bool = False) -> Image.Image:
    """The engine's picture as RGB pixels, once it is known to be what was asked for.

    Errors: BadResult if it is no whole PNG of exactly that size, or one flat colour, which is what broken
    weights and unsuited samplers give; `allow_flat` accepts that.
    """
    damage = png_text.fault(png)
    if damage is not None:
        raise BadResult(f"The engine's picture can't be used: {damage}.")
    try:
        image = Image.open(io.BytesIO(png), formats=("PNG",))
        if image.size != (width, height):
            made = f"{image.width}x{image.height}"
            raise BadResult(f"The engine's picture is {made} pixels; {width}x{height} was asked for.")
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
        raise BadResult("The engine's picture can't be decoded.") from None
    picture = image if image.mode == "RGB" else image.convert("RGB")
    # Counting stops at the second colour, which is usually the second pixel.
    if not allow_flat and picture.getcolors(maxcolors=1) is not None:
        raise BadResult(
            "The engine's picture is one flat colour: the weights are damaged, or the sampler, scheduler or "
            "number of steps does not suit the model."
        )
    return picture


def finish_picture(
    png: bytes,
    picture: Image.Image,
    frame: Frame,
    sheet: Size,
    texts: Mapping[str, str],
    *,
    kept: Kept | None = None,
) -> bytes:
    """The PNG to store: of the size of the frame's canvas, with `texts` as its only metadata.

    `picture` is what `check_result` gave for `png`; `sheet` is the size the engine was asked for. If nothing
    is to be cut off or pasted back, the engine's own compressed pixels are kept as they are, which costs a
    copy instead of an encoding. A frame whose region is not the whole canvas needs `kept`.
    """
    region = frame.give_back(picture, sheet)
    if region is picture and kept is None:
        return png_text.splice(png, texts)
    if kept is not None:
        if region.size != frame.canvas:
            page = kept.original.copy()
            page.paste(region, frame.region)
            region = page
        region = paste_back(kept.original, region, kept.mask, kept.feather)
    return png_text.splice(to_png(region), texts)
