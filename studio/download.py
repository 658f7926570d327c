"""Download: how far the files of a model have come to this machine."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DownloadState(StrEnum):
    """`running` and `checking` are busy, `queued` waits for a place; the others are at rest."""

    QUEUED = "queued"
    RUNNING = "running"
    CHECKING = "checking"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The studio ended meanwhile."""

    @property
    def is_active(self) -> bool:
        return self in (DownloadState.QUEUED, DownloadState.RUNNING, DownloadState.CHECKING)


class DownloadFile(BaseModel):
    """One file of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Which part of the model, as models.yml calls it."""
    path: str
    """Where it will be, as models.yml spells it."""
    done: int = 0
    total: int | None = None
    """Bytes; None until the source told its size."""
    sha256: str | None = None


class Download(BaseModel):
    """The missing files of one model on their way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    model: str
    state: DownloadState = DownloadState.QUEUED
    files: tuple[DownloadFile, ...] = ()
    error: str | None = None
    """Why it failed, for people."""
    created_at: float
    updated_at: float
    speed: float | None = None
    """Bytes a second lately; None while nothing comes."""

    @property
    def done(self) -> int:
        """Bytes so far."""
        return sum(file.done for file in self.files)

    @property
    def total(self) -> int | None:
        """Bytes in all; None until every size is known."""
        totals = [file.total for file in self.files]
        known = [total for total in totals if total is not None]
        return sum(known) if totals and len(known) == len(totals) else None
