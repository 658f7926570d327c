"""What goes out about the queue and what it made, in the contract's words."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from studio.api.recipe_view import EXAMPLE_ID, SECONDS, RecipeView, owner_field, recipe_values
from studio.engine import EngineState
from studio.job import Attempt, AttemptOutcome, Generation, Image, Job, JobStatus, Phase
from studio.made_with import MadeWith

_IMAGE_ID = "0199c0de-8d01-7e42-9a77-0242ac120002"


class JobView(RecipeView):
    """A job of the queue."""

    source_image_id: str | None = Field(
        description="sha256 of the stored input picture of an edit or variation", examples=[None]
    )
    status: JobStatus
    progress: float = Field(ge=0, le=1, description="over all n pictures; never falls", examples=[0.375])
    error: str | None = Field(description="why it failed, for people", examples=[None])
    error_code: str | None = Field(description="why it failed, for programs", examples=[None])
    generation_id: str | None = Field(description="what it made, once completed", examples=[None])
    started_at: int | None = Field(description=SECONDS, examples=[1766491201])
    completed_at: int | None = Field(description=SECONDS, examples=[None])
    phase: Phase | None = Field(description="what it is busy with; null once it is final")
    step: int = Field(description="within the picture in hand", examples=[3])
    steps: int = Field(description="of this many", examples=[8])
    image: int = Field(description="the picture in hand, from 1; 0 before the first", examples=[1])
    images: int = Field(description="of this many", examples=[1])
    eta_seconds: float | None = Field(description="seconds left", examples=[0.6])
    position: int | None = Field(description="1 for the next pending job", examples=[None])
    attempts: int = Field(description="how many times it was run", examples=[1])
    cancel_requested: bool = Field(description="it was cancelled and is still stopping", examples=[False])
    parent_id: str | None = Field(description="the job that was tried again as this one", examples=[None])
    batch_id: str | None = Field(description="the batch or grid it belongs to", examples=[None])
    image_ids: list[str] = Field(description="its pictures, once completed", examples=[[_IMAGE_ID]])
    note: str | None = Field(description="what people should know of how it was done", examples=[None])
    owner: str | None = owner_field()

    @classmethod
    def of(cls, job: Job, engine: EngineState) -> Self:
        """The job, and why it waits if that is the engine's doing."""
        progress, recipe = job.progress, job.recipe
        is_done = job.status is JobStatus.COMPLETED
        values = recipe_values(recipe) | {
            "steps": (progress.steps if progress else 0) or (recipe.steps if recipe.upscale is None else 0),
        }
        return cls(
            id=job.id,
            **values,
            source_image_id=job.source_image_id,
            status=job.status,
            progress=1.0 if is_done else progress.fraction if progress else 0.0,
            error=job.error,
            error_code=job.error_code,
            generation_id=job.generation_id,
            created_at=int(job.created_at),
            updated_at=int(job.updated_at),
            started_at=_whole(job.started_at),
            completed_at=_whole(job.completed_at),
            phase=_phase(job, engine),
            step=progress.step if progress else 0,
            image=recipe.n if is_done else progress.image if progress else 0,
            images=(progress.images if progress else 0) or recipe.n,
            eta_seconds=_tenths(None if progress is None else progress.eta_seconds),
            position=job.position,
            attempts=job.attempt,
            cancel_requested=job.cancel_requested_at is not None and not job.is_final,
            parent_id=job.parent_id,
            batch_id=job.batch_id,
            image_ids=list(job.image_ids),
            note=job.note,
            owner=job.owner,
        )


def _phase(job: Job, engine: EngineState) -> Phase | None:
    if job.is_final:
        return None
    if job.status is JobStatus.PENDING:
        waits_for_engine = engine in (EngineState.PREPARING, EngineState.UNAVAILABLE)
        return Phase.PREPARING if waits_for_engine else Phase.QUEUED
    if job.progress is not None:
        return job.progress.phase
    return Phase.LOADING if job.recipe.upscale is None else Phase.UPSCALING


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


class QueuedView(BaseModel):
    """The answer to a job put in the queue."""

    job_id: str = Field(examples=[EXAMPLE_ID])
    status: JobStatus = Field(examples=["pending"])


