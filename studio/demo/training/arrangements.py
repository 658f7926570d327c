"""Pictures of shapes on a plain ground: which shapes, where, in which colours, and the caption that says so.

Some lists of alternatives are drawn from even when the drawn word is not used: that keeps the order of random
numbers, and with it the training pictures of a seed, independent of what the caption turns out to be.
"""

import random
from dataclasses import dataclass

from studio.demo.training.canvas import Canvas
from studio.demo.training.colours import COLOUR_NAMES, COLOURS, colour_word, jittered
from studio.demo.training.shapes import SHAPES, Spot

LARGE_RADIUS = 0.39
"""Shapes beyond this radius are grounds for the next shape."""
PLURALS = {
    "box": "boxes",
    "cross": "crosses",
    "plus": "pluses",
    "fish": "fish",
    "smiley face": "smiley faces",
    "happy face": "happy faces",
    "rhombus": "rhombuses",
    "smiley": "smileys",
}
POSITIONS = {
    "left": (0.25, 0.5),
    "right": (0.75, 0.5),
    "top": (0.5, 0.25),
    "bottom": (0.5, 0.75),
    "center": (0.5, 0.5),
    "top left": (0.25, 0.25),
    "top right": (0.75, 0.25),
    "bottom left": (0.25, 0.75),
    "bottom right": (0.75, 0.75),
}
RELATIONS = {  # x and y of the first and of the second shape
    "and": (0.27, 0.5, 0.73, 0.5),
    "left": (0.27, 0.5, 0.73, 0.5),
    "right": (0.73, 0.5, 0.27, 0.5),
    "above": (0.5, 0.27, 0.5, 0.73),
    "below": (0.5, 0.73, 0.5, 0.27),
}


@dataclass(frozen=True)
class Item:
    """One shape of an arrangement, in fractions of the side; `colour` is a name."""

    kind: str
    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True)
class Theme:
    """What an arrangement starts from: one kind of shape, its colour, the ground, and the words for them."""

    kind: str
    word: str
    colour: str
    colour_word: str
    ground: str


def article(rng: random.Random, phrase: str) -> str:
    """The article and a space: mostly a or an as `phrase` needs, now and then the, one or nothing."""
    return rng.choice(["an " if phrase[0] in "aeiou" else "a "] * 8 + ["the ", "", "one "])


def arrangement(rng: random.Random) -> tuple[str, list[Item], str]:
    """A caption, the shapes from back to front, and the ground's colour name."""
    ground = rng.choice(COLOUR_NAMES)
    colour = rng.choice([name for name in COLOUR_NAMES if name != ground])
    kind = rng.choices(list(SHAPES), [shape.weight for shape in SHAPES.values()])[0]
    word = rng.choice(SHAPES[kind].words)
    layout = rng.random()
    ground_word, shape_colour_word = colour_word(rng, ground), colour_word(rng, colour)
    names_ground = rng.random() < 0.9
    if not names_ground:
        ground = "white" if colour != "white" else "blue"
    theme = Theme(kind, word, colour, shape_colour_word, ground)
    place = ""
    if layout < 0.74:
        caption, place, items = _single(rng, theme)
    elif layout < 0.85:
        caption, items = _several(rng, theme)
    else:
        caption, items = _pair(rng, theme)
    if names_ground:
        return _with_ground(rng, caption, place, ground_word), items, ground
    return caption + place, items, ground


def draw_arrangement(rng: random.Random, side: int) -> tuple[str, Canvas]:
    """A caption and its picture of `side` pixels."""
    caption, items, ground_name = arrangement(rng)
    ground = jittered(rng, COLOURS[ground_name])
    canvas = Canvas(side, ground)
    under = ground
    for item in items:
        colour = jittered(rng, COLOURS[item.colour])
        beneath = under if item.radius < LARGE_RADIUS or len(items) == 1 else ground
        SHAPES[item.kind].draw(canvas, Spot(item.x, item.y, item.radius, colour, beneath))
        under = colour if item.radius > LARGE_RADIUS and len(items) > 1 else under
    return caption, canvas


def _position_words(rng: random.Random, position: str) -> str:
    if position == "center":
        return rng.choice(["in the center", "in the middle", "in the centre", "centered"])
    if " " in position:
        return rng.choice([f"in the {position} corner", f"in the {position}", f"at the {position}"])
    if position in ("left", "right"):
        ends = ["on the {}", "on the {} side", "at the {}", "to the {}"]
        return rng.choice(ends).format(position)
    return rng.choice([f"at the {position}", f"in the {position}", f"near the {position}"])


