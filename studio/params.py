"""GenerationParams: what a person asks for, and the ranges and rules of everything that can be asked, once.

Every face of the studio builds `GenerationParams`; the service fills it from the model into a `Recipe`.
"""

import re
import sys
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from studio.extras import (
    MAX_LORAS,
    MAX_REFERENCES,
    Area,
    Cache,
    Extend,
    Frozen,
    Hires,
    Lora,
    Padding,
)

MAX_SEED = 2**63 - 1
MIN_SIDE = 64
MAX_SIDE = 4096
MAX_IMAGES = 10
MAX_STEPS = 100
# sd-server matches prompts with a recursive std::regex: threads have 8 MB of stack on Linux, 512 KB on macOS.
MAX_PROMPT_BYTES = 4000 if sys.platform == "linux" else 1500

SAMPLERS = (
    "euler", "euler_a", "heun", "dpm2", "dpm++2s_a", "dpm++2m", "dpm++2mv2", "ipndm", "ipndm_v",
    "lcm", "ddim_trailing", "tcd", "res_multistep", "res_2s", "er_sde",
)  # fmt: skip
SCHEDULERS = (
    "discrete", "karras", "exponential", "ays", "gits", "smoothstep", "sgm_uniform", "simple",
    "kl_optimal", "lcm", "bong_tangent",
)  # fmt: skip
# gits with one step crashes sd-server; karras and exponential give a black picture.
SCHEDULERS_OF_TWO_STEPS = ("gits", "karras", "exponential")
# These stretch a table; from 8284 points on, rounding makes the engine read beyond its end.
SCHEDULERS_OF_TABLES = ("gits", "ays")
MAX_TABLE_STEPS = 1000

CONTROL_STRENGTH = 0.9
"""The engine's own."""

Quality = Literal["auto", "high", "medium", "low", "hd", "standard"]
Style = Literal["vivid", "natural"]
Fit = Literal["crop", "pad", "stretch"]

_SIZE = re.compile(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class JobType(StrEnum):
    """What kind of work a job is."""

    GENERATE = "generate"
    EDIT = "edit"
    VARIATION = "variation"
    UPSCALE = "upscale"
    """A stored picture is made larger; nothing is drawn."""


def _plain_text(value: str) -> str:
    """Refuse what no picture can depict and what databases, logs or the engine choke on."""
    bad = _FORBIDDEN.search(value)
    if bad:
        raise ValueError(f"holds the control character U+{ord(bad[0]):04X} at position {bad.start()}")
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError(f"is not valid Unicode: lone surrogate at position {error.start}") from None
    if size > MAX_PROMPT_BYTES:
        raise ValueError(f"is {size} bytes long; the limit is {MAX_PROMPT_BYTES}")
    return value


def _drawn(value: JobType) -> JobType:
    if value is JobType.UPSCALE:
        raise ValueError("an upscale is no drawing; POST /api/queue/upscale takes it")
    return value


def _one_of(words: tuple[str, ...], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"no {what} of that name; known: {', '.join(words)}")
        return value

    return AfterValidator(check)


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) in pixels from "WIDTHxHEIGHT"; ValueError names the limits."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError('is not "WIDTHxHEIGHT", for example 512x512')
    width, height = int(match[1]), int(match[2])
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise ValueError(f"{width}x{height} is out of range: each side {MIN_SIDE} to {MAX_SIDE} pixels")
    return width, height


Prompt = Annotated[str, AfterValidator(_plain_text)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]
Count = Annotated[int, Field(ge=1, le=MAX_IMAGES)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Steps = Annotated[int, Field(ge=1, le=MAX_STEPS)]
CfgScale = Annotated[float, Field(ge=0, le=30)]
Strength = Annotated[float, Field(ge=0, le=1)]
ControlStrength = Annotated[float, Field(ge=0, le=2)]
ClipSkip = Annotated[int, Field(ge=1, le=12)]
Guidance = Annotated[float, Field(ge=0, le=100)]
FlowShift = Annotated[float, Field(ge=0, le=100)]
Sampler = Annotated[str, _one_of(SAMPLERS, "sampler")]
Scheduler = Annotated[str, _one_of(SCHEDULERS, "scheduler")]
Feather = Annotated[int, Field(ge=0, le=256)]
InputId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _each_once(loras: tuple[Lora, ...]) -> tuple[Lora, ...]:
    names = [lora.name for lora in loras]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r:.80} is given more than once")
    return loras


Loras = Annotated[tuple[Lora, ...], Field(max_length=MAX_LORAS), AfterValidator(_each_once)]
References = Annotated[tuple[InputId, ...], Field(max_length=MAX_REFERENCES)]


