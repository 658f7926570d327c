"""The queue's values: Job, its states and how they may change, Progress, Generation, Image, Attempt."""

from dataclasses import dataclass, field
from enum import StrEnum

from studio.errors import EngineCrashed, EngineStalled, StudioError
from studio.made_with import MadeWith
from studio.params import JobType
from studio.recipe import Recipe

# An engine death or stall is tried once more; the second one names the job as the likely cause.
MAX_FAILURES = 2


class JobStatus(StrEnum):
    """Where a job is in its life."""

    PENDING = "pending"
    """In the queue: added by submit, or put back by a requeue."""
    PROCESSING = "processing"
    """Claimed by a worker; loading a model is a phase of this, not a status."""
    COMPLETED = "completed"
    """All its pictures are stored. Final."""
    FAILED = "failed"
    """Given up, with the reason in `error`. Final."""
    CANCELLED = "cancelled"
    """Somebody's wish. Final."""

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset(
        {JobStatus.PENDING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
    ),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}


class Phase(StrEnum):
    """What a job that isn't final is busy with."""

    QUEUED = "queued"
    PREPARING = "preparing"
    LOADING = "loading"
    ENCODING = "encoding"
    SAMPLING = "sampling"
    DECODING = "decoding"
    UPSCALING = "upscaling"
    """A picture is made larger."""
    SAVING = "saving"


@dataclass(frozen=True)
class Progress:
    """How far a job is, over all its pictures.

    `fraction` is 0..1 and never falls within a job; `step` of `steps` counts within one picture, `image` of
    `images` is the picture in hand (from 1; 0 before the first); times are seconds.
    """

    phase: Phase
    fraction: float = 0.0
    step: int = 0
    steps: int = 0
    image: int = 0
    images: int = 0
    seconds_per_step: float | None = None
    eta_seconds: float | None = None


class AttemptOutcome(StrEnum):
    """How one execution of a job ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The studio died or the lease ran out; the job went back to the queue."""
    STOPPED = "stopped"
    """The studio was shut down; the job went back to the queue, uncounted."""


@dataclass(frozen=True)
class Attempt:
    """One execution of a job. Times are seconds since the epoch."""

    number: int
    worker: str
    outcome: AttemptOutcome
    started_at: float
    ended_at: float | None = None
    error: str | None = None
    log_tail: str = ""


@dataclass(frozen=True)
class Job:
    """A row of the queue. Times are seconds since the epoch; `seq` gives the order of submission."""

    id: str
    seq: int
    status: JobStatus
    recipe: Recipe
    created_at: float
    updated_at: float
    started_at: float | None = None
    completed_at: float | None = None
    progress: Progress | None = None
    error: str | None = None
    error_code: str | None = None
    generation_id: str | None = None
    worker: str | None = None
    attempt: int = 0
    failures: int = 0
    revision: int = 0
    cancel_requested_at: float | None = None
    source_image_id: str | None = None
    parent_id: str | None = None
    """The job that was tried again as this one."""
    batch_id: str | None = None
    """The batch or grid it belongs to."""
    owner: str | None = None
    """The name of the key that made it; None: nobody's in particular."""
    cell: int | None = None
    """Its place in the batch, from 0."""
    webhook: str | None = field(default=None, repr=False)
    """The address that its request wants told of its end. Not for logs: it may hold a secret."""
    note: str | None = None
    """What people should know of how it is done; a sentence."""
    position: int | None = field(default=None, compare=False)
    """1 for the next pending job; None for a job that isn't pending."""
    image_ids: tuple[str, ...] = field(default=(), compare=False)
    """The pictures of a completed job, in order, as far as they are still there."""

    @property
    def type(self) -> JobType:
        return self.recipe.type

    @property
    def is_final(self) -> bool:
        return self.status.is_final


@dataclass(frozen=True)
class Image:
    """One picture of a generation. `path` is relative to outputs/; sizes in pixels and bytes."""

    id: str
    generation_id: str
    index: int
    path: str
    mime_type: str
    width: int
    height: int
    size: int
    sha256: str
    seed: int
    revised_prompt: str | None = None
    owner: str | None = None
    """As its job's."""


@dataclass(frozen=True)
class Generation:
    """What a completed job made."""

    id: str
    seq: int
    job_id: str
    recipe: Recipe
    created_at: float
    updated_at: float
    image_count: int
    images: tuple[Image, ...] = ()
    owner: str | None = None
    """As its job's."""
    made_with: MadeWith | None = None
    """None: made before this was written down."""


def after_error(error: StudioError, failures: int) -> tuple[JobStatus, str]:
    """What becomes of a job whose attempt ended with `error`, and the sentence to store.

    `failures` counts the engine deaths and stalls before this one. Only those are tried again: everything
    else gives the same answer twice.
    """
    if not isinstance(error, EngineCrashed | EngineStalled):
        return JobStatus.FAILED, error.message
    if failures + 1 < MAX_FAILURES:
        return JobStatus.PENDING, error.message
    return JobStatus.FAILED, (
        f"{error.message} This job ended the engine {failures + 1} times, so it was set aside."
    )
