"""Recipe -> the JSON of sd-server's picture request. Pure.

Every field is sent: what is left out would get the engine's own default, whose seed is always 42. Fields that
can end the engine (options of the cache, custom sigmas) are fixed here and never come from a recipe.
"""

import base64
import re
from typing import Any

from studio.engine import Inputs
from studio.model import Model
from studio.params import CONTROL_STRENGTH, JobType
from studio.recipe import Recipe
from studio.recipes import engine_size, result_size

ENGINE_BATCH_LIMIT = 8
"""sd-server clamps batch_count to this without a word."""

_DEFAULT_GUIDANCE = 3.5
_SMOKE_SIDE = 64

# sd-server reads ":number)" as a weight and hands the number to std::stof, outside any try block: one that is
# no number, or out of a float's range, aborts the process. Its pattern takes ASCII digits only.
_WEIGHT = re.compile(r":([+-]?[.0-9]+)\)")
_FLOAT_START = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def to_img_gen(recipe: Recipe, model: Model, inputs: Inputs, *, seed: int, batch: int) -> dict[str, Any]:
    """The request for `batch` pictures of the recipe with the seeds `seed`, `seed` + 1, ...

    Width and height are the recipe's, rounded up to what the model needs; `inputs` have that size.
    """
    width, height = engine_size((recipe.width, recipe.height), model)
    image = _base64(inputs.image)
    request: dict[str, Any] = {
        "prompt": harmless(recipe.sent_prompt),
        "negative_prompt": harmless(recipe.negative_prompt),
        "width": width,
        "height": height,
        "seed": seed,
        "batch_count": batch,
        "clip_skip": -1 if recipe.clip_skip is None else recipe.clip_skip,
        "strength": 1.0 if recipe.strength is None else recipe.strength,
        "control_strength": CONTROL_STRENGTH if recipe.control_strength is None else recipe.control_strength,
        "auto_resize_ref_image": True,
        "increase_ref_index": False,
        "embed_image_metadata": False,
        "output_format": "png",
        "output_compression": 100,
        "lora": [
            {"path": lora.name, "multiplier": lora.weight, "is_high_noise": False} for lora in recipe.loras
        ],
        "sample_params": _sample_params(recipe),
        "hires": _hires(recipe, model),
        "vae_tiling_params": _vae_tiling(recipe, model),
        "cache_mode": recipe.cache or "",
        "cache_option": "",
        "scm_mask": "",
    }
    references = [_base64(reference) for reference in inputs.references]
    if image is not None and recipe.by_reference:
        references.insert(0, image)
    if references:
        request["ref_images"] = references
    if inputs.control is not None:
        request["control_image"] = _base64(inputs.control)
    if image is not None and not recipe.by_reference:
        request["init_image"] = image
        mask = _base64(inputs.mask)
        if mask is not None:
            request["mask_image"] = mask
    return request


def finished_size(request: dict[str, Any]) -> tuple[int, int]:
    """(width, height) of the pictures such a request gets."""
    hires = request["hires"]
    if hires["enabled"]:
        return hires["target_width"], hires["target_height"]
    return request["width"], request["height"]


def smoke_recipe(model: Model) -> Recipe:
    """The smallest picture `model` can make: shows whether a freshly loaded engine works at all."""
    return Recipe(
        type=JobType.GENERATE,
        model=model.id,
        prompt="a",
        sent_prompt="a",
        width=_SMOKE_SIDE,
        height=_SMOKE_SIDE,
        n=1,
        seed=0,
        steps=1,
        cfg_scale=1.0,
        sampler="euler",
        scheduler="discrete",
        distilled_guidance=model.defaults.distilled_guidance,
        flow_shift=model.defaults.flow_shift,
    )


def harmless(prompt: str) -> str:
    """`prompt` with a space put into each weight that would end the engine: "(a:...)" becomes "(a: ...)".

    Nothing else is touched; the text after the space is drawn like any other.
    """
    return _WEIGHT.sub(lambda match: match[0] if _is_safe(match[1]) else f": {match[1]})", prompt)


def _is_safe(weight: str) -> bool:
    """Whether std::stof takes it: it reads the longest start that is a number and ignores the rest."""
    start = _FLOAT_START.match(weight)
    if start is None:
        return False
    size = abs(float(start[0]))
    return size == 0 or 1e-30 <= size <= 1e30


def _sample_params(recipe: Recipe) -> dict[str, Any]:
    """How to sample. None is the engine's word for "as the sampler or the model likes it"."""
    guidance = recipe.distilled_guidance
    return {
        "sample_method": recipe.sampler,
        "scheduler": recipe.scheduler,
        "sample_steps": recipe.steps,
        "eta": None,
        "flow_shift": recipe.flow_shift,
        "shifted_timestep": 0,
        "custom_sigmas": [],
        "guidance": {
            "txt_cfg": recipe.cfg_scale,
            "img_cfg": None,
            "distilled_guidance": _DEFAULT_GUIDANCE if guidance is None else guidance,
            "slg": {"layers": [], "layer_start": 0.01, "layer_end": 0.2, "scale": 0.0},
        },
    }


def _hires(recipe: Recipe, model: Model) -> dict[str, Any]:
    if recipe.hires is None:
        return {"enabled": False, "upscaler": "None", "scale": 2.0, "target_width": 0, "target_height": 0}
    width, height = result_size(recipe, model)
    return {
        "enabled": True,
        "upscaler": recipe.hires.upscaler,
        "scale": recipe.hires.scale,
        "target_width": width,
        "target_height": height,
        "steps": recipe.hires.steps,
        "denoising_strength": recipe.hires.denoising_strength,
        "upscale_tile_size": 128,
    }


def _vae_tiling(recipe: Recipe, model: Model) -> dict[str, Any]:
    size = model.engine.vae_tile_size
    across, down = (int(side) for side in size.split("x")) if size is not None else (0, 0)
    return {
        "enabled": model.engine.vae_tiling if recipe.vae_tiling is None else recipe.vae_tiling,
        "tile_size_x": across,
        "tile_size_y": down,
        "target_overlap": 0.5,
        "rel_size_x": 0.0,
        "rel_size_y": 0.0,
    }


def _base64(picture: bytes | None) -> str | None:
    return None if picture is None else base64.b64encode(picture).decode("ascii")
