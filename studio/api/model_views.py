"""What goes out about the studio itself: health, configuration, engine and models."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from studio.api.download_views import DownloadView
from studio.caller import Scope
from studio.engine import EngineFeatures, EngineState, EngineStatus
from studio.fit import Fit
from studio.model import Model
from studio.model_states import ModelState
from studio.sight import sight


class EngineView(BaseModel):
    """What the engine is doing."""

    state: EngineState
    model: str | None = Field(description="the model in memory", examples=["demo"])
    detail: str = Field(examples=[""])
    fraction: float | None = Field(description="0 to 1 while preparing or loading", examples=[None])

    @classmethod
    def of(cls, status: EngineStatus) -> Self:
        return cls(state=status.state, model=status.model, detail=status.detail, fraction=status.fraction)


class HealthView(BaseModel):
    """The studio answers; what its engine does is in `engine` and is no fault of the studio."""

    status: Literal["ok"] = "ok"
    timestamp: str = Field(description="UTC, ISO 8601", examples=["2025-12-23T12:00:00.000Z"])
    version: str = Field(examples=["0.1.0"])
    paused: bool = Field(description="no pending job is begun until the queue is resumed", examples=[False])
    engine: EngineView


class ConfigView(BaseModel):
    """What clients of the studio set up."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    sd_api_endpoint: str = Field(
        alias="sdApiEndpoint",
        description="base address of the OpenAI-style API of this studio",
        examples=["http://127.0.0.1:3000/v1"],
    )
    model: str = Field(description="id of the default model", examples=["demo"])


class CallerView(BaseModel):
    """Whose request it is."""

    name: str | None = Field(description="of the key; null: whoever the studio belongs to", examples=["ada"])
    scope: Scope = Field(description="what the key is for; each includes the ones before it")
    own_only: bool = Field(description="what others made is not shown", examples=[False])


class CapabilitiesView(BaseModel):
    """Which jobs a model takes."""

    generate: bool
    edit: bool
    variation: bool
    references: bool = Field(description="an edit's prompt is an instruction about the picture")
    control: bool = Field(description="a control net follows `control_image`")

    @classmethod
    def of(cls, model: Model) -> Self:
        return cls(**model.capabilities.model_dump(), control=model.takes_control)


class LimitsView(BaseModel):
    """What a request may ask of a model."""

    max_pixels: int = Field(description="width times height", examples=[2097152])
    max_n: int = Field(examples=[10])
    multiple: int = Field(description="sides are generated at the next multiple, then cropped", examples=[16])


class DefaultsView(BaseModel):
    """What a request that doesn't say gets."""

    size: str = Field(examples=["128x128"])
    steps: int = Field(examples=[8])
    cfg_scale: float = Field(examples=[2.0])
    sampler: str = Field(examples=["euler"])
    scheduler: str = Field(examples=["discrete"])
    strength: float = Field(examples=[0.75])
    negative_prompt: str = Field(examples=[""])
    distilled_guidance: float | None = Field(examples=[None])
    flow_shift: float | None = Field(examples=[None])
    clip_skip: int | None = Field(examples=[None])


class ModelFileView(BaseModel):
    """A file of a model."""

    key: str = Field(description="which part it is, as models.yml calls it", examples=["diffusion_model"])
    path: str = Field(description="where, as models.yml spells it", examples=["weights/z-image.gguf"])
    present: bool
    bytes: int | None = Field(description="its size; null if it is missing", examples=[4683074240])


class FeaturesView(BaseModel):
    """What the running engine says it offers with this model, in its own words."""

    samplers: list[str] = Field(examples=[["euler", "euler_a"]])
    schedulers: list[str] = Field(examples=[["discrete", "karras"]])
    loras: list[str] = Field(examples=[["watercolour"]])
    upscalers: list[str] = Field(examples=[["Latent"]])
    abilities: list[str] = Field(description="what it does besides", examples=[["hires", "lora"]])
    limits: dict[str, int] = Field(examples=[{"max_width": 4096, "max_height": 4096}])

    @classmethod
    def of(cls, features: EngineFeatures) -> Self:
        return cls(
            samplers=list(features.samplers),
            schedulers=list(features.schedulers),
            loras=list(features.loras),
            upscalers=list(features.upscalers),
            abilities=list(features.abilities),
            limits=dict(features.limits),
        )


