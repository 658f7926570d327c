"""Downloading the files of models: asking for them, looking how far they are, stopping."""

from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.concurrency import run_in_threadpool

from studio.additions import FileKey, NewModel
from studio.api.dependencies import StudioDep, only
from studio.api.download_views import DownloadView
from studio.api.errors import faults
from studio.model import ModelId
from studio.source import Sha256, Source, SourceFile, Url

router = APIRouter(prefix="/models/download", tags=["Models"])

DownloadId = Annotated[str, Path(description="the download", max_length=100)]


class DownloadBody(BaseModel):
    """`model` alone; or, for a model that is new here, `id` with `source`, or with `url` and `sha256`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=100, description="id or alias of a model with a known source", examples=["sd15"]
    )
    source: Source | None = Field(
        None,
        description="where its files are, as models.yml spells it: a Hugging Face repository, and for each "
        "part of the model its path in there, or another repository's, or an address with its sha256",
        examples=[{"repo": "someone/a-model", "files": {"model": "a-model-f16.safetensors"}}],
    )
    url: Url | None = Field(None, description="https address of one .safetensors or .gguf file")
    sha256: Sha256 | None = Field(None, description="of that file, 64 hexadecimal digits in small letters")
    key: FileKey | None = Field(
        None, description="what that file is; left out: `model`, a complete checkpoint"
    )
    id: ModelId | None = Field(None, description="what the new model will be called by requests")
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="what it will be called by people; left out: the id"
    )
    like: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None,
        description="id or alias of a model of the same kind, whose defaults, limits and engine options hold "
        "for the new one, and whose other files it uses",
    )

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        said = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if self.model is not None:
            for name in sorted(said - {"model"}):
                raise ValueError(f"{name}: has no meaning beside model, whose files models.yml describes")
            return self
        if not said & {"source", "url", "sha256", "id"}:
            raise ValueError("model: is required, or id with source, or id with url and sha256")
        if self.source is not None:
            for name in sorted(said & {"url", "sha256", "key"}):
                raise ValueError(f"{name}: has no meaning beside source, which says it for each file")
        needed = ("id",) if self.source is not None else ("url", "sha256", "id")
        for name in needed:
            if name not in said:
                raise ValueError(f"{name}: is required for a model that models.yml doesn't have")
        return self

    def new(self) -> tuple[NewModel, Source]:
        """The model that is new, and where its files are."""
        assert self.id is not None, "a body without `model` has an id"
        source = self.source
        if source is None:
            source = Source(files={self.key or "model": SourceFile(url=self.url, sha256=self.sha256)})
        return NewModel(id=self.id, name=self.name, like=self.like), source


@router.post(
    "", status_code=202, response_model=DownloadView, responses=faults(400, 404, 409, 503, 507),
    summary="Download the missing files of a model", operation_id="start_download",
    dependencies=[only()],
)  # fmt: skip
async def start_download(body: DownloadBody, studio: StudioDep) -> DownloadView:
    """Answers at once; what came of an earlier try is gone on with, and a download under way is that one.

    Two models are fetched at a time. Every file is checked by its SHA-256 and its header before it gets its
    name. A new model is added first, in a file of its own beside models.yml.
    """
    downloads = studio.downloads
    if body.model is not None:
        return DownloadView.of(await run_in_threadpool(downloads.begin, body.model))
    return DownloadView.of(await run_in_threadpool(downloads.begin_new, *body.new()))


@router.get(
    "", response_model=list[DownloadView], responses=faults(400), dependencies=[only()],
    summary="Every download", operation_id="list_downloads",
)  # fmt: skip
async def list_downloads(studio: StudioDep) -> list[DownloadView]:
    """Newest first, at most one for each model, those of earlier lives of the studio included."""
    return [DownloadView.of(row) for row in await run_in_threadpool(studio.downloads.all)]


@router.get(
    "/{download_id}", response_model=DownloadView, responses=faults(400, 404), dependencies=[only()],
    summary="How far a download is", operation_id="get_download",
)  # fmt: skip
async def get_download(download_id: DownloadId, studio: StudioDep) -> DownloadView:
    """The event `model_status_changed` carries the same as it goes on."""
    return DownloadView.of(await run_in_threadpool(studio.downloads.get, download_id))


@router.delete(
    "/{download_id}", response_model=DownloadView, responses=faults(400, 404, 409),
    dependencies=[only("discard")], summary="Stop a download", operation_id="cancel_download",
)  # fmt: skip
async def cancel_download(
    download_id: DownloadId,
    studio: StudioDep,
    discard: Annotated[bool, Query(description="also remove what came so far")] = False,
) -> DownloadView:
    """A download that runs stops within seconds; what came is kept for going on. 409 if it is complete."""
    return DownloadView.of(await run_in_threadpool(studio.downloads.cancel, download_id, discard=discard))
