"""A1111's text taken apart: what other programs write, what people do to it, and what attackers would."""

import json
from typing import Any

import pytest

from studio.a1111_text import as_written, read_pairs, sampling, split_text, to_values
from studio.params import SAMPLERS, SCHEDULERS
from studio.recipe_text import SAMPLER_NAMES, SCHEDULER_NAMES, parameters_text
from tests.builders import a_recipe

PLAIN = """masterpiece, a castle on a hill, <lora:detail:0.8>
Negative prompt: blurry, lowres
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 832x1216, \
Model hash: 67ab2fd8ec, Model: dreamy_v5, Clip skip: 2, Version: v1.10.1"""


def test_a_text_of_a1111_gives_its_prompts_and_values() -> None:
    assert to_values(PLAIN) == {
        "prompt": "masterpiece, a castle on a hill, <lora:detail:0.8>", "negative_prompt": "blurry, lowres",
        "steps": "28", "sampler": "dpm++2m", "scheduler": "karras", "cfg_scale": "6.5", "seed": "1234567890",
        "width": "832", "height": "1216", "model": "dreamy_v5", "clip_skip": "2",
    }  # fmt: skip


def test_prompts_keep_their_lines_and_what_looks_like_values_in_them() -> None:
    text = (
        "a cat\n\nSteps: in the snow\nBREAK\na dog\nNegative prompt: bad\nNegative prompt: worse\n"
        "Steps: 5, Sampler: Euler, CFG scale: 1"
    )

    prompt, negative, pairs = split_text(text)

    assert prompt == "a cat\n\nSteps: in the snow\nBREAK\na dog"
    assert negative == "bad\nNegative prompt: worse"
    assert pairs == {"steps": "5", "sampler": "Euler", "cfg scale": "1"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a cat", {"prompt": "a cat"}),
        ("", {"prompt": ""}),
        ("\n\n", {"prompt": ""}),
        ("Negative prompt: dog", {"prompt": "", "negative_prompt": "dog"}),
        ("a cat\nNegative prompt:", {"prompt": "a cat", "negative_prompt": ""}),
        ("a cat\nSteps: 4", {"prompt": "a cat", "steps": "4"}),
        ("Steps: 4, Seed: 7", {"prompt": "", "steps": "4", "seed": "7"}),
        ("a: b, c: d", {"prompt": "a: b, c: d"}),
        ("a cat\r\nNegative prompt: dog\r\nSteps: 4, Seed: 1", {
            "prompt": "a cat", "negative_prompt": "dog", "steps": "4", "seed": "1"}),
        ("x\nSteps: 4, Size: 64 x 64, Sampler: , CFG scale:", {"prompt": "x", "steps": "4", "cfg_scale": ""}),
        ("x\nSeed: 1, Size: 64x64, CFG scale: 7", {
            "prompt": "x", "seed": "1", "width": "64", "height": "64", "cfg_scale": "7"}),
    ],
)  # fmt: skip
def test_texts_with_parts_missing_give_the_rest(text: str, values: dict[str, Any]) -> None:
    assert to_values(text) == values


@pytest.mark.parametrize(
    ("sampler", "scheduler", "found"),
    [
        ("Euler a", "Automatic", ("euler_a", None)),
        ("DPM++ 2M Karras", "", ("dpm++2m", "karras")),
        ("DPM++ 2M SDE Exponential", "", (None, "exponential")),
        ("DPM++ 2S a Karras", "", ("dpm++2s_a", "karras")),
        ("euler_ancestral", "normal", ("euler_a", "discrete")),
        ("dpmpp_2m", "sgm_uniform", ("dpm++2m", "sgm_uniform")),
        ("DPM++ 2M", "SGM Uniform", ("dpm++2m", "sgm_uniform")),
        ("LCM", "Simple", ("lcm", "simple")),
        ("Restart", "Beta", (None, None)),
        ("Karras", "", (None, None)),
        ("", "", (None, None)),
    ],
)
def test_names_of_samplers_lead_back_to_ours(
    sampler: str, scheduler: str, found: tuple[str | None, str | None]
) -> None:
    values = to_values(f"x\nSteps: 1, Sampler: {sampler}, Schedule type: {scheduler}")

    assert (values.get("sampler"), values.get("scheduler")) == found


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_what_we_write_is_read_back(sampler: str, scheduler: str) -> None:
    recipe = a_recipe(sampler=sampler, scheduler=scheduler, negative_prompt="a, b: c", clip_skip=2)
    text = parameters_text(recipe, seed=2**63 - 1, model_name='A "model", v: 1', version="1, 2")

    assert to_values(text) == {
        "prompt": recipe.prompt, "negative_prompt": "a, b: c", "steps": "8", "sampler": sampler,
        "scheduler": scheduler, "cfg_scale": "2", "seed": str(2**63 - 1), "width": "128", "height": "128",
        "clip_skip": "2", "model": 'A "model", v: 1',
    }  # fmt: skip


