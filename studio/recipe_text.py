"""What a picture says about its making: the A1111 `parameters` text and our own JSON of the whole recipe."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from studio.made_with import MadeWith
from studio.params import JobType
from studio.recipe import Recipe

PARAMETERS_KEY = "parameters"
STUDIO_KEY = "sdcpp_studio"

# The names that A1111, or where it has none Forge and its kin, give to the same algorithm.
SAMPLER_NAMES: Mapping[str, str] = {
    "euler": "Euler",
    "euler_a": "Euler a",
    "heun": "Heun",
    "dpm2": "DPM2",
    "dpm++2s_a": "DPM++ 2S a",
    "dpm++2m": "DPM++ 2M",
    "dpm++2mv2": "DPM++ 2M v2",
    "ipndm": "IPNDM",
    "ipndm_v": "IPNDM_V",
    "lcm": "LCM",
    "ddim_trailing": "DDIM",
    "tcd": "TCD",
    "res_multistep": "Res Multistep",
    "res_2s": "Res 2S",
    "er_sde": "ER SDE",
}
SCHEDULER_NAMES: Mapping[str, str] = {
    "discrete": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
    "ays": "Align Your Steps",
    "gits": "Align Your Steps GITS",
    "smoothstep": "Smoothstep",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "kl_optimal": "KL Optimal",
    "lcm": "LCM",
    "bong_tangent": "Bong Tangent",
}


@dataclass(frozen=True)
class Making:
    """How one picture came to be. `seed` is this picture's own; `index` counts from 0 within its job."""

    recipe: Recipe
    seed: int
    index: int
    image_id: str
    generation_id: str
    job_id: str
    model_name: str
    version: str
    made_with: MadeWith | None = None


def _quoted(value: str) -> str:
    """`value` so that A1111's reader gets it back whole: in JSON quotes if it holds one of its separators."""
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",:\n") else value


def _lines(text: str) -> str:
    """`text` with the line ends PNG wants: one LF each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(value: float) -> str:
    """The shortest spelling that reads back as the same number: 7, not 7.0."""
    return str(int(value)) if value == int(value) else repr(value)


def parameters_text(recipe: Recipe, *, seed: int, model_name: str, version: str) -> str:
    """The A1111 text of one picture: prompt, negative prompt, and one line of `Key: value` pairs.

    The prompt is the one the engine got, style words included, as A1111 writes it. Prompts keep their
    lines: A1111 takes the last line for the values and the one that starts with "Negative prompt:" for
    the start of the negative prompt.
    """
    if not recipe.making_known:
        return _pairs(_upscale_values(recipe) | {"Version": _quoted(f"sd.cpp Studio {version}")})
    values: dict[str, str] = {
        "Steps": str(recipe.steps),
        "Sampler": SAMPLER_NAMES[recipe.sampler],
        "Schedule type": SCHEDULER_NAMES[recipe.scheduler],
        "CFG scale": _number(recipe.cfg_scale),
    }
    if recipe.distilled_guidance is not None:
        values["Distilled CFG Scale"] = _number(recipe.distilled_guidance)
    values |= {"Seed": str(seed), "Size": recipe.size, "Model": _quoted(model_name)} | _upscale_values(recipe)
    if recipe.type is not JobType.GENERATE and recipe.strength is not None:
        values["Denoising strength"] = _number(recipe.strength)
    values |= _second_pass_values(recipe)
    if recipe.mask is not None or recipe.extend is not None:
        values["Mask blur"] = str(recipe.mask_feather)
    if recipe.inpaint_area == "masked":
        values |= {"Inpaint area": "Only masked", "Masked area padding": str(recipe.inpaint_padding)}
    if recipe.clip_skip is not None:
        values["Clip skip"] = str(recipe.clip_skip)
    if recipe.loras:
        files = ", ".join(f"{lora.name}: {_number(lora.weight)}" for lora in recipe.loras)
        values["LoRAs"] = _quoted(files)
    values["Version"] = _quoted(f"sd.cpp Studio {version}")
    lines = [_lines(recipe.sent_prompt)]
    if recipe.negative_prompt:
        lines.append(f"Negative prompt: {_lines(recipe.negative_prompt)}")
    lines.append(_pairs(values))
    return "\n".join(lines)


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in values.items())


def _upscale_values(recipe: Recipe) -> dict[str, str]:
    """A1111's words: the size stays that of the picture before."""
    upscale = recipe.upscale
    if upscale is None:
        return {}
    return {
        "Size": f"{upscale.source_width}x{upscale.source_height}",
        "Postprocess upscale by": _number(upscale.factor),
        "Postprocess upscaler": _quoted(upscale.method),
    }


def _second_pass_values(recipe: Recipe) -> dict[str, str]:
    """A1111's words; it has one denoising strength, which is the second pass's where nothing else has one."""
    if recipe.hires is None:
        return {}
    key = "Denoising strength" if recipe.strength is None else "Hires denoising strength"
    return {
        key: _number(recipe.hires.denoising_strength),
        "Hires upscale": _number(recipe.hires.scale),
        "Hires steps": str(recipe.hires.steps),
        "Hires upscaler": _quoted(recipe.hires.upscaler),
    }


def texts_of(making: Making) -> dict[str, str]:
    """The texts a picture carries: `parameters` for other programs, `sdcpp_studio` for this one.

    The second is JSON: `recipe` is the whole Recipe, `seed` a decimal string (beyond 2**53 JavaScript would
    round a number), `made_with` names programs and files, the rest are
    the ids and the picture's place in its job.
    """
    ours: dict[str, object] = {
        "format": 1,
        "version": making.version,
        "job": making.job_id,
        "generation": making.generation_id,
        "image": making.image_id,
        "index": making.index,
        "seed": str(making.seed),
        "recipe": making.recipe.model_dump(mode="json"),
    }
    if making.made_with is not None:
        ours["made_with"] = making.made_with.model_dump(mode="json")
    parameters = parameters_text(
        making.recipe, seed=making.seed, model_name=making.model_name, version=making.version
    )
    return {PARAMETERS_KEY: parameters, STUDIO_KEY: json.dumps(ours, separators=(",", ":"))}


def recipe_of(texts: Mapping[str, str]) -> Recipe | None:
    """The recipe that repeats exactly this picture, from its texts: n is 1 and the seed its own.

    None if the texts hold no recipe of ours, or one this version can't read.
    """
    try:
        ours = json.loads(texts.get(STUDIO_KEY, ""))
        return Recipe.model_validate(ours["recipe"] | {"n": 1, "seed": int(ours["seed"])})
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError):
        return None
