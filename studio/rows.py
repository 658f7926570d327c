"""Rows to values and back: the only place that knows how a job or picture is spelled in columns. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.job import Attempt, AttemptOutcome, Generation, Image, Job, JobStatus, Phase, Progress
from studio.labels import folded
from studio.made_with import MadeWith
from studio.recipe import Recipe

Row = Mapping[str, Any]


def to_job(row: Row, *, now: float, position: int | None = None, image_ids: Sequence[str] = ()) -> Job:
    """A job; `now` turns the stored end of a running job into seconds left."""
    status = JobStatus(row["status"])
    progress = None
    if status is JobStatus.PROCESSING and row["phase"] is not None:
        ends_at = row["ends_at"]
        progress = Progress(
            phase=Phase(row["phase"]),
            fraction=row["fraction"],
            step=row["step"],
            steps=row["steps"],
            image=row["image"],
            images=row["images"],
            seconds_per_step=row["seconds_per_step"],
            eta_seconds=None if ends_at is None else max(0.0, ends_at - now),
        )
    return Job(
        id=row["id"],
        seq=row["seq"],
        status=status,
        recipe=Recipe.model_validate_json(row["recipe"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        progress=progress,
        error=row["error"],
        error_code=row["error_code"],
        generation_id=row["generation_id"],
        worker=row["worker"],
        attempt=row["attempt"],
        failures=row["failures"],
        revision=row["revision"],
        cancel_requested_at=row["cancel_requested_at"],
        source_image_id=row["source_image_id"],
        parent_id=row["parent_id"],
        batch_id=row["batch_id"],
        owner=row["owner"],
        cell=row["cell"],
        webhook=row["webhook"],
        note=row["note"],
        position=position,
        image_ids=tuple(image_ids),
    )


def progress_columns(progress: Progress, *, now: float) -> dict[str, Any]:
    """The columns of a heartbeat."""
    left = progress.eta_seconds
    return {
        "phase": str(progress.phase),
        "fraction": progress.fraction,
        "step": progress.step,
        "steps": progress.steps,
        "image": progress.image,
        "images": progress.images,
        "seconds_per_step": progress.seconds_per_step,
        "ends_at": None if left is None else now + left,
    }


def no_progress() -> dict[str, Any]:
    """The progress columns of a job that isn't running."""
    return {
        "phase": None, "fraction": 0.0, "step": 0, "steps": 0, "image": 0, "images": 0,
        "seconds_per_step": None, "ends_at": None,
    }  # fmt: skip


def to_image(row: Row) -> Image:
    """One picture."""
    return Image(
        id=row["id"],
        generation_id=row["generation_id"],
        index=row["position"],
        path=row["path"],
        mime_type=row["mime_type"],
        width=row["width"],
        height=row["height"],
        size=row["size"],
        sha256=row["sha256"],
        seed=row["seed"],
        revised_prompt=row["revised_prompt"],
        owner=row["owner"],
    )


def image_columns(image: Image) -> dict[str, Any]:
    """The columns of a picture."""
    return {
        "id": image.id,
        "generation_id": image.generation_id,
        "position": image.index,
        "path": image.path,
        "mime_type": image.mime_type,
        "width": image.width,
        "height": image.height,
        "size": image.size,
        "sha256": image.sha256,
        "seed": image.seed,
        "revised_prompt": image.revised_prompt,
        "owner": image.owner,
    }


def listed_columns(recipe: Recipe, created_at: float) -> dict[str, Any]:
    """The columns of a picture that lists are filtered by, from what made it."""
    return {
        "model": recipe.model,
        "type": str(recipe.type),
        "created_at": created_at,
        "search_text": folded(recipe.prompt),
    }


def to_generation(row: Row, images: Sequence[Image] = ()) -> Generation:
    """What a completed job made; `images` only where they were asked for."""
    return Generation(
        id=row["id"],
        seq=row["seq"],
        job_id=row["job_id"],
        recipe=Recipe.model_validate_json(row["recipe"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        image_count=row["image_count"],
        images=tuple(images),
        owner=row["owner"],
        made_with=None if row["made_with"] is None else MadeWith.model_validate_json(row["made_with"]),
    )


def to_attempt(row: Row) -> Attempt:
    """One execution of a job."""
    return Attempt(
        number=row["number"],
        worker=row["worker"],
        outcome=AttemptOutcome(row["outcome"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        error=row["error"],
        log_tail=row["log_tail"],
    )
