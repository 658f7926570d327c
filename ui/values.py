"""What a form holds, as plain values by the names of FIELDS: fresh, for another model, and given back.

A form shows what will run: steps, guidance, sampler and scheduler are filled in from the model and from the
words of quality and style, and can be changed after that.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from studio.catalog import Catalog
from studio.errors import StudioError
from studio.model import Model
from studio.params import CONTROL_STRENGTH, GenerationParams, JobType
from studio.recipes import size_like, to_recipe
from studio.wording import Alternatives
from ui.vocabulary import AS_INPUT, FIELDS, GUIDANCE, MEDIUM, SHAPES, USUAL_HIRES, is_sound

Values = dict[str, Any]

# Stands for an input where only the rules of the other fields are asked for.
_SOME_INPUT = "0" * 64


def starting(model: Model, kind: JobType) -> Values:
    """A form for that model, with nothing written in it."""
    defaults = model.defaults
    values: Values = dict.fromkeys(FIELDS)
    shape = shape_of(defaults.width, defaults.height, model) if kind is JobType.GENERATE else AS_INPUT
    values |= {
        "prompt": "",
        "negative_prompt": defaults.negative_prompt,
        "model": model.id,
        "shape": shape,
        "n": 1,
        "seed": "",
        "strength": MEDIUM if kind is JobType.VARIATION else defaults.strength,
        "quality": "",
        "style": "",
        "lines": False,
        "alternatives": Alternatives.RANDOM.value,
        **{name: getattr(defaults, name) for name in GUIDANCE},
        "loras": None,
        "hires": False,
        **USUAL_HIRES,
        "vae_tiling": "",
        "cache": "",
        "control_image": None,
        "control_strength": CONTROL_STRENGTH,
    }
    if kind is JobType.GENERATE:
        values |= {"width": defaults.width, "height": defaults.height}
    return values | settled(model, kind, "", "")


def switched(model: Model, kind: JobType, values: Mapping[str, Any]) -> Values:
    """What changes in a form when another model is chosen.

    The words, the seed, the number of pictures and the map to follow stay.
    """
    keep = (
        "prompt", "n", "seed", "lines", "alternatives", "quality", "style", "strength", "control_image",
        "control_strength",
    )  # fmt: skip
    fresh = {name: value for name, value in starting(model, kind).items() if name not in keep}
    return fresh | settled(model, kind, values.get("quality"), values.get("style"))


def settled(model: Model, kind: JobType, quality: Any, style: Any) -> Values:
    """Steps, guidance, sampler and scheduler as these words of quality and style want them."""
    words = {"quality": quality or None, "style": style or None}
    source = None if kind is JobType.GENERATE else _SOME_INPUT
    try:
        params = GenerationParams(type=kind, model=model.id, prompt="x", input_image=source, **words)
        recipe = to_recipe(params, model, random_seed=lambda: 0, input_size=None)
    except (ValidationError, StudioError):
        settings: Any = model.defaults  # a model that doesn't take such jobs, or words it doesn't know
    else:
        settings = recipe
    return {name: getattr(settings, name) for name in ("steps", "cfg_scale", "sampler", "scheduler")}


def shape_size(shape: object, model: Model) -> tuple[int, int] | None:
    """(width, height) of that shape at the model's own area, or None for the input's shape."""
    if shape not in SHAPES:
        return None
    long, short = (int(side) for side in str(shape).split(":"))
    return size_like((long * 1000, short * 1000), model)


def shape_of(width: object, height: object, model: Model) -> str | None:
    """The shape that has exactly this size, or None."""
    return next((shape for shape in SHAPES if shape_size(shape, model) == (width, height)), None)


def restored(kept: object, catalog: Catalog, default: Model, kind: JobType) -> Values:
    """A whole form from what a browser kept; what doesn't fit is as the model has it."""
    found = kept if isinstance(kept, Mapping) else {}
    model = default
    if is_sound("model", found.get("model"), catalog):
        model = catalog.model(found["model"])
    fresh = starting(model, kind)
    return {
        name: found[name] if name in found and is_sound(name, found[name], catalog, kind) else fresh[name]
        for name in FIELDS
    } | {"model": model.id}


def button_words(verb: str, noun: str, n: int, jobs: int) -> str:
    """What pressing the button makes: just the verb for one picture that needs no name."""
    if n * jobs == 1:
        return verb if noun == "picture" else f"{verb} a {noun}"
    if jobs == 1:
        return f"{verb} {n} {noun}s"
    if jobs >= 10_000:
        return f"{verb} far too many {noun}s"
    return f"{verb} {n * jobs:,} {noun}s in {jobs:,} jobs"
