"""How a form's values become a request or a preset, and how requests, presets and recipes become values."""

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from studio.catalog import Catalog
from studio.errors import InvalidRequest, StudioError
from studio.params import MAX_SEED, GenerationParams, JobType
from ui.values import Values, shape_of
from ui.vocabulary import (
    AREA,
    CHOICES,
    FIELDS,
    GUIDANCE,
    HIRES,
    LABELS,
    NO_EXTRAS,
    OWN,
    RANGES,
    TILING,
    USUAL_HIRES,
    WHOLE,
    is_sound,
)

_MAY_BE_NONE = ("quality", "style", "cache", *GUIDANCE)
_FIELD = re.compile(r"([a-z_]+)(?:\.([a-z_]+))?: ")
_SIZE_FIELDS = {"size": "Size", "image": "Picture", "mask": "Mask", "body": "Request"}


def to_params(values: Mapping[str, Any], kind: JobType, **inputs: Any) -> GenerationParams:
    """What the studio is asked for; `inputs` are fields the form has no widget for, such as input_image.

    Errors: InvalidRequest naming the field.
    """
    fields = _fields(values)
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


def _fields(values: Mapping[str, Any]) -> Values:
    """The values as GenerationParams has them, what is empty included."""
    fields = {name: values.get(name) for name in FIELDS if name not in OWN and name not in HIRES}
    fields["vae_tiling"] = TILING.get(fields["vae_tiling"] or "")
    fields["loras"] = fields["loras"] or None
    fields["control_strength"] = fields["control_strength"] if fields["control_image"] else None
    fields["hires"] = _hires(values) if fields["hires"] is True else None
    return fields


def _hires(values: Mapping[str, Any]) -> Values:
    """The second pass; an emptied number is as usual."""
    parts = {name: values.get(name) for name in HIRES}
    return {
        name.removeprefix("hires_"): USUAL_HIRES[name] if value in (None, "") else value
        for name, value in parts.items()
    }


def to_preset(values: Mapping[str, Any], kind: JobType) -> Values:
    """What a preset keeps of a form: every field of a request that says something about such jobs."""
    fields = _fields(values)
    del fields["control_image"]
    if kind is JobType.GENERATE:
        del fields["strength"]
    return {
        name: value
        for name, value in fields.items()
        if value is not None and (value != "" or name == "negative_prompt")
    }


def from_preset(params: Mapping[str, Any], catalog: Catalog) -> Values:
    """A form's values by a preset, which has no way of saying that it goes without a word or an extra.

    Pictures are no part of presets: the one to follow stays.
    """
    values = from_request({"quality": None, "style": None, **NO_EXTRAS, **params}, catalog)
    del values["control_image"]
    return values


def from_request(params: Mapping[str, Any], catalog: Catalog) -> Values:
    """Those of a form's values, and of AREA, that these fields of GenerationParams or Recipe are about.

    None says "without": no word of quality or style, the engine's own guidance, no second pass.
    """
    values: Values = {}
    for name, value in _flat(params).items():
        if value is None and name in _MAY_BE_NONE:
            values[name] = "" if name in CHOICES else None
        elif (value is not None or name in ("loras", "control_image")) and is_sound(name, value, catalog):
            values[name] = str(value) if name == "seed" else value
    if "model" in values:
        values["model"] = catalog.model(values["model"]).id
    if "width" in values and "height" in values:
        model = catalog.models.get(values.get("model", ""))
        values["shape"] = model and shape_of(values["width"], values["height"], model)
    return values


def _flat(params: Mapping[str, Any]) -> Values:
    """The fields of a request by the names of the form's."""
    flat = {name: params[name] for name in (*FIELDS, *AREA) if name in params and name not in OWN}
    if "vae_tiling" in flat:
        flat["vae_tiling"] = next(
            (word for word, value in TILING.items() if value is flat["vae_tiling"]), None
        )
    if "loras" in flat:
        flat["loras"] = flat["loras"] or None
    if "hires" in flat:
        hires = flat["hires"]
        is_wanted = isinstance(hires, Mapping)
        flat |= {"hires": is_wanted}
        flat |= {f"hires_{name}": value for name, value in hires.items()} if is_wanted else {}
    return {name: value for name, value in flat.items() if name in (*FIELDS, *AREA)}


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


def in_words(error: StudioError) -> str:
    """The error's sentence with the field as the form labels it."""
    match = _FIELD.match(error.message)
    if match is None:
        return error.message
    label = LABELS.get(_name(match)) or _SIZE_FIELDS.get(match[1])
    return error.message if label is None else f"{label}: {error.message[match.end() :]}"


def _name(match: re.Match[str]) -> str:
    """The form's name for the field that a sentence begins with: hires.steps is hires_steps here."""
    return match[1] if match[2] is None else f"{match[1]}_{match[2]}"


def _invalid(error: ValidationError) -> InvalidRequest:
    """The first fault that pydantic found, in words."""
    detail = error.errors(include_url=False)[0]
    place = [str(part) for part in detail["loc"]]
    name = "_".join(place[:2]) if place[:1] == ["hires"] else "".join(place[:1])
    if detail["type"] == "value_error":
        sentence = str(detail["ctx"]["error"])
        match = _FIELD.match(sentence)
        if not name and match is not None:
            return InvalidRequest(sentence[match.end() :], field=_name(match))
        return InvalidRequest(sentence, field=name)
    if name in RANGES:
        least, most = RANGES[name]
        kind = "a whole number" if name in WHOLE else "a number"
        return InvalidRequest(f"must be {kind} from {least:g} to {most:g}, not {_shown(detail)}", field=name)
    return InvalidRequest(f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {_shown(detail)}", field=name)


def _shown(detail: Any) -> str:
    value = detail["input"]
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else f"{value!r:.40}"
