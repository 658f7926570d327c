"""Recipe -> the engine's request: every field sent, prompts made harmless and otherwise left alone."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine import Inputs
from studio.model import Model, ModelFiles
from studio.params import JobType
from studio.recipe import Recipe
from studio.sdserver.payload import finished_size, harmless, smoke_recipe, to_img_gen

MODEL = Model(id="unet", name="U-Net", files=ModelFiles(model="unet.safetensors"))


def recipe(**fields: Any) -> Recipe:
    usual: dict[str, Any] = {
        "type": JobType.GENERATE,
        "model": "unet",
        "prompt": "a cat",
        "sent_prompt": "a cat, vivid",
        "negative_prompt": "a dog",
        "width": 300,
        "height": 512,
        "n": 2,
        "seed": 5,
        "steps": 9,
        "cfg_scale": 6.5,
        "sampler": "heun",
        "scheduler": "karras",
    }
    return Recipe(**(usual | fields))


def request(inputs: Inputs | None = None, *, seed: int = 5, batch: int = 2, **fields: Any) -> dict[str, Any]:
    return to_img_gen(recipe(**fields), MODEL, inputs or Inputs(), seed=seed, batch=batch)


def test_a_request_carries_every_field_of_the_recipe() -> None:
    sent = request()
    assert sent["prompt"] == "a cat, vivid"
    assert sent["negative_prompt"] == "a dog"
    assert (sent["width"], sent["height"]) == (320, 512)
    assert (sent["seed"], sent["batch_count"]) == (5, 2)
    assert sent["sample_params"]["sample_method"] == "heun"
    assert sent["sample_params"]["scheduler"] == "karras"
    assert sent["sample_params"]["sample_steps"] == 9
    assert sent["sample_params"]["guidance"]["txt_cfg"] == 6.5
    assert sent["output_format"] == "png"
    assert not {"init_image", "mask_image", "ref_images"} & sent.keys()


def test_zero_and_empty_are_values_not_gaps() -> None:
    sent = request(
        Inputs(image=b"png"),
        seed=0,
        type=JobType.EDIT,
        negative_prompt="",
        strength=0.0,
        cfg_scale=0.0,
        distilled_guidance=0.0,
        flow_shift=0.0,
        input_image="0" * 64,
    )
    assert sent["seed"] == 0
    assert sent["strength"] == 0.0
    assert sent["sample_params"]["flow_shift"] == 0.0
    assert sent["sample_params"]["guidance"]["txt_cfg"] == 0.0
    assert sent["sample_params"]["guidance"]["distilled_guidance"] == 0.0


def test_what_a_recipe_leaves_open_is_left_to_the_engine_explicitly() -> None:
    sent = request()
    assert sent["clip_skip"] == -1
    assert sent["sample_params"]["flow_shift"] is None
    assert sent["sample_params"]["guidance"]["distilled_guidance"] == 3.5
    assert request(clip_skip=2)["clip_skip"] == 2


def test_an_input_is_the_start_of_denoising_unless_the_recipe_works_by_reference() -> None:
    inputs = Inputs(image=b"picture", mask=b"mask")
    edit: dict[str, Any] = {"type": JobType.EDIT, "input_image": "0" * 64}
    start = request(inputs, **edit, strength=0.5)
    assert base64.b64decode(start["init_image"]) == b"picture"
    assert base64.b64decode(start["mask_image"]) == b"mask"
    assert "ref_images" not in start
    reference = request(inputs, **edit, by_reference=True)
    assert [base64.b64decode(image) for image in reference["ref_images"]] == [b"picture"]
    assert not {"init_image", "mask_image"} & reference.keys()


def test_tiling_follows_the_model() -> None:
    options = MODEL.engine.model_validate({"vae_tiling": True, "vae_tile_size": "32x48"})
    tiled = MODEL.model_copy(update={"engine": options})
    sent = to_img_gen(recipe(), tiled, Inputs(), seed=0, batch=1)["vae_tiling_params"]
    assert (sent["enabled"], sent["tile_size_x"], sent["tile_size_y"]) == (True, 32, 48)
    assert request()["vae_tiling_params"]["enabled"] is False


def test_tiling_that_was_asked_for_counts_more_than_the_models() -> None:
    tiled = MODEL.model_copy(update={"engine": MODEL.engine.model_copy(update={"vae_tiling": True})})
    for model, asked, enabled in ((MODEL, True, True), (tiled, False, False), (tiled, None, True)):
        sent = to_img_gen(recipe(vae_tiling=asked), model, Inputs(), seed=1, batch=1)
        assert sent["vae_tiling_params"]["enabled"] is enabled


def test_a_second_pass_is_sent_with_the_exact_size_it_ends_in() -> None:
    assert request()["hires"]["enabled"] is False
    assert finished_size(request()) == (320, 512)
    sent = request(hires={"scale": 1.3, "upscaler": "Nearest", "steps": 4, "denoising_strength": 0.5})
    # 320x512 times 1.3, rounded up to multiples of 64.
    assert sent["hires"] == {
        "enabled": True, "upscaler": "Nearest", "scale": 1.3, "target_width": 448, "target_height": 704,
        "steps": 4, "denoising_strength": 0.5, "upscale_tile_size": 128,
    }  # fmt: skip
    assert finished_size(sent) == (448, 704)


def test_loras_and_the_cache_are_sent_by_name_and_nothing_else_of_them_can_be() -> None:
    sent = request(loras=[{"name": "a/b.safetensors", "weight": -0.5}], cache="dbcache")
    assert sent["lora"] == [{"path": "a/b.safetensors", "multiplier": -0.5, "is_high_noise": False}]
    assert (sent["cache_mode"], sent["cache_option"], sent["scm_mask"]) == ("dbcache", "", "")
    assert (request()["lora"], request()["cache_mode"]) == ([], "")


def test_references_follow_the_picture_that_is_one_and_stand_alone_beside_one_that_is_the_start() -> None:
    edit: dict[str, Any] = {"type": JobType.EDIT, "input_image": "0" * 64, "references": ["1" * 64]}
    inputs = Inputs(image=b"start", references=(b"one", b"two"))
    more = [base64.b64encode(each).decode() for each in (b"one", b"two")]
    start = base64.b64encode(b"start").decode()
    assert request(inputs, **edit, by_reference=True)["ref_images"] == [start, *more]
    sent = request(inputs, **edit, strength=0.5)
    assert (sent["init_image"], sent["ref_images"]) == (start, more)


def test_the_request_is_json_and_large_seeds_stay_whole_numbers() -> None:
    sent = json.loads(json.dumps(request(seed=2**63 - 1)))
    assert sent["seed"] == 2**63 - 1


def test_a_trial_picture_is_small_and_quick() -> None:
    sent = to_img_gen(smoke_recipe(MODEL), MODEL, Inputs(), seed=0, batch=1)
    assert (sent["width"], sent["height"], sent["batch_count"]) == (64, 64, 1)
    assert sent["sample_params"]["sample_steps"] == 1


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("a cat (thinking:...)", "a cat (thinking: ...)"),
        ("(a:.)(b:+.)(c:-)", "(a: .)(b: +.)(c:-)"),
        ("(a:" + "9" * 60 + ")", "(a: " + "9" * 60 + ")"),
        ("(a:0." + "0" * 60 + "1)", "(a: 0." + "0" * 60 + "1)"),
        ("x:..5)", "x: ..5)"),
    ],
)
def test_weights_that_end_the_engine_become_text(prompt: str, sent: str) -> None:
    assert harmless(prompt) == sent


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "(important:1.2) [less] (deep:-0.5) (zero:0) (zero:0.000)",
        "(odd:1.2.3) (short:.5) (plus:+1) (trailing:1.)",
        "<lora:style:0.8> <sd_cpp_extra_args>{}</sd_cpp_extra_args>",
        "at 10:30 (or later) :) ratio 16:9",
        "(arabic:٣)",
    ],
)
def test_every_other_prompt_is_left_alone(prompt: str) -> None:
    assert harmless(prompt) == prompt


@given(st.text(st.sampled_from("(:)[]+-.0159e \\aB"), max_size=60))
def test_the_guard_is_stable_and_only_adds_spaces(prompt: str) -> None:
    guarded = harmless(prompt)
    assert harmless(guarded) == guarded
    assert guarded.replace(" ", "") == prompt.replace(" ", "")