def test_every_name_we_write_leads_back_to_one_id() -> None:
    for names in (SAMPLER_NAMES, SCHEDULER_NAMES):
        assert len({name.casefold().replace(" ", "").replace("_", "") for name in names.values()}) == len(
            names
        )


def test_the_strength_of_an_upscaling_pass_is_not_that_of_the_picture() -> None:
    assert to_values("x\nSteps: 4, Denoising strength: 0.4, Seed: 1")["strength"] == "0.4"
    with_hires = to_values("x\nSteps: 4, Denoising strength: 0.4, Hires upscale: 2, Hires upscaler: Latent")
    assert "strength" not in with_hires
    assert with_hires["hires"] == {"scale": 2, "denoising_strength": 0.4, "upscaler": "Latent"}


def test_commas_in_quoted_values_and_json_part_nothing() -> None:
    line = (
        'Steps: 3, Lora hashes: "a: 1, b: 2", Model: "x, \\"y\\"", '
        'Civitai resources: [{"type":"a, Seed: 9","w":0.5},{"b":[1,2]}], Seed: 4, Seed: 5'
    )

    pairs = read_pairs(line)

    assert pairs["lora hashes"] == "a: 1, b: 2"
    assert pairs["model"] == 'x, "y"'
    assert json.loads(pairs["civitai resources"])[1] == {"b": [1, 2]}
    assert pairs["seed"] == "4"


@pytest.mark.parametrize(
    "line",
    [
        "A: " + "[" * 100_000, "A: " + '{"a":' * 50_000, 'A: "' * 50_000, "A: " * 50_000, "," * 100_000,
        ": " * 50_000, "A" * 100_000, "A: [1, " * 20_000, 'A: "\\' * 20_000, "A" + " " * 100_000 + ":",
        "a: 1, " * 50_000,
    ],
    ids=range(11),
)  # fmt: skip
def test_hostile_lines_are_over_quickly_and_give_little(line: str) -> None:
    assert len(read_pairs(line)) <= 200
    assert isinstance(to_values(f"{line}\n{line}")["prompt"], str)


def test_a_second_pass_of_ours_and_of_others_is_read_as_far_as_we_can_repeat_it() -> None:
    hires = {"scale": 1.25, "upscaler": "Latent (bicubic antialiased)", "steps": 5, "denoising_strength": 0.3}
    edit = a_recipe(type="edit", input_image="0" * 64, strength=0.9, hires=hires)
    values = to_values(parameters_text(edit, seed=1, model_name="M", version="1"))
    assert (values["hires"], values["strength"]) == (hires, "0.9")
    other = "x\nSteps: 4, Hires upscale: 1.5, Hires steps: 7, Hires upscaler: 4x-UltraSharp"
    assert to_values(other)["hires"] == {"scale": 1.5, "steps": 7}
    assert to_values("x\nSteps: 4, Hires upscale: inf, Hires steps: many")["hires"] == {}
    assert "hires" not in to_values("x\nSteps: 4, Hires resize: 1024x1024")


def test_the_parts_of_a_text_keep_the_names_it_gives_them() -> None:
    assert as_written(PLAIN) == {
        "Prompt": "masterpiece, a castle on a hill, <lora:detail:0.8>", "Negative prompt": "blurry, lowres",
        "Steps": "28", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "6.5",
        "Seed": "1234567890", "Size": "832x1216", "Model hash": "67ab2fd8ec", "Model": "dreamy_v5",
        "Clip skip": "2", "Version": "v1.10.1",
    }  # fmt: skip
    assert as_written("a: b, c: d") == {"Prompt": "a: b, c: d", "Negative prompt": ""}


@pytest.mark.parametrize(
    ("sampler", "scheduler", "found"),
    [
        ("DPM++ 2M Karras", "", {"sampler": "dpm++2m", "scheduler": "karras"}),
        ("DPM++ 2M Karras", "Simple", {"sampler": "dpm++2m", "scheduler": "simple"}),
        ("DPM++ SDE Karras", "", {"scheduler": "karras"}),
        ("", "align_your_steps", {"scheduler": "ays"}),
        ("", "", {}),
    ],
)
def test_a_sampler_and_its_scheduler_may_be_one_word(
    sampler: str, scheduler: str, found: dict[str, str]
) -> None:
    assert sampling(sampler, scheduler) == found
