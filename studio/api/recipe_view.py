"""What goes out about a recipe: part of every job and every generation."""

from typing import Any

from pydantic import BaseModel, Field

from studio.extras import Area, Cache, Extend, Hires, Lora, Upscale
from studio.params import JobType
from studio.recipe import Recipe

EXAMPLE_ID = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
SECONDS = "seconds since the epoch"
OF_UPLOADS = "null only of an uploaded picture that was made larger, of which it is not known"


def _is_none(value: object) -> bool:
    """Extras that a recipe hasn't are left out of its view: most recipes have none."""
    return value is None


class RecipeView(BaseModel):
    """What was asked for, with every default filled in."""

    id: str = Field(examples=[EXAMPLE_ID])
    type: JobType
    model: str = Field(examples=["demo"])
    prompt: str = Field(examples=["a red circle on a blue background"])
    negative_prompt: str | None = Field(examples=[None])
    size: str = Field(examples=["128x128"])
    seed: str | None = Field(description="decimal; picture i used seed + i", examples=["42"])
    n: int = Field(examples=[1])
    quality: str | None = Field(examples=[None])
    style: str | None = Field(examples=[None])
    steps: int | None = Field(description=OF_UPLOADS, examples=[8])
    cfg_scale: float | None = Field(description=OF_UPLOADS, examples=[2.0])
    sampler: str | None = Field(description=OF_UPLOADS, examples=["euler"])
    scheduler: str | None = Field(description=OF_UPLOADS, examples=["discrete"])
    strength: float | None = Field(examples=[None])
    loras: list[Lora] | None = Field(None, exclude_if=_is_none, description="set if there are any")
    hires: Hires | None = Field(
        None, exclude_if=_is_none, description="the second pass, set if there is one; `size` is the first's"
    )
    vae_tiling: bool | None = Field(None, exclude_if=_is_none, description="set if the request said")
    cache: Cache | None = Field(
        None, exclude_if=_is_none, description="set if the request said", examples=["easycache"]
    )
    inpaint_area: Area | None = Field(
        None, exclude_if=_is_none, description="set if not all of the picture was painted"
    )
    inpaint_padding: int | None = Field(
        None, exclude_if=_is_none, description="pixels, set with inpaint_area", examples=[32]
    )
    extend: Extend | None = Field(None, exclude_if=_is_none, description="set if the picture grew")
    references: list[str] | None = Field(
        None, exclude_if=_is_none, description="sha256 of the pictures looked at, set if any"
    )
    control_image: str | None = Field(
        None, exclude_if=_is_none, description="sha256 of the control picture, set if there was one"
    )
    control_strength: float | None = Field(
        None, exclude_if=_is_none, description="set with control_image", examples=[0.9]
    )
    upscale: Upscale | None = Field(
        None,
        exclude_if=_is_none,
        description="set if a picture was made larger: nothing was drawn then, and prompt, steps and the "
        "like are those of the picture before, as far as they are known",
    )
    created_at: int = Field(description=SECONDS, examples=[1766491200])
    updated_at: int = Field(description=SECONDS, examples=[1766491202])


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """What the view shows of a recipe, by field."""
    is_known = recipe.making_known
    is_part = recipe.inpaint_area == "masked"
    return {
        "type": recipe.type,
        "model": recipe.model,
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt or None,
        "size": recipe.size,
        "seed": str(recipe.seed) if is_known else None,
        "n": recipe.n,
        "quality": recipe.quality,
        "style": recipe.style,
        "steps": recipe.steps if is_known else None,
        "cfg_scale": recipe.cfg_scale if is_known else None,
        "sampler": recipe.sampler if is_known else None,
        "scheduler": recipe.scheduler if is_known else None,
        "strength": recipe.strength,
        "loras": list(recipe.loras) or None,
        "hires": recipe.hires,
        "vae_tiling": recipe.vae_tiling,
        "cache": recipe.cache,
        "inpaint_area": recipe.inpaint_area if is_part else None,
        "inpaint_padding": recipe.inpaint_padding if is_part else None,
        "extend": recipe.extend,
        "references": list(recipe.references) or None,
        "control_image": recipe.control_image,
        "control_strength": recipe.control_strength,
        "upscale": recipe.upscale,
    }


def owner_field() -> Any:
    """The field of whoever owns something; left out where nobody does."""
    return Field(
        default=None,
        exclude_if=lambda owner: owner is None,
        description="the name of the key that made it; absent if nobody's in particular",
        examples=["ada"],
    )
