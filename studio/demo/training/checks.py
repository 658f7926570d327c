"""The measurements: each asks the engine for pictures with fixed seeds and says how well they fit.

Each returns its numbers and the pictures it looked at.
"""

import random
import statistics
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from studio.demo.training.colours import COLOUR_NAMES
from studio.demo.training.contact_sheet import Tile
from studio.demo.training.recognition import BASIC_SHAPES, ShapeJudge, look
from studio.demo.training.server import Server

Finding = tuple[dict[str, Any], list[Tile]]

PROMPTS = 48
PLACES = (
    ("on the left", 0.25, 0.5),
    ("on the right", 0.75, 0.5),
    ("at the top", 0.5, 0.25),
    ("at the bottom", 0.5, 0.75),
    ("in the top left corner", 0.25, 0.25),
    ("in the bottom right corner", 0.75, 0.75),
    ("in the center", 0.5, 0.5),
    ("in the top right corner", 0.75, 0.25),
)
NEAR = 0.14
"""How far, along each axis, a centre may be from the asked place."""
STRENGTHS = (0.3, 0.6, 0.85)
SIZES = (128, 192, 256, 512)
SCENES = (
    "a house under a yellow sun",
    "a tree on a green hill",
    "a boat on the blue sea",
    "a mountain at night with a moon",
    "a red house at night",
    "a sunset over the sea",
    "a rocket in space",
    "a blue car on the road",
    "a snowman in winter",
    "a cactus in the desert at sunset",
    "a city at night",
    "a pink flower in a garden",
    "an orange fish in the sea",
    "a purple hot air balloon in the sky",
    "a black cat on a pink background",
    "a pine tree at night",
    "a boat with a red sail at sunset",
    "snowy mountains and a lake",
    "a beautiful fluffy red circle on blue",
    "A Red Circle On A Blue Background",
    "two green squares on a white background",
    "three yellow stars on a black background",
    "a red circle and a blue square on a white background",
    "a yellow star above a purple square, black background",
    "a dragon",
    "an astronaut riding a horse",
)


def shape_prompts(count: int = PROMPTS) -> list[tuple[str, str, str, str]]:
    """Prompt, shape, figure's colour and ground's colour; always the same ones."""
    rng = random.Random(2024)
    wordings = ["a {} {} on a {} background", "draw a {} {} on a {} background"]
    wordings += ["{} {}, {} background", "a painting of a {} {} on a {} background"]
    prompts = []
    for index in range(count):
        shape = BASIC_SHAPES[index % len(BASIC_SHAPES)]
        ground, figure = rng.sample(COLOUR_NAMES, 2)
        prompts.append((rng.choice(wordings).format(figure, shape, ground), shape, figure, ground))
    return prompts


def check_shapes(server: Server) -> Finding:
    """Colours and shapes of single figures on plain grounds, in four wordings."""
    judge = ShapeJudge()
    hits: list[tuple[bool, bool, bool]] = []
    by_shape: dict[str, list[bool]] = {name: [] for name in BASIC_SHAPES}
    seconds, tiles = [], []
    for index, (prompt, shape, figure, ground) in enumerate(shape_prompts()):
        painting = server.paint(prompt, 1000 + index)
        seconds.append(painting.seconds)
        sight = look(painting.image)
        named = judge.name(sight.mask)
        seen = [(ground, sight.ground), (figure, sight.figure), (shape, named)]
        hits.append((sight.ground == ground, sight.figure == figure, named == shape))
        by_shape[shape].append(named == shape)
        tiles.append(Tile(painting.image, prompt, " ".join(str(got) for asked, got in seen if asked != got)))
    ground_hits, figure_hits, shape_hits = zip(*hits, strict=True)
    numbers = {
        "prompts": len(hits),
        "ground": statistics.fmean(ground_hits),
        "figure": statistics.fmean(figure_hits),
        "shape": statistics.fmean(shape_hits),
        "all": statistics.fmean(all(hit) for hit in hits),
        "by_shape": {name: f"{sum(right)}/{len(right)}" for name, right in by_shape.items()},
        "seconds": statistics.median(seconds),
    }
    return numbers, tiles