def _single(rng: random.Random, theme: Theme) -> tuple[str, str, list[Item]]:
    """One shape, perhaps with a size and a place: its caption, the words for the place, the shape."""
    size = rng.choices(["", "small", "large"], [5, 2.5, 2.5])[0]
    position = rng.choices(["", *POSITIONS], [7, 1, 1, 1, 1, 0.6, 0.5, 0.5, 0.5, 0.5])[0]
    radii = {
        "": rng.uniform(0.25, 0.28),
        "small": rng.uniform(0.12, 0.135),
        "large": rng.uniform(0.38, 0.41),
    }
    radius = radii[size]
    if size == "" and position:
        radius = rng.uniform(0.18, 0.195)
    if size == "large" and position and position != "center":
        radius = rng.uniform(0.27, 0.29)
    spread = 0.015 if position else 0.02
    x, y = (
        max(radius * 1.1 + 0.01, min(0.99 - radius * 1.1, value + rng.uniform(-spread, spread)))
        for value in POSITIONS[position or "center"]
    )
    sizes = {
        "": "",
        "small": rng.choice(["small ", "small ", "tiny ", "little "]),
        "large": rng.choice(["large ", "large ", "big ", "huge "]),
    }
    noun = f"{sizes[size]}{theme.colour_word} {theme.word}"
    if rng.random() >= 0.93:
        noun = f"{theme.word} {sizes[size]}{theme.colour_word}".strip()
    caption = article(rng, noun) + noun
    place = " " + _position_words(rng, position) if position else ""
    return caption, place, [Item(theme.kind, x, y, radius, theme.colour)]


def _several(rng: random.Random, theme: Theme) -> tuple[str, list[Item]]:
    """Two to four equal shapes."""
    count = rng.choice([2, 2, 3, 3, 4])
    columns = {2: (0.28, 0.72), 3: (0.2, 0.5, 0.8), 4: (0.28, 0.72, 0.28, 0.72)}[count]
    radius = {2: 0.18, 3: 0.13, 4: 0.16}[count] * rng.uniform(0.98, 1.02)
    row = 0.5 + rng.uniform(-0.015, 0.015)
    items = []
    for index, x in enumerate(columns):
        y = row if count < 4 else (0.28 if index < 2 else 0.72)
        items.append(Item(theme.kind, x, y, radius, theme.colour))
    numbers = {
        2: rng.choice(["two", "two", "2", "a pair of"]),
        3: rng.choice(["three", "three", "3"]),
        4: rng.choice(["four", "4"]),
    }
    plural = PLURALS.get(theme.word, theme.word + "s")
    return f"{numbers[count]} {theme.colour_word} {plural}", items


def _pair(rng: random.Random, theme: Theme) -> tuple[str, list[Item]]:
    """Two different shapes, side by side, one above the other or one inside the other."""
    kind = rng.choices(list(SHAPES), [shape.weight for shape in SHAPES.values()])[0]
    colour = rng.choice([name for name in COLOUR_NAMES if name != theme.ground])
    word = rng.choice(SHAPES[kind].words)
    second = f"{colour_word(rng, colour)} {word}"
    first = f"{theme.colour_word} {theme.word}"
    relation = rng.choice(["and", "and", "and", "left", "right", "above", "below", "inside"])
    first = article(rng, first) + first
    second_article = article(rng, second)
    radius = rng.uniform(0.185, 0.2)
    if relation == "inside":
        kind = rng.choice(["circle", "square", "hexagon"])
        word = rng.choice(SHAPES[kind].words)
        colour = rng.choice([name for name in COLOUR_NAMES if name not in (theme.ground, theme.colour)])
        second = f"{colour_word(rng, colour)} {word}"
        second = article(rng, second) + second
        items = [Item(kind, 0.5, 0.5, 0.4, colour), Item(theme.kind, 0.5, 0.5, 0.18, theme.colour)]
        return f"{first} inside {second}", items
    x1, y1, x2, y2 = (value + rng.uniform(-0.01, 0.01) for value in RELATIONS[relation])
    items = [Item(theme.kind, x1, y1, radius, theme.colour), Item(kind, x2, y2, radius, colour)]
    return _relation_words(rng, relation, first, second_article + second), items


def _relation_words(rng: random.Random, relation: str, first: str, second: str) -> str:
    sides = "{} on the left and {} on the right"
    phrases = {
        "and": rng.choice(["{} and {}", "{} next to {}", "{} with {}", "{}, {}", sides]),
        "left": "{} to the left of {}",
        "right": "{} to the right of {}",
        "above": rng.choice(["{} above {}", "{} on top of {}", "{} over {}"]),
        "below": rng.choice(["{} below {}", "{} under {}"]),
    }
    return phrases[relation].format(first, second)


def _with_ground(rng: random.Random, caption: str, place: str, ground: str) -> str:
    """The caption with the ground's colour, before or after the place."""
    phrases = [" on a {} background"] * 6 + [", {} background"] * 2
    phrases += [" on {}", " with a {} background", " against a {} background", " over a {} background"]
    phrases += [" on a plain {} background"]
    phrase = rng.choice(phrases).format(ground)
    if rng.random() < 0.07:
        return f"{ground} background with {caption}{place}"
    if rng.random() < 0.7 or phrase.startswith(","):
        return caption + place + phrase
    return caption + phrase + place
