"""What comes in and goes out about grids."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from studio.api.bodies import WebhookField
from studio.api.job_bodies import JobBody
from studio.api.recipe_view import EXAMPLE_ID, SECONDS, owner_field
from studio.api.views import StatsView
from studio.axes import MAX_AXES, MAX_CELLS, MAX_TITLE, Axis, Plan
from studio.batches import Grid
from studio.errors import InvalidRequest
from studio.job import Job, JobStatus
from studio.partial_params import to_json

_IMAGE_ID = "0199c0de-8d01-7e42-9a77-0242ac120002"
# Any sound prompt: it stands where every cell has its own.
_VARIED = "varied"


class GridBody(WebhookField):
    """What all cells have, and what differs."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "how strict, and for how long",
                    "params": {"prompt": "a red circle on a blue background"},
                    "axes": [
                        {"parameter": "cfg_scale", "values": [1, 2, 4]},
                        {"parameter": "steps", "values": [4, 8]},
                    ],
                }
            ]
        },
    )

    title: Annotated[str, Field(max_length=MAX_TITLE)] = Field("", description="what the list shows")
    params: JobBody = Field(description="what every cell has; without a seed one is drawn for all")
    axes: list[Axis] = Field(
        min_length=1,
        max_length=MAX_AXES,
        description=f"x, y and z; together at most {MAX_CELLS} cells",
    )

    def to_plan(self, default_model: str) -> Plan:
        """The grid as the studio is asked for it. Errors: InvalidRequest; pydantic's ValidationError."""
        varied = {axis.parameter for axis in self.axes}
        base = self.params
        if "prompt" in varied:
            base = base.model_copy(update={"prompt": _VARIED})
        try:
            params = base.params(default_model).model_dump(mode="json", exclude_defaults=True)
        except InvalidRequest as fault:
            raise InvalidRequest(f"params.{fault.message}") from None
        params = {"model": default_model, **params}
        kept = {name: value for name, value in params.items() if name not in varied}
        return Plan(title=self.title, params=kept, axes=tuple(self.axes))


class AxisView(BaseModel):
    """What differs in one direction."""

    parameter: str = Field(examples=["cfg_scale"])
    values: list[Any] = Field(description="as they were given; seeds as decimal text", examples=[[1, 2, 4]])
    labels: list[str] = Field(description="the values as people read them", examples=[["1", "2", "4"]])

    @classmethod
    def of(cls, axis: Axis) -> Self:
        is_seed = axis.parameter == "seed"
        return cls(
            parameter=axis.parameter,
            values=[str(value) if is_seed else value for value in axis.values],
            labels=[axis.label(index) for index in range(len(axis.values))],
        )


class GridView(BaseModel):
    """A grid and how far it is."""

    id: str = Field(examples=[EXAMPLE_ID])
    title: str = Field(examples=["how strict, and for how long"])
    created_at: int = Field(description=SECONDS, examples=[1766491200])
    params: dict[str, Any] = Field(
        description="what every cell has; the seed is decimal text",
        examples=[{"model": "demo", "seed": "42"}],
    )
    axes: list[AxisView]
    total: int = Field(description="how many cells there are", examples=[6])
    counts: StatsView = Field(description="how many cells have each status")
    done: bool = Field(description="no cell is pending or processing", examples=[True])
    owner: str | None = owner_field()

    @classmethod
    def of(cls, grid: Grid, counts: dict[JobStatus, int], **more: Any) -> Self:
        every = dict.fromkeys(JobStatus, 0) | counts
        return cls(
            id=grid.id,
            title=grid.plan.title,
            created_at=int(grid.created_at),
            params=to_json(grid.plan.params),
            axes=[AxisView.of(axis) for axis in grid.plan.axes],
            total=grid.plan.cells,
            counts=StatsView.of(every),
            done=not every[JobStatus.PENDING] and not every[JobStatus.PROCESSING],
            owner=grid.owner,
            **more,
        )


class CellView(BaseModel):
    """One cell: its place on the axes, each from 0, and the job that makes it."""

    x: int = Field(examples=[0])
    y: int = Field(examples=[0])
    z: int = Field(examples=[0])
    job_id: str = Field(description="the latest, if it was tried again", examples=[EXAMPLE_ID])
    status: JobStatus
    progress: float = Field(ge=0, le=1, examples=[1.0])
    error: str | None = Field(examples=[None])
    seed: str = Field(description="decimal", examples=["42"])
    generation_id: str | None = Field(examples=[EXAMPLE_ID])
    image_ids: list[str] = Field(description="its pictures, once completed", examples=[[_IMAGE_ID]])

    @classmethod
    def of(cls, plan: Plan, job: Job) -> Self:
        x, y, z = plan.place(job.cell or 0)
        is_done = job.status is JobStatus.COMPLETED
        return cls(
            x=x,
            y=y,
            z=z,
            job_id=job.id,
            status=job.status,
            progress=1.0 if is_done else job.progress.fraction if job.progress else 0.0,
            error=job.error,
            seed=str(job.recipe.seed),
            generation_id=job.generation_id,
            image_ids=list(job.image_ids),
        )


class GridWithCellsView(GridView):
    """A grid and its cells, x first, then y, then z."""

    cells: list[CellView]

    @classmethod
    def whole(cls, grid: Grid) -> Self:
        counts = dict.fromkeys(JobStatus, 0)
        for job in grid.jobs:
            counts[job.status] += 1
        return cls.of(grid, counts, cells=[CellView.of(grid.plan, job) for job in grid.jobs])


class GridDeletedView(BaseModel):
    """The grid is gone, and so many pictures with it."""

    success: bool = Field(True, examples=[True])
    deleted: int = Field(description="pictures", examples=[0])
    protected: list[str] = Field(description="pictures that stayed: favourites", examples=[[]])
