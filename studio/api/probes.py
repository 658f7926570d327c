"""For whoever watches over the studio: does it live, can it work, what has it done. Beside the API, at /."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from studio.api.access import caller_of
from studio.api.dependencies import StudioDep
from studio.api.metrics import MEDIA_TYPE, exposition
from studio.errors import NotAllowed
from studio.sight import sight

router = APIRouter(include_in_schema=False)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> JSONResponse:
    """The process answers; nothing is asked of its parts."""
    return JSONResponse({"status": "alive"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request, studio: StudioDep) -> JSONResponse:
    """Whether jobs are taken and done: 503 if not. The reasons are for those who may know."""
    if studio.is_accepting:
        reasons = await run_in_threadpool(studio.condition.faults)
    else:
        reasons = ["The studio is shutting down."]
    content: dict[str, object] = {"status": "not ready" if reasons else "ready"}
    if reasons and caller_of(request.scope) is not None:
        content["reasons"] = reasons
    return JSONResponse(content, 503 if reasons else 200, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def metrics(studio: StudioDep) -> Response:
    """Counters and gauges in Prometheus' words. They count everybody's: not for who sees their own only."""
    if not sight().is_whole:
        raise NotAllowed("While everybody sees their own only (--owners), this needs an admin key.")
    return Response(await run_in_threadpool(exposition, studio), media_type=MEDIA_TYPE)
