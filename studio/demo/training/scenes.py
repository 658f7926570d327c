"""Pictures of small scenes: a sky for the time of day, a subject, and the caption that names both."""

import random
from collections.abc import Callable

from studio.demo.training import constructions, landscapes
from studio.demo.training.canvas import Canvas
from studio.demo.training.colours import colour_word
from studio.demo.training.scene import Scene
from studio.demo.training.shapes import SHAPES, Spot

SUBJECTS: dict[str, Callable[[Scene], str]] = {
    "house": constructions.house,
    "tree": landscapes.tree,
    "boat": constructions.boat,
    "mountain": landscapes.mountain,
    "flowers": landscapes.flowers,
    "city": constructions.city,
    "rocket": constructions.rocket,
    "sunset": landscapes.sunset,
    "balloon": landscapes.balloon,
    "cactus": landscapes.cactus,
    "snowman": landscapes.snowman,
    "car": constructions.car,
    "fish": landscapes.fish,
}
FREQUENT = ("house", "tree", "boat", "mountain")
CHOICES = [subject for subject in SUBJECTS for _ in range(2 if subject in FREQUENT else 1)]
SUBJECT_COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "brown", "cyan", "black", "gray",
)  # fmt: skip
SKIES = {  # at the top and at the bottom
    "day": ((110, 185, 245), (190, 225, 250)),
    "night": ((14, 18, 52), (40, 48, 105)),
    "sunset": ((235, 110, 90), (252, 205, 120)),
}
SPACE = ((14, 14, 40), (24, 20, 60))
WATER = ((60, 150, 220), (15, 70, 150))
SKYLESS = ("rocket", "fish", "sunset")
"""Subjects that bring their own sky, so the caption says nothing about the time."""


def draw_scene(rng: random.Random, side: int) -> tuple[str, Canvas]:
    """A caption and its picture of `side` pixels."""
    subject = rng.choice(CHOICES)
    time = rng.choices(["day", "night", "sunset"], [5, 3, 2])[0]
    if subject in ("rocket", "fish", "balloon"):
        time = "day"
    if subject == "sunset":
        time = "sunset"
    sky = {"rocket": SPACE, "fish": WATER}.get(subject, SKIES[time])
    canvas = Canvas(side)
    canvas.gradient(*sky)
    horizon = rng.uniform(0.62, 0.7)
    half = rng.choice([-1, 1])
    light = _draw_sky(rng, canvas, subject, time, half)
    has_cloud = time == "day" and subject not in ("rocket", "fish") and rng.random() < 0.3
    if has_cloud:
        white = (250, 250, 252)
        SHAPES["cloud"].draw(canvas, Spot(0.5 - half * 0.26, 0.2, 0.13, white, white))
    colour = rng.choice(SUBJECT_COLOURS)
    word = colour_word(rng, colour) + " " if rng.random() < 0.6 else ""
    x = 0.5 + rng.uniform(-0.08, 0.08)
    scene = Scene(canvas, rng, time, horizon, half, x, colour, word)
    caption = SUBJECTS[subject](scene)
    extras = [] if subject in SKYLESS else _sky_words(rng, time, light, has_cloud)
    return " ".join([caption, *(extra for extra in extras if extra)]).strip(), canvas


def _draw_sky(rng: random.Random, canvas: Canvas, subject: str, time: str, half: int) -> str:
    """Stars, sun or moon; the name of the light if the caption may speak of it."""
    in_space = subject == "rocket"
    if time == "night" or in_space:
        stars = random.Random(rng.randint(0, 7))
        for _ in range(14):
            x, y = stars.random(), stars.random() * (1 if in_space else 0.5)
            canvas.circle(x, y, 0.008, (250, 245, 210))
    x, y = 0.5 + half * rng.uniform(0.27, 0.33), rng.uniform(0.15, 0.2)
    if subject in SKYLESS:
        return ""
    if time == "day" and rng.random() < 0.6:
        canvas.circle(x, y, 0.1, (252, 215, 50))
        return "sun"
    if time == "night" and rng.random() < 0.75:
        canvas.circle(x, y, 0.09, (245, 240, 215))
        canvas.circle(x + 0.045, y - 0.02, 0.075, SKIES[time][0])
        return "moon"
    if time == "sunset":
        canvas.circle(x, y + 0.3, 0.12, (255, 235, 150))
    return ""


def _sky_words(rng: random.Random, time: str, light: str, has_cloud: bool) -> list[str]:
    """What a caption says about the time of day, the light and a cloud; some of it may be empty."""
    moonlit = ["at night", "at night with a moon", "under the moon", "at night under the moon", "at night"]
    moonless = ["at night", "at night", "under the stars", "in the dark", "in the night"]
    sunny = ["", "under a yellow sun", "under the sun", "with a sun", "on a sunny day", "in the sunshine"]
    if time == "night":
        phrases = moonlit if light == "moon" else moonless
    elif time == "sunset":
        phrases = ["at sunset", "at sunset", "in the evening", "at dusk"]
    elif light == "sun":
        phrases = sunny
    else:
        phrases = ["", "", "during the day", "under a blue sky"]
    words = [rng.choice(phrases)]
    if has_cloud:
        words.append(rng.choice(["with a cloud", "with a white cloud", "and a cloud", ""]))
    return words