class FitView(BaseModel):
    """An estimate of the memory for one picture of the model's own size, in bytes of main memory."""

    size: str = Field(examples=["512x512"])
    weights_bytes: int | None = Field(
        description="what its files hold; null if one is missing and its size unknown",
        examples=[4_265_146_304],
    )
    working_bytes: int = Field(description="what the engine works with besides", examples=[1_894_830_464])
    needed_bytes: int | None = Field(description="both", examples=[6_159_976_768])
    available_bytes: int = Field(description="what other programs leave now", examples=[12_000_000_000])
    fits: bool | None = Field(description="null: can't be said", examples=[True])

    @classmethod
    def of(cls, fit: Fit) -> Self:
        return cls(
            size=fit.size,
            weights_bytes=fit.weights,
            working_bytes=fit.working,
            needed_bytes=fit.needed,
            available_bytes=fit.available,
            fits=fit.fits,
        )


class ModelView(BaseModel):
    """An entry of models.yml and how it stands on this machine."""

    id: str = Field(examples=["demo"])
    name: str
    description: str
    aliases: list[str]
    is_default: bool
    state: Literal["missing", "stopped", "loading", "ready", "busy"]
    missing: list[str] = Field(description="files that are not on this machine, as models.yml spells them")
    capabilities: CapabilitiesView
    defaults: DefaultsView
    limits: LimitsView
    ttl: int | None = Field(description="idle seconds until it is unloaded; null: never", examples=[900])
    preload: bool
    source: str | None = Field(description="Hugging Face repository of its files")
    examples: list[str] = Field(description="prompts it understands")
    files: list[ModelFileView]
    bytes: int = Field(description="size on disk of the files that are there", examples=[4683074240])
    fault: str | None = Field(
        description="why it could not be loaded the last time somebody asked for that", examples=[None]
    )
    features: FeaturesView | None = Field(description="null while it is not in memory")
    obtainable: int = Field(description="how many of the missing files can be downloaded", examples=[0])
    download_bytes: int | None = Field(
        description="size of these as models.yml tells it; null if it doesn't", examples=[None]
    )
    download: DownloadView | None = Field(description="how its files come, or came, to this machine")
    fit: FitView | None = Field(description="whether it should find room in memory; null while it is there")

    @classmethod
    def of(cls, entry: ModelState, **more: Any) -> Self:
        model = entry.model
        return cls(
            id=model.id,
            name=model.name,
            description=model.description,
            aliases=list(model.aliases),
            is_default=entry.is_default,
            state=entry.state,
            missing=list(entry.missing),
            capabilities=CapabilitiesView.of(model),
            defaults=DefaultsView(**model.defaults.model_dump()),
            limits=LimitsView(**model.limits.model_dump()),
            ttl=model.ttl,
            preload=model.preload,
            source=None if model.source is None else model.source.repo,
            examples=list(model.examples),
            files=[
                ModelFileView(key=file.key, path=file.path, present=file.size is not None, bytes=file.size)
                for file in entry.files
            ],
            bytes=sum(file.size or 0 for file in entry.files),
            fault=entry.fault,
            features=None if entry.features is None else FeaturesView.of(entry.features),
            obtainable=entry.obtainable,
            download_bytes=entry.download_bytes,
            download=None if entry.download is None else DownloadView.of(entry.download),
            fit=None if entry.fit is None else FitView.of(entry.fit),
            **more,
        )


class ModelWithLogView(ModelView):
    """A model, and what its engine printed last."""

    log_tail: str = Field(description="the engine's last lines", examples=[""])

    @classmethod
    def of(cls, entry: ModelState, **_: Any) -> Self:
        # The engine may print prompts, whoever's.
        return super().of(entry, log_tail=entry.log_tail if sight().is_whole else "")


class ModelStatusView(BaseModel):
    """How a model stands, for those who look often."""

    id: str = Field(examples=["demo"])
    state: Literal["missing", "stopped", "loading", "ready", "busy"]
    fraction: float | None = Field(description="0 to 1 while it is being loaded", examples=[None])
    fault: str | None = Field(
        description="why it could not be loaded the last time somebody asked for that", examples=[None]
    )

    @classmethod
    def of(cls, entry: ModelState, engine: EngineStatus) -> Self:
        fraction = engine.fraction if entry.state == "loading" else None
        return cls(id=entry.model.id, state=entry.state, fraction=fraction, fault=entry.fault)


class ModelFilesView(BaseModel):
    """The files of a model, and whether all are there."""

    id: str = Field(examples=["demo"])
    complete: bool = Field(description="jobs can use the model")
    files: list[ModelFileView]
    download: DownloadView | None = Field(description="how they come, or came, to this machine")

    @classmethod
    def of(cls, entry: ModelState) -> Self:
        whole = ModelView.of(entry)
        return cls(id=whole.id, complete=not whole.missing, files=whole.files, download=whole.download)
