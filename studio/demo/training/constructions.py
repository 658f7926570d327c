"""Subjects of training scenes that people build; each function draws one and returns its caption."""

import random

from studio.demo.training.arrangements import article
from studio.demo.training.colours import COLOURS, colour_word, scaled
from studio.demo.training.scene import Scene


def house(scene: Scene) -> str:
    canvas, rng, x = scene.canvas, scene.rng, scene.x
    scene.ground()
    foot = scene.horizon + 0.1
    half, height = rng.uniform(0.19, 0.23), rng.uniform(0.26, 0.3)
    colours_roof = rng.random() < 0.4
    is_coloured = bool(scene.word)
    roof = scene.colour if is_coloured and colours_roof else "red"
    if is_coloured and not colours_roof:
        body = scene.colour
        if body in ("red", "brown"):
            roof = "gray"
    else:
        body = rng.choice(["white", "yellow", "orange"])
    eaves = foot - height
    canvas.rectangle(x - half, eaves, x + half, foot, scene.lit_named(body))
    gable = [(x - half - 0.05, eaves), (x, eaves - 0.2), (x + half + 0.05, eaves)]
    canvas.polygon(gable, scene.lit_named(roof))
    canvas.rectangle(x - 0.045, foot - 0.16, x + 0.045, foot, scene.lit((95, 60, 40)))
    window = (255, 225, 110) if scene.time == "night" else scene.lit((170, 215, 240))
    for side in (-1, 1):
        middle = x + side * half * 0.62
        canvas.rectangle(middle - 0.04, eaves + 0.05, middle + 0.04, eaves + 0.13, window)
    if colours_roof and is_coloured:
        caption = f"a house with a {scene.word}roof"
    else:
        caption = article(rng, scene.word or "h") + scene.word
        caption += rng.choice(["house", "house", "home", "cottage"])
    return caption + rng.choice(["", "", " on green grass", " on the grass", " in a field"])


def boat(scene: Scene) -> str:
    canvas, rng, x, horizon = scene.canvas, scene.rng, scene.x, scene.horizon
    canvas.gradient(scene.lit((50, 130, 210)), scene.lit((25, 85, 165)), horizon, 1.0)
    deck = horizon
    colours_hull = rng.random() < 0.5
    is_coloured = bool(scene.word)
    hull = scene.colour if is_coloured and colours_hull else "brown"
    sail = scene.colour if is_coloured and not colours_hull else "white"
    planks = [(x - 0.24, deck), (x + 0.24, deck), (x + 0.15, deck + 0.12), (x - 0.15, deck + 0.12)]
    canvas.polygon(planks, scene.lit_named(hull))
    canvas.rectangle(x - 0.01, deck - 0.36, x + 0.01, deck, scene.lit((90, 60, 40)))
    main_sail = [(x + 0.02, deck - 0.35), (x + 0.02, deck - 0.03), (x + 0.21, deck - 0.03)]
    canvas.polygon(main_sail, scene.lit_named(sail))
    fore_sail = [(x - 0.02, deck - 0.3), (x - 0.02, deck - 0.03), (x - 0.15, deck - 0.03)]
    canvas.polygon(fore_sail, scene.lit_named(sail))
    noun = rng.choice(["boat", "boat", "ship", "sailboat"])
    if colours_hull or not is_coloured:
        caption = f"a {scene.word}{noun}"
    else:
        caption = f"a {noun} with a {scene.word}sail"
    waters = [" on the sea", " on the blue sea", " on the ocean", " on the water", " at sea", " on a lake"]
    return caption + rng.choice(waters)


