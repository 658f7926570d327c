"""Upscaling: from what a person asks for to the recipe of a larger picture, and its limits."""

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from studio.entry import Entry
from studio.errors import InvalidRequest
from studio.extras import Frozen, Upscale
from studio.params import SAMPLERS, SCHEDULERS, InputId, JobType
from studio.pictures import MAX_INPUT_PIXELS
from studio.recipe import Recipe
from studio.upscalers import LANCZOS, Upscaler

Size = tuple[int, int]

MAX_FACTOR = 4.0
LANCZOS_FACTOR = 2.0
# What comes out can be an input again.
MAX_RESULT_PIXELS = MAX_INPUT_PIXELS
# A network makes a picture as large as it can, which is brought to the size asked for afterwards: 8192x8192
# take the engine some 3 GB.
MAX_DRAWN_PIXELS = 4 * MAX_INPUT_PIXELS

Factor = Annotated[float, Field(ge=1, le=MAX_FACTOR)]
ResultSide = Annotated[int, Field(ge=1, le=4 * 4096)]


class UpscaleParams(Frozen):
    """What a person asks for: a stored picture, a method, and how large; None: as the method likes."""

    input_image: InputId
    source_image: str | None = Field(None, description="id of the picture, if it was made here")
    method: str = Field(min_length=1, max_length=500)
    factor: Factor | None = None
    width: ResultSide | None = Field(None, description="pixels")
    height: ResultSide | None = Field(None, description="pixels")

    @model_validator(mode="after")
    def _says_one_size(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height come together")
        if self.width is not None and self.factor is not None:
            raise ValueError("size: give either a factor or a size")
        return self


def to_upscale_recipe(
    params: UpscaleParams, upscaler: Upscaler | None, source_size: Size, source: Entry | None
) -> Recipe:
    """Everything filled in, ready to be stored and run.

    `upscaler` is the network of that name, None for Lanczos; `source_size` is (width, height) in pixels of
    the stored picture, `source` what is known of it if it was made here. Errors: InvalidRequest naming the
    field and the limit.
    """
    (width, height), factor = _result(params, upscaler, source_size)
    if width * height > MAX_RESULT_PIXELS:
        raise InvalidRequest(
            f"the picture would become {width}x{height}, {width * height} pixels; the limit is "
            f"{MAX_RESULT_PIXELS} (for example 4096x4096)",
            field=_field(params),
        )
    if upscaler is not None:
        _check_drawn(params, upscaler, source_size, factor)
    known = None if source is None or not source.recipe.making_known else source
    upscale = Upscale(
        method=params.method,
        factor=round(factor, 4),
        source_width=source_size[0],
        source_height=source_size[1],
        source_image=params.source_image,
        making_known=known is not None,
    )
    changes = {
        "type": JobType.UPSCALE, "width": width, "height": height, "n": 1, "upscale": upscale,
        "strength": None, "input_image": params.input_image, "mask": None, "by_reference": False,
        # Whole pixels change the shape a little, for which nothing is to be cut off.
        "fit": "stretch" if params.width is None else "crop",
        "inpaint_area": "whole", "extend": None, "references": (), "control_image": None,
        "control_strength": None,
    }  # fmt: skip
    if known is not None:
        return Recipe(**{**dict(known.recipe), "seed": known.image.seed, **changes})
    # Nothing is known of the drawing; what must be there means nothing.
    blank = {
        "model": params.method, "prompt": "", "sent_prompt": "", "seed": 0, "steps": 1, "cfg_scale": 1.0,
        "sampler": SAMPLERS[0], "scheduler": SCHEDULERS[0],
    }  # fmt: skip
    return Recipe(**blank, **changes)


def repeats(upscaler: Upscaler, factor: float) -> int:
    """How many times the network must go over a picture to make it that many times as large: 1 or 2."""
    return 1 if factor <= upscaler.scale else 2


def drawn_size(upscaler: Upscaler, source_size: Size, times: int) -> Size:
    """(width, height) in pixels of what the network makes in so many goes."""
    scale = upscaler.scale**times
    return source_size[0] * scale, source_size[1] * scale


def _result(params: UpscaleParams, upscaler: Upscaler | None, source_size: Size) -> tuple[Size, float]:
    """The size in pixels, and how many times larger that is, before what stands out is cut off."""
    if params.width is not None and params.height is not None:
        size = (params.width, params.height)
        factor = max(result / source for source, result in zip(source_size, size, strict=True))
        if not 1 <= factor <= MAX_FACTOR:
            raise InvalidRequest(
                f"{size[0]}x{size[1]} of a picture of {source_size[0]}x{source_size[1]}: it may become 1 to "
                f"{MAX_FACTOR:g} times as large",
                field="size",
            )
        return size, factor
    own = LANCZOS_FACTOR if upscaler is None else float(upscaler.scale)
    factor = own if params.factor is None else params.factor
    return (max(1, round(source_size[0] * factor)), max(1, round(source_size[1] * factor))), factor


def _check_drawn(params: UpscaleParams, upscaler: Upscaler, source_size: Size, factor: float) -> None:
    reach = upscaler.scale**2
    if factor > reach:
        raise InvalidRequest(
            f"the upscaler {upscaler.name!r:.120} makes pictures at most {reach} times as large",
            field=_field(params),
        )
    drawn = drawn_size(upscaler, source_size, repeats(upscaler, factor))
    if math.prod(drawn) > MAX_DRAWN_PIXELS:
        raise InvalidRequest(
            f"the upscaler {upscaler.name!r:.120} would make {drawn[0]}x{drawn[1]} of it on the way; the "
            f"limit is {MAX_DRAWN_PIXELS} pixels: use a smaller picture or {LANCZOS}",
            field=_field(params),
        )


def _field(params: UpscaleParams) -> str:
    return "factor" if params.width is None else "size"
