"""PartialParams: some of what a person asks for, each part checked alone, as presets and readers need it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from studio.params import GenerationParams

# Inputs are kept only as long as a job refers to them, so what is kept for later can't name one.
_INPUTS = ("input_image", "mask", "references", "control_image")
# Beyond this JavaScript rounds, so seeds leave the studio as text; the way in takes both.
_SEED = "seed"

if TYPE_CHECKING:
    PartialParams = BaseModel
else:
    PartialParams = create_model(
        "PartialParams",
        __config__=ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, title="Parameters"),
        **{  # fields by name are what create_model is for
            name: (field.rebuild_annotation() | None, Field(None, description=field.description))
            for name, field in GenerationParams.model_fields.items()
            if name not in _INPUTS
        },
    )
"""The fields of GenerationParams but the inputs, none of them needed, without the rules across fields."""


def check_partial(values: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields in their types; None counts as not given. Errors: pydantic's ValidationError."""
    checked: BaseModel = PartialParams.model_validate(dict(values))
    return checked.model_dump(mode="json", exclude_none=True)


def keep_valid(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `check_partial`, but what doesn't fit is left out."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        try:
            kept |= check_partial({name: value})
        except ValidationError:
            continue
    return kept


def to_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they leave the studio: the seed is a decimal string."""
    return {name: str(value) if name == _SEED else value for name, value in params.items()}
