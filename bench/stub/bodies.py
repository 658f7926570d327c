"""The bodies of the GET requests whose answer never changes."""

import json
from typing import Any

from stub.config import Config
from stub.words import FORMATS, MAX_PENDING, PIXEL_UPSCALERS, SAMPLERS, SCHEDULERS, UPSCALERS


def to_json(body: object) -> bytes:
    """JSON as sd-server writes it: keys in order, no spaces."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _sampling(config: Config) -> dict[str, Any]:
    guidance = {
        "txt_cfg": config.cfg_scale,
        "img_cfg": None,
        "distilled_guidance": 3.5,
        "slg": {"layers": [7, 8, 9], "layer_start": 0.01, "layer_end": 0.2, "scale": 0.0},
    }
    return {
        "scheduler": "discrete",
        "sample_method": "euler_a",
        "sample_steps": config.steps,
        "eta": None,
        "shifted_timestep": 0,
        "flow_shift": None,
        "guidance": guidance,
    }


def _defaults(config: Config) -> dict[str, Any]:
    hires = {
        "enabled": False,
        "upscaler": "Latent",
        "scale": 2.0,
        "target_width": 0,
        "target_height": 0,
        "steps": 0,
        "denoising_strength": 0.7,
        "upscale_tile_size": 128,
    }
    tiling = {
        "enabled": False,
        "tile_size_x": 0,
        "tile_size_y": 0,
        "target_overlap": 0.5,
        "rel_size_x": 0.0,
        "rel_size_y": 0.0,
    }
    return {
        "prompt": "",
        "negative_prompt": "",
        "clip_skip": -1,
        "width": config.width or 512,
        "height": config.height or 512,
        "strength": 0.75,
        "seed": config.seed,
        "batch_count": 1,
        "auto_resize_ref_image": True,
        "increase_ref_index": False,
        "control_strength": 0.9,
        "sample_params": _sampling(config),
        "hires": hires,
        "vae_tiling_params": tiling,
        "cache_mode": "",
        "cache_option": "",
        "scm_mask": "",
        "scm_policy_dynamic": True,
        "output_format": "png",
        "output_compression": 100,
    }


def capabilities(config: Config) -> dict[str, Any]:
    """What /sdcpp/v1/capabilities says of the model."""
    defaults = _defaults(config)
    can = ("init_image", "mask_image", "control_image", "ref_images", "lora", "vae_tiling", "hires", "cache")
    features = {**dict.fromkeys(can, True), "cancel_queued": True, "cancel_generating": False}
    return {
        "model": {"name": config.model_name, "stem": config.model_stem, "path": config.model_path},
        "current_mode": "img_gen",
        "supported_modes": ["img_gen"],
        "defaults": defaults,
        "defaults_by_mode": {"img_gen": defaults},
        "limits": {
            "min_width": 64,
            "max_width": 4096,
            "min_height": 64,
            "max_height": 4096,
            "max_batch_count": 8,
            "max_queue_size": MAX_PENDING,
        },
        "samplers": SAMPLERS,
        "schedulers": SCHEDULERS,
        "output_formats": FORMATS,
        "output_formats_by_mode": {"img_gen": FORMATS},
        "features": features,
        "features_by_mode": {"img_gen": features},
        "loras": [],
        "upscalers": [{"name": name} for name in UPSCALERS],
    }


def constant_bodies(config: Config) -> dict[str, bytes]:
    """Path to body, for every GET that depends on nothing but the command line."""
    upscaler = {"model_name": None, "model_path": None, "model_url": None, "scale": 4}
    checkpoint = {
        "title": config.model_stem,
        "model_name": config.model_stem,
        "filename": config.model_name,
        "hash": "8888888888",
        "sha256": "8" * 64,
        "config": None,
    }
    bodies: dict[str, object] = {
        "/v1/models": {"data": [{"id": "sd-cpp-local", "object": "model", "owned_by": "local"}]},
        "/sdcpp/v1/capabilities": capabilities(config),
        "/sdapi/v1/loras": [],
        "/sdapi/v1/upscalers": [{"name": name, **upscaler} for name in UPSCALERS[:PIXEL_UPSCALERS]],
        "/sdapi/v1/latent-upscale-modes": [{"name": name} for name in UPSCALERS[PIXEL_UPSCALERS:]],
        "/sdapi/v1/samplers": [{"name": n, "aliases": [n], "options": {}} for n in ("default", *SAMPLERS)],
        "/sdapi/v1/schedulers": [{"name": name, "label": name} for name in ("default", *SCHEDULERS)],
        "/sdapi/v1/sd-models": [checkpoint],
        "/sdapi/v1/options": {"samples_format": "png", "sd_model_checkpoint": config.model_stem},
    }
    return {path: to_json(body) for path, body in bodies.items()}