def city(scene: Scene) -> str:
    canvas, rng = scene.canvas, scene.rng
    walls = {"day": (110, 120, 140), "night": (45, 48, 75), "sunset": (95, 60, 85)}[scene.time]
    window = (255, 222, 110) if scene.time != "day" else (185, 215, 235)
    skyline = random.Random(rng.randint(0, 15))  # few skylines, so that they can be learned
    x = 0.0
    while x < 1:
        width, height = skyline.uniform(0.11, 0.18), skyline.uniform(0.25, 0.55)
        roof = 0.86 - height
        canvas.rectangle(x, roof, x + width - 0.01, 0.9, scaled(walls, skyline.uniform(0.75, 1.15)))
        for storey in range(int(height / 0.09)):
            top = roof + 0.03 + storey * 0.09
            for column in (0.25, 0.65):
                left = x + width * column - 0.012
                canvas.rectangle(left, top, left + 0.03, top + 0.04, window)
        x += width
    canvas.rectangle(0, 0.88, 1, 1, (60, 62, 70))
    names = ["a city", "a city skyline", "skyscrapers", "tall buildings", "a big city", "the city"]
    return rng.choice(names)


def rocket(scene: Scene) -> str:
    canvas, rng, side = scene.canvas, scene.rng, scene.side
    word = colour_word(rng, scene.colour) + " " if scene.colour != "black" and rng.random() < 0.6 else ""
    hull = scene.colour if word else "white"
    fins = COLOURS["red"] if not word or scene.colour != "red" else COLOURS["gray"]
    has_planet = rng.random() < 0.5
    if has_planet:
        planet = 0.5 - side * 0.3
        canvas.circle(planet, 0.76, 0.15, (200, 130, 80))
        left, right = planet - 0.24, planet + 0.24
        canvas.polygon([(left, 0.79), (right, 0.73), (right, 0.755), (left, 0.815)], (230, 190, 130))
    x, y = scene.x + side * 0.06, 0.47
    canvas.polygon([(x - 0.1, y + 0.12), (x - 0.19, y + 0.3), (x - 0.06, y + 0.25)], fins)
    canvas.polygon([(x + 0.1, y + 0.12), (x + 0.19, y + 0.3), (x + 0.06, y + 0.25)], fins)
    canvas.polygon([(x - 0.07, y + 0.25), (x + 0.07, y + 0.25), (x, y + 0.42)], (255, 170, 40))
    canvas.ellipse(x, y, 0.105, 0.28, COLOURS[hull])
    canvas.circle(x, y - 0.06, 0.05, (90, 170, 230))
    caption = f"a {word}{rng.choice(['rocket', 'rocket', 'spaceship'])}"
    places = [" in space", " in space", " in the sky at night", " among the stars", " flying in space"]
    caption += rng.choice(places)
    planets = [" near a planet", " with a planet", " and a planet"]
    return caption + (rng.choice(planets) if has_planet else "")


def car(scene: Scene) -> str:
    canvas, rng, x, horizon = scene.canvas, scene.rng, scene.x, scene.horizon
    scene.ground()
    canvas.rectangle(0, horizon + 0.06, 1, horizon + 0.26, scene.lit((95, 95, 102)))
    foot = horizon + 0.13
    word = colour_word(rng, scene.colour) + " "
    paint = scene.lit_named(scene.colour)
    canvas.rounded(x - 0.28, foot - 0.16, x + 0.28, foot, 0.04, paint)
    cabin = [
        (x - 0.18, foot - 0.15),
        (x - 0.11, foot - 0.28),
        (x + 0.1, foot - 0.28),
        (x + 0.18, foot - 0.15),
    ]
    canvas.polygon(cabin, paint)
    glass = [
        (x - 0.13, foot - 0.16),
        (x - 0.085, foot - 0.25),
        (x + 0.075, foot - 0.25),
        (x + 0.125, foot - 0.16),
    ]
    canvas.polygon(glass, scene.lit((185, 220, 240)))
    for side in (-1, 1):
        canvas.circle(x + side * 0.16, foot, 0.068, (25, 25, 30))
        canvas.circle(x + side * 0.16, foot, 0.03, (190, 190, 195))
    places = [" on the road", " on a road", " on a street", ""]
    return f"{article(rng, word)}{word}car{rng.choice(places)}"
