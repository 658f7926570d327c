"""The endless supply of training pictures, drawn as they are needed."""

import random

from PIL import Image

from studio.demo.training.arrangements import draw_arrangement
from studio.demo.training.scenes import draw_scene

SCENE_SHARE = 0.34


def draw(rng: random.Random, size: int, scene_share: float = SCENE_SHARE) -> tuple[str, Image.Image]:
    """A plain caption and its RGB picture of `size` x `size` pixels; `scene_share` of them are scenes.

    Drawn at twice the size and averaged, for smooth edges.
    """
    draw_subject = draw_scene if rng.random() < scene_share else draw_arrangement
    caption, canvas = draw_subject(rng, size * 2)
    return caption, canvas.image.reduce(2)
