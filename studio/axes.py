"""Axes: what a grid varies, and the requests of its cells. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from studio.errors import InvalidRequest
from studio.extras import Frozen
from studio.labels import to_label
from studio.params import GenerationParams, parse_size

MAX_AXES = 3
MAX_CELLS = 200
MAX_TITLE = 100
SIZE = "size"
# The first value is looked for in the prompts; each value stands there in its turn.
REPLACE = "prompt_replace"
PARAMETERS = (
    "seed", "steps", "cfg_scale", "sampler", "scheduler", "model", "prompt", REPLACE, "negative_prompt", SIZE,
    "strength", "control_strength", "quality", "style", "clip_skip", "distilled_guidance", "flow_shift",
    "loras", "hires", "vae_tiling", "cache", "fit", "mask_feather", "inpaint_area", "inpaint_padding",
)  # fmt: skip
_PROMPTS = ("prompt", "negative_prompt")
_MAX_DIGITS = 19
_SHOWN = 60


def _known(parameter: str) -> str:
    if parameter not in PARAMETERS:
        raise ValueError(f"can't be varied; what can: {', '.join(PARAMETERS)}")
    return parameter


def _title(text: str) -> str:
    return to_label(text, longest=MAX_TITLE) if text.strip() else ""


class Axis(Frozen):
    """One parameter and the values it takes, each as a request spells it."""

    parameter: Annotated[str, AfterValidator(_known)] = Field(
        description=f"{', '.join(PARAMETERS)}. prompt_replace looks for its first value in the prompts and "
        "puts each value there",
        examples=["cfg_scale"],
    )
    values: tuple[JsonValue, ...] = Field(
        min_length=1, max_length=MAX_CELLS, description="each once", examples=[[1.5, 3, 6]]
    )

    def label(self, index: int) -> str:
        """The value as people read it."""
        value = self.values[index]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Plan(Frozen):
    """A grid as it was asked for: `params` is a GenerationParams as JSON, the seed included; x is axes[0]."""

    title: Annotated[str, AfterValidator(_title)] = ""
    params: dict[str, Any]
    axes: tuple[Axis, ...] = Field(min_length=1, max_length=MAX_AXES)

    @property
    def lengths(self) -> tuple[int, int, int]:
        """How many values x, y and z have; 1 for an axis that isn't there."""
        x, y, z = (*(len(axis.values) for axis in self.axes), 1, 1)[:MAX_AXES]
        return x, y, z

    @property
    def cells(self) -> int:
        """How many cells there are."""
        x, y, z = self.lengths
        return x * y * z

    def place(self, cell: int) -> tuple[int, int, int]:
        """(x, y, z) of a cell, each from 0; x changes first."""
        x, y, _ = self.lengths
        return cell % x, cell // x % y, cell // (x * y)

    def values(self, cell: int) -> dict[str, JsonValue]:
        """{parameter: value} of a cell."""
        places = self.place(cell)
        return {axis.parameter: axis.values[place] for axis, place in zip(self.axes, places, strict=False)}


def check_axes(axes: Sequence[Axis]) -> None:
    """Errors: InvalidRequest naming the axis, for what is given twice or for more than MAX_CELLS cells."""
    for index, axis in enumerate(axes):
        if axis.parameter in [other.parameter for other in axes[:index]]:
            raise InvalidRequest(f"{axis.parameter} is varied already", field=f"axes.{index}.parameter")
        spelled = [json.dumps(value, sort_keys=True) for value in axis.values]
        for place, text in enumerate(spelled):
            if text in spelled[:place]:
                raise InvalidRequest(
                    f"{axis.parameter} {text:.60} is given twice", field=f"axes.{index}.values.{place}"
                )
    cells = 1
    for axis in axes:
        cells *= len(axis.values)
    if cells > MAX_CELLS:
        raise InvalidRequest(f"{cells} cells; the limit is {MAX_CELLS}", field="axes")


def cell_params(plan: Plan) -> Iterator[GenerationParams]:
    """The request of each cell, in their order.

    Errors: InvalidRequest naming the axis and its value, or the parameter that is wrong in every cell.
    """
    for cell in range(plan.cells):
        values = _cell_values(plan, cell)
        try:
            # As JSON: there lists are tuples and words are names, and everything else is taken exactly.
            yield GenerationParams.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            field, sentence = _fault(error.errors(include_url=False)[0])
            raise blamed(plan, cell, field, sentence) from None


def blamed(plan: Plan, cell: int, field: str, sentence: str) -> InvalidRequest:
    """A fault of one cell, told of the axis that brought it, or else of the parameter that all cells have."""
    root = SIZE if field in ("width", "height") else field.partition(".")[0]
    for index, (axis, place) in enumerate(zip(plan.axes, plan.place(cell), strict=False)):
        if axis.parameter == root or (axis.parameter == REPLACE and root in _PROMPTS):
            told = f"{axis.parameter} {axis.label(place)[:_SHOWN]!r}: {sentence}"
            return InvalidRequest(told, field=f"axes.{index}.values.{place}")
    return InvalidRequest(sentence, field=f"params.{field}" if field else "params")


def _cell_values(plan: Plan, cell: int) -> dict[str, Any]:
    """The fields of a cell's GenerationParams, not yet checked. Errors: InvalidRequest for size and words."""
    asked = plan.values(cell)
    values = plan.params | {name: value for name, value in asked.items() if name not in (SIZE, REPLACE)}
    seed = asked.get("seed")
    if isinstance(seed, str) and seed.isdecimal() and len(seed) <= _MAX_DIGITS:
        values["seed"] = int(seed)  # seeds leave the studio as text
    if SIZE in asked:
        size = asked[SIZE]
        try:
            values["width"], values["height"] = parse_size(size if isinstance(size, str) else "")
        except ValueError as error:
            raise blamed(plan, cell, SIZE, str(error)) from None
    if REPLACE in asked:
        values |= _replaced(plan, cell, values)
    return values


def _replaced(plan: Plan, cell: int, values: dict[str, Any]) -> dict[str, Any]:
    """The prompts with the first value of the axis replaced by the cell's. Errors: InvalidRequest."""
    axis = next(axis for axis in plan.axes if axis.parameter == REPLACE)
    searched, wanted = axis.values[0], plan.values(cell)[REPLACE]
    if not isinstance(searched, str) or not isinstance(wanted, str) or not searched:
        raise blamed(plan, cell, REPLACE, "must be text, and the first one not empty")
    prompts = {name: values[name] for name in _PROMPTS if isinstance(values.get(name), str)}
    if not any(searched in prompt for prompt in prompts.values()):
        raise blamed(plan, cell, REPLACE, f"{searched[:_SHOWN]!r} is not in the prompt")
    return {name: prompt.replace(searched, wanted) for name, prompt in prompts.items()}


def _fault(detail: ErrorDetails) -> tuple[str, str]:
    """(field, sentence) of what pydantic found."""
    field = ".".join(map(str, detail["loc"]))
    if detail["type"] == "value_error":
        reason = str(detail["ctx"]["error"])
        # A rule over several fields names the field at fault itself.
        named, separator, sentence = reason.partition(": ")
        return (named, sentence) if separator and not field else (field, reason)
    return field, detail["msg"][0].lower() + detail["msg"][1:]
