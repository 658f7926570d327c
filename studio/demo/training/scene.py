"""What the parts of a training scene share: the canvas, the light and the places of things."""

import random
from dataclasses import dataclass

from studio.demo.training.canvas import Canvas
from studio.demo.training.colours import COLOURS, Colour, scaled

GRASS = (85, 170, 75)
BRIGHTNESS = {"day": 1.0, "night": 0.45, "sunset": 0.85}


@dataclass(frozen=True)
class Scene:
    """A scene before its subject is drawn; places are fractions of the side."""

    canvas: Canvas
    rng: random.Random
    time: str
    """day, night or sunset"""
    horizon: float
    side: int
    """-1 or 1: the half of the sky that holds sun or moon."""
    x: float
    """Where the subject stands."""
    colour: str
    """The subject's colour, should it have one."""
    word: str
    """The colour's word and a space, or nothing where the caption leaves the colour to the picture."""

    def lit(self, colour: Colour) -> Colour:
        """`colour` in the light of this time of day."""
        return scaled(colour, BRIGHTNESS[self.time])

    def lit_named(self, name: str) -> Colour:
        return self.lit(COLOURS[name])

    def ground(self, colour: Colour = GRASS, below: float = 0.0) -> None:
        """Fill everything from the horizon (or `below` it) down."""
        self.canvas.rectangle(0, self.horizon + below, 1, 1, self.lit(colour))
