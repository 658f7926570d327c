"""Effect: what one word of `quality` or `style` changes, and the words' defaults for all models."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from studio.engine_options import CatalogValues
from studio.params import CfgScale, Prompt, Quality, Sampler, Scheduler, Steps, Style


class Effect(CatalogValues):
    """What one word of `quality` or `style` changes. Steps and cfg_scale of a request win over it.

    A `cfg_scale_factor` acts only on models whose default is over 1 and never goes below 1: distilled models
    break at any other value.
    """

    steps: Steps | None = None
    steps_scale: Annotated[float, Field(gt=0, le=10)] | None = None
    cfg_scale: CfgScale | None = None
    cfg_scale_factor: Annotated[float, Field(gt=0, le=10)] | None = None
    sampler: Sampler | None = None
    scheduler: Scheduler | None = None
    prompt_suffix: Annotated[Prompt, StringConstraints(max_length=500)] = ""
    """Words put behind the prompt, after a comma."""

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.steps is not None and self.steps_scale is not None:
            raise ValueError("steps and steps_scale exclude each other")
        if self.cfg_scale is not None and self.cfg_scale_factor is not None:
            raise ValueError("cfg_scale and cfg_scale_factor exclude each other")
        return self


QUALITY: Mapping[Quality, Effect] = MappingProxyType(
    {
        "auto": Effect(),
        "standard": Effect(),
        "medium": Effect(),
        "low": Effect(steps_scale=0.5),
        "high": Effect(steps_scale=1.5),
        "hd": Effect(steps_scale=2.0),
    }
)
STYLE: Mapping[Style, Effect] = MappingProxyType(
    {
        "vivid": Effect(cfg_scale_factor=1.25, prompt_suffix="vivid colors, dramatic light"),
        "natural": Effect(cfg_scale_factor=0.8, prompt_suffix="natural colors, soft light"),
    }
)
