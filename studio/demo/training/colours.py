"""The twelve colours of the training pictures, and the words captions use for them."""

import random

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (220, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (250, 215, 40),
    "green": (50, 165, 70),
    "blue": (45, 95, 220),
    "purple": (130, 60, 180),
    "pink": (245, 130, 180),
    "brown": (130, 80, 45),
    "black": (20, 20, 22),
    "white": (250, 250, 250),
    "gray": (140, 140, 145),
    "cyan": (60, 200, 205),
}
COLOUR_NAMES = tuple(COLOURS)
# A word's share of its list is how often it is used.
SYNONYMS = {
    "gray": ["gray", "grey"],
    "purple": ["purple", "purple", "violet"],
    "cyan": ["cyan", "turquoise", "teal"],
    "red": ["red"] * 6 + ["crimson"],
    "yellow": ["yellow"] * 6 + ["golden"],
    "pink": ["pink"] * 6 + ["magenta"],
}


def colour_word(rng: random.Random, name: str) -> str:
    """A word a caption may use for the colour `name`."""
    return rng.choice(SYNONYMS.get(name, [name]))


def jittered(rng: random.Random, colour: Colour, amount: int = 5) -> Colour:
    """`colour` with each channel up to `amount` away, within 0..255."""
    red, green, blue = (max(0, min(255, value + rng.randint(-amount, amount))) for value in colour)
    return red, green, blue


def scaled(colour: Colour, factor: float) -> Colour:
    """`colour` darkened by a `factor` of at most 1, rounded down."""
    red, green, blue = (int(value * factor) for value in colour)
    return red, green, blue
