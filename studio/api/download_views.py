"""What goes out about downloads."""

from typing import Self

from pydantic import BaseModel, Field

from studio.api.recipe_view import EXAMPLE_ID, SECONDS
from studio.download import Download, DownloadState


class DownloadFileView(BaseModel):
    """One file on its way."""

    key: str = Field(description="which part it is, as models.yml calls it", examples=["diffusion_model"])
    path: str = Field(
        description="where it will be", examples=["models/flux-schnell/flux1-schnell-q8_0.gguf"]
    )
    done_bytes: int = Field(examples=[1_073_741_824])
    total_bytes: int | None = Field(description="null until its size is known", examples=[12_656_000_000])
    sha256: str | None = Field(description="what it will be checked by, once known", examples=["5e" * 32])


class DownloadView(BaseModel):
    """The missing files of a model on their way to this machine."""

    id: str = Field(examples=[EXAMPLE_ID])
    model: str = Field(examples=["flux-schnell"])
    state: DownloadState = Field(
        description="`queued`, `running` and `checking` are busy; all but `completed` can be gone on with by "
        "asking for the model again"
    )
    error: str | None = Field(description="why it failed, for people", examples=[None])
    done_bytes: int = Field(examples=[1_073_741_824])
    total_bytes: int | None = Field(description="null until every size is known", examples=[23_900_000_000])
    speed: int | None = Field(description="bytes a second lately", examples=[12_500_000])
    files: list[DownloadFileView]
    created_at: int = Field(description=SECONDS, examples=[1766491200])
    updated_at: int = Field(description=SECONDS, examples=[1766491201])

    @classmethod
    def of(cls, row: Download) -> Self:
        return cls(
            id=row.id,
            model=row.model,
            state=row.state,
            error=row.error,
            done_bytes=row.done,
            total_bytes=row.total,
            speed=None if row.speed is None else round(row.speed),
            files=[
                DownloadFileView(
                    key=file.key,
                    path=file.path,
                    done_bytes=file.done,
                    total_bytes=file.total,
                    sha256=file.sha256,
                )
                for file in row.files
            ],
            created_at=int(row.created_at),
            updated_at=int(row.updated_at),
        )
