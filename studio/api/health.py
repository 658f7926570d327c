"""The studio about itself: is it there, and what clients set up."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep
from studio.api.errors import faults
from studio.api.model_views import CallerView, ConfigView, EngineView, HealthView
from studio.caller import asker
from studio.darkroom import studio_version

router = APIRouter(tags=["Studio"])


@router.get(
    "/health", response_model=HealthView, responses=faults(),
    summary="Whether the studio is there", operation_id="health",
)  # fmt: skip
@router.head("/health", include_in_schema=False)
async def health(studio: StudioDep) -> HealthView:
    """Answers at once and without a key, also while the engine is still being prepared."""
    now = datetime.fromtimestamp(studio.clock.now(), UTC)
    return HealthView(
        paused=await run_in_threadpool(studio.queue.is_paused),
        timestamp=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        version=studio_version(),
        engine=EngineView.of(studio.engine),
    )


@router.get(
    "/config", response_model=ConfigView, responses=faults(),
    summary="What clients set up", operation_id="config",
)  # fmt: skip
async def config(request: Request, studio: StudioDep) -> ConfigView:
    """The address is the studio's own as this request reached it, never the engine's."""
    endpoint = f"{request.url.scheme}://{request.url.netloc}/v1"
    return ConfigView(sd_api_endpoint=endpoint, model=studio.catalog.default)


@router.get(
    "/caller", response_model=CallerView, responses=faults(),
    summary="Who asks", operation_id="get_caller",
)  # fmt: skip
async def caller() -> CallerView:
    """The key that this request came with, and what it is for."""
    asks = asker()
    return CallerView(name=asks.name or None, scope=asks.scope, own_only=asks.is_confined)
