"""What a form holds, as plain values by the names of FIELDS, and how they become a request and come back.

A form shows what will run: steps, guidance, sampler and scheduler are filled in from the model and from the
words of quality and style, and can be changed after that.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from studio.catalog import Catalog
from studio.errors import InvalidRequest, StudioError
from studio.model import Model
from studio.offers import acting
from studio.params import MAX_SEED, MAX_SIDE, MIN_SIDE, SAMPLERS, SCHEDULERS, GenerationParams, JobType
from studio.recipes import size_like, to_recipe
from studio.wording import Alternatives

Values = dict[str, Any]

LABELS: Mapping[str, str] = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "model": "Model",
    "shape": "Shape",
    "width": "Width",
    "height": "Height",
    "n": "Pictures",
    "seed": "Seed",
    "steps": "Steps",
    "cfg_scale": "CFG scale",
    "strength": "Strength",
    "sampler": "Sampler",
    "scheduler": "Scheduler",
    "quality": "Quality",
    "style": "Style",
    "lines": "One prompt per line",
    "alternatives": "Alternatives",
    "clip_skip": "CLIP skip",
    "distilled_guidance": "Distilled guidance",
    "flow_shift": "Flow shift",
}
FIELDS = tuple(LABELS)
"""The order of a form's widgets in every handler. The last three are hidden where a model has no use."""

# Fields only the form knows; everything else is a field of GenerationParams.
_OWN = ("shape", "lines", "alternatives")
_ADVANCED = ("clip_skip", "distilled_guidance", "flow_shift")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "sampler": SAMPLERS,
    "scheduler": SCHEDULERS,
    "quality": ("", "low", "standard", "high", "hd"),
    "style": ("", "vivid", "natural"),
    "alternatives": tuple(Alternatives),
}
_RANGES: Mapping[str, tuple[float, float]] = {
    "width": (MIN_SIDE, MAX_SIDE),
    "height": (MIN_SIDE, MAX_SIDE),
    "n": (1, 10),
    "steps": (1, 100),
    "cfg_scale": (0, 30),
    "strength": (0, 1),
    "clip_skip": (1, 12),
    "distilled_guidance": (0, 100),
    "flow_shift": (0, 100),
}
_WHOLE = ("width", "height", "n", "steps", "clip_skip")
_MAY_BE_NONE = ("quality", "style", *_ADVANCED)
_EMPTY_IS_FINE = ("width", "height", *_ADVANCED)
_MAX_TEXT = 200_000

SHAPES = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")
AS_INPUT = "input"
"""The shape that follows the picture an edit or variation starts from."""

MEDIUM = 0.55
"""The strength at which a variation shows the same thing in another way."""

# Stands for an input where only the rules of the other fields are asked for.
_SOME_INPUT = "0" * 64
_FIELD = re.compile(r"([a-z_]+): ")
_SIZE_FIELDS = {"size": "Size", "image": "Picture", "mask": "Mask", "body": "Request"}


def to_params(values: Mapping[str, Any], kind: JobType, **inputs: Any) -> GenerationParams:
    """What the studio is asked for; `inputs` are fields the form has no widget for, such as input_image.

    Errors: InvalidRequest naming the field.
    """
    fields = {name: values.get(name) for name in FIELDS if name not in _OWN}
    fields = {name: value for name, value in fields.items() if value not in (None, "") or name == "prompt"}
    fields["prompt"] = fields["prompt"] or ""
    # An emptied field says "none of it", not "as the model likes it".
    fields["negative_prompt"] = values.get("negative_prompt") or ""
    fields["seed"] = to_seed(values.get("seed"))
    if kind is JobType.GENERATE:
        fields.pop("strength", None)
    try:
        return GenerationParams(**{**fields, "type": kind, **inputs})
    except ValidationError as error:
        raise _invalid(error) from None


def to_preset(values: Mapping[str, Any], kind: JobType) -> Values:
    """What a preset keeps of a form: every field of a request that says something about such jobs."""
    unused = (*_OWN, "strength") if kind is JobType.GENERATE else _OWN
    kept = {name: values.get(name) for name in FIELDS if name not in unused}
    return {
        name: value
        for name, value in kept.items()
        if value is not None and (value != "" or name == "negative_prompt")
    }


def from_preset(params: Mapping[str, Any], catalog: Catalog) -> Values:
    """A form's values by a preset, which has no way of saying that it goes without a word."""
    return from_request({"quality": None, "style": None, **params}, catalog)


def button_words(verb: str, noun: str, n: int, jobs: int) -> str:
    """What pressing the button makes: just the verb for one picture that needs no name."""
    if n * jobs == 1:
        return verb if noun == "picture" else f"{verb} a {noun}"
    if jobs == 1:
        return f"{verb} {n} {noun}s"
    if jobs >= 10_000:
        return f"{verb} far too many {noun}s"
    return f"{verb} {n * jobs:,} {noun}s in {jobs:,} jobs"


