"""txt2img and img2img by webuiapi: what reaches the engine, and what comes back."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import webuiapi
from PIL import Image

from studio.a1111_text import to_values
from studio.errors import EngineRefused
from tests.api.a1111_client import PROMPT, client, pixels
from tests.api.serving import Served

SIZE: dict[str, Any] = {"width": 128, "height": 128}


@pytest.fixture
def api(served: Served) -> Iterator[webuiapi.WebUIApi]:
    with client(served.base) as connected:
        yield connected


def noise(width: int = 128, height: int = 96) -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8))


def mask(width: int = 128, height: int = 96) -> Image.Image:
    """Its left upper quarter repaints."""
    plane = Image.new("L", (width, height), 0)
    plane.paste(255, (0, 0, width // 2, height // 2))
    return plane


def post(served: Served, path: str, **body: Any) -> Any:
    return served.http.post(f"/sdapi/v1/{path}", json=body)


def refusal(served: Served, path: str = "txt2img", **body: Any) -> str:
    """The sentence of a request that is refused."""
    before = len(served.engine.recipes)
    answer = post(served, path, **{"prompt": PROMPT} | body)
    assert 400 <= answer.status_code < 500, answer.text
    assert len(served.engine.recipes) == before
    return str(answer.json()["detail"])


def test_a_picture_comes_with_its_text_and_the_seed_it_was_really_made_with(
    served: Served, api: webuiapi.WebUIApi
) -> None:
    result = api.txt2img(prompt=PROMPT, negative_prompt="blue", cfg_scale=3, **SIZE)
    recipe = served.engine.recipes[-1]
    assert result.image.size == (128, 128)
    assert result.info["seed"] == recipe.seed < 2**32
    assert result.info["infotexts"] == [result.image.info["parameters"]]
    values = to_values(result.image.info["parameters"])
    assert (values["prompt"], values["negative_prompt"], int(values["seed"])) == (PROMPT, "blue", recipe.seed)
    assert (result.info["sampler_name"], recipe.sampler, recipe.scheduler) == (
        "Euler a",
        "euler_a",
        "discrete",
    )
    assert (result.info["sd_model_name"], recipe.steps, recipe.cfg_scale) == ("demo", 4, 3)
    assert result.parameters["prompt"] == PROMPT


def test_batch_size_times_n_iter_pictures_have_seeds_one_after_the_other(
    served: Served, api: webuiapi.WebUIApi
) -> None:
    result = api.txt2img(prompt=PROMPT, seed=40, batch_size=2, n_iter=2, **SIZE)
    assert result.info["all_seeds"] == [40, 41, 42, 43]
    assert len({image.tobytes() for image in result.images}) == 4
    assert ["Seed: 41" in text for text in result.info["infotexts"]] == [False, True, False, False]


def test_the_job_stands_in_the_queue_and_in_the_history_like_all_others(
    served: Served, api: webuiapi.WebUIApi
) -> None:
    result = api.txt2img(prompt=PROMPT, seed=9, **SIZE)
    assert served.job(result.info["job_id"])["status"] == "completed"
    generation = served.api.get(f"/generations/{result.info['generation_id']}").json()
    assert (generation["prompt"], generation["seed"]) == (PROMPT, "9")


def test_without_send_images_only_the_record_comes_back(served: Served, api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(prompt=PROMPT, send_images=False, **SIZE)
    assert result.images == []
    assert len(result.info["all_seeds"]) == 1


@pytest.mark.parametrize(
    ("sampler", "scheduler", "ours"),
    [
        ("Euler a", "automatic", ("euler_a", "discrete")),
        ("DPM++ 2M Karras", "Automatic", ("dpm++2m", "karras")),
        ("DPM++ 2M", "Karras", ("dpm++2m", "karras")),
        ("dpm++2m", "sgm_uniform", ("dpm++2m", "sgm_uniform")),
        ("DDIM", "Align Your Steps", ("ddim_trailing", "ays")),
        ("DPM++ 2M Karras", "Exponential", ("dpm++2m", "exponential")),
        ("LCM", "", ("lcm", "discrete")),
    ],
)
def test_samplers_and_schedulers_go_by_a1111s_names(
    served: Served, api: webuiapi.WebUIApi, sampler: str, scheduler: str, ours: tuple[str, str]
) -> None:
    api.txt2img(prompt=PROMPT, sampler_name=sampler, scheduler=scheduler, **SIZE)
    assert (served.engine.recipes[-1].sampler, served.engine.recipes[-1].scheduler) == ours


def test_every_sampler_and_scheduler_that_is_listed_is_taken(served: Served, api: webuiapi.WebUIApi) -> None:
    for name in api.util_get_sampler_names():
        api.txt2img(prompt=PROMPT, sampler_name=name, **SIZE)
    for scheduler in api.get_schedulers():
        for name in (scheduler["name"], scheduler["label"], *(scheduler["aliases"] or ())):
            api.txt2img(prompt=PROMPT, scheduler=name, **SIZE)
    assert {recipe.sampler for recipe in served.engine.recipes} >= {"euler", "heun", "er_sde"}
    assert {recipe.scheduler for recipe in served.engine.recipes} >= {"ays", "gits", "bong_tangent"}


def test_unknown_names_are_refused_with_the_known_ones(served: Served) -> None:
    assert "DPM++ 2M" in refusal(served, sampler_name="PLMS")
    assert "DPM++ 2M" in refusal(served, sampler_name="DPM++ SDE Karras")
    assert "Karras" in refusal(served, scheduler="polyexponential")
    assert "known: demo" in refusal(served, override_settings={"sd_model_checkpoint": "sdxl"})
    assert "Latent (bicubic)" in refusal(served, enable_hr=True, hr_upscaler="R-ESRGAN 4x+")


def test_a_second_pass_enlarges(served: Served, api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(
        prompt=PROMPT, enable_hr=True, hr_scale=1.5, hr_second_pass_steps=3, denoising_strength=0.5,
        hr_upscaler=webuiapi.HiResUpscaler.LatentBicubic, **SIZE,
    )  # fmt: skip
    hires = served.engine.recipes[-1].hires
    assert hires is not None
    assert (hires.scale, hires.steps, hires.upscaler, hires.denoising_strength) == (
        1.5, 3, "Latent (bicubic)", 0.5,
    )  # fmt: skip
    assert result.image.size == (192, 192)
    assert result.info["extra_generation_params"]["Hires upscaler"] == "Latent (bicubic)"


def test_a_second_pass_may_be_given_by_its_size(served: Served, api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(prompt=PROMPT, enable_hr=True, hr_resize_x=256, **SIZE)
    assert result.image.size == (256, 256)
    assert "another shape" in refusal(served, enable_hr=True, hr_resize_x=256, hr_resize_y=128, **SIZE)


def test_an_input_picture_is_stretched_cropped_or_filled(served: Served, api: webuiapi.WebUIApi) -> None:
    fits = []
    for mode in (0, 1, 2):
        api.img2img(images=[noise()], prompt=PROMPT, resize_mode=mode, denoising_strength=0.25, **SIZE)
        fits.append(served.engine.recipes[-1].fit)
    assert fits == ["stretch", "crop", "pad"]
    assert (served.engine.recipes[-1].type, served.engine.recipes[-1].strength) == ("edit", 0.25)
    assert served.engine.inputs[-1].image is not None


def test_img2img_needs_no_words(served: Served, api: webuiapi.WebUIApi) -> None:
    api.img2img(images=[noise()], prompt="", **SIZE)
    assert served.engine.recipes[-1].type == "variation"


def test_what_a_mask_keeps_stays_as_it_was(served: Served, api: webuiapi.WebUIApi) -> None:
    source = noise()
    result = api.img2img(
        images=[source], prompt=PROMPT, mask_image=mask(), mask_blur=0, inpaint_full_res=False,
        inpainting_fill=1, width=128, height=96,
    )  # fmt: skip
    before, after, painted = pixels(source), pixels(result.image), np.asarray(mask()) > 0
    assert np.array_equal(before[~painted], after[~painted])
    assert not np.array_equal(before[painted], after[painted])
    assert served.engine.recipes[-1].mask_feather == 0


def test_an_inverted_mask_keeps_what_is_white(served: Served, api: webuiapi.WebUIApi) -> None:
    source = noise()
    result = api.img2img(
        images=[source], prompt=PROMPT, mask_image=mask(), mask_blur=0, inpaint_full_res=False,
        inpainting_mask_invert=1, inpainting_fill=1, width=128, height=96,
    )  # fmt: skip
    white = np.asarray(mask()) > 0
    assert np.array_equal(pixels(source)[white], pixels(result.image)[white])
    assert not np.array_equal(pixels(source)[~white], pixels(result.image)[~white])


def test_a_transparent_mask_repaints_where_it_is_opaque(served: Served, api: webuiapi.WebUIApi) -> None:
    source, painted = noise(), Image.new("RGBA", (128, 96), (0, 0, 0, 0))
    painted.paste((0, 0, 0, 255), (0, 0, 64, 48))
    result = api.img2img(
        images=[source], prompt=PROMPT, mask_image=painted, mask_blur=0, inpaint_full_res=False,
        width=128, height=96,
    )  # fmt: skip
    kept = np.asarray(mask()) == 0
    assert np.array_equal(pixels(source)[kept], pixels(result.image)[kept])
    assert not np.array_equal(pixels(source), pixels(result.image))


def test_only_the_masked_area_is_painted_and_the_picture_keeps_its_size(
    served: Served, api: webuiapi.WebUIApi
) -> None:
    result = api.img2img(
        images=[noise(300, 200)], prompt=PROMPT, mask_image=mask(300, 200), inpaint_full_res_padding=16,
        **SIZE,
    )  # fmt: skip
    recipe = served.engine.recipes[-1]
    assert (recipe.inpaint_area, recipe.inpaint_padding) == ("masked", 16)
    assert result.image.size == (300, 200)


def test_fill_takes_what_is_painted_over_out_of_sight(served: Served, api: webuiapi.WebUIApi) -> None:
    source = Image.new("RGB", (128, 96), "teal")
    source.paste("red", (0, 0, 64, 48))
    where = {"width": 128, "height": 96, "inpaint_full_res": False, "mask_image": mask()}
    stored = []
    for fill in (0, 1):
        api.img2img(images=[source], prompt=PROMPT, inpainting_fill=fill, **where)
        content = served.studio.inputs.file(str(served.engine.recipes[-1].input_image))
        stored.append(pixels(Image.open(content)))
    assert np.array_equal(stored[1], pixels(source))
    assert np.abs(stored[0] - pixels(Image.new("RGB", (128, 96), "teal"))).max() <= 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("restore_faces", True), ("tiling", True), ("subseed_strength", 0.3), ("seed_resize_from_h", 64),
        ("script_name", "X/Y/Z plot"), ("s_churn", 1), ("s_noise", 1.1), ("eta", 0.5),
        ("infotext", "Steps: 1"),
        ("refiner_checkpoint", "sdxl"), ("alwayson_scripts", {"ADetailer": {"args": [False]}}),
        ("override_settings", {"sd_vae": "mine.safetensors"}), ("override_settings", {"tiling_x": 1}),
        ("styles", ["no such style"]), ("prompt", "<hypernet:x:1> a cat"), ("firstphase_width", 64),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_by_name(served: Served, field: str, value: Any) -> None:
    assert field in refusal(served, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0), ("steps", 101), ("cfg_scale", -1), ("width", 32), ("seed", -2), ("seed", 1.5),
        ("batch_size", 0), ("batch_size", 11), ("prompt", ""), ("prompt", "\x00"), ("prompt", 3),
        ("styles", "one"), ("override_settings", []), ("denoising_strength", 2), ("hr_scale", 5),
        ("hr_second_pass_steps", 101), ("hr_sampler_name", "Heun"), ("hr_prompt", "a dog"),
        ("hr_checkpoint_name", "sdxl"), ("hr_scheduler", "Karras"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_name(served: Served, field: str, value: Any) -> None:
    assert field in refusal(served, enable_hr=True, **SIZE | {field: value})


def test_more_than_ten_pictures_are_refused_whichever_way_they_are_asked_for(served: Served) -> None:
    assert "batch_size times n_iter is 12" in refusal(served, batch_size=3, n_iter=4)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "init_images"),
        ({"init_images": []}, "init_images"),
        ({"init_images": ["a", "b"]}, "init_images"),
        ({"init_images": ["http://127.0.0.1/x.png"]}, "fetches nothing"),
        ({"init_images": ["not base64!"]}, "init_images"),
        ({"init_images": ["AAAA"]}, "init_images"),
        ({"init_images": [""]}, "init_images"),
        ({"mask": ["a"]}, "mask"),
        ({"mask": "https://example.org/mask.png"}, "mask"),
        ({"resize_mode": 3}, "resize_mode"),
        ({"mask": "x", "inpainting_fill": 2}, "inpainting_fill"),
        ({"mask_blur": 300}, "mask_blur"),
    ],
)
def test_a_wrong_picture_is_refused_with_its_name(served: Served, body: dict[str, Any], word: str) -> None:
    picture = webuiapi.b64_img(noise())
    assert word in refusal(served, "img2img", **({"init_images": [picture]} if body else {}) | body)


def test_a_mask_that_paints_nothing_is_refused(served: Served) -> None:
    picture, black = webuiapi.raw_b64_img(noise()), webuiapi.raw_b64_img(Image.new("L", (128, 96), 0))
    assert "all black" in refusal(served, "img2img", init_images=[picture], mask=black)


def test_unknown_fields_are_passed_over_as_a1111_does(served: Served) -> None:
    extra = {"url": "http://127.0.0.1:7860", "auth": "", "clip_skip": 1, "hr_additional_modules": []}
    answer = post(served, "txt2img", prompt=PROMPT, **SIZE, **extra)
    assert answer.status_code == 200


def test_the_zeros_of_a1111s_documentation_pass_where_they_do_nothing(served: Served) -> None:
    zeros = dict.fromkeys(("eta", "s_noise", "s_churn", "s_tmin", "s_tmax", "denoising_strength"), 0)
    assert post(served, "txt2img", prompt=PROMPT, sampler_name="Euler", **SIZE, **zeros).status_code == 200
    assert "eta: 0" in refusal(served, sampler_name="Euler a", **SIZE, **zeros)


def test_what_sillytavern_sends_becomes_a_picture(served: Served) -> None:
    body = {
        "url": "http://127.0.0.1:3000", "auth": "", "prompt": PROMPT, "negative_prompt": "text",
        "sampler_name": "Euler a", "scheduler": "automatic", "steps": 4, "cfg_scale": 3, "width": 128,
        "height": 128, "restore_faces": False, "enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5,
        "hr_additional_modules": [], "denoising_strength": 0.6, "hr_second_pass_steps": 0, "seed": 7,
        "override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"},
        "override_settings_restore_afterwards": True, "clip_skip": 1, "save_images": True,
        "send_images": True, "do_not_save_grid": False, "do_not_save_samples": False,
    }  # fmt: skip
    answer = post(served, "txt2img", **body)
    assert answer.status_code == 200, answer.text
    recipe = served.engine.recipes[-1]
    assert (recipe.seed, recipe.clip_skip, recipe.hires and recipe.hires.scale) == (7, None, 1.5)


def test_settings_that_do_not_act_may_hold_what_no_json_can(served: Served) -> None:
    text = (
        '{"prompt": "a fox", "width": 128, "height": 128, "override_settings": '
        '{"save_to_dirs": [NaN, "\\ud800"], "sd_model_checkpoint": "demo"}}'
    )
    answer = served.http.post("/sdapi/v1/txt2img", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["parameters"]["override_settings"] == {"sd_model_checkpoint": "demo"}


@pytest.mark.parametrize("field", ["prompt", "sampler_name", "styles", "override_settings", "init_images"])
def test_text_that_is_no_unicode_is_refused_everywhere(served: Served, field: str) -> None:
    values = {"styles": '["\\ud800"]', "init_images": '["\\ud800"]', "override_settings": '{"\\ud800": 1}'}
    body = {"prompt": '"a fox"'} | {field: values.get(field, '"\\ud800"')}
    text = "{" + ", ".join(f'"{name}": {value}' for name, value in body.items()) + "}"
    headers = {"Content-Type": "application/json"}
    answer = served.http.post("/sdapi/v1/img2img", content=text, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.json()["detail"]


def test_a_failed_job_is_an_error_with_its_sentence_and_its_job(served: Served) -> None:
    served.engine.faults.append(EngineRefused("The engine said no."))
    answer = post(served, "txt2img", prompt=PROMPT, **SIZE)
    assert answer.status_code == 500
    fault = answer.json()
    assert (fault["error"], fault["detail"], fault["body"]) == ("EngineRefused", "The engine said no.", "")
    assert served.job(fault["job_id"])["status"] == "failed"


def test_the_request_comes_back_without_its_pictures_unless_they_are_wanted(served: Served) -> None:
    picture = webuiapi.b64_img(noise())
    for wanted in (False, True):
        body = {"prompt": PROMPT, "init_images": [picture], "include_init_images": wanted, **SIZE}
        echo = post(served, "img2img", **body).json()["parameters"]
        assert (echo["init_images"] == [picture]) is wanted
        assert json.dumps(echo["width"]) == "128"
