"""A1111's client from PyPI does its repertoire on `python app.py` with the real engine."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import webuiapi
from PIL import Image

from tests.api.a1111_client import PROMPT, client, pixels
from tests.system.running import RunningStudio, until

pytestmark = pytest.mark.engine

SIZE: dict[str, Any] = {"width": 128, "height": 128}


@pytest.fixture
def api(studio: RunningStudio) -> Iterator[webuiapi.WebUIApi]:
    with client(studio.base) as connected:
        yield connected


def colours(image: Image.Image) -> tuple[Any, Any]:
    """The mean colours of the middle and of the left upper corner."""
    numbers = pixels(image)
    third, corner = image.width // 3, image.width // 8
    return (
        numbers[third:-third, third:-third].mean(axis=(0, 1)),
        numbers[:corner, :corner].mean(axis=(0, 1)),
    )


def test_words_become_the_picture_they_describe_and_its_text_makes_it_again(
    studio: RunningStudio, api: webuiapi.WebUIApi
) -> None:
    result = api.txt2img(prompt=PROMPT, steps=8, cfg_scale=2, sampler_name="Euler", **SIZE)
    middle, corner = colours(result.image)
    assert middle[0] > middle[2] + 40
    assert corner[2] > corner[0] + 40
    told = api.png_info(result.image).parameters
    assert int(told["Seed"]) == result.info["seed"]
    again = api.txt2img(
        prompt=told["Prompt"], seed=int(told["Seed"]), steps=int(told["Steps"]), sampler_name=told["Sampler"],
        scheduler=told["Schedule type"], cfg_scale=float(told["CFG scale"]), **SIZE,
    )  # fmt: skip
    assert np.array_equal(pixels(again.image), pixels(result.image))
    with studio.api as native:
        generation = native.get(f"/generations/{result.info['generation_id']}").json()
    assert (generation["prompt"], generation["seed"]) == (PROMPT, told["Seed"])


def test_several_pictures_a_second_pass_and_old_sampler_names(api: webuiapi.WebUIApi) -> None:
    several = api.txt2img(
        prompt=PROMPT, seed=5, batch_size=2, steps=3, sampler_name="DPM++ 2M Karras", **SIZE
    )
    assert several.info["all_seeds"] == [5, 6]
    assert not np.array_equal(pixels(several.images[0]), pixels(several.images[1]))
    larger = api.txt2img(
        prompt=PROMPT, steps=3, enable_hr=True, hr_scale=1.5, hr_second_pass_steps=2,
        denoising_strength=0.3, **SIZE,
    )  # fmt: skip
    assert larger.image.size == (192, 192)


def test_a_masked_part_is_painted_and_the_rest_stays(api: webuiapi.WebUIApi) -> None:
    source = Image.fromarray(np.random.default_rng(5).integers(0, 256, (128, 128, 3), np.uint8))
    mask = Image.new("L", source.size, 0)
    mask.paste(255, (32, 32, 96, 96))
    painted = np.asarray(mask) > 0
    for whole in (False, True):
        made = api.img2img(
            images=[source], prompt=PROMPT, mask_image=mask, mask_blur=2, denoising_strength=0.9, steps=4,
            inpaint_full_res=not whole, **SIZE,
        ).image  # fmt: skip
        assert np.array_equal(pixels(made)[~painted], pixels(source)[~painted])
        assert np.abs(pixels(made) - pixels(source))[40:88, 40:88].mean() > 20
    variation = api.img2img(images=[source], prompt="", denoising_strength=0.5, steps=4, **SIZE)
    assert variation.image.size == (128, 128)


def test_a_running_request_tells_how_far_it_is_until_it_is_interrupted(
    studio: RunningStudio, api: webuiapi.WebUIApi
) -> None:
    def ask() -> httpx.Response:
        body = {"prompt": PROMPT, "steps": 100, "n_iter": 10, "width": 512, "height": 512}
        return httpx.post(f"{studio.base}/sdapi/v1/txt2img", json=body, timeout=120, trust_env=False)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask)
        told = until(lambda: told if (told := api.get_progress())["state"]["sampling_step"] > 0 else None)
        assert 0 < told["progress"] < 1
        assert told["eta_relative"] > 0
        assert (told["state"]["sampling_steps"], told["current_image"]) == (100, None)
        api.interrupt()
        answer = waiting.result(60)
    assert (answer.status_code, answer.json()["detail"]) == (409, "The job was cancelled.")
    until(lambda: api.get_progress()["state"]["job_count"] == 0)
    assert api.txt2img(prompt=PROMPT, steps=2, **SIZE).image.size == (128, 128)


def test_the_model_is_chosen_freed_and_loaded(studio: RunningStudio, api: webuiapi.WebUIApi) -> None:
    api.util_set_model("demo")
    assert api.util_get_current_model() == "demo"
    assert "Euler a" in api.util_get_sampler_names()
    for path in ("unload-checkpoint", "reload-checkpoint"):
        assert api.session.post(f"{api.baseurl}/{path}").status_code == 200
    with studio.api as native:
        until(lambda: native.get("/models/demo").json()["state"] == "ready")
    larger = api.extra_single_image(Image.new("RGB", (20, 10)), upscaler_1="Lanczos", upscaling_resize=2)
    assert larger.image.size == (40, 20)
