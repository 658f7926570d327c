"""Masks: one channel, 255 repaints, 0 keeps; and how the repainted area joins the kept one."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from studio.errors import InvalidImage
from studio.params import Fit
from studio.pictures import placement

REPAINT = 255
KEEP = 0
# The engine's own threshold for masks.
_THRESHOLD = 128

# How far colours run when a painted area is filled from its surroundings, in pixels, the widest first.
_SMEARS = (256, 64, 16, 4)

_Plane = npt.NDArray[np.float32]


def from_upload(image: Image.Image) -> Image.Image:
    """The mask in an uploaded mask file, as `pictures.read_upload` gives it; mode L, hard 0 or 255.

    If it has transparent pixels (alpha under 128), those repaint and colour does not count; else the bright
    ones (luma 128 and more) repaint. Errors: InvalidImage if nothing is painted.
    """
    mask = from_alpha(image)
    if mask is None:
        mask = image.convert("L").point([REPAINT if luma >= _THRESHOLD else KEEP for luma in range(256)])
    if is_empty(mask):
        raise InvalidImage(
            "the mask is all black: nothing would change; paint the area to change in white", field="mask"
        )
    return mask


def from_alpha(image: Image.Image) -> Image.Image | None:
    """The mask in an input picture whose alpha marks the area: transparent (under 128) repaints.

    None if the picture is opaque, or has nothing below that threshold and so marks nothing.
    """
    if image.mode != "RGBA":
        return None
    alpha = image.getchannel("A")
    mask = alpha.point([REPAINT if value < _THRESHOLD else KEEP for value in range(256)])
    return None if is_empty(mask) else mask


def from_a1111(image: Image.Image, *, invert: bool) -> Image.Image:
    """The mask in a file as A1111 reads it; mode L, hard 0 or 255.

    If it has transparent pixels, the opaque ones repaint and colour does not count; else the bright ones do.
    `invert` swaps what repaints and what stays. Errors: InvalidImage if nothing is painted.
    """
    plane = image.getchannel("A") if image.mode == "RGBA" else image.convert("L")
    bright, dark = (KEEP, REPAINT) if invert else (REPAINT, KEEP)
    mask = plane.point([bright if value >= _THRESHOLD else dark for value in range(256)])
    if is_empty(mask):
        colour = "white" if invert else "black"
        raise InvalidImage(f"the mask is all {colour}: nothing would change", field="mask")
    return mask


def smeared(image: Image.Image, mask: Image.Image) -> Image.Image:
    """`image` with what the mask repaints replaced by the colours around it; both of one size, RGB and L.

    The nearer the border of the area, the narrower the surroundings a colour comes from.
    """
    kept = mask.point([255 - value for value in range(256)])
    known = image.copy()
    known.putalpha(kept)
    premultiplied = known.convert("RGBa")
    # One pixel that weighs every kept one; all of it painted gives black, which is as good as any.
    filled = (
        premultiplied.resize((1, 1), Image.Resampling.BOX).convert("RGBA").convert("RGB").resize(image.size)
    )
    for radius in _SMEARS:
        layer = premultiplied.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        filled.paste(layer, mask=layer.getchannel("A"))
    return Image.composite(filled, image, mask)


def from_hole(image: Image.Image, picture_size: tuple[int, int]) -> Image.Image:
    """The mask in a file whose holes are to be painted: only alpha 0 repaints, colour never counts.

    For callers to whom a mask has the picture's size, (width, height) in pixels. Mode L, hard 0 or 255.
    Errors: InvalidImage if the size is another one or nothing is fully transparent.
    """
    if image.size != picture_size:
        raise InvalidImage(
            f"is {image.width}x{image.height} pixels, the picture is {picture_size[0]}x{picture_size[1]}; "
            "both must have the same size",
            field="mask",
        )
    hole = None
    if image.mode == "RGBA":
        hole = image.getchannel("A").point([REPAINT if value == 0 else KEEP for value in range(256)])
    if hole is None or is_empty(hole):
        raise InvalidImage(
            "nothing in it is fully transparent, so nothing would change; make the area to change "
            "transparent (alpha 0)",
            field="mask",
        )
    return hole


def is_empty(mask: Image.Image) -> bool:
    """True if nothing is painted."""
    return mask.getbbox() is None


def fit_mask(
    mask: Image.Image, picture_size: tuple[int, int], width: int, height: int, how: Fit
) -> Image.Image:
    """`mask` brought to width x height pixels as `pictures.fit` does with its picture of `picture_size`.

    A mask of another size than the picture is stretched onto it first. No values but 0 and 255 come up
    (NEAREST). The border of "pad" repaints: it shows nothing that could be kept. Errors: InvalidImage if
    nothing painted is left in the part of the picture that is used.
    """
    if mask.size != picture_size:
        mask = mask.resize(picture_size, Image.Resampling.NEAREST)
    place = placement(picture_size, (width, height), how)
    inner = mask
    if mask.size != place.inner or place.box != (0, 0, *mask.size):
        inner = mask.resize(place.inner, Image.Resampling.NEAREST, box=place.box)
    if is_empty(inner):
        raise InvalidImage(
            f"nothing painted is left once the picture is brought to {width}x{height}; paint a larger area "
            "or ask for a size of the picture's own shape",
            field="mask",
        )
    if inner.size == (width, height):
        return inner
    fitted = Image.new("L", (width, height), REPAINT)
    fitted.paste(inner, place.offset)
    return fitted


def _depth(painted: npt.NDArray[np.bool_], limit: int) -> _Plane:
    """For each painted pixel the distance to the nearest kept one, in pixels, at most `limit`; 0 elsewhere.

    Euclidean: along each row first, then over the rows within `limit`. Beyond the edge of the picture
    nothing is kept, so an area that runs out of the picture does not fade there.
    """
    height, width = painted.shape
    columns = np.arange(width, dtype=np.float32)
    far = np.float32(limit + width + height)
    last_kept = np.maximum.accumulate(np.where(painted, -far, columns), axis=1)
    next_kept = np.minimum.accumulate(np.where(painted, columns + far, columns)[:, ::-1], axis=1)[:, ::-1]
    in_row = np.minimum(np.minimum(columns - last_kept, next_kept - columns), limit)
    squared = in_row**2
    nearest = squared.copy()
    for step in range(1, min(limit, height - 1) + 1):
        np.minimum(nearest[step:], squared[:-step] + step**2, out=nearest[step:])
        np.minimum(nearest[:-step], squared[step:] + step**2, out=nearest[:-step])
    depth: _Plane = np.minimum(np.sqrt(nearest), np.float32(limit))
    return depth


def _largest_within(plane: _Plane, radius: int) -> _Plane:
    """For each pixel the largest value in the square of `radius` around it."""
    for axis in (0, 1):
        padded = np.pad(plane, [(radius, radius) if a == axis else (0, 0) for a in (0, 1)])
        padded = np.moveaxis(padded, axis, 0)
        reach, window = 1, 2 * radius + 1
        while reach < window:
            step = min(reach, window - reach)
            padded = np.maximum(padded[:-step], padded[step:])
            reach += step
        plane = np.moveaxis(padded, 0, axis)
    return plane


def _weights(mask: Image.Image, feather: int) -> Image.Image:
    """How much of the new picture each pixel gets, 0..255; mode L, and 0 wherever the mask keeps."""
    left, upper, right, lower = mask.getbbox() or (0, 0, 0, 0)
    # One kept pixel around the painted area is all that the distances need.
    box = (max(0, left - 1), max(0, upper - 1), min(mask.width, right + 1), min(mask.height, lower + 1))
    depth = _depth(np.asarray(mask.crop(box)) >= _THRESHOLD, feather + 1)
    # A stroke thinner than twice the feather would never reach full strength: it fades over half its width.
    full = np.maximum(_largest_within(depth, feather), 1)
    strength = np.minimum(depth / full, 1)
    weights = Image.new("L", mask.size, 0)
    weights.paste(Image.fromarray(np.rint(strength * 255).astype(np.uint8)), box[:2])
    return weights


def paste_back(original: Image.Image, generated: Image.Image, mask: Image.Image, feather: int) -> Image.Image:
    """`generated` where the mask repaints, `original` where it keeps; all three of one size.

    Kept pixels are exactly the original's: the transition lies inside the painted area, over the `feather`
    pixels next to its border (0: a hard edge). Shape: RGB in, RGB out; mask L, 0 or 255.
    """
    if feather > 0 and not is_empty(mask):
        mask = _weights(mask, feather)
    return Image.composite(generated, original, mask)