def hires_fault(hires: Hires, scheduler: str, first_pass_steps: int) -> str | None:
    """Why the engine can't do this second pass ("field: sentence"), or None.

    Its schedule has steps / denoising_strength points. With gits one point reads before the start of a table;
    gits and ays with thousands read behind its end; karras and exponential with one give a black picture.
    """
    steps = hires.steps or first_pass_steps
    if scheduler in SCHEDULERS_OF_TWO_STEPS and steps < 2:
        return f"hires.steps: the scheduler {scheduler} needs at least 2"
    if scheduler in SCHEDULERS_OF_TABLES and steps / hires.denoising_strength > MAX_TABLE_STEPS:
        return (
            f"hires.denoising_strength: the scheduler {scheduler} needs at least "
            f"{steps / MAX_TABLE_STEPS:.2g} with {steps} steps"
        )
    return None


class GenerationParams(Frozen):
    """What a person asks for. None means "as the model likes it"; 0 and "" are values."""

    type: Annotated[JobType, AfterValidator(_drawn)] = JobType.GENERATE
    model: str = Field(min_length=1, max_length=200)
    prompt: Prompt = ""
    negative_prompt: Prompt | None = None
    width: Side | None = Field(None, description="pixels")
    height: Side | None = Field(None, description="pixels")
    n: Count = 1
    seed: Seed | None = Field(None, description="None: random. Picture i uses seed + i.")
    steps: Steps | None = None
    cfg_scale: CfgScale | None = None
    sampler: Sampler | None = None
    scheduler: Scheduler | None = None
    strength: Strength | None = Field(None, description="edit and variation: 0 keeps the input, 1 ignores it")
    clip_skip: ClipSkip | None = None
    distilled_guidance: Guidance | None = None
    flow_shift: FlowShift | None = None
    quality: Quality | None = None
    style: Style | None = None
    loras: Loras = ()
    hires: Hires | None = None
    vae_tiling: bool | None = Field(None, description="decode in tiles: less memory, more time")
    cache: Cache | None = Field(None, description="skip work that changes little from step to step")
    input_image: InputId | None = Field(None, description="sha256 of the stored input picture")
    mask: InputId | None = Field(None, description="sha256 of the stored mask; white repaints")
    fit: Fit = Field("crop", description="how an input of another shape is brought to the size")
    mask_feather: Feather = Field(
        4, description="pixels over which the repainted area fades into the kept one"
    )
    inpaint_area: Area = Field("whole", description="masked: only the area around the mask, at full size")
    inpaint_padding: Padding = Field(32, description="pixels of the input around the mask that are seen")
    extend: Extend | None = Field(None, description="pixels by which the input grows")
    references: References = Field((), description="sha256 of stored pictures the model looks at")
    control_image: InputId | None = Field(
        None, description="sha256 of a stored map (edges, depth, pose) that the model's control net follows"
    )
    control_strength: ControlStrength | None = Field(
        None, description=f"how strictly it is followed; None: {CONTROL_STRENGTH}"
    )

    @model_validator(mode="after")
    def _cross_field_rules(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height come together")
        if self.type is JobType.GENERATE:
            if not self.prompt.strip():
                raise ValueError("prompt: must not be empty")
            if self.input_image or self.mask:
                raise ValueError("image: a generate job takes none; use edit or variation")
        elif self.input_image is None:
            raise ValueError(f"image: a job of type {self.type} needs one")
        if self.type is JobType.EDIT and not self.prompt.strip():
            raise ValueError("prompt: must not be empty")
        if self.type is JobType.VARIATION and self.mask:
            raise ValueError("mask: a variation takes none; use edit")
        if self.control_image is not None and self.hires is not None:
            # The engine lays the first pass's map over the second: tiled, or it ends with an assertion.
            raise ValueError("hires: can't be combined with a control picture; leave one of the two out")
        self._check_edit_only()
        if self.seed is not None and self.seed + self.n - 1 > MAX_SEED:
            raise ValueError(f"seed: picture i uses seed + i, so seed + n - 1 must not exceed {MAX_SEED}")
        return self

    def _check_edit_only(self) -> None:
        if self.type is not JobType.EDIT:
            for name in ("inpaint_area", "extend", "references"):
                if getattr(self, name) != type(self).model_fields[name].get_default():
                    raise ValueError(f"{name}: only an edit can do this")
        elif self.inpaint_area == "masked" and self.mask is None and not (self.extend and self.extend.grows):
            raise ValueError("inpaint_area: there is no mask; send one, or leave this out")
