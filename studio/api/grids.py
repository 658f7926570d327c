"""Grids: every combination of up to three lists of values, as one durable thing."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import TOTAL_COUNT, TOTAL_HEADER, IdempotencyKey, Offset, StudioDep, only
from studio.api.errors import faults, invalid
from studio.api.grid_views import GridBody, GridDeletedView, GridView, GridWithCellsView
from studio.api.queue_control import CancelledManyView

router = APIRouter(prefix="/grids", tags=["Grids"])

MOST = 100
_SHEET: dict[int | str, dict[str, object]] = {
    200: {"description": "The sheet.", "content": {"image/png": {"schema": {"type": "string"}}}},
    304: {"description": "It looks as it did."},
}
_TABLE: dict[int | str, dict[str, object]] = {
    200: {"description": "The table.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}

GridId = Annotated[str, Path(description="a grid's id", examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"])]


@router.post(
    "", response_model=GridWithCellsView, responses=faults(400, 409, 413, 429, 503, 507),
    summary="Have a grid made", operation_id="add_grid", dependencies=[only()],
)  # fmt: skip
async def add_grid(body: GridBody, studio: StudioDep, key: IdempotencyKey = None) -> GridWithCellsView:
    """One job for each cell, all or none; if a value is wrong the fault names it: `axes.1.values.2`."""

    def submit() -> GridWithCellsView:
        try:
            plan = body.to_plan(studio.catalog.default)
        except ValidationError as error:
            raise invalid(error) from None
        return GridWithCellsView.whole(studio.grids.submit(plan, idempotency_key=key, webhook=body.webhook))

    return await run_in_threadpool(submit)


@router.get(
    "", response_model=list[GridView], responses={**faults(400), 200: TOTAL_HEADER},
    summary="The grids, newest first", operation_id="list_grids", dependencies=[only("limit", "offset")],
)  # fmt: skip
async def list_grids(
    response: Response,
    studio: StudioDep,
    limit: Annotated[int, Query(ge=1, le=MOST, description="at most this many")] = 20,
    offset: Offset = 0,
) -> list[GridView]:
    """Without their cells; `X-Total-Count` tells how many there are in all."""

    def look() -> tuple[list[GridView], int]:
        page = studio.grids.page(limit=limit, offset=offset)
        return [GridView.of(line.grid, line.counts) for line in page.rows], page.total

    views, total = await run_in_threadpool(look)
    response.headers[TOTAL_COUNT] = str(total)
    return views


@router.get(
    "/{grid_id}", response_model=GridWithCellsView, responses=faults(404), dependencies=[only()],
    summary="A grid and its cells", operation_id="get_grid",
)  # fmt: skip
async def get_grid(grid_id: GridId, studio: StudioDep) -> GridWithCellsView:
    """As it is now: cells that are done name their pictures while others still wait."""
    return await run_in_threadpool(lambda: GridWithCellsView.whole(studio.grids.get(grid_id)))


@router.post(
    "/{grid_id}/cancel", response_model=CancelledManyView, responses=faults(404, 503, 507),
    summary="Cancel what is left of a grid", operation_id="cancel_grid", dependencies=[only()],
)  # fmt: skip
async def cancel_grid(grid_id: GridId, studio: StudioDep) -> CancelledManyView:
    """The cells that are done stay; `POST /queue/{id}/retry` on a cell's job fills the cell again."""
    return CancelledManyView(cancelled=await run_in_threadpool(studio.grids.cancel, grid_id))


@router.delete(
    "/{grid_id}", response_model=GridDeletedView, responses=faults(400, 404, 503, 507),
    summary="Delete a grid", operation_id="delete_grid", dependencies=[only("pictures", "force")],
)  # fmt: skip
async def delete_grid(
    grid_id: GridId,
    studio: StudioDep,
    pictures: Annotated[bool, Query(description="delete the pictures it made as well")] = False,
    force: Annotated[bool, Query(description="favourites among them, too")] = False,
) -> GridDeletedView:
    """What is not over is cancelled. Its jobs stay, and so do its pictures unless told otherwise."""

    def delete() -> GridDeletedView:
        removal = studio.grids.delete(grid_id, pictures=pictures, even_favourites=force)
        return GridDeletedView(success=True, deleted=len(removal.images), protected=removal.protected)

    return await run_in_threadpool(delete)


@router.get(
    "/{grid_id}/sheet", response_class=Response, responses={**faults(404, 507), **_SHEET},
    summary="A grid in one picture", operation_id="get_sheet", dependencies=[only()],
)  # fmt: skip
async def get_sheet(grid_id: GridId, request: Request, studio: StudioDep) -> Response:
    """A PNG with the values along its edges. Of each cell the first picture; those without one are empty."""
    sheet = await run_in_threadpool(studio.grids.sheet, grid_id)
    tag = f'"{sheet.digest}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="grid-{grid_id}.png"'
    return Response(sheet.png, media_type="image/png", headers=headers)


@router.get(
    "/{grid_id}/cells.csv", response_class=Response, responses={**faults(404), **_TABLE},
    summary="A grid as a table", operation_id="get_cells", dependencies=[only()],
)  # fmt: skip
async def get_cells(grid_id: GridId, studio: StudioDep) -> Response:
    """A line for each cell: its place, its values, its job and its pictures.

    Texts that a spreadsheet would take for formulas begin with an apostrophe.
    """
    table = await run_in_threadpool(studio.grids.table, grid_id)
    headers = {
        "Content-Disposition": f'attachment; filename="grid-{grid_id}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)
