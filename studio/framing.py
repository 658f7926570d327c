"""Framing: which part of which canvas the engine paints, and how what it painted goes back. Pure geometry.

Three pictures are told apart. The *canvas* is the finished picture. Its *region* is what is painted. The
*view* is the region brought to the size at which it is painted; the engine may give it back larger.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from studio.extras import Extend
from studio.masks import KEEP, REPAINT
from studio.params import Fit
from studio.pictures import fit, placement

Size = tuple[int, int]
Box = tuple[int, int, int, int]
"""Left, upper, right, lower in pixels; the last two are outside."""

# So far into the picture the engine may paint when it extends it: its cells of 8 pixels at the border have
# seen the filling. The overlap itself is not kept.
OVERLAP = 8
# The filling is blurred by this share of the extension: colours continue, shapes are not doubled.
_BLUR = 1 / 8


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels. Where the region has another shape than the view, `inner` says where it lies there.

    Canvas and view are of one size, and the region all of both, unless a part is painted or a second pass
    enlarges.
    """

    canvas: Size
    region: Box
    view: Size
    inner: Box

    def take(self, canvas: Image.Image) -> Image.Image:
        """The view of a picture of the canvas's size: its region, with its outermost pixels around it."""
        part = canvas if canvas.size == _size(self.region) else canvas.crop(self.region)
        how: Fit = "stretch" if _size(self.inner) == self.view else "pad"
        return fit(part, *self.view, how)

    def give_back(self, painted: Image.Image, sheet: Size) -> Image.Image:
        """The region as it was painted: `painted` is a picture whose upper left part is the view.

        `sheet` is the size the engine was asked for, view and border; `painted` may be larger by any factor.
        """
        across, down = painted.width / sheet[0], painted.height / sheet[1]
        left, upper, right, lower = self.inner
        box = (
            left * across, upper * down, min(right * across, painted.width), min(lower * down, painted.height)
        )  # fmt: skip
        size = _size(self.region)
        x, y = int(box[0]), int(box[1])
        pixels = (x, y, x + size[0], y + size[1])
        if box == pixels:
            return painted if pixels == (0, 0, *painted.size) else painted.crop(pixels)
        return painted.resize(size, Image.Resampling.LANCZOS, box=box)


def whole(canvas: Size, view: Size | None = None) -> Frame:
    """All of the canvas is painted, at the size of `view` if that is another one."""
    view = canvas if view is None else view
    return Frame(canvas, (0, 0, *canvas), view, (0, 0, *view))


def around(area: Box, padding: int, canvas: Size, view: Size, how: Fit) -> Frame:
    """What is painted is `area` and `padding` pixels around it, widened to the shape of the view.

    At the canvas's edges it is moved inside; only where the canvas ends the shape may be another one: then
    "stretch" distorts it, and the other ways leave a border in the view, so that nothing of the area is lost.
    """
    left, upper = max(0, area[0] - padding), max(0, area[1] - padding)
    right, lower = min(canvas[0], area[2] + padding), min(canvas[1], area[3] + padding)
    width, height = right - left, lower - upper
    wide = min(canvas[0], max(width, math.ceil(height * view[0] / view[1])))
    high = min(canvas[1], max(height, math.ceil(width * view[1] / view[0])))
    left = _moved_inside(left - (wide - width) // 2, wide, canvas[0])
    upper = _moved_inside(upper - (high - height) // 2, high, canvas[1])
    if how == "stretch":
        return Frame(canvas, (left, upper, left + wide, upper + high), view, (0, 0, *view))
    place = placement((wide, high), view, "pad")
    (x, y), (across, down) = place.offset, place.inner
    return Frame(canvas, (left, upper, left + wide, upper + high), view, (x, y, x + across, y + down))


def extended(picture: Image.Image, extend: Extend) -> Image.Image:
    """The picture with new ground around it: its own mirror image, blurred, as a start for the engine."""
    sides = [(extend.top, extend.bottom), (extend.left, extend.right)]
    pixels = np.asarray(picture)
    grown = Image.fromarray(np.pad(pixels, [*sides, (0, 0)][: pixels.ndim], mode="symmetric"))
    grown = grown.filter(ImageFilter.GaussianBlur(max(1.0, _BLUR * max(*sides[0], *sides[1]))))
    grown.paste(picture, (extend.left, extend.top))
    return grown


def extended_mask(mask: Image.Image | None, size: Size, extend: Extend, *, overlap: int = 0) -> Image.Image:
    """The mask, or one that keeps a whole picture of that size, on the grown canvas: new ground repaints.

    With `overlap` so many pixels of the picture beside the new ground repaint, too.
    """
    grown = Image.new("L", extend.of(*size), REPAINT)
    kept = (
        extend.left + (overlap if extend.left else 0),
        extend.top + (overlap if extend.top else 0),
        extend.left + size[0] - (overlap if extend.right else 0),
        extend.top + size[1] - (overlap if extend.bottom else 0),
    )
    if kept[0] < kept[2] and kept[1] < kept[3]:
        grown.paste(KEEP, kept)
    if mask is not None:
        grown.paste(REPAINT, (extend.left, extend.top), mask)
    return grown


def _size(box: Box) -> Size:
    return box[2] - box[0], box[3] - box[1]


def _moved_inside(start: int, length: int, limit: int) -> int:
    return min(max(0, start), limit - length)
