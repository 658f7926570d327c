"""What each tool may be given. Descriptions and ranges are read by the models that call the tools."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from studio.api.bodies import SteeredFields
from studio.api.library_views import LibraryQuery
from studio.api.upscaling import UpscaleFields
from studio.extras import MAX_EXTENSION, MAX_LORAS, MAX_REFERENCES, Area, Extend, Lora, Padding
from studio.params import Prompt

# Clients give up after a minute unless they are told otherwise.
WAIT_SECONDS = 45
MAX_WAIT = 300
MAX_EDGE = 1024
MAX_FOUND = 50

JobId = Annotated[str, Field(max_length=200, description="`job_id` of an earlier answer")]
Wait = Annotated[
    float,
    Field(
        ge=0,
        le=MAX_WAIT,
        description="seconds to wait for the pictures, 0 to 300; 0: answer at once with the job_id. A job "
        "that takes longer goes on: call wait_for_job",
    ),
]
Preview = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_EDGE,
        description="longer side in pixels of the JPEG shown for each picture, 0 to 1024, less if there are "
        "many; 0: show none, only tell the ids. The full PNG is at `url`",
    ),
]
Source = Annotated[
    str,
    Field(
        min_length=1,
        description="the picture: the `id` of one that was made here, the sha256 of a stored input, or a "
        "PNG, JPEG or WEBP file in base64 (at most 20 MiB and 16 megapixels)",
    ),
]


class Arguments(BaseModel):
    """What a tool takes; anything else is refused by name."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class MakingArguments(SteeredFields):
    """What every tool takes that makes pictures."""

    NOT_PARAMS: ClassVar[frozenset[str]] = SteeredFields.NOT_PARAMS | {"wait_seconds", "preview"}

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="id of a model, see list_models; left out: the default model"
    )
    loras: Annotated[list[Lora], Field(max_length=MAX_LORAS)] | None = Field(
        None, description=f"LoRA files and their weights, at most {MAX_LORAS}"
    )
    control_image: str | None = Field(
        None,
        description="a finished map (edges, depth, pose) of the picture wanted: the `id` of a picture made "
        "here, the sha256 of a stored input, or a file in base64; only for models whose "
        "capabilities.control is true",
    )
    user: SkipJsonSchema[str | None] = None
    wait_seconds: Wait = WAIT_SECONDS
    preview: Preview = MAX_EDGE


class GenerateArguments(MakingArguments):
    """A picture from words."""

    prompt: Prompt = Field(
        description="what the picture shows", examples=["a red circle on a blue background"]
    )


class EditArguments(MakingArguments):
    """A picture changed by words."""

    image: Source
    prompt: Prompt = Field(description="what to change, or what the picture shows afterwards")
    mask: str | None = Field(
        None,
        description="where to repaint: a picture of the same size, white (or transparent) repaints and black "
        "keeps; in base64 or the sha256 of a stored input. Left out: the transparent part of a picture in "
        "base64, or everything",
    )
    references: list[str] = Field(
        [],
        max_length=MAX_REFERENCES,
        description=f"more pictures to look at, each as `image`, at most {MAX_REFERENCES}; only for models "
        "whose capabilities.references is true",
    )
    inpaint_area: Area | None = Field(
        None, description="masked: only the area around the mask is painted, at full size; left out: whole"
    )
    inpaint_padding: Padding | None = Field(
        None, description="pixels around the masked area that are seen while it is painted; left out: 32"
    )
    extend: Extend | None = Field(
        None, description=f"pixels by which the picture grows on each side, 0 to {MAX_EXTENSION}"
    )


class VaryArguments(MakingArguments):
    """A picture like another one."""

    image: Source
    prompt: Prompt = Field("", description="what it shows; may be left out")


class UpscaleArguments(UpscaleFields):
    """A picture made larger."""

    image: Source
    method: str = Field(
        min_length=1, max_length=500, description="lanczos, or one of the `upscalers` that list_models tells"
    )
    wait_seconds: Wait = WAIT_SECONDS
    preview: Preview = MAX_EDGE


class JobArguments(Arguments):
    """A job."""

    job_id: JobId


class WaitArguments(Arguments):
    """A job, and for how long to wait."""

    job_id: JobId
    wait_seconds: Wait = WAIT_SECONDS
    preview: Preview = MAX_EDGE


class NoArguments(Arguments):
    """Nothing."""


class SearchArguments(LibraryQuery):
    """Which of the pictures that were made here."""

    limit: int = Field(10, ge=1, le=MAX_FOUND, description="at most this many")
    preview: Preview = 0


class PictureArguments(Arguments):
    """A picture."""

    image_id: str = Field(max_length=200, description="`id` of a picture of an earlier answer")
    preview: Preview = MAX_EDGE
