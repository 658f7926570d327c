"""What a picture shows, by simple rules: its two main colours, the shape in it, where it is, how large."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from studio.demo.training.canvas import Canvas
from studio.demo.training.colours import COLOUR_NAMES, COLOURS
from studio.demo.training.shapes import SHAPES, Spot

BASIC_SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond")
FAR = 60
"""RGB distance from the ground's mean colour beyond which a pixel is clearly not ground."""
SMALLEST = 0.004
"""Share of the picture below which a colour counts as noise."""

Pixels = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sight:
    """The ground's colour, the colour of what stands on it (None: nothing does), and where that is."""

    ground: str
    figure: str | None
    mask: Mask

    @property
    def centre(self) -> tuple[float, float] | None:
        """The figure's centre of mass, x and y from 0 to 1."""
        rows, columns = np.nonzero(self.mask)
        if not len(rows):
            return None
        return float(columns.mean() / self.mask.shape[1]), float(rows.mean() / self.mask.shape[0])

    @property
    def share(self) -> float:
        """The part of the picture that is not ground."""
        return float(self.mask.mean())


def look(image: Image.Image) -> Sight:
    """Colours by the nearest of the twelve; the ground is the most frequent one along the edges."""
    pixels = np.asarray(image).astype(float)
    palette = np.array([COLOURS[name] for name in COLOUR_NAMES], float)
    nearest = ((pixels[:, :, None] - palette) ** 2).sum(-1).argmin(-1)
    edge = max(2, len(pixels) // 32)
    frame = [nearest[:edge], nearest[-edge:], nearest[:, :edge], nearest[:, -edge:]]
    border = np.concatenate([part.ravel() for part in frame])
    ground = int(np.bincount(border, minlength=len(palette)).argmax())
    is_ground = nearest == ground
    mean = pixels[is_ground].mean(0) if is_ground.any() else palette[ground]
    figure_mask = np.sqrt(((pixels - mean) ** 2).sum(-1)) > FAR
    counts = np.bincount(nearest[figure_mask & ~is_ground], minlength=len(palette))
    is_seen = counts.sum() > nearest.size * SMALLEST
    figure = COLOUR_NAMES[int(counts.argmax())] if is_seen else None
    return Sight(COLOUR_NAMES[ground], figure, figure_mask)


class ShapeJudge:
    """Names the basic shape a mask overlaps best with; chance is one in eight."""

    def __init__(self) -> None:
        white, black = COLOURS["white"], COLOURS["black"]
        self._templates: dict[str, Mask] = {}
        for name in BASIC_SHAPES:
            canvas = Canvas(256, white)
            SHAPES[name].draw(canvas, Spot(0.5, 0.5, 0.3, black, white))
            template = _normalised(np.asarray(canvas.image)[..., 0] < 128)
            assert template is not None  # every template has a shape in it
            self._templates[name] = template

    def name(self, mask: Mask) -> str | None:
        """The best match; None if there is next to nothing in the mask."""
        seen = _normalised(mask)
        if seen is None:
            return None

        def overlap(name: str) -> float:
            template = self._templates[name]
            return float((template & seen).sum() / (template | seen).sum())

        return max(self._templates, key=overlap)


def _normalised(mask: Mask) -> Mask | None:
    """The mask without specks, its contents centred and scaled to 48 x 48; None if it is almost empty."""
    calm = _resized(mask, 64, Image.Resampling.BOX)
    rows, columns = np.nonzero(calm)
    if len(rows) < 30:
        return None
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    height, width = int(bottom - top), int(right - left)
    side = max(height, width)
    square = np.zeros((side, side), bool)
    y, x = (side - height) // 2, (side - width) // 2
    square[y : y + height, x : x + width] = calm[top:bottom, left:right]
    return _resized(square, 48, Image.Resampling.BILINEAR)


def _resized(mask: Mask, side: int, filter_: Image.Resampling) -> Mask:
    image = Image.fromarray((mask * 255).astype(np.uint8)).resize((side, side), filter_)
    return np.asarray(image) > 127
