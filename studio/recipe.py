"""Recipe: everything filled in, which is what the queue stores, the engine gets, and the metadata repeats."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from studio.extras import Area, Cache, Extend, Frozen, Hires, Padding, Upscale
from studio.params import (
    MAX_SIDE,
    MIN_SIDE,
    SCHEDULERS_OF_TWO_STEPS,
    CfgScale,
    ClipSkip,
    ControlStrength,
    Count,
    Feather,
    Fit,
    FlowShift,
    Guidance,
    InputId,
    JobType,
    Loras,
    Prompt,
    Quality,
    References,
    Sampler,
    Scheduler,
    Seed,
    Steps,
    Strength,
    Style,
    hires_fault,
)


class Recipe(Frozen):
    """Everything filled in: what is stored is what runs, and running it again gives the same pixels."""

    type: JobType
    model: str
    prompt: Prompt
    sent_prompt: str = Field(description="the prompt as the engine gets it, style words included")
    negative_prompt: Prompt = ""
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    n: Count
    seed: Seed
    steps: Steps
    cfg_scale: CfgScale
    sampler: Sampler
    scheduler: Scheduler
    strength: Strength | None = None
    clip_skip: ClipSkip | None = None
    distilled_guidance: Guidance | None = None
    flow_shift: FlowShift | None = None
    quality: Quality | None = None
    style: Style | None = None
    loras: Loras = ()
    hires: Hires | None = None
    vae_tiling: bool | None = None
    cache: Cache | None = None
    input_image: InputId | None = None
    mask: InputId | None = None
    by_reference: bool = Field(False, description="the input goes to the model as a reference picture")
    fit: Fit = "crop"
    mask_feather: Feather = 4
    inpaint_area: Area = "whole"
    inpaint_padding: Padding = 32
    extend: Extend | None = None
    references: References = ()
    control_image: InputId | None = None
    control_strength: ControlStrength | None = Field(None, description="set with control_image")
    upscale: Upscale | None = Field(
        None, description="of an upscale, which draws nothing: what was drawn is told of its source"
    )

    @model_validator(mode="after")
    def _engine_rules(self) -> Self:
        if (self.upscale is None) == (self.type is JobType.UPSCALE):
            raise ValueError("upscale: goes with the type upscale, and with no other")
        if self.upscale is None and not all(
            MIN_SIDE <= side <= MAX_SIDE for side in (self.width, self.height)
        ):
            raise ValueError(f"width, height: must be {MIN_SIDE} to {MAX_SIDE}")
        if self.scheduler in SCHEDULERS_OF_TWO_STEPS and self.steps < 2:
            raise ValueError(f"steps: the scheduler {self.scheduler} needs at least 2")
        if self.hires is not None:
            fault = hires_fault(self.hires, self.scheduler, self.first_pass_steps)
            if fault is not None:
                raise ValueError(fault)
        return self

    @property
    def first_pass_steps(self) -> int:
        """How many steps are really drawn before any second pass: fewer when starting from a picture."""
        return self.steps if self.strength is None else min(self.steps, int(self.steps * self.strength) + 1)

    @property
    def second_pass_share(self) -> float:
        """The part of all sampling, 0..1, that the second pass takes, by pixels and steps."""
        if self.hires is None:
            return 0.0
        first = self.first_pass_steps
        second = (self.hires.steps or first) * self.hires.scale**2
        return second / (first + second)

    @property
    def making_known(self) -> bool:
        """Whether prompt, steps and the like mean anything: not of an upload that was made larger."""
        return self.upscale is None or self.upscale.making_known

    @property
    def size(self) -> str:
        """ "WIDTHxHEIGHT", as the API spells it."""
        return f"{self.width}x{self.height}"

    @property
    def revised_prompt(self) -> str | None:
        """The prompt that was really sent, or None if it is the person's own."""
        return None if self.sent_prompt == self.prompt else self.sent_prompt
