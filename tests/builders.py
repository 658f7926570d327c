"""Sound values with one line each; a test names only what it is about."""

import uuid
from typing import Any

from studio.job import Generation, Image, Job, JobStatus, Phase, Progress
from studio.params import GenerationParams
from studio.recipe import Recipe


def a_params(**changes: Any) -> GenerationParams:
    """What a person asks for."""
    return GenerationParams(**({"model": "demo", "prompt": "a red circle"} | changes))


def a_recipe(**changes: Any) -> Recipe:
    """What will run; `sent_prompt` follows `prompt` unless it is named."""
    values: dict[str, Any] = {
        "type": "generate", "model": "demo", "prompt": "a red circle", "width": 128, "height": 128, "n": 1,
        "seed": 42, "steps": 8, "cfg_scale": 2.0, "sampler": "euler", "scheduler": "discrete",
    } | changes  # fmt: skip
    return Recipe(**({"sent_prompt": values["prompt"]} | values))


def a_job(**changes: Any) -> Job:
    """A row of the queue."""
    values: dict[str, Any] = {
        "id": new_id(), "seq": 1, "status": JobStatus.PENDING, "recipe": a_recipe(), "created_at": 1_000.0,
        "updated_at": 1_000.0,
    } | changes  # fmt: skip
    return Job(**values)


def a_progress(**changes: Any) -> Progress:
    """Somewhere in the middle of sampling."""
    values: dict[str, Any] = {
        "phase": Phase.SAMPLING, "fraction": 0.25, "step": 2, "steps": 8, "image": 1, "images": 1,
        "seconds_per_step": 0.5, "eta_seconds": 3.0,
    } | changes  # fmt: skip
    return Progress(**values)


def an_image(generation_id: str, index: int = 0, **changes: Any) -> Image:
    """One picture of a generation."""
    image_id = new_id()
    values: dict[str, Any] = {
        "id": image_id, "generation_id": generation_id, "index": index,
        "path": f"images/2027-01-15/{image_id}.png", "mime_type": "image/png", "width": 128, "height": 128,
        "size": 20_480, "sha256": "5e" * 32, "seed": 42 + index,
    } | changes  # fmt: skip
    return Image(**values)


def a_generation(job: Job, count: int = 1, **changes: Any) -> Generation:
    """What a job could have made: `count` pictures."""
    generation_id = changes.pop("id", None) or new_id()
    images = tuple(an_image(generation_id, index) for index in range(count))
    values: dict[str, Any] = {
        "id": generation_id, "seq": 0, "job_id": job.id, "recipe": job.recipe, "created_at": 0.0,
        "updated_at": 0.0, "image_count": count, "images": images,
    } | changes  # fmt: skip
    return Generation(**values)


def new_id() -> str:
    """An id nothing else has."""
    return str(uuid.uuid4())
