"""What there is to choose from, in A1111's shapes."""

from pathlib import PurePosixPath
from typing import Any

import psutil
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from studio.api.a1111.callers import Caller, CallerDep
from studio.api.a1111.names import AUTOMATIC, scheduler_name
from studio.api.a1111.upscaling import UPSCALING
from studio.api.dependencies import StudioDep
from studio.extras import UPSCALERS
from studio.model import Model
from studio.offers import Offer, offer_of
from studio.recipe_text import SAMPLER_NAMES, SCHEDULER_NAMES
from studio.service import Studio

router = APIRouter()

Item = dict[str, Any]


def _offer(studio: Studio, caller: Caller) -> Offer:
    entry = studio.models.get(caller.model or studio.catalog.default)
    return offer_of(entry.model, entry.features)


@router.get("/samplers", summary="Samplers of the caller's model", operation_id="samplers")
async def samplers(studio: StudioDep, caller: CallerDep) -> list[Item]:
    """`name` and the aliases are all taken by requests."""
    offer = await run_in_threadpool(_offer, studio, caller)
    return [{"name": SAMPLER_NAMES[name], "aliases": [name], "options": {}} for name in offer.samplers]


@router.get("/schedulers", summary="Schedulers of the caller's model", operation_id="schedulers")
async def schedulers(studio: StudioDep, caller: CallerDep) -> list[Item]:
    """`name`, `label` and the aliases are all taken by requests; Automatic is the model's own."""
    offer = await run_in_threadpool(_offer, studio, caller)
    known = [(AUTOMATIC, "Automatic", AUTOMATIC)]
    known += [(scheduler_name(name), SCHEDULER_NAMES[name], name) for name in offer.schedulers]
    return [
        {
            "name": name,
            "label": label,
            "aliases": None if ours == name else [ours],
            "default_rho": -1.0,
            "need_inner_model": False,
        }
        for name, label, ours in known
    ]


@router.get("/upscalers", summary="Upscalers of the extras", operation_id="upscalers")
async def upscalers(studio: StudioDep) -> list[Item]:
    """Those of the second pass are other ones: `hr_upscaler` takes latent-upscale-modes, Lanczos, Nearest."""
    empty = {"model_name": None, "model_path": None, "model_url": None}
    networks = await run_in_threadpool(studio.upscaling.all)
    plain = [{"name": name, **empty, "scale": 4} for name in UPSCALING]
    return plain + [{"name": each.name, **empty, "scale": each.scale} for each in networks]


@router.get("/latent-upscale-modes", summary="Latent upscalers", operation_id="latent_upscale_modes")
async def latent_upscale_modes() -> list[Item]:
    """For `hr_upscaler`."""
    return [{"name": name} for name in UPSCALERS if name.startswith("Latent")]


@router.get("/sd-models", summary="Models", operation_id="sd_models")
async def sd_models(studio: StudioDep) -> list[Item]:
    """The entries of models.yml whose files are here; `title` is the id."""
    states = await run_in_threadpool(studio.models.all)
    return [
        {
            "title": state.model.id,
            "model_name": state.model.id,
            "hash": None,
            "sha256": None,
            "filename": _file_of(state.model),
            "config": None,
        }
        for state in states
        if not state.missing
    ]


def _file_of(model: Model) -> str:
    given = model.files.given
    return given.get("model") or given.get("diffusion_model") or model.id


@router.get("/loras", summary="LoRAs of the caller's model", operation_id="loras")
async def loras(studio: StudioDep, caller: CallerDep) -> list[Item]:
    """`name` is what `<lora:name:1>` says."""
    files = await run_in_threadpool(studio.models.loras, caller.model or studio.catalog.default)
    names = [(str(PurePosixPath(file.name).with_suffix("")), file.name) for file in files]
    return [{"name": name, "alias": name, "path": path, "metadata": {}} for name, path in names]


@router.get("/prompt-styles", summary="Presets with a prompt", operation_id="prompt_styles")
async def prompt_styles(studio: StudioDep) -> list[Item]:
    """The studio's presets that have a prompt or a negative one."""
    presets = await run_in_threadpool(studio.presets.all)
    return [
        {
            "name": preset.name,
            "prompt": preset.params.get("prompt", ""),
            "negative_prompt": preset.params.get("negative_prompt", ""),
        }
        for preset in presets
        if preset.params.get("prompt") or preset.params.get("negative_prompt")
    ]


@router.get("/memory", summary="Memory of this machine", operation_id="memory")
async def memory() -> Item:
    """In bytes. What the engine holds on a GPU it doesn't tell."""
    ram = await run_in_threadpool(psutil.virtual_memory)
    return {
        "ram": {"free": ram.available, "used": ram.total - ram.available, "total": ram.total},
        "cuda": {"error": "unavailable"},
    }


@router.get("/cmd-flags", summary="Flags", operation_id="cmd_flags")
async def cmd_flags() -> Item:
    """A1111's own flags that are as if they were set."""
    return {"api": True, "nowebui": False}


@router.get("/sd-vae", summary="Empty", operation_id="sd_vae")
@router.get("/sd-modules", summary="Empty", operation_id="sd_modules")
@router.get("/hypernetworks", summary="Empty", operation_id="hypernetworks")
@router.get("/face-restorers", summary="Empty", operation_id="face_restorers")
@router.get("/realesrgan-models", summary="Empty", operation_id="realesrgan_models")
@router.get("/script-info", summary="Empty", operation_id="script_info")
@router.get("/extensions", summary="Empty", operation_id="extensions")
async def nothing() -> list[Item]:
    """There are none; models.yml says which VAE a model has."""
    return []


@router.get("/embeddings", summary="Empty", operation_id="embeddings")
async def embeddings() -> Item:
    """The engine doesn't tell which ones it has."""
    return {"loaded": {}, "skipped": {}}


@router.get("/scripts", summary="Empty", operation_id="scripts")
async def scripts() -> Item:
    """There are none."""
    return {"txt2img": [], "img2img": []}
