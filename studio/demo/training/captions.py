"""How people may phrase a wish: openings and endings around a plain caption, and unknown words."""

import random

UNKNOWN = "\x01"
"""Stands for a word outside the vocabulary."""
UNKNOWN_SHARE = 0.12
OPENINGS = [""] * 14 + [
    "a picture of ",
    "a painting of ",
    "an image of ",
    "draw ",
    "a drawing of ",
    "please draw ",
    "an illustration of ",
    "a photo of ",
    "paint ",
    "show me ",
    "create ",
    "make ",
    "generate an image of ",
    "a simple drawing of ",
]
ENDINGS = [""] * 16 + [
    ", flat style",
    ", minimalist",
    ", simple",
    ", high quality",
    ", vector art",
    ", digital art",
    ", cartoon style",
    ", colorful",
    ".",
]


def phrased(rng: random.Random, caption: str) -> str:
    """`caption` as a wish; now and then with some words replaced for ones the model doesn't know."""
    text = rng.choice(OPENINGS) + caption + rng.choice(ENDINGS)
    if rng.random() < UNKNOWN_SHARE:
        words = text.split(" ")
        for _ in range(rng.choice([1, 1, 2, 3])):
            words.insert(rng.randint(0, len(words)), UNKNOWN)
        text = " ".join(words)
    return " ".join(text.split())