class StatsView(BaseModel):
    """How many jobs have each status."""

    pending: int = Field(examples=[2])
    processing: int = Field(examples=[1])
    completed: int = Field(examples=[15])
    failed: int = Field(examples=[0])
    cancelled: int = Field(examples=[1])

    @classmethod
    def of(cls, counts: dict[JobStatus, int]) -> Self:
        return cls(**{str(status): count for status, count in counts.items()})


class QueueView(BaseModel):
    """Jobs, newest first, and how many of each status there are in all."""

    jobs: list[JobView]
    stats: StatsView


class CancelledView(BaseModel):
    """The job after the wish to cancel it; one that was running may still be stopping."""

    success: Literal[True] = True
    job: JobView


class AttemptView(BaseModel):
    """One execution of a job."""

    number: int = Field(description="from 1", examples=[1])
    outcome: AttemptOutcome
    started_at: int = Field(description=SECONDS, examples=[1766491201])
    ended_at: int | None = Field(description=SECONDS, examples=[1766491203])
    error: str | None = Field(examples=[None])
    log_tail: str = Field(description="the last lines the engine printed", examples=[""])

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        return cls(
            number=attempt.number,
            outcome=attempt.outcome,
            started_at=int(attempt.started_at),
            ended_at=_whole(attempt.ended_at),
            error=attempt.error,
            log_tail=attempt.log_tail,
        )


class ImageView(BaseModel):
    """One picture's record; the picture itself is at /images/{id}."""

    id: str = Field(examples=[_IMAGE_ID])
    generation_id: str = Field(examples=[EXAMPLE_ID])
    index_in_batch: int = Field(description="from 0", examples=[0])
    file_path: str = Field(
        description="relative to the outputs folder", examples=[f"images/2025-12-23/{_IMAGE_ID}.png"]
    )
    mime_type: str = Field(examples=["image/png"])
    width: int = Field(description="pixels", examples=[128])
    height: int = Field(description="pixels", examples=[128])
    revised_prompt: str | None = Field(
        description="the prompt as it was sent, if quality or style added words", examples=[None]
    )
    seed: str = Field(description="decimal", examples=["42"])

    @classmethod
    def of(cls, image: Image) -> Self:
        return cls(
            id=image.id,
            generation_id=image.generation_id,
            index_in_batch=image.index,
            file_path=image.path,
            mime_type=image.mime_type,
            width=image.width,
            height=image.height,
            revised_prompt=image.revised_prompt,
            seed=str(image.seed),
        )


class GenerationView(RecipeView):
    """What a completed job made."""

    image_count: int = Field(examples=[1])
    job_id: str = Field(description="the job that made it", examples=[EXAMPLE_ID])
    owner: str | None = owner_field()

    @classmethod
    def of(cls, generation: Generation, **more: Any) -> Self:
        return cls(
            id=generation.id,
            **recipe_values(generation.recipe),
            created_at=int(generation.created_at),
            updated_at=int(generation.updated_at),
            image_count=generation.image_count,
            job_id=generation.job_id,
            owner=generation.owner,
            **more,
        )


class GenerationWithImagesView(GenerationView):
    """A generation and its pictures' records."""

    made_with: MadeWith | None = Field(
        description="the programs and files that made it; null if nobody wrote them down"
    )
    images: list[ImageView]

    @classmethod
    def of(cls, generation: Generation, **_: Any) -> Self:
        images = [ImageView.of(image) for image in generation.images]
        return super().of(generation, images=images, made_with=generation.made_with)


class MadeView(BaseModel):
    """One picture of a finished request; fetch it at /images/{id}."""

    id: str = Field(examples=[_IMAGE_ID])
    index: int = Field(examples=[0])
    revised_prompt: str | None = Field(examples=[None])


class ResultView(BaseModel):
    """The pictures a synchronous request waited for. `id` is the generation's."""

    id: str = Field(examples=[EXAMPLE_ID])
    created: int = Field(description=SECONDS, examples=[1766491202])
    data: list[MadeView]

    @classmethod
    def of(cls, generation: Generation) -> Self:
        return cls(
            id=generation.id,
            created=int(generation.created_at),
            data=[
                MadeView(id=image.id, index=image.index, revised_prompt=image.revised_prompt)
                for image in generation.images
            ],
        )


class DeletedView(BaseModel):
    """It is gone."""

    success: Literal[True] = True
