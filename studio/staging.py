"""Staging: a stored picture and its mask arranged for the engine, and for what becomes of its result."""

from dataclasses import dataclass

from PIL import Image

from studio import masks, pictures
from studio.framing import OVERLAP, Frame, Size, around, extended, extended_mask, whole
from studio.params import Fit
from studio.recipe import Recipe


@dataclass(frozen=True)
class Scene:
    """What the engine starts from (`image` RGB, `mask` L or None, both of the frame's view), and what its
    result is pasted into (`canvas` RGB, `repaint` L or None, both of the frame's canvas)."""

    frame: Frame
    image: Image.Image
    mask: Image.Image | None
    canvas: Image.Image
    repaint: Image.Image | None


def output_size(recipe: Recipe) -> Size:
    """(width, height) of the picture unless only a part of an input is painted."""
    view = (recipe.width, recipe.height)
    return view if recipe.hires is None else recipe.hires.enlarged(*view)


def stage(source: Image.Image, mask: Image.Image | None, recipe: Recipe) -> Scene:
    """The scene of an edit or variation. `source` is RGB, `mask` L, 0 or 255, of any size.

    Errors: InvalidImage if nothing painted is left in what is used of the picture.
    """
    if mask is not None and mask.size != source.size:
        mask = mask.resize(source.size, Image.Resampling.NEAREST)
    ground, repaint, how = source, mask, recipe.fit
    if recipe.extend is not None:
        ground, how = extended(source, recipe.extend), "stretch"
        repaint = extended_mask(mask, source.size, recipe.extend)
        mask = extended_mask(mask, source.size, recipe.extend, overlap=OVERLAP)
    if recipe.inpaint_area == "masked" and mask is not None and repaint is not None:
        return _part(ground, mask, repaint, recipe)
    return _all(ground, mask, repaint, recipe, how)


def _all(
    ground: Image.Image, mask: Image.Image | None, repaint: Image.Image | None, recipe: Recipe, how: Fit
) -> Scene:
    """All of the picture is painted, brought to the recipe's size."""
    view, output = (recipe.width, recipe.height), output_size(recipe)

    def fitted(plane: Image.Image | None, size: Size) -> Image.Image | None:
        return None if plane is None else masks.fit_mask(plane, ground.size, *size, how)

    image = pictures.fit(ground, *view, how)
    canvas = image if output == view else pictures.fit(ground, *output, how)
    return Scene(whole(output, view), image, fitted(mask, view), canvas, fitted(repaint, output))


def _part(ground: Image.Image, mask: Image.Image, repaint: Image.Image, recipe: Recipe) -> Scene:
    """Only the area around the mask is painted; the picture keeps its own size."""
    area = repaint.getbbox() or (0, 0, *ground.size)
    frame = around(area, recipe.inpaint_padding, ground.size, (recipe.width, recipe.height), recipe.fit)
    seen = mask.crop(frame.region)
    how: Fit = "stretch" if recipe.fit == "stretch" else "pad"
    return Scene(
        frame, frame.take(ground), masks.fit_mask(seen, seen.size, *frame.view, how), ground, repaint
    )
