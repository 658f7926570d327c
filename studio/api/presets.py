"""Presets: parameters under a name, kept for later."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep, only
from studio.api.errors import faults
from studio.api.views import DeletedView
from studio.partial_params import PartialParams, to_json
from studio.presets import Preset

router = APIRouter(prefix="/presets", tags=["Presets"], dependencies=[only()])

_PARAMS = {"prompt": "a red circle", "steps": 8, "cfg_scale": 2.0, "seed": "42"}

# A name may hold a slash.
PresetName = Annotated[
    str, Path(description="1 to 100 characters of plain text; case doesn't matter", examples=["Night sky"])
]
Params = Annotated[
    PartialParams,
    Body(description="fields of a request, any of them but the inputs", examples=[_PARAMS]),
]


class PresetView(BaseModel):
    """A named set of parameters."""

    name: str = Field(description="plain text, as it was typed", examples=["Night sky"])
    params: dict[str, Any] = Field(
        description="fields of a request; the seed is decimal text", examples=[_PARAMS]
    )
    updated_at: int = Field(description="seconds since the epoch", examples=[1766491200])

    @classmethod
    def of(cls, preset: Preset) -> Self:
        return cls(name=preset.name, params=to_json(preset.params), updated_at=int(preset.updated_at))


class NewNameBody(BaseModel):
    """Another name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="1 to 100 characters of plain text", examples=["Night sky"])


@router.get(
    "", response_model=list[PresetView], responses=faults(400),
    summary="Every preset, by name", operation_id="list_presets",
)  # fmt: skip
async def list_presets(studio: StudioDep) -> list[PresetView]:
    """There are at most 1000."""
    return [PresetView.of(preset) for preset in await run_in_threadpool(studio.presets.all)]


@router.get(
    "/{name:path}", response_model=PresetView, responses=faults(400, 404),
    summary="A preset", operation_id="get_preset",
)  # fmt: skip
async def get_preset(studio: StudioDep, name: PresetName) -> PresetView:
    """By its name, in any case."""
    return PresetView.of(await run_in_threadpool(studio.presets.get, name))


@router.put(
    "/{name:path}", response_model=PresetView, responses=faults(400, 409, 507),
    summary="Save a preset", operation_id="save_preset",
)  # fmt: skip
async def save_preset(studio: StudioDep, name: PresetName, params: Params) -> PresetView:
    """A new one, or the one of that name with these parameters instead. Each field is checked by itself."""
    given = params.model_dump(exclude_unset=True)
    return PresetView.of(await run_in_threadpool(studio.presets.save, name, given))


@router.patch(
    "/{name:path}", response_model=PresetView, responses=faults(400, 404, 409, 507),
    summary="Rename a preset", operation_id="rename_preset",
)  # fmt: skip
async def rename_preset(studio: StudioDep, name: PresetName, body: NewNameBody) -> PresetView:
    """The parameters stay. A name that another preset has is refused with 409."""
    return PresetView.of(await run_in_threadpool(studio.presets.rename, name, body.name))


@router.delete(
    "/{name:path}", response_model=DeletedView, responses=faults(400, 404, 507),
    summary="Delete a preset", operation_id="delete_preset",
)  # fmt: skip
async def delete_preset(studio: StudioDep, name: PresetName) -> DeletedView:
    """Pictures made with it keep their parameters."""
    await run_in_threadpool(studio.presets.delete, name)
    return DeletedView()