def to_seed(value: object) -> int | None:
    """The seed written in a form; None, chance chooses, for an empty field or -1. Errors: InvalidRequest."""
    text = "" if value is None else str(value).strip()
    if text in ("", "-1"):
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > MAX_SEED:
        raise InvalidRequest(
            f"must be a whole number from 0 to {MAX_SEED}; leave it empty for a new one each time",
            field="seed",
        )
    return int(text)


def from_request(params: Mapping[str, Any], catalog: Catalog) -> Values:
    """Those of a form's values that these fields of GenerationParams or Recipe say something about.

    None says "without": no word of quality or style, the engine's own guidance.
    """
    values: Values = {}
    for name in FIELDS:
        value = params.get(name)
        if name in params and value is None and name in _MAY_BE_NONE:
            values[name] = "" if name in _CHOICES else None
        elif name not in _OWN and value is not None and _is_sound(name, value, catalog):
            values[name] = str(value) if name == "seed" else value
    if "model" in values:
        values["model"] = catalog.model(values["model"]).id
    if "width" in values and "height" in values:
        model = catalog.models.get(values.get("model", ""))
        values["shape"] = model and shape_of(values["width"], values["height"], model)
    return values


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
        **{name: getattr(defaults, name) for name in _ADVANCED},
    }
    if kind is JobType.GENERATE:
        values |= {"width": defaults.width, "height": defaults.height}
    return values | settled(model, kind, "", "")


def switched(model: Model, kind: JobType, values: Mapping[str, Any]) -> Values:
    """What changes in a form when another model is chosen: the words, seed and number of pictures stay."""
    keep = ("prompt", "n", "seed", "lines", "alternatives", "quality", "style", "strength")
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


def offered(model: Model) -> dict[str, bool]:
    """Which of the rarer settings act on this model: `studio.offers.acting`, which see."""
    return {name: acts for name, acts in acting(model).items() if name in _ADVANCED}


def restored(kept: object, catalog: Catalog, default: Model, kind: JobType) -> Values:
    """A whole form from what a browser kept; what doesn't fit is as the model has it."""
    found = kept if isinstance(kept, Mapping) else {}
    model = default
    if _is_sound("model", found.get("model"), catalog):
        model = catalog.model(found["model"])
    fresh = starting(model, kind)
    return {
        name: found[name] if name in found and _is_sound(name, found[name], catalog, kind) else fresh[name]
        for name in FIELDS
    } | {"model": model.id}


def in_words(error: StudioError) -> str:
    """The error's sentence with the field as the form labels it."""
    match = _FIELD.match(error.message)
    if match is None:
        return error.message
    label = LABELS.get(match[1]) or _SIZE_FIELDS.get(match[1])
    return error.message if label is None else f"{label}: {error.message[match.end() :]}"


def _invalid(error: ValidationError) -> InvalidRequest:
    """The first fault that pydantic found, in words."""
    detail = error.errors(include_url=False)[0]
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "value_error":
        sentence = str(detail["ctx"]["error"])
        match = _FIELD.match(sentence)
        if not name and match is not None:
            return InvalidRequest(sentence[match.end() :], field=match[1])
        return InvalidRequest(sentence, field=name)
    if name in _RANGES:
        least, most = _RANGES[name]
        kind = "a whole number" if name in _WHOLE else "a number"
        return InvalidRequest(f"must be {kind} from {least:g} to {most:g}, not {_shown(detail)}", field=name)
    return InvalidRequest(f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {_shown(detail)}", field=name)


def _shown(detail: Any) -> str:
    value = detail["input"]
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else f"{value!r:.40}"


def _is_sound(name: str, value: object, catalog: Catalog, kind: JobType | None = None) -> bool:
    """Whether a form can show this value in that field."""
    if name in ("prompt", "negative_prompt"):
        return isinstance(value, str) and len(value) <= _MAX_TEXT
    if name == "model":
        return isinstance(value, str) and any(
            value == entry.id or value in entry.aliases for entry in catalog.models.values()
        )
    if name == "seed":
        return isinstance(value, str | int) and re.fullmatch(r"-1|[0-9]{0,19}", str(value)) is not None
    if name == "lines":
        return isinstance(value, bool)
    if name == "shape":
        return value is None or value in SHAPES or (value == AS_INPUT and kind is not JobType.GENERATE)
    if name in _CHOICES:
        return value in _CHOICES[name]
    if value is None:
        return name in _EMPTY_IS_FINE and (kind is not JobType.GENERATE or name in _ADVANCED)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least, most = _RANGES[name]
    return least <= value <= most and (name not in _WHOLE or value == int(value))
