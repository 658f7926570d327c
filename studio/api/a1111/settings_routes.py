"""A1111's settings and checkpoints: which model a caller's next requests use; loading and freeing it."""

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from studio.api.a1111.bodies import Settings
from studio.api.a1111.callers import CallerDep
from studio.api.a1111.overrides import keep, read_settings, shown_settings
from studio.api.dependencies import StudioDep

router = APIRouter()


@router.get("/options", summary="Settings", operation_id="get_options")
async def get_options(studio: StudioDep, caller: CallerDep) -> dict[str, Any]:
    """The caller's model and clip skip; the rest is always the same."""
    return shown_settings(studio.catalog, caller)


@router.post("/options", summary="Change settings", operation_id="set_options")
async def set_options(studio: StudioDep, caller: CallerDep, settings: Settings) -> None:
    """`sd_model_checkpoint` and `CLIP_stop_at_last_layers` hold for what this caller asks from now on.

    Until the studio ends; other callers keep theirs. The model is loaded when a job needs it.
    """
    keep(caller, read_settings(studio.catalog, settings, field="options"))


@router.post("/unload-checkpoint", summary="Free the model's memory", operation_id="unload_checkpoint")
async def unload_checkpoint(studio: StudioDep) -> dict[str, Any]:
    """Of the model in memory, if there is one. 409 while a job runs with it."""
    model = studio.engine.model
    if model is not None:
        await run_in_threadpool(studio.models.stop, model)
    return {}


@router.post("/reload-checkpoint", summary="Load the caller's model", operation_id="reload_checkpoint")
async def reload_checkpoint(studio: StudioDep, caller: CallerDep) -> dict[str, Any]:
    """Answers at once; a job that runs is finished first."""
    await run_in_threadpool(studio.models.start, caller.model or studio.catalog.default)
    return {}


@router.post("/refresh-checkpoints", summary="Nothing to do", operation_id="refresh_checkpoints")
@router.post("/refresh-vae", summary="Nothing to do", operation_id="refresh_vae")
@router.post("/refresh-loras", summary="Nothing to do", operation_id="refresh_loras")
async def refresh() -> None:
    """Files are looked at anew by every request; models.yml is read when the studio starts."""
