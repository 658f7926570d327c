"""Model: one entry of models.yml with its files, defaults, limits, capabilities and engine options."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from studio.effect import QUALITY, STYLE, Effect
from studio.engine_options import CatalogValues, EngineOptions, Flag
from studio.params import (
    MAX_IMAGES,
    MAX_SIDE,
    MIN_SIDE,
    SCHEDULERS_OF_TWO_STEPS,
    CfgScale,
    ClipSkip,
    FlowShift,
    Guidance,
    JobType,
    Prompt,
    Quality,
    Sampler,
    Scheduler,
    Steps,
    Strength,
    Style,
    parse_size,
)
from studio.source import Source

WEIGHT_SUFFIXES = (".safetensors", ".sft", ".gguf")
# The upscaling networks the engine's own documentation names exist in this format only.
UPSCALER_SUFFIXES = (*WEIGHT_SUFFIXES, ".pth")
FOLDER_KEYS = frozenset({"lora_dir", "embeddings_dir", "upscalers_dir"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _path(value: str) -> str:
    if not value.strip() or any(ord(letter) < 32 for letter in value):
        raise ValueError("is not a path")
    if "://" in value:
        raise ValueError("is an address, not a path; say where to download from under `source`")
    if value.startswith("~") and not value.startswith("~/"):
        raise ValueError("starts with ~; only ~/ (the own home folder) is known")
    return value


def _ends_with(suffixes: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        # Pickled checkpoints run code in other programs, and wrong types in them abort this engine.
        if PurePosixPath(value).suffix.lower() not in suffixes:
            raise ValueError(
                f"is not one of {', '.join(suffixes)}; `sd-cli -M convert` turns other formats into these"
            )
        return value

    return AfterValidator(check)


def _size(value: str) -> str:
    parse_size(value)
    return value


def _id(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise ValueError(
            'is not made of 1 to 100 letters, digits, ".", "_" and "-", the first a letter or digit'
        )
    if value in ("running", "download"):
        raise ValueError(f"is taken: /api/models/{value} is no model")
    return value


Folder = Annotated[str, AfterValidator(_path)]
Weights = Annotated[str, AfterValidator(_path), _ends_with(WEIGHT_SUFFIXES)]
Upscaler = Annotated[str, AfterValidator(_path), _ends_with(UPSCALER_SUFFIXES)]
Size = Annotated[str, AfterValidator(_size)]
ModelId = Annotated[str, AfterValidator(_id)]


class ModelFiles(CatalogValues):
    """Where the weights are: one key per sd-server flag. Relative paths start at the folder of models.yml."""

    model: Annotated[Weights | None, Flag("--model")] = None
    diffusion_model: Annotated[Weights | None, Flag("--diffusion-model")] = None
    high_noise_diffusion_model: Annotated[Weights | None, Flag("--high-noise-diffusion-model")] = None
    vae: Annotated[Weights | None, Flag("--vae")] = None
    tae: Annotated[Weights | None, Flag("--tae")] = None
    clip_l: Annotated[Weights | None, Flag("--clip_l")] = None
    clip_g: Annotated[Weights | None, Flag("--clip_g")] = None
    clip_vision: Annotated[Weights | None, Flag("--clip_vision")] = None
    t5xxl: Annotated[Weights | None, Flag("--t5xxl")] = None
    llm: Annotated[Weights | None, Flag("--llm")] = None
    llm_vision: Annotated[Weights | None, Flag("--llm_vision")] = None
    control_net: Annotated[Weights | None, Flag("--control-net")] = None
    upscale_model: Annotated[Upscaler | None, Flag("--upscale-model")] = None
    photo_maker: Annotated[Weights | None, Flag("--photo-maker")] = None
    lora_dir: Annotated[Folder | None, Flag("--lora-model-dir")] = None
    embeddings_dir: Annotated[Folder | None, Flag("--embd-dir")] = None
    upscalers_dir: Annotated[Folder | None, Flag("--hires-upscalers-dir")] = None

    @property
    def given(self) -> dict[str, str]:
        """{key: path as models.yml spells it} of the keys that are set."""
        return {key: value for key, value in self if value is not None}


class ModelDefaults(CatalogValues):
    """What a request that doesn't say gets."""

    size: Size = "512x512"
    steps: Steps = 20
    cfg_scale: CfgScale = 7.0
    sampler: Sampler = "euler_a"
    scheduler: Scheduler = "discrete"
    strength: Strength = 0.75
    negative_prompt: Prompt = ""
    distilled_guidance: Guidance | None = None
    flow_shift: FlowShift | None = None
    clip_skip: ClipSkip | None = None

    @property
    def width(self) -> int:
        """Pixels."""
        return parse_size(self.size)[0]

    @property
    def height(self) -> int:
        """Pixels."""
        return parse_size(self.size)[1]

    @model_validator(mode="after")
    def _schedule_is_long_enough(self) -> Self:
        if self.scheduler in SCHEDULERS_OF_TWO_STEPS and self.steps < 2:
            raise ValueError(f"steps: the scheduler {self.scheduler} needs at least 2")
        return self


