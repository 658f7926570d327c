"""Control: the one unit of A1111's ControlNet extension that there is here, with a finished map."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.api.a1111.bodies import Body, Name
from studio.api.a1111.errors import invalid
from studio.api.a1111.refusals import CONTROL
from studio.errors import InvalidRequest
from studio.model import Model
from studio.params import ControlStrength, Fit

MAX_UNITS = 20
_FIELD = "alwayson_scripts.controlnet.args"
PICTURE_FIELD = f"{_FIELD}.image"
# What the extension's numbers and words mean; the words of its older versions, too.
_FITS: Mapping[str, Fit] = {
    "0": "stretch", "just resize": "stretch", "resize": "stretch",
    "1": "crop", "crop and resize": "crop", "inner fit (scale to fit)": "crop",
    "scale to fit (inner fit)": "crop",
    "2": "pad", "resize and fill": "pad", "outer fit (shrink to fit)": "pad", "envelope (outer fit)": "pad",
}  # fmt: skip
_BALANCED = ("", "0", "balanced")
_NONE = ("", "none")


class _Picture(BaseModel):
    """A picture, and a mask of the part in which it acts."""

    image: str | None = None
    mask: str | None = None


class _Unit(BaseModel):
    """What of a unit acts on pictures; what is about preprocessors and memory is passed over."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    enabled: bool = True
    image: str | _Picture | None = None
    input_image: str | _Picture | None = None
    mask: str | None = None
    mask_image: str | None = None
    effective_region_mask: str | None = None
    module: Name | None = None
    model: Name | None = None
    weight: ControlStrength = 1.0
    resize_mode: int | Name | None = None
    guidance_start: Annotated[float, Field(ge=0, le=1)] = 0.0
    guidance_end: Annotated[float, Field(ge=0, le=1)] = 1.0
    control_mode: int | Name | None = None
    advanced_weighting: list[float] | None = None

    @property
    def picture(self) -> str | None:
        """The map as base64."""
        given = self.image or self.input_image
        return (given.image if isinstance(given, _Picture) else given) or None

    @property
    def has_mask(self) -> bool:
        given = self.image or self.input_image
        masks = (self.mask, self.mask_image, self.effective_region_mask)
        return any(masks) or (isinstance(given, _Picture) and bool(given.mask))


@dataclass(frozen=True)
class Control:
    """A map as base64 and how strictly it is followed; `fit` is how its unit wants it brought to the size."""

    picture: str
    strength: float
    fit: Fit | None


def read_control(body: Body, model: Model) -> Control | None:
    """The map that a request wants followed, if any. Errors: InvalidRequest naming the script's field."""
    for name, script in (body.alwayson_scripts or {}).items():
        if name.casefold() == CONTROL:
            units = [unit for unit in _units(script) if unit.enabled]
            if len(units) > 1:
                raise InvalidRequest(
                    f"{len(units)} units are enabled; a model here has one control net", field=_FIELD
                )
            if units:
                return _read(units[0], model)
    return None


def _units(script: Any) -> list[_Unit]:
    args = script.get("args") if isinstance(script, Mapping) else None
    if not isinstance(args, list) or len(args) > MAX_UNITS:
        raise InvalidRequest(f"must be a list of at most {MAX_UNITS} units", field=_FIELD)
    try:
        return [_Unit.model_validate(_given(arg)) for arg in args]
    except ValidationError as error:
        raise InvalidRequest(invalid(error).message, field=_FIELD) from None


def _given(arg: Any) -> Any:
    """What a unit says; null counts as left out."""
    return {key: value for key, value in arg.items() if value is not None} if isinstance(arg, dict) else arg


def _read(unit: _Unit, model: Model) -> Control:
    module = _plain(unit.module)
    if module not in _NONE:
        raise InvalidRequest(
            f"{unit.module!r:.80}: there are no preprocessors here; send the finished map, module none",
            field=f"{_FIELD}.module",
        )
    _check_net(unit, model)
    if unit.guidance_start != 0 or unit.guidance_end != 1:
        which = "guidance_start" if unit.guidance_start != 0 else "guidance_end"
        raise InvalidRequest(
            "the engine follows a map in every step; leave it out", field=f"{_FIELD}.{which}"
        )
    if _plain(unit.control_mode) not in _BALANCED:
        raise InvalidRequest(
            f"{unit.control_mode!r:.80}; there is only 0 (balanced)", field=f"{_FIELD}.control_mode"
        )
    for name, asks in (("mask", unit.has_mask), ("advanced_weighting", bool(unit.advanced_weighting))):
        if asks:
            raise InvalidRequest("is not offered by this studio; leave it out", field=f"{_FIELD}.{name}")
    if unit.picture is None:
        raise InvalidRequest("needs the map, as base64", field=PICTURE_FIELD)
    return Control(unit.picture, unit.weight, _fit(unit))


def _check_net(unit: _Unit, model: Model) -> None:
    """The net is the model's: it may be named, with or without the extension's hash, or left out."""
    net = model.files.control_net
    named = _plain(unit.model).partition(" [")[0]
    if net is None or named in _NONE:
        return
    own = PurePath(net)
    if named not in (own.name.casefold(), own.stem.casefold()):
        raise InvalidRequest(
            f"{unit.model!r:.80}: the model {model.id!r} has the control net {own.stem!r:.80}; "
            "another one is a model of its own here",
            field=f"{_FIELD}.model",
        )


def _fit(unit: _Unit) -> Fit | None:
    if unit.resize_mode is None:
        return None
    fit = _FITS.get(_plain(unit.resize_mode))
    if fit is None:
        raise InvalidRequest(
            f"{unit.resize_mode!r:.80}; known: 0 (stretch), 1 (crop), 2 (fill)", field=f"{_FIELD}.resize_mode"
        )
    return fit


def _plain(word: str | int | None) -> str:
    return "" if word is None else str(word).strip().casefold()
