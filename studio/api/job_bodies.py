"""A job as JSON whatever its type: pictures are named by the id under which they are stored."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from studio.api.bodies import CONTROL_ID, EXAMPLE_INPUT, SteeredFields, WebhookField
from studio.extras import MAX_EXTENSION, MAX_REFERENCES, Area, Extend, Padding
from studio.params import GenerationParams, InputId, JobType, Prompt

MAX_JOBS = 100
_STORED = "as POST /inputs stores them"


class JobBody(SteeredFields):
    """What `POST /queue/generate` takes, or an edit or variation of stored pictures."""

    model_config = ConfigDict(strict=True)

    NOT_PARAMS: ClassVar[frozenset[str]] = SteeredFields.NOT_PARAMS | {"type"}

    type: Annotated[JobType, Field(strict=False)] = Field(JobType.GENERATE, description="kind of job")
    prompt: Prompt = Field(
        "",
        description="what the picture shows; needed unless it is a variation",
        examples=["a red circle on a blue background"],
    )
    image: InputId | None = Field(
        None, description=f"edit and variation: the picture's id, {_STORED}", examples=[EXAMPLE_INPUT]
    )
    mask: InputId | None = Field(
        None, description=f"edit: the mask's id, {_STORED}; white repaints", examples=[EXAMPLE_INPUT]
    )
    references: list[InputId] = Field(
        [], max_length=MAX_REFERENCES, description=f"edit: ids of more pictures to look at, {_STORED}"
    )
    control_image: InputId | None = Field(None, description=CONTROL_ID, examples=[EXAMPLE_INPUT])
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
            control_image=self.control_image,
        )


class BatchBody(WebhookField):
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
