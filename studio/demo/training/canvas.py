"""A square picture to draw on, with coordinates from 0 to 1: x to the right, y down."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from studio.demo.training.colours import Colour

Point = tuple[float, float]


class Canvas:
    """A square RGB picture of `side` pixels; lengths and places are fractions of the side."""

    def __init__(self, side: int, background: Colour = (0, 0, 0)) -> None:
        self.side = side
        self.image = Image.new("RGB", (side, side), background)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([(x * self.side, y * self.side) for x, y in points], fill=colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
        self._draw.ellipse(self._box(x - radius_x, y - radius_y, x + radius_x, y + radius_y), fill=colour)

    def circle(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.ellipse(x, y, radius, radius, colour)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self._draw.rectangle(self._box(left, top, right, bottom), fill=colour)

    def rounded(
        self, left: float, top: float, right: float, bottom: float, radius: float, colour: Colour
    ) -> None:
        """A rectangle with round corners."""
        box = self._box(left, top, right, bottom)
        self._draw.rounded_rectangle(box, radius=radius * self.side, fill=colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        points = [(x * self.side, y * self.side) for x, y in (start, end)]
        self._draw.line(points, fill=colour, width=self._width(width))

    def arc(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        degrees: Point,
        width: float,
        colour: Colour,
    ) -> None:
        """A part of the ellipse in that box; degrees count clockwise from three o'clock."""
        box = self._box(left, top, right, bottom)
        self._draw.arc(box, *degrees, fill=colour, width=self._width(width))

    def gradient(self, upper: Colour, lower: Colour, top: float = 0.0, bottom: float = 1.0) -> None:
        """A band over the full width that runs from one colour to the other in 32 steps, smoothed."""
        strip = Image.new("RGB", (1, 32))
        for step in range(32):
            red, green, blue = (int(a + (b - a) * step / 31) for a, b in zip(upper, lower, strict=True))
            strip.putpixel((0, step), (red, green, blue))
        height = max(1, int((bottom - top) * self.side))
        band = strip.resize((self.side, height), Image.Resampling.BILINEAR)
        self.image.paste(band, (0, int(top * self.side)))

    def _box(self, left: float, top: float, right: float, bottom: float) -> list[float]:
        return [left * self.side, top * self.side, right * self.side, bottom * self.side]

    def _width(self, width: float) -> int:
        return max(1, int(width * self.side))


def regular_polygon(
    x: float, y: float, radius: float, corners: int, turn: float = -90, inner: float | None = None
) -> list[Point]:
    """The corners of a regular polygon, the first at `turn` degrees; a star if an `inner` radius is given."""
    count = corners if inner is None else 2 * corners
    points = []
    for index in range(count):
        angle = math.radians(turn + 360 * index / count)
        reach = radius if inner is None or index % 2 == 0 else inner
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return points
