"""Subjects of training scenes out in the country; each function draws one and returns its caption."""

from studio.demo.training.arrangements import article
from studio.demo.training.colours import COLOURS, colour_word, scaled
from studio.demo.training.scene import GRASS, Scene
from studio.demo.training.shapes import SHAPES, Spot


def tree(scene: Scene) -> str:
    canvas, rng, x = scene.canvas, scene.rng, scene.x
    on_hill = rng.random() < 0.5
    if on_hill:
        canvas.ellipse(0.5, 1.1, 0.75, 0.48, scene.lit(GRASS))
    else:
        scene.ground()
    foot = scene.horizon + 0.06
    chance = rng.random()
    kind = "pine" if chance < 0.25 else "autumn" if chance < 0.45 else "leafy"
    canvas.rectangle(x - 0.035, foot - 0.25, x + 0.035, foot, scene.lit((115, 72, 40)))
    if kind == "pine":
        for tier in range(3):
            top, low, half = foot - 0.6 + tier * 0.13, foot - 0.36 + tier * 0.13, 0.13 + 0.03 * tier
            canvas.polygon([(x, top), (x - half, low), (x + half, low)], scene.lit((30, 110, 60)))
    else:
        leaves = scene.lit((230, 130, 40) if kind == "autumn" else (45, 140, 60))
        for right, down, radius in ((-0.1, 0, 0.13), (0.1, 0, 0.13), (0, -0.1, 0.15)):
            canvas.circle(x + right, foot - 0.34 + down, radius, leaves)
    names = {
        "pine": rng.choice(["a pine tree", "a fir tree", "a christmas tree"]),
        "autumn": rng.choice(["an autumn tree", "an orange tree", "a tree in autumn"]),
        "leafy": rng.choice(["a tree", "a green tree", "a big tree", "one tree"]),
    }
    plain = ["", " on green grass", " in a field", " in a meadow"]
    return names[kind] + rng.choice([" on a green hill", " on a hill"] if on_hill else plain)


def mountain(scene: Scene) -> str:
    canvas, rng, horizon = scene.canvas, scene.rng, scene.horizon
    peaks = (  # x, height, half the width, brightness
        (0.2 + rng.uniform(-0.05, 0.05), 0.34, 0.3, 0.85),
        (0.8 + rng.uniform(-0.05, 0.05), 0.3, 0.3, 0.9),
        (scene.x, 0.46, 0.38, 1.0),
    )
    foot = horizon + 0.05
    for x, height, half, light in peaks:
        rock = scene.lit(scaled((120, 125, 145), light))
        canvas.polygon([(x - half, foot), (x, foot - height), (x + half, foot)], rock)
        snow = [
            (x - half * 0.28, foot - height * 0.72),
            (x, foot - height),
            (x + half * 0.28, foot - height * 0.72),
            (x + half * 0.1, foot - height * 0.66),
            (x - half * 0.08, foot - height * 0.74),
        ]
        canvas.polygon(snow, scene.lit((245, 248, 252)))
    has_lake = rng.random() < 0.3
    scene.ground((60, 140, 205) if has_lake else GRASS, below=0.04)
    names = ["a mountain", "mountains", "a snowy mountain", "the mountains", "snowy mountains"]
    caption = rng.choice([*names, "a mountain landscape"])
    return caption + (rng.choice([" and a lake", " by a lake", " with a lake"]) if has_lake else "")


def flowers(scene: Scene) -> str:
    canvas, rng, horizon = scene.canvas, scene.rng, scene.horizon
    scene.ground(below=0.08)
    count = rng.choice([1, 1, 3])
    colour = scene.colour if scene.colour not in ("green", "black", "brown", "gray") else "red"
    word = colour_word(rng, colour) + " "
    alone = count == 1
    radius, y = (0.19, horizon - 0.12) if alone else (0.115, horizon - 0.02)
    for x in (scene.x,) if alone else (0.22, 0.5, 0.78):
        stem = scene.lit((40, 120, 50))
        canvas.rectangle(x - 0.014, y, x + 0.014, 0.92 if alone else 0.88, stem)
        canvas.ellipse(x + 0.07, 0.8, 0.06, 0.025, stem)
        petals = scene.lit_named(colour)
        SHAPES["flower"].draw(canvas, Spot(x, y, radius, petals, petals))
    if alone:
        caption = f"{article(rng, word)}{word}flower"
    else:
        caption = rng.choice([f"three {word}flowers", f"{word}flowers"])
    places = [" in a meadow", " in a garden", " in a field", " on green grass", " in the grass"]
    return caption + rng.choice(places)


