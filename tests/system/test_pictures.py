"""The promise of the product: the picture asked for, by REST, from the real engine."""

import io
import json
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from tests.system.running import RunningStudio

pytestmark = pytest.mark.engine

Pixels = npt.NDArray[np.int16]

CIRCLE = {"prompt": "a red circle on a blue background", "seed": 7}


def pixels_of(api: httpx.Client, image_id: str) -> Pixels:
    answer = api.get(f"/images/{image_id}")
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(np.int16)


def generate(api: httpx.Client, **body: Any) -> tuple[dict[str, Any], Pixels]:
    answer = api.post("/generate", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json(), pixels_of(api, answer.json()["data"][0]["id"])


def post_picture(
    api: httpx.Client, path: str, picture: bytes, mask: bytes | None = None, **fields: str
) -> Pixels:
    files = {"image": ("picture.png", picture, "image/png")}
    if mask is not None:
        files["mask"] = ("mask.png", mask, "image/png")
    answer = api.post(path, files=files, data=fields)
    assert answer.status_code == 200, answer.text
    return pixels_of(api, answer.json()["data"][0]["id"])


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def red(pixels: Pixels) -> npt.NDArray[np.bool_]:
    return (pixels[..., 0] > 160) & (pixels[..., 1] < 110) & (pixels[..., 2] < 110)


def blue(pixels: Pixels) -> npt.NDArray[np.bool_]:
    return (pixels[..., 2] > 140) & (pixels[..., 0] < 120)


def test_a_red_circle_on_a_blue_background_is_red_on_blue(studio: RunningStudio) -> None:
    with studio.api as api:
        _, pixels = generate(api, **CIRCLE)
    assert pixels.shape == (128, 128, 3)
    border = np.concatenate([pixels[:4].reshape(-1, 3), pixels[-4:].reshape(-1, 3)])
    assert blue(border).mean() > 0.95
    assert red(pixels[48:80, 48:80]).mean() > 0.8
    assert 0.05 < red(pixels).mean() < 0.6


def test_the_same_seed_gives_the_same_pixels_and_another_does_not(studio: RunningStudio) -> None:
    with studio.api as api:
        first, pixels = generate(api, **CIRCLE)
        second, again = generate(api, **CIRCLE)
        _, other = generate(api, **{**CIRCLE, "seed": 8})
        generation = api.get(f"/generations/{second['id']}").json()
    assert first["id"] != second["id"]
    assert np.array_equal(pixels, again)
    assert not np.array_equal(pixels, other)
    assert generation["seed"] == "7"
    made_with = generation["made_with"]
    assert made_with["engine"]
    assert len(made_with["engine_sample"]) == 64
    assert [file["role"] for file in made_with["files"]] == ["builtin"]


def test_picture_i_of_a_batch_is_the_picture_of_seed_plus_i(studio: RunningStudio) -> None:
    with studio.api as api:
        batch, _ = generate(api, prompt="a green square on a white background", seed=40, n=3)
        third = pixels_of(api, batch["data"][2]["id"])
        _, alone = generate(api, prompt="a green square on a white background", seed=42)
    assert np.array_equal(third, alone)


def test_a_size_the_model_can_not_do_is_cut_to_exactly_what_was_asked(studio: RunningStudio) -> None:
    with studio.api as api:
        _, pixels = generate(api, prompt="a yellow star on a black background", size="150x100", seed=3)
    assert pixels.shape == (100, 150, 3)


def test_a_mask_edit_changes_only_the_masked_area(studio: RunningStudio) -> None:
    mask = Image.new("L", (128, 128), 0)
    ImageDraw.Draw(mask).rectangle([32, 32, 95, 95], fill=255)
    painted = np.asarray(mask) == 255
    with studio.api as api:
        _, before = generate(api, prompt="a blue circle on a yellow background", seed=3)
        source = png(Image.fromarray(before.astype(np.uint8)))
        after = post_picture(
            api,
            "/edit",
            source,
            png(mask),
            prompt="a red heart on a yellow background",
            strength="1",
            seed="9",
        )
    assert np.array_equal(before[~painted], after[~painted])
    assert np.abs(before - after)[painted].mean() > 30
    assert red(after)[painted].mean() > 0.15


def test_an_edit_of_a_picture_with_a_transparent_area_repaints_that_area(studio: RunningStudio) -> None:
    with studio.api as api:
        _, before = generate(api, prompt="a blue circle on a yellow background", seed=3)
        alpha = np.full((128, 128, 1), 255, np.uint8)
        alpha[32:96, 32:96] = 0
        source = Image.fromarray(np.concatenate([before.astype(np.uint8), alpha], axis=2), "RGBA")
        after = post_picture(
            api, "/edit", png(source), prompt="a red heart on a yellow background", strength="1"
        )
    kept = alpha[..., 0] == 255
    assert np.array_equal(before[kept], after[kept])
    assert np.abs(before - after)[~kept].mean() > 20


def test_a_weak_variation_resembles_its_source_and_a_strong_one_does_not(studio: RunningStudio) -> None:
    with studio.api as api:
        _, source = generate(api, prompt="a blue circle on a yellow background", seed=3)
        picture = png(Image.fromarray(source.astype(np.uint8)))
        weak = post_picture(api, "/variation", picture, prompt="a red star", strength="0.3", seed="5")
        strong = post_picture(api, "/variation", picture, prompt="a red star", strength="0.9", seed="5")
    assert np.abs(weak - source).mean() < 12
    assert np.abs(strong - source).mean() > 24


def test_without_a_size_the_result_keeps_the_shape_of_the_input(studio: RunningStudio) -> None:
    with studio.api as api:
        pixels = post_picture(
            api,
            "/variation",
            png(Image.new("RGB", (320, 160), "teal")),
            prompt="a boat on the sea",
            strength="0.9",
        )
    height, width = pixels.shape[:2]
    assert width / height == pytest.approx(2, rel=0.15)


def test_the_stored_picture_tells_how_to_repeat_it(studio: RunningStudio) -> None:
    with studio.api as api:
        made, _ = generate(api, prompt="a purple ring on a white background", seed=11, steps=4)
        content = api.get(f"/images/{made['data'][0]['id']}").content
    texts = Image.open(io.BytesIO(content)).text  # type: ignore[attr-defined]
    assert "a purple ring on a white background" in texts["parameters"]
    assert "Steps: 4, Sampler: Euler, Schedule type: " in texts["parameters"]
    assert "Seed: 11" in texts["parameters"]
    assert json.loads(texts["sdcpp_studio"])["recipe"]["seed"] == 11
