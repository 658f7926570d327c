"""A job as JSON whatever its type: pictures are named by the id under which they are stored."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from studio.api.bodies import PictureFields
from studio.extras import MAX_EXTENSION, MAX_REFERENCES, Area, Extend, Padding
from studio.params import GenerationParams, InputId, JobType, Prompt

MAX_JOBS = 100
_STORED = "as POST /inputs stores them"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class JobBody(PictureFields):
    """What `POST /queue/generate` takes, or an edit or variation of stored pictures."""

    model_config = ConfigDict(strict=True)

    NOT_PARAMS: ClassVar[frozenset[str]] = PictureFields.NOT_PARAMS | {"type"}

    type: Annotated[JobType, Field(strict=False)] = Field(JobType.GENERATE, description="kind of job")
    prompt: Prompt = Field(
        "",
        description="what the picture shows; needed unless it is a variation",
        examples=["a red circle on a blue background"],
    )
    image: InputId | None = Field(
        None, description=f"edit and variation: the picture's id, {_STORED}", examples=[_SHA256]
    )
    mask: InputId | None = Field(
        None, description=f"edit: the mask's id, {_STORED}; white repaints", examples=[_SHA256]
    )
    references: list[InputId] = Field(
        [], max_length=MAX_REFERENCES, description=f"edit: ids of more pictures to look at, {_STORED}"
    )
    inpaint_area: Area | None = Field(
        None, description="edit: masked paints only the area around the mask; left out: whole"
    )
    inpaint_padding: Padding | None = Field(
        None, description="pixels around the masked area that are seen; left out: 32"
    )
    extend: Extend | None = Field(
        None, description=f"edit: pixels by which the picture grows on each side, 0 to {MAX_EXTENSION}"
    )

    def params(self, default_model: str) -> GenerationParams:
        """What the studio is asked for. Errors: InvalidRequest naming the field."""
        return self.to_params(
            self.type,
            default_model=default_model,
            input_image=self.image,
            mask=self.mask,
            references=self.references,
        )


class BatchBody(BaseModel):
    """Several jobs, to run in this order."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "jobs": [
                        {"prompt": "a red circle on a blue background", "seed": 1},
                        {"prompt": "a green square", "n": 2},
                    ]
                }
            ]
        },
    )

    jobs: list[JobBody] = Field(min_length=1, max_length=MAX_JOBS)
