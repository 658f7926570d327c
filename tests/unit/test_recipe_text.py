import io
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio import png_text
from studio.params import MAX_SEED, SAMPLERS, SCHEDULERS, JobType
from studio.recipe import Recipe
from studio.recipe_text import SAMPLER_NAMES, SCHEDULER_NAMES, Making, parameters_text, recipe_of, texts_of


def a_recipe(**changes: object) -> Recipe:
    fields: dict[str, object] = {
        "type": JobType.GENERATE, "model": "demo", "prompt": "a red circle", "sent_prompt": "a red circle",
        "negative_prompt": "blurry", "width": 512, "height": 384, "n": 4, "seed": 7, "steps": 20,
        "cfg_scale": 7, "sampler": "euler_a", "scheduler": "karras",
    }  # fmt: skip
    return Recipe.model_validate(fields | changes)


def a_making(recipe: Recipe, seed: int = 9) -> Making:
    return Making(recipe, seed, 2, "image-id", "generation-id", "job-id", "Demo", "0.1.0")


def text(recipe: Recipe, model_name: str = "Demo") -> str:
    return parameters_text(recipe, seed=9, model_name=model_name, version="0.1.0")


def values_as_a1111_reads_them(parameters: str) -> dict[str, str]:
    """The last line by A1111's rules: pairs with commas between, JSON quotes around odd values."""
    pairs = re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', parameters.split("\n")[-1])
    return {key: json.loads(value) if value.startswith('"') else value for key, value in pairs}


def test_a_plain_picture_reads_like_one_of_a1111() -> None:
    assert text(a_recipe()) == (
        "a red circle\nNegative prompt: blurry\n"
        "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 9, Size: 512x384, "
        "Model: Demo, Version: sd.cpp Studio 0.1.0"
    )


def test_without_a_negative_prompt_its_line_is_left_out() -> None:
    assert text(a_recipe(negative_prompt="")).startswith("a red circle\nSteps: 20")


def test_prompts_keep_their_lines_and_the_values_stay_on_the_last_one() -> None:
    lines = text(a_recipe(sent_prompt="a\r\nb\rc", negative_prompt="d\ne")).split("\n")
    assert lines[:5] == ["a", "b", "c", "Negative prompt: d", "e"]
    assert lines[5].startswith("Steps: 20, ") and len(lines) == 6


def test_the_prompt_is_the_one_the_engine_got() -> None:
    assert text(a_recipe(sent_prompt="a red circle, vivid colours")).startswith(
        "a red circle, vivid colours\n"
    )


def test_values_with_separators_are_quoted_so_that_they_are_read_whole() -> None:
    values = values_as_a1111_reads_them(text(a_recipe(), model_name='Big, "new": é'))
    assert values["Model"] == 'Big, "new": é'
    assert values["Version"] == "sd.cpp Studio 0.1.0"


def test_an_edit_says_its_strength_and_zero_is_a_strength() -> None:
    recipe = a_recipe(
        type="edit", strength=0, input_image="0" * 64, mask="1" * 64, mask_feather=6, clip_skip=2
    )
    values = values_as_a1111_reads_them(text(recipe))
    assert (values["Denoising strength"], values["Mask blur"], values["Clip skip"]) == ("0", "6", "2")
    assert "Denoising strength" not in text(a_recipe())


def test_numbers_are_exact_and_short() -> None:
    values = values_as_a1111_reads_them(text(a_recipe(cfg_scale=7.123456789, distilled_guidance=3.5)))
    assert (values["CFG scale"], values["Distilled CFG Scale"]) == ("7.123456789", "3.5")


def test_every_sampler_and_scheduler_has_a_name_of_its_own() -> None:
    assert set(SAMPLER_NAMES) == set(SAMPLERS) and set(SCHEDULER_NAMES) == set(SCHEDULERS)
    assert len(set(SAMPLER_NAMES.values())) == len(SAMPLERS)
    assert len(set(SCHEDULER_NAMES.values())) == len(SCHEDULERS)


PROMPTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t"), min_size=1, max_size=200
)


@settings(deadline=None)
@given(PROMPTS, PROMPTS, st.integers(0, MAX_SEED - 10))
def test_the_recipe_comes_back_out_of_the_picture_and_repeats_it(
    prompt: str, negative: str, seed: int
) -> None:
    recipe = a_recipe(prompt=prompt, sent_prompt=prompt + "!", negative_prompt=negative, seed=seed)
    output = io.BytesIO()
    Image.new("RGB", (8, 8)).save(output, "PNG")
    png = png_text.splice(output.getvalue(), texts_of(a_making(recipe, seed + 2)))
    assert recipe_of(png_text.read_texts(png)) == recipe.model_copy(update={"n": 1, "seed": seed + 2})


def test_the_json_names_the_picture_and_keeps_a_large_seed_as_text() -> None:
    ours = json.loads(texts_of(a_making(a_recipe(), MAX_SEED))["sdcpp_studio"])
    assert ours["seed"] == str(MAX_SEED)
    assert (ours["image"], ours["generation"], ours["job"], ours["index"]) == (
        "image-id", "generation-id", "job-id", 2,
    )  # fmt: skip


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=50), st.sampled_from(["[" * 100_000, "null", "[]", '{"recipe": 1}', '{"seed": "x"}'])
    )
)
def test_texts_of_other_programs_hold_no_recipe(foreign: str) -> None:
    assert recipe_of({"sdcpp_studio": foreign}) is None
    assert recipe_of({}) is None


def test_a_second_pass_is_told_in_a1111s_words() -> None:
    hires = {"scale": 1.5, "upscaler": "Latent (bicubic antialiased)", "steps": 5, "denoising_strength": 0.4}
    values = values_as_a1111_reads_them(text(a_recipe(hires=hires)))
    told = {key: value for key, value in values.items() if "ires" in key or "Denoising" in key}
    assert told == {
        "Denoising strength": "0.4", "Hires upscale": "1.5", "Hires steps": "5",
        "Hires upscaler": "Latent (bicubic antialiased)",
    }  # fmt: skip
    edit = {"type": "edit", "input_image": "0" * 64, "strength": 0.9}
    values = values_as_a1111_reads_them(text(a_recipe(hires=hires, **edit)))
    assert (values["Denoising strength"], values["Hires denoising strength"]) == ("0.9", "0.4")


def test_loras_and_the_painted_area_are_told_and_read_whole() -> None:
    loras = [{"name": "deep/a, b.safetensors", "weight": 0.5}, {"name": "ink.safetensors"}]
    recipe = a_recipe(
        type="edit", strength=1, input_image="0" * 64, mask="1" * 64, inpaint_area="masked",
        inpaint_padding=7, loras=loras,
    )  # fmt: skip
    values = values_as_a1111_reads_them(text(recipe))
    assert values["LoRAs"] == "deep/a, b.safetensors: 0.5, ink.safetensors: 1"
    assert (values["Inpaint area"], values["Masked area padding"]) == ("Only masked", "7")
