"""The answer of txt2img and img2img: pictures, the request, and A1111's `info` text."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from studio import png_text
from studio.api.a1111.bodies import Body, ImageBody
from studio.api.a1111.overrides import CLIP_SKIP, MODEL
from studio.api.base64_pictures import to_base64
from studio.darkroom import studio_version
from studio.job import Generation
from studio.params import JobType
from studio.recipe import Recipe
from studio.recipe_text import PARAMETERS_KEY, SAMPLER_NAMES, SCHEDULER_NAMES
from studio.service import Studio

_INPUTS = {"init_images", "mask", "latent_mask"}
_OPEN = {"override_settings", "alwayson_scripts"}


def answer_of(studio: Studio, body: Body, generation: Generation) -> dict[str, Any]:
    """Reads the pictures from the disk; their base64 is only made if it is wanted. Errors: NotFound."""
    files = [studio.image_file(image).read_bytes() for image in generation.images]
    texts = [png_text.read_texts(file).get(PARAMETERS_KEY, "") for file in files]
    return {
        "images": [to_base64(file) for file in files] if body.send_images is not False else [],
        "parameters": _echo(body),
        "info": json.dumps(_info(studio, body, generation, texts)),
    }


def _echo(body: Body) -> dict[str, Any]:
    """The request; its pictures only if the client wants them back."""
    with_inputs = isinstance(body, ImageBody) and body.include_init_images is True
    values = body.model_dump(mode="json", exclude=_OPEN if with_inputs else _OPEN | _INPUTS)
    # Of settings only those that act: the others may hold anything, even what no JSON can.
    settings = body.override_settings or {}
    values["override_settings"] = {name: settings[name] for name in (MODEL, CLIP_SKIP) if name in settings}
    values["alwayson_scripts"] = {}
    if isinstance(body, ImageBody) and not with_inputs:
        values |= dict.fromkeys(_INPUTS)
    return values


def _info(studio: Studio, body: Body, generation: Generation, texts: Sequence[str]) -> dict[str, Any]:
    """A1111's record of what was made; one entry of each list for each picture."""
    recipe = generation.recipe
    seeds = [image.seed for image in generation.images]
    count = len(seeds)
    strength = recipe.hires.denoising_strength if recipe.hires is not None else recipe.strength
    made_at = datetime.fromtimestamp(generation.created_at, UTC)
    return {
        "prompt": recipe.sent_prompt,
        "all_prompts": [recipe.sent_prompt] * count,
        "negative_prompt": recipe.negative_prompt,
        "all_negative_prompts": [recipe.negative_prompt] * count,
        "seed": seeds[0] if seeds else recipe.seed,
        "all_seeds": seeds,
        "subseed": -1,
        "all_subseeds": [-1] * count,
        "subseed_strength": 0,
        "seed_resize_from_w": 0,
        "seed_resize_from_h": 0,
        "width": recipe.width,
        "height": recipe.height,
        "sampler_name": SAMPLER_NAMES[recipe.sampler],
        "cfg_scale": recipe.cfg_scale,
        "steps": recipe.steps,
        "batch_size": body.batch_size or 1,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": studio.catalog.model(recipe.model).id,
        "sd_model_hash": "",
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "denoising_strength": strength if recipe.type is not JobType.GENERATE or recipe.hires else None,
        "extra_generation_params": _extra(recipe),
        "index_of_first_image": 0,
        "infotexts": list(texts),
        "styles": list(body.styles or ()),
        "job_timestamp": f"{made_at:%Y%m%d%H%M%S}",
        "clip_skip": recipe.clip_skip or 1,
        "is_using_inpainting_conditioning": False,
        "version": f"sd.cpp Studio {studio_version()}",
        # Ours: where else the pictures are found.
        "job_id": generation.job_id,
        "generation_id": generation.id,
    }


def _extra(recipe: Recipe) -> dict[str, Any]:
    """What is in A1111's text besides."""
    extra: dict[str, Any] = {"Schedule type": SCHEDULER_NAMES[recipe.scheduler]}
    if recipe.loras:
        extra["LoRAs"] = ", ".join(f"{lora.name}: {lora.weight:g}" for lora in recipe.loras)
    if recipe.hires is not None:
        extra["Hires upscale"] = recipe.hires.scale
        extra["Hires steps"] = recipe.hires.steps
        extra["Hires upscaler"] = recipe.hires.upscaler
    if recipe.mask is not None:
        extra["Mask blur"] = recipe.mask_feather
    return extra