def check_positions(server: Server) -> Finding:
    """Whether a figure's centre lies near the asked place."""
    right, tiles = 0, []
    for index, (place, x, y) in enumerate(PLACES):
        figure = ("red circle", "blue square")[index % 2]
        ground = ("white", "yellow")[index % 2]
        image = server.paint(f"a {figure} {place} on a {ground} background", 50 + index).image
        centre = look(image).centre
        is_near = centre is not None and abs(centre[0] - x) < NEAR and abs(centre[1] - y) < NEAR
        right += is_near
        tiles.append(Tile(image, place, "" if is_near else "elsewhere"))
    return {"asked": len(PLACES), "right": right}, tiles


def check_areas(server: Server) -> Finding:
    """The mean share of the picture that small and large figures cover."""
    areas, tiles = {}, []
    for size in ("small", "large"):
        shares = []
        for index, figure in enumerate(("red circle", "green square", "blue triangle")):
            prompt = f"a {size} {figure} on a white background"
            image = server.paint(prompt, 80 + index).image
            shares.append(look(image).share)
            tiles.append(Tile(image, prompt))
        areas[size] = statistics.fmean(shares)
    return areas, tiles


def check_seeds(server: Server) -> Finding:
    """Whether a seed gives the same file again, and another seed another picture."""
    prompt = "a red heart on a white background"
    first, again, other = (server.paint(prompt, seed) for seed in (7, 7, 8))
    differs = bool((_pixels(first.image) != _pixels(other.image)).any())
    return {"same_bytes": first.png == again.png, "differs": differs}, []


def check_img2img(server: Server) -> tuple[list[dict[str, Any]], list[Tile]]:
    """How much of a blue circle changes when a red star is asked for, by strength."""
    source = _source(server)
    changes, tiles = [], [Tile(source, "img2img source")]
    for strength in STRENGTHS:
        prompt = "a red star on a yellow background"
        image = server.repaint(prompt, 5, source, strength).image
        change = float(np.abs(_pixels(image) - _pixels(source)).mean())
        changes.append({"strength": strength, "change": change, "figure": look(image).figure})
        tiles.append(Tile(image, f"img2img red star {strength}"))
    return changes, tiles


def check_inpainting(server: Server) -> Finding:
    """How much changes inside and outside of a square mask at full strength."""
    source = _source(server)
    side = server.settings.size
    mask = Image.new("L", source.size)
    ImageDraw.Draw(mask).rectangle([side // 4, side // 4, side * 3 // 4, side * 3 // 4], fill=255)
    painting = server.repaint("a red heart on a yellow background", 9, source, 1.0, mask)
    change = np.abs(_pixels(painting.image) - _pixels(source)).mean(-1)
    inside = np.asarray(mask) > 0
    numbers = {
        "outside": float(change[~inside].mean()),
        "outside_95": float(np.percentile(change[~inside], 95)),
        "inside": float(change[inside].mean()),
        "seconds": painting.seconds,
    }
    return numbers, [Tile(painting.image, "inpainting red heart")]


def paint_scenes(server: Server) -> list[Tile]:
    """Pictures to be judged by eye."""
    return [Tile(server.paint(prompt, 300 + index).image, prompt) for index, prompt in enumerate(SCENES)]


def check_sizes(server: Server) -> tuple[list[dict[str, Any]], list[Tile]]:
    """The same prompt at several sizes, most of which the model was hardly trained for."""
    findings, tiles = [], []
    for size in SIZES:
        painting = server.paint("a red heart on a yellow background", 4, size)
        sight = look(painting.image)
        findings.append(
            {"size": size, "seconds": painting.seconds, "figure": sight.figure, "ground": sight.ground}
        )
        tiles.append(Tile(painting.image, f"{size} px"))
    return findings, tiles


def _source(server: Server) -> Image.Image:
    return server.paint("a blue circle on a yellow background", 3).image


def _pixels(image: Image.Image) -> Any:
    return np.asarray(image).astype(int)