class ModelLimits(CatalogValues):
    """What a request may ask of this model at most."""

    max_pixels: Annotated[int, Field(ge=MIN_SIDE**2, le=MAX_SIDE**2)] = 2 * 1024 * 1024
    """Width times height of one picture."""
    max_n: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = MAX_IMAGES
    multiple: Literal[8, 16, 32, 64] = 64
    """The engine rounds both sides up to this: 64 for UNets (SD 1.5, SDXL), 16 for transformers, whose patch
    of 2 cells of 8 pixels fills it exactly (the engine itself pads from 8)."""


class Capabilities(CatalogValues):
    """Which types of job the model does."""

    generate: bool = True
    edit: bool = True
    variation: bool = True
    references: bool = False
    """An edit hands the picture over as a reference to look at, not as the start of denoising: for models
    trained to follow instructions (Qwen-Image-Edit, FLUX.1 Kontext, FLUX.2). With a mask it is the start."""

    def does(self, type_: JobType) -> bool:
        """Whether jobs of that type are offered."""
        return {
            JobType.GENERATE: self.generate,
            JobType.EDIT: self.edit,
            JobType.VARIATION: self.variation,
            JobType.UPSCALE: False,
        }[type_]


class Model(CatalogValues):
    """One entry of models.yml. `id` is its key there; `folder` is where relative paths start."""

    id: ModelId
    folder: Annotated[Path, Field(exclude=True, repr=False)] = Path()
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    description: str = ""
    aliases: Annotated[tuple[ModelId, ...], Field(strict=False)] = ()
    builtin: Literal["demo"] | None = None
    """The studio brings the files itself."""
    files: ModelFiles = ModelFiles()
    defaults: ModelDefaults = ModelDefaults()
    limits: ModelLimits = ModelLimits()
    capabilities: Capabilities = Capabilities()
    quality: dict[Quality, Effect] = Field(default_factory=dict)
    style: dict[Style, Effect] = Field(default_factory=dict)
    engine: EngineOptions = EngineOptions()
    ttl: Annotated[int, Field(ge=0, le=31_536_000)] | None = 900
    """Seconds after the last use until the memory is freed. 0: as soon as no job wants it. None: never."""
    preload: bool = False
    source: Source | None = None
    examples: Annotated[tuple[Prompt, ...], Field(strict=False)] = ()
    allow_flat: bool = False
    """One flat colour is a legitimate picture of this model, not a sign of a broken one."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = list(self._contradictions())
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _contradictions(self) -> Iterator[str]:
        """ "key: sentence" for each rule over several keys that is broken."""
        given, source = self.files.given, self.source
        if self.builtin is not None and given:
            yield "files: a builtin model brings its own"
        if self.builtin is None and not given.keys() & {"model", "diffusion_model"}:
            yield "files: needs `model` (everything in one) or `diffusion_model`"
        if self.defaults.width * self.defaults.height > self.limits.max_pixels:
            yield f"defaults.size: {self.defaults.size} is over limits.max_pixels {self.limits.max_pixels}"
        if self.files.control_net is not None and self.is_transformer:
            yield "files.control_net: steers UNets only; by files or limits.multiple this is a transformer"
        for key in source.files if source is not None else ():
            if key not in given:
                yield f"source.files.{key}: there is no files.{key}"

    def quality_effect(self, word: Quality) -> Effect:
        """What `quality: word` changes for this model."""
        return self.quality.get(word, QUALITY[word])

    def style_effect(self, word: Style) -> Effect:
        """What `style: word` changes for this model."""
        return self.style.get(word, STYLE[word])

    @property
    def is_transformer(self) -> bool:
        """Whether it is a transformer (FLUX, Qwen-Image, …) rather than a UNet (SD 1.5, SDXL).

        Told by what models.yml says of it: only UNets need multiples of 64, and a transformer mostly comes in
        a file of its own.
        """
        apart = self.files.given.keys() & {"diffusion_model", "t5xxl", "llm"}
        return self.limits.multiple < 64 or bool(apart)

    @property
    def takes_control(self) -> bool:
        """Whether a control picture steers it: its control net is loaded when the engine starts."""
        return self.files.control_net is not None

    def paths(self) -> dict[str, Path]:
        """{key of `files`: path}; empty for a builtin model, whose files its own package knows."""
        return {key: self.folder / Path(value).expanduser() for key, value in self.files.given.items()}

    def missing(self) -> list[str]:
        """The files absent from this machine, as models.yml spells them; folders may be absent."""
        return [
            self.files.given[key]
            for key, path in self.paths().items()
            if key not in FOLDER_KEYS and not _exists(path)
        ]

    @property
    def is_downloaded(self) -> bool:
        """All its files are on this machine."""
        return not self.missing()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder we may not look into
        return False
