"""The models of the catalogue and how they stand on this machine."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep
from studio.api.errors import faults
from studio.api.model_views import ModelFilesView, ModelStatusView, ModelView, ModelWithLogView

router = APIRouter(prefix="/models", tags=["Models"])

ModelId = Annotated[str, Path(description="id or alias", examples=["demo"])]
_IN_MEMORY = ("loading", "ready", "busy")


@router.get(
    "", response_model=list[ModelView], responses=faults(),
    summary="Every model of models.yml", operation_id="list_models",
)  # fmt: skip
async def list_models(studio: StudioDep) -> list[ModelView]:
    """In the catalogue's order. A model whose files are missing refuses jobs with 409."""
    return [ModelView.of(entry) for entry in await run_in_threadpool(studio.models.all)]


@router.get(
    "/running", response_model=list[ModelView], responses=faults(),
    summary="The models in memory", operation_id="list_running_models",
)  # fmt: skip
async def list_running_models(studio: StudioDep) -> list[ModelView]:
    """Those that are being loaded, ready or busy; an idle one is unloaded after its `ttl`."""
    entries = await run_in_threadpool(studio.models.all)
    return [ModelView.of(entry) for entry in entries if entry.state in _IN_MEMORY]


@router.get(
    "/{model_id}", response_model=ModelWithLogView, responses=faults(404),
    summary="One model, by id or alias", operation_id="get_model",
)  # fmt: skip
async def get_model(model_id: ModelId, studio: StudioDep) -> ModelWithLogView:
    """Its defaults, limits, capabilities and state, and the last lines of its engine."""
    return ModelWithLogView.of(await run_in_threadpool(studio.models.get, model_id))


@router.get(
    "/{model_id}/status", response_model=ModelStatusView, responses=faults(404),
    summary="How a model stands", operation_id="get_model_status",
)  # fmt: skip
async def get_model_status(model_id: ModelId, studio: StudioDep) -> ModelStatusView:
    """Only that; the event `model_status_changed` tells when it changes."""
    entry = await run_in_threadpool(studio.models.get, model_id)
    return ModelStatusView.of(entry, studio.engine)


@router.get(
    "/{model_id}/files", response_model=ModelFilesView, responses=faults(404),
    summary="The files of a model", operation_id="get_model_files",
)  # fmt: skip
async def get_model_files(model_id: ModelId, studio: StudioDep) -> ModelFilesView:
    """Where each is, whether it is there, and how large it is."""
    return ModelFilesView.of(await run_in_threadpool(studio.models.get, model_id))


@router.post(
    "/{model_id}/start", response_model=ModelView, responses=faults(404, 409, 503),
    summary="Load a model", operation_id="start_model",
)  # fmt: skip
async def start_model(model_id: ModelId, studio: StudioDep) -> ModelView:
    """Answers at once, mostly with the state `loading`; a job that runs is finished first.

    Nobody has to: a job loads its model itself. `fault` tells why the last attempt went wrong.
    """
    return ModelView.of(await run_in_threadpool(studio.models.start, model_id))


@router.post(
    "/{model_id}/stop", response_model=ModelView, responses=faults(404, 409, 503),
    summary="Free a model's memory", operation_id="stop_model",
)  # fmt: skip
async def stop_model(model_id: ModelId, studio: StudioDep) -> ModelView:
    """Answers when the engine is gone. 409 while a job runs with the model."""
    return ModelView.of(await run_in_threadpool(studio.models.stop, model_id))
