"""Reading: what a picture file tells about its making, as the fields somebody would fill in to repeat it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from studio import a1111_text
from studio.metadata import read_metadata
from studio.params import MAX_SIDE, MIN_SIDE
from studio.partial_params import keep_valid
from studio.recipe import Recipe
from studio.recipe_text import PARAMETERS_KEY, recipe_of

# Nobody reads more, and an answer must end somewhere.
MAX_SHOWN = 64 * 1024

# What a recipe has and a request hasn't: it follows from the rest.
_DERIVED = {"sent_prompt", "by_reference"}
# What of an upscale's recipe is about making its source larger.
_OF_UPSCALES = {"type", "upscale", "width", "height", "input_image", "fit"}
_ENGINE_MARK = "SDCPP: "
_ENGINE_SCHEMA = "sdcpp.image.params/"


class Source(StrEnum):
    """Who wrote the text."""

    STUDIO = "studio"
    A1111 = "a1111"
    """A1111, or one of the many programs that write as it does."""
    ENGINE = "engine"


@dataclass(frozen=True)
class Reading:
    """Fields of GenerationParams, each within its range; what was out of range or unknown is left out.

    `params["model"]` is a name as the text has it. `params` of our own pictures may name inputs. `text` is
    what was read, at most MAX_SHOWN characters; None if there was nothing to read.
    """

    source: Source | None = None
    params: dict[str, Any] = field(default_factory=dict)
    text: str | None = None


def read_picture(content: bytes) -> Reading:
    """What a PNG, JPEG or WEBP file says. Errors: TooLarge; InvalidImage naming `image`."""
    return read_texts(read_metadata(content, field="image"))


def read_texts(texts: Mapping[str, str]) -> Reading:
    """What the texts of a picture say, by key as `metadata.read_metadata` gives them."""
    text = texts.get(PARAMETERS_KEY)
    shown = None if text is None else text[:MAX_SHOWN]
    recipe = recipe_of(texts)
    if recipe is not None:
        return Reading(Source.STUDIO, settings_of(recipe), shown)
    if text is None:
        return Reading()
    ours = _of_engine(text)
    if ours is not None:
        return Reading(Source.ENGINE, ours, shown)
    values = a1111_text.to_values(text[:MAX_SHOWN])
    if values.keys() <= {"prompt"}:
        return Reading(text=shown)  # a remark of somebody, not a request
    return Reading(Source.A1111, _checked(values), shown)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """What somebody would fill in to have it made again; for an upscale, to have its source drawn again."""
    upscale = recipe.upscale
    if upscale is None:
        return recipe.model_dump(mode="json", exclude=_DERIVED, exclude_none=True)
    if not upscale.making_known:
        return {}
    values = recipe.model_dump(mode="json", exclude=_DERIVED | _OF_UPSCALES, exclude_none=True)
    size = (upscale.source_width, upscale.source_height)
    if recipe.hires is None and all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        values |= {"width": size[0], "height": size[1]}
    return values


def _of_engine(text: str) -> dict[str, Any] | None:
    """What the JSON says that the engine puts behind its own A1111 text; None if there is none."""
    last_line = text.strip().rpartition("\n")[2]
    _, mark, behind = last_line.partition(_ENGINE_MARK)
    try:
        said = json.JSONDecoder().raw_decode(behind)[0] if mark else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not str(said.get("schema")).startswith(_ENGINE_SCHEMA):
        return None
    prompt, sampling = _inner(said, "prompt"), _inner(said, "sampling")
    guidance = _inner(sampling, "guidance")
    return _checked(
        {
            "prompt": prompt.get("positive"),
            "negative_prompt": prompt.get("negative"),
            "width": said.get("width"),
            "height": said.get("height"),
            "seed": said.get("seed"),
            "steps": sampling.get("steps"),
            "cfg_scale": guidance.get("txt_cfg"),
            "distilled_guidance": guidance.get("distilled_guidance"),
            "flow_shift": sampling.get("flow_shift"),
            "sampler": sampling.get("method"),
            "scheduler": sampling.get("scheduler"),
            "clip_skip": said.get("clip_skip"),
            "strength": said.get("strength"),
        }
    )


def _inner(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = outer.get(key)
    return inner if isinstance(inner, dict) else {}


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = keep_valid(values)
    # They come together or not at all.
    if ("width" in kept) != ("height" in kept):
        kept = {name: value for name, value in kept.items() if name not in ("width", "height")}
    return kept
