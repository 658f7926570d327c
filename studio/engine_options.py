"""What models.yml may tell sd-server about running a model: the allowed flags, typed; others refused by name.

This is an allow-list. A flag that could move the listener, read a file of somebody's choice or change a
request behind the studio's back is not in it; `refusal` says for each of them what to do instead.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

WeightType = Literal[
    "f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"
]
RandomSource = Literal["std_default", "cuda", "cpu"]
Prediction = Literal["eps", "v", "edm_v", "sd3_flow", "flux_flow", "flux2_flow"]

_TENSOR_RULE = re.compile(r"((?!-)[A-Za-z0-9_.\\^$*+|()\[\]-]{1,100})=(\w+)")


@dataclass(frozen=True)
class Flag:
    """Marks a field with the sd-server flag it becomes."""

    name: str


class CatalogValues(BaseModel):
    """Base of everything models.yml holds: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def flags_of(section: type[CatalogValues]) -> dict[str, str]:
    """{field: "--flag"} for the fields of `section` that become a flag, in the order they are declared."""
    return {
        name: mark.name
        for name, field in section.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Flag)
    }


def _tensor_rules(value: str) -> str:
    known = get_args(WeightType)
    for rule in value.split(","):
        match = _TENSOR_RULE.fullmatch(rule)
        if match is None:
            raise ValueError(rf'"{rule}" is not "pattern=type", for example "^vae\.=f16,model\.=q8_0"')
        if match[2] not in known:
            raise ValueError(f'no weight type "{match[2]}"; known: {", ".join(known)}')
        try:
            re.compile(match[1])
        except re.error as error:
            raise ValueError(f'"{match[1]}" is no regular expression: {error}') from None
    return value


TileSize = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}x[1-9]\d{0,3}$")]
TensorRules = Annotated[str, Field(max_length=500), AfterValidator(_tensor_rules)]


class EngineOptions(CatalogValues):
    """How sd-server runs a model. What is left out isn't passed, so the engine's own default holds."""

    stall_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600
    """Silence after which a running engine counts as stuck; no flag. A slow machine needs more, never less
    than its slowest single step, text encoding or decoding."""

    threads: Annotated[int | None, Field(ge=1, le=512), Flag("--threads")] = None
    """None: the physical cores but one."""
    diffusion_fa: Annotated[bool, Flag("--diffusion-fa")] = False
    fa: Annotated[bool, Flag("--fa")] = False
    offload_to_cpu: Annotated[bool, Flag("--offload-to-cpu")] = False
    clip_on_cpu: Annotated[bool, Flag("--clip-on-cpu")] = False
    vae_on_cpu: Annotated[bool, Flag("--vae-on-cpu")] = False
    control_net_cpu: Annotated[bool, Flag("--control-net-cpu")] = False
    max_vram: Annotated[float | None, Field(ge=0, le=1024), Flag("--max-vram")] = None
    """GiB of graphics memory to stay within; 0 doesn't split the work."""
    mmap: Annotated[bool, Flag("--mmap")] = False
    vae_tiling: Annotated[bool, Flag("--vae-tiling")] = False
    vae_tile_size: Annotated[TileSize | None, Flag("--vae-tile-size")] = None
    """"WxH" in cells of the latent, not pixels."""
    vae_conv_direct: Annotated[bool, Flag("--vae-conv-direct")] = False
    diffusion_conv_direct: Annotated[bool, Flag("--diffusion-conv-direct")] = False
    force_sdxl_vae_conv_scale: Annotated[bool, Flag("--force-sdxl-vae-conv-scale")] = False
    type: Annotated[WeightType | None, Flag("--type")] = None
    """Convert the weights to this type while loading."""
    tensor_type_rules: Annotated[TensorRules | None, Flag("--tensor-type-rules")] = None
    """"pattern=type,...": the same for single tensors."""
    rng: Annotated[RandomSource | None, Flag("--rng")] = None
    sampler_rng: Annotated[RandomSource | None, Flag("--sampler-rng")] = None
    prediction: Annotated[Prediction | None, Flag("--prediction")] = None
    chroma_disable_dit_mask: Annotated[bool, Flag("--chroma-disable-dit-mask")] = False
    chroma_enable_t5_mask: Annotated[bool, Flag("--chroma-enable-t5-mask")] = False
    chroma_t5_mask_pad: Annotated[int | None, Field(ge=0, le=512), Flag("--chroma-t5-mask-pad")] = None
    qwen_image_zero_cond_t: Annotated[bool, Flag("--qwen-image-zero-cond-t")] = False
    circular: Annotated[bool, Flag("--circular")] = False
    circularx: Annotated[bool, Flag("--circularx")] = False
    circulary: Annotated[bool, Flag("--circulary")] = False


_LISTENER = "the studio chooses where the engine listens, always on this machine only"
_FILE = "name the file under `files` instead"
_REQUEST = "a request says this, or the entry's `defaults`"
_READS = "it would make the engine read a file of somebody's choice"
_CRASHES = "values of this option can end the engine, so the studio doesn't use it"

_REFUSED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _LISTENER: ("l", "listen_ip", "listen_port"),
        "the studio serves its own page there to recognise the engine": ("serve_html_path",),
        "it would write every prompt into the log": ("v", "verbose"),
        "the studio reads the engine's output and needs it plain": ("color", "h", "help", "version"),
        "it is always at_runtime: the other modes change the weights for good": ("lora_apply_mode",),
        "say `files.lora_dir` instead": ("lora_model_dir",),
        "say `files.embeddings_dir` instead": ("embd_dir",),
        "say `files.upscalers_dir` instead": ("hires_upscalers_dir",),
        "say `files.llm` instead": ("qwen2vl",),
        "say `files.llm_vision` instead": ("qwen2vl_vision",),
        "say `files.tae` instead": ("taesd",),
        "say `threads` instead": ("t",),
        _FILE: (
            "m", "model", "clip_l", "clip_g", "clip_vision", "t5xxl", "llm", "llm_vision", "diffusion_model",
            "high_noise_diffusion_model", "vae", "tae", "control_net", "photo_maker", "upscale_model",
        ),
        _READS: (
            "i", "init_img", "end_img", "mask", "control_image", "control_video", "pm_id_images_dir",
            "pm_id_embed_path", "r", "ref_image",
        ),
        _REQUEST: (
            "p", "prompt", "n", "negative_prompt", "H", "height", "W", "width", "steps", "clip_skip", "b",
            "batch_count", "cfg_scale", "guidance", "flow_shift", "strength", "s", "seed", "sampling_method",
            "scheduler",
        ),
        _CRASHES: ("cache_mode", "cache_option", "scm_mask", "scm_policy", "sigmas", "eta", "timestep_shift"),
    }
)  # fmt: skip


def refusal(option: str) -> str | None:
    """Why sd-server's flag `option` is not for models.yml and what to do instead; None if it isn't refused.

    The flag may be spelled as in YAML (listen_ip) or as on a command line (--listen-ip).
    """
    name = option.strip().lstrip("-").replace("-", "_")
    for reason, names in _REFUSED.items():
        if name in names:
            return reason
    return None
