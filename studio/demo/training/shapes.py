"""The sixteen shapes of the training pictures, each drawn around a point, and their names in captions."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from studio.demo.training.canvas import Canvas, regular_polygon
from studio.demo.training.colours import COLOURS, Colour

DARK, LIGHT = (25, 25, 30), (250, 250, 250)


@dataclass(frozen=True)
class Spot:
    """Where and how one shape is drawn: centre and radius as fractions of the side."""

    x: float
    y: float
    radius: float
    colour: Colour
    under: Colour
    """What lies beneath, for shapes with a hole."""

    @property
    def is_dark(self) -> bool:
        return sum(self.colour) < 200


def circle(canvas: Canvas, spot: Spot) -> None:
    canvas.circle(spot.x, spot.y, spot.radius, spot.colour)


def square(canvas: Canvas, spot: Spot) -> None:
    x, y, half = spot.x, spot.y, spot.radius * 0.86
    canvas.rectangle(x - half, y - half, x + half, y + half, spot.colour)


def triangle(canvas: Canvas, spot: Spot) -> None:
    canvas.polygon(regular_polygon(spot.x, spot.y + spot.radius * 0.15, spot.radius * 1.08, 3), spot.colour)


def star(canvas: Canvas, spot: Spot) -> None:
    r = spot.radius
    canvas.polygon(regular_polygon(spot.x, spot.y + r * 0.05, r * 1.1, 5, -90, r * 0.46), spot.colour)


def heart(canvas: Canvas, spot: Spot) -> None:
    unit = spot.radius * 0.062
    points = []
    for t in (index * math.pi / 30 for index in range(60)):
        rise = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((spot.x + unit * 16 * math.sin(t) ** 3, spot.y - unit * rise))
    canvas.polygon(points, spot.colour)


def ring(canvas: Canvas, spot: Spot) -> None:
    canvas.circle(spot.x, spot.y, spot.radius, spot.colour)
    canvas.circle(spot.x, spot.y, spot.radius * 0.56, spot.under)


def cross(canvas: Canvas, spot: Spot) -> None:
    x, y, r, width = spot.x, spot.y, spot.radius, spot.radius * 0.33
    canvas.rectangle(x - r, y - width, x + r, y + width, spot.colour)
    canvas.rectangle(x - width, y - r, x + width, y + r, spot.colour)


def diamond(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    canvas.polygon([(x, y - r * 1.1), (x + r * 0.8, y), (x, y + r * 1.1), (x - r * 0.8, y)], spot.colour)


def hexagon(canvas: Canvas, spot: Spot) -> None:
    canvas.polygon(regular_polygon(spot.x, spot.y, spot.radius, 6, 0), spot.colour)


def moon(canvas: Canvas, spot: Spot) -> None:
    r = spot.radius
    canvas.circle(spot.x, spot.y, r, spot.colour)
    canvas.circle(spot.x + r * 0.48, spot.y - r * 0.18, r * 0.82, spot.under)


def sun(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    canvas.polygon(regular_polygon(x, y, r * 1.1, 12, 0, r * 0.78), spot.colour)
    canvas.circle(x, y, r * 0.74, spot.colour)
    red, green, blue = (min(255, int(value * 0.85 + 45)) for value in spot.colour)
    canvas.circle(x, y, r * 0.6, (red, green, blue))


def flower(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    for angle in (index * math.pi / 3 for index in range(6)):
        canvas.circle(x + r * 0.6 * math.cos(angle), y + r * 0.6 * math.sin(angle), r * 0.38, spot.colour)
    _, green, blue = spot.colour
    canvas.circle(x, y, r * 0.36, COLOURS["yellow"] if blue > 90 or green < 120 else COLOURS["brown"])


def cat(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    for side in (-1, 1):
        ear = [(0.85, -1.0), (0.2, -0.55), (0.8, 0.1)]
        canvas.polygon([(x + side * r * right, y + r * down) for right, down in ear], spot.colour)
    canvas.ellipse(x, y + r * 0.1, r * 0.9, r * 0.78, spot.colour)
    eyes, nose = ((250, 230, 90), (240, 150, 170)) if spot.is_dark else (DARK, (230, 110, 130))
    for side in (-1, 1):
        canvas.ellipse(x + side * r * 0.36, y, r * 0.13, r * 0.17, eyes)
    canvas.polygon([(x - r * 0.12, y + r * 0.26), (x + r * 0.12, y + r * 0.26), (x, y + r * 0.42)], nose)


def smiley(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    canvas.circle(x, y, r, spot.colour)
    line = LIGHT if spot.is_dark else DARK
    for side in (-1, 1):
        canvas.ellipse(x + side * r * 0.35, y - r * 0.25, r * 0.12, r * 0.17, line)
    canvas.arc(x - r * 0.55, y - r * 0.5, x + r * 0.55, y + r * 0.6, (20, 160), r * 0.14, line)


def fish(canvas: Canvas, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.radius
    canvas.ellipse(x - r * 0.15, y, r * 0.8, r * 0.5, spot.colour)
    canvas.polygon([(x + r * 0.45, y), (x + r, y - r * 0.5), (x + r, y + r * 0.5)], spot.colour)
    canvas.circle(x - r * 0.5, y - r * 0.12, r * 0.1, LIGHT if spot.is_dark else DARK)


def cloud(canvas: Canvas, spot: Spot) -> None:
    puffs = ((-0.5, 0.15, 0.42), (0.5, 0.15, 0.42), (0, -0.1, 0.56), (-0.2, 0.2, 0.4), (0.25, 0.22, 0.4))
    for right, down, size in puffs:
        canvas.circle(
            spot.x + right * spot.radius, spot.y + down * spot.radius, size * spot.radius, spot.colour
        )


@dataclass(frozen=True)
class Shape:
    """One kind of shape: how it is drawn, the words for it (repeated by use) and how often it appears."""

    draw: Callable[[Canvas, Spot], None]
    words: tuple[str, ...]
    weight: float


SHAPES: dict[str, Shape] = {
    "circle": Shape(circle, (*["circle"] * 5, "disc", "disk", "ball", "dot"), 10),
    "square": Shape(square, (*["square"] * 5, "box"), 10),
    "triangle": Shape(triangle, ("triangle",), 10),
    "star": Shape(star, ("star",), 10),
    "heart": Shape(heart, ("heart",), 10),
    "ring": Shape(ring, (*["ring"] * 4, "donut"), 10),
    "cross": Shape(cross, (*["cross"] * 4, "plus"), 10),
    "diamond": Shape(diamond, (*["diamond"] * 4, "rhombus"), 10),
    "hexagon": Shape(hexagon, ("hexagon",), 2),
    "moon": Shape(moon, ("moon", "crescent"), 2),
    "sun": Shape(sun, ("sun",), 2),
    "flower": Shape(flower, ("flower",), 2),
    "cat": Shape(cat, ("cat", "cat", "kitten"), 3),
    "smiley": Shape(smiley, ("smiley", "smiley face", "happy face"), 1),
    "fish": Shape(fish, ("fish",), 1),
    "cloud": Shape(cloud, ("cloud",), 1),
}