def sunset(scene: Scene) -> str:
    canvas, x, horizon = scene.canvas, scene.x, scene.horizon
    canvas.circle(x, horizon - 0.02, 0.19, (255, 240, 170))
    canvas.gradient((215, 105, 95), (95, 55, 110), horizon, 1.0)
    for index in range(4):
        inset, down = index * 0.03, index * 0.07
        canvas.rectangle(
            x - 0.15 + inset, horizon + 0.05 + down, x + 0.15 - inset, horizon + 0.075 + down, (255, 215, 140)
        )
    captions = [
        "a sunset over the sea",
        "sunset over the ocean",
        "a beautiful sunset",
        "the sun setting over the sea",
        "sunset at the beach",
        "a sunset",
        "sunrise over the sea",
    ]
    return scene.rng.choice(captions)


def cactus(scene: Scene) -> str:
    canvas, x = scene.canvas, scene.x
    scene.ground((235, 195, 115))
    green, foot = scene.lit((50, 145, 75)), scene.horizon + 0.12
    canvas.rounded(x - 0.06, foot - 0.5, x + 0.06, foot, 0.06, green)
    for side, height in ((-1, 0.22), (1, 0.3)):
        elbow, arm = x + side * 0.2, x + side * 0.17
        canvas.rectangle(min(x, elbow), foot - height, max(x, elbow), foot - height + 0.07, green)
        canvas.rounded(arm - 0.035, foot - height - 0.14, arm + 0.035, foot - height + 0.07, 0.035, green)
    captions = [
        "a cactus in the desert",
        "a green cactus in the desert",
        "a desert with a cactus",
        "a cactus",
        "a cactus on the sand",
    ]
    return scene.rng.choice(captions)


def snowman(scene: Scene) -> str:
    canvas, x, foot = scene.canvas, scene.x, scene.horizon + 0.16
    scene.ground((240, 245, 252))
    snow, edge = scene.lit((250, 250, 255)), scene.lit((205, 215, 230))
    for down, radius in ((-0.16, 0.17), (-0.4, 0.125), (-0.58, 0.09)):
        canvas.circle(x, foot + down, radius + 0.008, edge)
        canvas.circle(x, foot + down, radius, snow)
    black = (25, 25, 30)
    canvas.rectangle(x - 0.11, foot - 0.67, x + 0.11, foot - 0.645, black)
    canvas.rectangle(x - 0.07, foot - 0.78, x + 0.07, foot - 0.65, black)
    for side in (-1, 1):
        canvas.circle(x + side * 0.035, foot - 0.6, 0.012, black)
    canvas.polygon([(x, foot - 0.58), (x + 0.09, foot - 0.56), (x, foot - 0.55)], (240, 130, 40))
    captions = [
        "a snowman",
        "a snowman in the snow",
        "a snowman in winter",
        "a snowman with a black hat",
        "a happy snowman",
    ]
    return scene.rng.choice(captions)


def balloon(scene: Scene) -> str:
    canvas, rng, x = scene.canvas, scene.rng, scene.x
    stripe = rng.choice(["white", "yellow"]) if scene.colour not in ("white", "yellow") else "red"
    word = colour_word(rng, scene.colour) + " "
    y = rng.uniform(0.36, 0.44)
    canvas.ellipse(x, y, 0.23, 0.25, COLOURS[scene.colour])
    canvas.ellipse(x, y, 0.1, 0.25, COLOURS[stripe])
    for side in (-1, 1):
        canvas.line((x + side * 0.1, y + 0.22), (x + side * 0.05, y + 0.38), 0.012, (90, 70, 50))
    canvas.rectangle(x - 0.06, y + 0.37, x + 0.06, y + 0.46, (150, 95, 50))
    caption = f"{article(rng, word)}{word}"
    caption += rng.choice(["hot air balloon", "hot air balloon", "balloon"])
    return caption + rng.choice([" in the sky", " in the blue sky", " in the air", ""])


def fish(scene: Scene) -> str:
    canvas, rng = scene.canvas, scene.rng
    count = rng.choice([1, 1, 2])
    word = colour_word(rng, scene.colour) + " "
    colour = COLOURS[scene.colour]
    if count == 1:
        places = [(scene.x, 0.48 + rng.uniform(-0.06, 0.06), 0.28)]
    else:
        places = [(0.33, 0.35, 0.19), (0.66, 0.62, 0.19)]
    for x, y, radius in places:
        SHAPES["fish"].draw(canvas, Spot(x, y, radius, colour, colour))
    canvas.rectangle(0, 0.9, 1, 1, (225, 195, 130))
    for x, y in ((0.15, 0.3), (0.2, 0.2), (0.82, 0.25)):
        canvas.circle(x, y, 0.022, (190, 225, 245))
    caption = f"{article(rng, word)}{word}fish" if count == 1 else f"two {word}fish"
    waters = [" in the sea", " in the ocean", " under water", " underwater"]
    return caption + rng.choice([*waters, " in the water", " swimming in the sea"])
