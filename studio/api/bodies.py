"""What a request may say about its picture, as JSON or as a form, and how that becomes GenerationParams."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from studio.api.errors import invalid
from studio.extras import CACHES_OF_TRANSFORMERS, CACHES_OF_UNETS, MAX_LORAS, Cache, Hires, Lora
from studio.params import (
    CONTROL_STRENGTH,
    MAX_IMAGES,
    MAX_SEED,
    SAMPLERS,
    SCHEDULERS,
    CfgScale,
    ClipSkip,
    ControlStrength,
    Count,
    Feather,
    Fit,
    FlowShift,
    GenerationParams,
    Guidance,
    InputId,
    JobType,
    Prompt,
    Quality,
    Sampler,
    Scheduler,
    Steps,
    Strength,
    Style,
    parse_size,
)
from studio.webhook import MAX_ADDRESS

AUTO_SIZE = "auto"
_DIGITS = re.compile(r"-1|[0-9]{1,19}")
# Params are checked before the pictures are stored; this stands for the id the picture will get.
NOT_STORED_YET = "0" * 64
EXAMPLE_INPUT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CONTROL_ID = (
    "a finished map (edges, depth, pose) of the picture wanted, as POST /inputs stores it; for models whose "
    "`control` is true"
)


def _seed(value: object) -> object:
    """The seed as an integer, or None for a random one. JSON numbers over 2^53 need the text form."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if value is None or (type(value) is int and value == -1):
        return None
    if type(value) is not int or not 0 <= value <= MAX_SEED:
        raise ValueError(f"must be an integer from 0 to {MAX_SEED} or -1 for random, not {value!r:.40}")
    return value


def _size(value: str) -> str:
    if value.strip().lower() != AUTO_SIZE:
        parse_size(value)
    return value


AnySeed = Annotated[
    int | None,
    BeforeValidator(_seed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -1, "maximum": MAX_SEED},
                {"type": "string", "pattern": "^(-1|[0-9]{1,19})$"},
                {"type": "null"},
            ]
        }
    ),
]
Size = Annotated[str, AfterValidator(_size)]


class WebhookField(BaseModel):
    """Who is to be told."""

    webhook: Annotated[str, Field(max_length=MAX_ADDRESS)] | None = Field(
        None,
        description="an https address that gets a signed POST when the job is over; of a batch or a grid, "
        "one for each job",
        examples=["https://example.com/studio-hook"],
    )


class PictureFields(BaseModel):
    """The fields every kind of job takes. None means: as the model likes it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    NOT_PARAMS: ClassVar[frozenset[str]] = frozenset(
        {"size", "user", "image", "mask", "references", "control_image", "webhook"}
    )
    """Fields that GenerationParams has not, or has in another form."""

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="id or alias of models.yml, see GET /models; left out: the default model"
    )
    negative_prompt: Prompt | None = Field(
        None, description="what to avoid; no effect on distilled models", examples=["blurry, text"]
    )
    size: Size | None = Field(
        None,
        description="WIDTHxHEIGHT in pixels, each 64 to 4096; left out or `auto`: the model's own size, "
        "or the shape of the input picture",
        examples=["512x512"],
    )
    n: Count | None = Field(None, description=f"how many pictures, 1 to {MAX_IMAGES}; left out: 1")
    quality: Quality | None = Field(None, description="how much effort; acts on the steps")
    style: Style | None = Field(None, description="acts on the prompt and its weight")
    seed: AnySeed = Field(
        None,
        description="0 to 2^63-1 as a number or as digits; left out, null or -1: random. "
        "Picture i uses seed + i.",
    )
    steps: Steps | None = Field(None, description="sampling steps")
    cfg_scale: CfgScale | None = Field(None, description="how strictly the prompt is followed")
    sampler: Sampler | None = Field(None, description=", ".join(SAMPLERS))
    scheduler: Scheduler | None = Field(None, description=", ".join(SCHEDULERS))
    strength: Strength | None = Field(
        None, description="edit and variation: 0 keeps the input, 1 ignores it; generating: no effect"
    )
    clip_skip: ClipSkip | None = Field(None, description="1 uses all layers of CLIP, 2 leaves one out")
    distilled_guidance: Guidance | None = Field(None, description="FLUX.1-dev and its relatives")
    flow_shift: FlowShift | None = Field(None, description="flow models; left out: the engine's own")
    fit: Fit | None = Field(
        None, description="how an input of another shape is brought to the size; left out: crop"
    )
    mask_feather: Feather | None = Field(
        None, description="pixels over which the repainted area fades into the kept one; left out: 4"
    )
    loras: Annotated[list[Lora], Field(max_length=MAX_LORAS)] | None = Field(
        None, description=f"LoRA files and their weights, at most {MAX_LORAS}; GET /loras lists them"
    )
    hires: Hires | None = Field(
        None,
        description="a second pass that makes the picture larger; `size` is that of the first",
    )
    vae_tiling: bool | None = Field(
        None, description="decode in tiles: much less memory for big pictures; left out: as models.yml says"
    )
    cache: Cache | None = Field(
        None,
        description="skip work that changes little from step to step: faster, less exact. For transformers "
        f"{', '.join(CACHES_OF_TRANSFORMERS)}; for UNets {', '.join(CACHES_OF_UNETS)}",
    )
    user: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="taken and ignored: some clients always send it"
    )

    def to_params(
        self,
        type_: JobType,
        *,
        default_model: str,
        input_image: str | None = None,
        mask: str | None = None,
        references: Sequence[str] = (),
        control_image: str | None = None,
    ) -> GenerationParams:
        """What the studio is asked for. Errors: InvalidRequest naming the field."""
        values: dict[str, Any] = self.model_dump(exclude_none=True, exclude=set(self.NOT_PARAMS))
        if self.size is not None and self.size.strip().lower() != AUTO_SIZE:
            values["width"], values["height"] = parse_size(self.size)
        inputs = {
            "input_image": input_image,
            "mask": mask,
            "references": references,
            "control_image": control_image,
        }
        values = {"model": default_model, **values, "type": type_, **inputs}
        try:
            return GenerationParams(**values)
        except ValidationError as error:
            raise invalid(error) from None


class SteeredFields(PictureFields):
    """The fields of a request that may come with a control picture."""

    control_strength: ControlStrength | None = Field(
        None,
        description="how strictly the control picture is followed, 0 to 2; 0: not at all. "
        f"Left out: {CONTROL_STRENGTH}",
    )


class GenerateBody(WebhookField, SteeredFields):
    """A picture from words. JSON types are taken exactly: `"n": "2"` and `"n": 2.0` are refused."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {"prompt": "a red circle on a blue background"},
                {
                    "prompt": "a lighthouse in a storm, oil painting",
                    "model": "sdxl",
                    "negative_prompt": "people",
                    "size": "1024x1024",
                    "n": 2,
                    "seed": 42,
                    "quality": "high",
                },
            ]
        },
    )

    prompt: Prompt = Field(
        description="what the picture shows", examples=["a red circle on a blue background"]
    )
    control_image: InputId | None = Field(None, description=CONTROL_ID, examples=[EXAMPLE_INPUT])

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.prompt.strip():
            raise ValueError("prompt: must not be empty")
        return self
