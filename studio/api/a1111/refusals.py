"""What A1111 can and this studio can't: refused by name, so that no picture quietly lacks it."""

from collections.abc import Callable, Mapping
from typing import Any

from studio.api.a1111.bodies import Body, ImageBody, TextBody
from studio.errors import InvalidRequest

CONTROL = "controlnet"
"""The script whose one unit `control` reads."""

_NOT_OFFERED = "is not offered by this studio; leave it out"
# Samplers that add noise at every step.
_ANCESTRAL = ("euler_a", "dpm++2s_a")


def _is_on(value: Any) -> bool:
    return bool(value)


def _is_over_zero(value: float) -> bool:
    return value > 0


def _is_not_one(value: float) -> bool:
    return value != 1


def _says_other(*harmless: str) -> Callable[[str], bool]:
    return lambda value: value.strip().casefold() not in ("", *harmless)


# {field: whether this value of it asks for something}
_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "subseed_strength": _is_on,
    "seed_resize_from_h": _is_over_zero,
    "seed_resize_from_w": _is_over_zero,
    "restore_faces": _is_on,
    "tiling": _is_on,
    "s_churn": _is_on,
    "s_tmin": _is_on,
    "s_tmax": _is_on,
    "refiner_checkpoint": _says_other("none"),
    "infotext": _says_other(),
    "script_name": _says_other("none"),
    "firstphase_width": _is_on,
    "firstphase_height": _is_on,
    "initial_noise_multiplier": _is_not_one,
    "latent_mask": _is_on,
}
# The same, where a second pass is asked for.
_OF_SECOND_PASS: Mapping[str, Callable[[Any], bool]] = {
    "hr_checkpoint_name": _says_other("use same checkpoint"),
    "hr_sampler_name": _says_other("use same sampler"),
    "hr_scheduler": _says_other("use same scheduler", "automatic"),
}
_PROMPTS_OF_SECOND_PASS = {"hr_prompt": "prompt", "hr_negative_prompt": "negative_prompt"}


def check(body: Body) -> None:
    """Errors: InvalidRequest naming the field that asks for what there isn't."""
    for name in body.alwayson_scripts or ():
        if name.casefold() == CONTROL:
            continue
        raise InvalidRequest(f"the script {name!r:.80} {_NOT_OFFERED}", field="alwayson_scripts")
    _check(body, _FIELDS)
    if isinstance(body, TextBody) and body.enable_hr:
        _check_second_pass(body)
    if isinstance(body, ImageBody):
        _check_picture(body)


def check_noise(body: Body, sampler: str) -> None:
    """Errors: InvalidRequest for an amount of noise that would act.

    The engine has only 1. Many programs send the zeros of A1111's documentation, which do nothing but to
    ancestral samplers.
    """
    for name in ("eta", "s_noise"):
        amount = getattr(body, name)
        if amount is not None and amount != 1 and (amount != 0 or sampler in _ANCESTRAL):
            raise InvalidRequest(f"{amount:g}; the engine has only 1: leave it out", field=name)


def _check(body: Body, rules: Mapping[str, Callable[[Any], bool]]) -> None:
    for name, asks in rules.items():
        value = getattr(body, name, None)
        if value is not None and asks(value):
            raise InvalidRequest(f"{value!r:.80} {_NOT_OFFERED}", field=name)


def _check_second_pass(body: TextBody) -> None:
    same = {"hr_sampler_name": body.sampler_name or body.sampler_index, "hr_scheduler": body.scheduler}
    rules = {
        name: asks
        for name, asks in _OF_SECOND_PASS.items()
        if name not in same or getattr(body, name) != same[name]
    }
    _check(body, rules)
    for name, first in _PROMPTS_OF_SECOND_PASS.items():
        said = (getattr(body, name) or "").strip()
        if said and said != (getattr(body, first) or "").strip():
            raise InvalidRequest(
                f"a prompt of the second pass's own {_NOT_OFFERED}; it has that of the first", field=name
            )


def _check_picture(body: ImageBody) -> None:
    if body.resize_mode not in (None, 0, 1, 2):
        raise InvalidRequest(
            f"{body.resize_mode}; known: 0 (stretch), 1 (crop), 2 (fill)", field="resize_mode"
        )
    if body.mask and body.inpainting_fill not in (None, 0, 1):
        raise InvalidRequest(
            f"{body.inpainting_fill}; known: 0 (fill), 1 (original)", field="inpainting_fill"
        )
    blurs = {blur for blur in (body.mask_blur_x, body.mask_blur_y) if blur is not None}
    if len(blurs | ({body.mask_blur} if body.mask_blur is not None else set())) > 1:
        raise InvalidRequest("blurs differ; give mask_blur alone", field="mask_blur")
