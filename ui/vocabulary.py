"""Vocabulary: the fields of a form, their labels, and what each may hold, as studio.params has it."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from studio.catalog import Catalog
from studio.extras import CACHES_OF_TRANSFORMERS, CACHES_OF_UNETS, MAX_LORAS, UPSCALERS, Area, Hires, Lora
from studio.params import MAX_SIDE, MIN_SIDE, SAMPLERS, SCHEDULERS, JobType, Style
from studio.wording import Alternatives

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
    "loras": "LoRAs",
    "hires": "Hires fix",
    "hires_scale": "Enlarge by",
    "hires_upscaler": "Upscaler",
    "hires_steps": "Second-pass steps",
    "hires_denoising_strength": "Denoising",
    "vae_tiling": "VAE tiling",
    "cache": "Step cache",
    "control_image": "Control picture",
    "control_strength": "Control strength",
}
FIELDS = tuple(LABELS)
"""The order of a form's widgets in every handler."""

OWN = ("shape", "lines", "alternatives")
"""Fields only the form knows. The others are GenerationParams', those of HIRES its `hires`'."""

OWN_ELEMENTS = ("loras", "control_image")
"""Fields whose widgets are ours, not Gradio's."""

GUIDANCE = ("clip_skip", "distilled_guidance", "flow_shift")
HIRES = tuple(name for name in FIELDS if name.startswith("hires_"))
AREA = ("inpaint_area", "inpaint_padding")
"""Fields of a request that stand beside the painter, not in the form."""

NO_EXTRAS: Mapping[str, object] = {
    "loras": None, "hires": None, "vae_tiling": None, "cache": None, "inpaint_area": "whole",
    "control_image": None,
}  # fmt: skip
"""What a request means that says nothing of them."""

USUAL_HIRES = {f"hires_{name}": field.default for name, field in Hires.model_fields.items()}
TILING: Mapping[str, bool | None] = {"": None, "on": True, "off": False}
CACHES = tuple(dict.fromkeys((*CACHES_OF_TRANSFORMERS, *CACHES_OF_UNETS)))

CHOICES: Mapping[str, tuple[str, ...]] = {
    "sampler": SAMPLERS,
    "scheduler": SCHEDULERS,
    "quality": ("", "low", "standard", "high", "hd"),
    "style": ("", *get_args(Style)),
    "alternatives": tuple(Alternatives),
    "hires_upscaler": UPSCALERS,
    "vae_tiling": tuple(TILING),
    "cache": ("", *CACHES),
    "inpaint_area": get_args(Area),
}
RANGES: Mapping[str, tuple[float, float]] = {
    "width": (MIN_SIDE, MAX_SIDE),
    "height": (MIN_SIDE, MAX_SIDE),
    "n": (1, 10),
    "steps": (1, 100),
    "cfg_scale": (0, 30),
    "strength": (0, 1),
    "clip_skip": (1, 12),
    "distilled_guidance": (0, 100),
    "flow_shift": (0, 100),
    "hires_scale": (1, 4),
    "hires_steps": (0, 100),
    "hires_denoising_strength": (0.01, 1),
    "inpaint_padding": (0, 256),
    "control_strength": (0, 2),
}
WHOLE = ("width", "height", "n", "steps", "clip_skip", "hires_steps", "inpaint_padding")
_EMPTY_IS_FINE = ("width", "height", *GUIDANCE)
_MAX_TEXT = 200_000
# Gradio gives an empty text for no value.
_INPUT = re.compile(r"([0-9a-f]{64})?")
_LORAS = TypeAdapter(tuple[Lora, ...])

SHAPES = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")
AS_INPUT = "input"
"""The shape that follows the picture an edit or variation starts from."""

MEDIUM = 0.55
"""The strength at which a variation shows the same thing in another way."""


def is_sound(name: str, value: object, catalog: Catalog, kind: JobType | None = None) -> bool:
    """Whether a form for such jobs, or any form, can show this value in that field."""
    if name in ("prompt", "negative_prompt"):
        return isinstance(value, str) and len(value) <= _MAX_TEXT
    if name == "model":
        return isinstance(value, str) and any(
            value == entry.id or value in entry.aliases for entry in catalog.models.values()
        )
    if name == "seed":
        return isinstance(value, str | int) and re.fullmatch(r"-1|[0-9]{0,19}", str(value)) is not None
    if name in ("lines", "hires"):
        return isinstance(value, bool)
    if name == "control_image":
        return value is None or (isinstance(value, str) and _INPUT.fullmatch(value) is not None)
    if name == "loras":
        return value is None or _are_loras(value)
    if name == "shape":
        return value is None or value in SHAPES or (value == AS_INPUT and kind is not JobType.GENERATE)
    if name in CHOICES:
        return isinstance(value, str) and value in CHOICES[name]
    if value is None:
        return name in _EMPTY_IS_FINE and (kind is not JobType.GENERATE or name in GUIDANCE)
    return _is_in_range(name, value)


def _is_in_range(name: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    least, most = RANGES[name]
    return least <= value <= most and (name not in WHOLE or value == int(value))


def _are_loras(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_LORAS:
        return False
    try:
        _LORAS.validate_python(value)
    except ValidationError:
        return False
    return True
