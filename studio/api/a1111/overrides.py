"""A1111's settings: the few that act here, per request or for what a caller asks next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.api.a1111.callers import Caller
from studio.api.a1111.names import to_model
from studio.catalog import Catalog
from studio.errors import InvalidRequest

MODEL, CLIP_SKIP = "sd_model_checkpoint", "CLIP_stop_at_last_layers"
MAX_CLIP_SKIP = 12

# What every caller is told these are. Sent back as they are, they ask for nothing.
FIXED: Mapping[str, Any] = {
    "sd_vae": "Automatic",
    "sd_checkpoint_hash": "",
    "samples_format": "png",
    "samples_save": True,
    "grid_save": False,
    "return_grid": False,
    "enable_pnginfo": True,
    "save_images_add_number": True,
    "show_progressbar": True,
    "live_previews_enable": False,
    "show_progress_every_n_steps": 0,
    "eta_noise_seed_delta": 0,
    "img2img_fix_steps": False,
    "face_restoration": False,
}
# Settings that are about A1111's own page, files and memory: whatever they say, no picture differs.
HARMLESS = frozenset(
    {
        "samples_save", "save_images_add_number", "samples_filename_pattern", "grid_save", "return_grid",
        "return_mask", "return_mask_composite", "do_not_show_images", "save_to_dirs", "grid_save_to_dirs",
        "save_txt", "save_images_before_highres_fix", "enable_pnginfo", "show_progressbar",
        "live_previews_enable", "show_progress_every_n_steps", "show_progress_type", "notification_audio",
        "sd_checkpoint_cache", "sd_vae_checkpoint_cache", "sd_checkpoints_limit",
        "sd_checkpoints_keep_in_cpu", "forge_inference_memory", "forge_async_loading",
        "forge_pin_shared_memory", "forge_preset",
    }
)  # fmt: skip
# Values that leave a choice to the model, in the settings where A1111's clients send them.
_NO_CHOICE: Mapping[str, tuple[Any, ...]] = {
    "sd_vae": ("Automatic", "automatic", "None", "", None),
    "forge_additional_modules": ([], "", None),
    "sd_vae_overrides_per_model_preferences": (True, False, None),
    "face_restoration_model": ("", "None", "CodeFormer", "GFPGAN", None),
}


@dataclass(frozen=True)
class Choice:
    """What settings come to: a model's id and a clip skip; None where they say nothing."""

    model: str | None = None
    clip_skip: int | None = None


def read_settings(catalog: Catalog, values: Mapping[str, Any], *, field: str) -> Choice:
    """What the settings say; `field` is where they stand. Errors: InvalidRequest naming the setting."""
    model: str | None = None
    clip_skip: int | None = None
    for name, value in values.items():
        if name == MODEL:
            if value is not None and not isinstance(value, str):
                raise InvalidRequest(f"must be the title of a model, not {value!r:.80}", field=MODEL)
            model = to_model(catalog, value) if value and value.strip() else None
        elif name == CLIP_SKIP:
            clip_skip = _clip_skip(value)
        elif not _is_harmless(name, value):
            raise InvalidRequest(
                f"the setting {name!r:.80} is not offered with this value; these act here: {MODEL}, "
                f"{CLIP_SKIP}",
                field=field,
            )
    return Choice(model, clip_skip)


def keep(caller: Caller, choice: Choice) -> None:
    """Let the choice hold for what the caller asks from now on."""
    caller.model = choice.model or caller.model
    caller.clip_skip = choice.clip_skip or caller.clip_skip


def shown_settings(catalog: Catalog, caller: Caller) -> dict[str, Any]:
    """All that GET /options tells."""
    return {MODEL: caller.model or catalog.default, CLIP_SKIP: caller.clip_skip or 1, **FIXED}


def _clip_skip(value: Any) -> int | None:
    if value is None:
        return None
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(number) is not int or not 1 <= number <= MAX_CLIP_SKIP:
        raise InvalidRequest(f"must be a whole number from 1 to {MAX_CLIP_SKIP}", field=CLIP_SKIP)
    return number


def _is_harmless(name: str, value: Any) -> bool:
    if name in HARMLESS or (name in FIXED and value == FIXED[name]):
        return True
    return value in _NO_CHOICE.get(name, ())
