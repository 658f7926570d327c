"""What a model takes besides words and size, and the LoRAs there are for it."""

from dataclasses import asdict
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep, only
from studio.api.errors import faults
from studio.loras import LoraFile
from studio.offers import Offer, offer_of

router = APIRouter(tags=["Models"])

Model = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        description="id or alias; left out: the default model",
        examples=["demo"],
    ),
]


class OfferView(BaseModel):
    """What a model takes. What it lacks is empty, 0 or false; a request for it is refused or does nothing."""

    model: str = Field(examples=["demo"])
    samplers: list[str] = Field(examples=[["euler", "euler_a"]])
    schedulers: list[str] = Field(examples=[["discrete", "karras"]])
    loras: bool
    upscalers: list[str] = Field(description="of `hires`; none: no second pass", examples=[["Latent"]])
    vae_tiling: bool
    caches: list[str] = Field(description="what `cache` may say", examples=[["easycache"]])
    references: int = Field(description="how many more pictures an edit may look at", examples=[0])
    masks: bool = Field(description="whether a part of a picture can be edited, and a picture can grow")
    control: bool = Field(description="whether `control_image` steers it", examples=[False])
    clip_skip: bool
    distilled_guidance: bool
    flow_shift: bool

    @classmethod
    def of(cls, model_id: str, offer: Offer) -> Self:
        return cls(model=model_id, **asdict(offer))


class LoraView(BaseModel):
    """A LoRA file."""

    name: str = Field(
        description="what a request's `loras` call it; plain text", examples=["ink.safetensors"]
    )
    bytes: int = Field(examples=[151112304])

    @classmethod
    def of(cls, file: LoraFile) -> Self:
        return cls(name=file.name, bytes=file.size)


@router.get(
    "/features", response_model=OfferView, responses=faults(400, 404), dependencies=[only("model")],
    summary="What a model takes", operation_id="get_features",
)  # fmt: skip
async def get_features(studio: StudioDep, model: Model = None) -> OfferView:
    """By models.yml and, while the model is in memory, by the engine's own word."""
    entry = await run_in_threadpool(studio.models.get, model or studio.catalog.default)
    return OfferView.of(entry.model.id, offer_of(entry.model, entry.features))


@router.get(
    "/loras", response_model=list[LoraView], responses=faults(400, 404), dependencies=[only("model")],
    summary="The LoRA files for a model", operation_id="list_loras",
)  # fmt: skip
async def list_lora_files(studio: StudioDep, model: Model = None) -> list[LoraView]:
    """Every `.safetensors` file below the model's `lora_dir`, or below `models/loras` beside models.yml.

    Nothing says for which kind of model a file was made: one for another kind ends the engine, and the job
    fails with its name.
    """
    files = await run_in_threadpool(studio.models.loras, model or studio.catalog.default)
    return [LoraView.of(file) for file in files]
