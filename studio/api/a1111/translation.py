"""From a body to GenerationParams: settings, styles, LoRA tags, names, and the words that differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from studio.api.a1111 import refusals
from studio.api.a1111.bodies import Body, ImageBody, TextBody
from studio.api.a1111.callers import Caller
from studio.api.a1111.control import Control, read_control
from studio.api.a1111.errors import invalid
from studio.api.a1111.lora_tags import take_loras
from studio.api.a1111.names import to_model, to_sampling
from studio.api.a1111.overrides import Choice, read_settings
from studio.errors import InvalidRequest, NotFound
from studio.extras import UPSCALERS, Hires
from studio.model import Model
from studio.params import MAX_IMAGES, Fit, GenerationParams, JobType
from studio.presets import Preset
from studio.service import Studio

_FITS: tuple[Fit, ...] = ("stretch", "crop", "pad")
# A style's prompt has the request's own in place of this, or behind it.
_PLACE = "{prompt}"
# How far, as a share, the sides of a second pass may be from the first's shape: rounding.
_SAME_SHAPE = 0.02


@dataclass(frozen=True)
class Translation:
    """Fields of GenerationParams, all but the pictures; `kept` is what the caller wants from now on.

    `control` is the map to follow, which is not among the fields yet.
    """

    model: Model
    values: dict[str, Any] = field(default_factory=dict)
    kept: Choice | None = None
    control: Control | None = None

    def to_params(self, **pictures: Any) -> GenerationParams:
        """What the studio is asked for. Errors: InvalidRequest naming the field."""
        try:
            return GenerationParams(**self.values, **pictures)
        except ValidationError as error:
            raise invalid(error) from None


def translate(studio: Studio, body: Body, caller: Caller) -> Translation:
    """Everything but the pictures; reads presets and the LoRA folder. Errors: InvalidRequest."""
    refusals.check(body)
    catalog = studio.catalog
    choice = read_settings(catalog, body.override_settings or {}, field="override_settings")
    named = body.sd_model_checkpoint or body.model
    model_id = choice.model or (to_model(catalog, named) if named else caller.model) or catalog.default
    model = catalog.model(model_id)
    sampling = to_sampling(body.sampler_name or body.sampler_index, body.scheduler)
    refusals.check_noise(body, sampling.get("sampler", model.defaults.sampler))
    values = _plain_values(body) | sampling | _prompts(studio, body, model_id)
    values["model"] = model_id
    clip_skip = choice.clip_skip or caller.clip_skip
    if clip_skip is not None and clip_skip > 1:  # A1111's 1 says nothing; some models have a 2 of their own
        values["clip_skip"] = clip_skip
    control = read_control(body, model)
    if control is not None:
        values["control_strength"] = control.strength
    if isinstance(body, TextBody):
        if control is not None:
            values["fit"] = control.fit or "crop"
        values["type"] = JobType.GENERATE
        if body.enable_hr:
            values["hires"] = _second_pass(body, model)
    elif isinstance(body, ImageBody):
        values |= _picture_values(body, model, values["prompt"])
    is_kept = body.override_settings_restore_afterwards is False
    return Translation(model, values, choice if is_kept else None, control)


def _plain_values(body: Body) -> dict[str, Any]:
    if body.count > MAX_IMAGES:
        raise InvalidRequest(
            f"batch_size times n_iter is {body.count}; the limit is {MAX_IMAGES} pictures in one request",
            field="batch_size",
        )
    if (body.width is None) != (body.height is None):
        raise InvalidRequest("width and height come together", field="width")
    asked = {
        "seed": body.seed,
        "steps": body.steps,
        "cfg_scale": body.cfg_scale,
        "distilled_guidance": body.distilled_cfg_scale,
        "width": body.width,
        "height": body.height,
    }
    return {"n": body.count, **{name: value for name, value in asked.items() if value is not None}}


def _prompts(studio: Studio, body: Body, model_id: str) -> dict[str, Any]:
    """Both prompts with the styles in them, and the LoRAs of the prompt's tags."""
    styles = [_style(studio, name) for name in body.styles or () if name.strip() not in ("", "None")]
    prompt = _styled(body.prompt or "", styles, "prompt")
    loras: list[Any] = []
    if "<" in prompt:
        prompt, loras = take_loras(prompt, [file.name for file in studio.models.loras(model_id)])
    values: dict[str, Any] = {"prompt": prompt, "loras": loras}
    negative = _styled(body.negative_prompt or "", styles, "negative_prompt")
    # "" is what programs send that want none; only what is left out altogether is left to the model.
    return values | ({"negative_prompt": negative} if negative or body.negative_prompt is not None else {})


def _style(studio: Studio, name: str) -> Preset:
    try:
        return studio.presets.get(name)
    except NotFound:
        known = ", ".join(preset.name for preset in studio.presets.all()[:20])
        raise InvalidRequest(f"no style {name!r:.80}; known: {known or 'none'}", field="styles") from None


def _styled(prompt: str, styles: Sequence[Preset], which: str) -> str:
    for style in styles:
        words = str(style.params.get(which) or "")
        if _PLACE in words:
            prompt = words.replace(_PLACE, prompt)
        else:
            prompt = ", ".join(part for part in (prompt.strip(), words) if part)
    return prompt


def _second_pass(body: TextBody, model: Model) -> Hires:
    if body.hr_upscaler and body.hr_upscaler not in UPSCALERS:
        raise InvalidRequest(
            f"no upscaler {body.hr_upscaler!r:.80} for the second pass; known: {', '.join(UPSCALERS)}",
            field="hr_upscaler",
        )
    asked = {
        "upscaler": body.hr_upscaler or None,
        "steps": body.hr_second_pass_steps,
        "denoising_strength": body.denoising_strength,
        "scale": _scale(body, model),
    }
    try:
        return Hires.model_validate({name: value for name, value in asked.items() if value is not None})
    except ValidationError as error:
        raise invalid(error) from None


def _scale(body: TextBody, model: Model) -> float | None:
    """By how much the second pass enlarges; a target size says so, too, if it has the picture's shape."""
    width, height = body.width or model.defaults.width, body.height or model.defaults.height
    across = body.hr_resize_x / width if body.hr_resize_x else None
    down = body.hr_resize_y / height if body.hr_resize_y else None
    if across is not None and down is not None and abs(across / down - 1) > _SAME_SHAPE:
        raise InvalidRequest(
            f"{body.hr_resize_x}x{body.hr_resize_y} has another shape than {width}x{height}; "
            "give one of the two, or hr_scale",
            field="hr_resize_x",
        )
    return across or down or body.hr_scale


def _picture_values(body: ImageBody, model: Model, prompt: str) -> dict[str, Any]:
    """An edit; but where an edit would only look at the picture, or nothing is said, a variation."""
    offers = model.capabilities
    is_variation = not body.mask and offers.variation and (offers.references or not prompt.strip())
    values: dict[str, Any] = {
        "type": JobType.VARIATION if is_variation else JobType.EDIT,
        "fit": _FITS[body.resize_mode or 0],
    }
    if body.denoising_strength is not None:
        values["strength"] = body.denoising_strength
    if not body.mask:
        return values
    blurs = (body.mask_blur, body.mask_blur_x, body.mask_blur_y)
    blur = next((blur for blur in blurs if blur is not None), None)
    if blur is not None:
        values["mask_feather"] = blur
    if body.inpaint_full_res is not False:
        values["inpaint_area"] = "masked"
        if body.inpaint_full_res_padding is not None:
            values["inpaint_padding"] = body.inpaint_full_res_padding
    return values
