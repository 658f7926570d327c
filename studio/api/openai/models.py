"""GET /models: what can be asked for."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep
from studio.api.openai.names import model_called
from studio.api.openai.views import ModelItem, ModelList

router = APIRouter(prefix="/models")


@router.get("")
async def list_models(studio: StudioDep) -> ModelList:
    """Those whose files are on this machine, the default one first: clients let people choose from these."""
    entries = [entry.model.id for entry in await run_in_threadpool(studio.models.all) if not entry.missing]
    default = studio.catalog.default
    return ModelList(data=[ModelItem(id=name) for name in sorted(entries, key=lambda name: name != default)])


@router.get("/{name:path}")
async def get_model(name: str, studio: StudioDep) -> ModelItem:
    """One model, by any name that requests may call it: its `id` is its own."""
    return ModelItem(id=model_called(studio.catalog, name).id)
