"""Happenings: what there is to tell about the studio, by comparing what is with what was told before."""

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from studio.api.download_views import DownloadView
from studio.api.model_views import EngineView
from studio.api.views import JobView, StatsView
from studio.errors import NotFound
from studio.events import DELIVERY, DOWNLOAD, GENERATION, GRID, IMAGE, MODEL
from studio.job import Job, JobStatus
from studio.service import Studio
from studio.store import is_id
from studio.webhook import EVENTS

# Of so many jobs it is remembered which revision was told last.
_REMEMBERED = 1000
# Two jobs at once are common, one sampled and one being saved; more have other studios at work.
_MOST_RUNNING = 20


class StateView(BaseModel):
    """The studio in one look; its event has a `seq` as well, the number of the event."""

    fresh: bool = Field(description="events before this one may have been missed: read lists anew")
    paused: bool
    counts: StatsView
    running: JobView | None = Field(description="the job in the engine's hands")
    engine: EngineView


class Happening(NamedTuple):
    """Something to tell. A later one with the same `key` makes this one superfluous; None: none does."""

    name: str
    payload: dict[str, Any]
    key: str | None = None
    job_id: str | None = None


class Happenings:
    """Reads the rows that changed. Used by one thread at a time."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._last: StateView | None = None
        self._revisions: OrderedDict[str, int] = OrderedDict()

    def forget(self) -> None:
        """Nobody was told anything."""
        self._last = None
        self._revisions.clear()

    def greeting(self) -> Happening:
        """The studio as it is, for somebody who knows nothing yet."""
        state = self._look()
        # What others were told stays the measure for what they are told next.
        self._last = self._last or state
        # No later state makes this one superfluous: it says that events may have been missed.
        return Happening("state", dict(state) | {"fresh": True})

    def job(self, job_id: str) -> list[Happening]:
        """The job as it is, for somebody who follows it."""
        engine = self._studio.engine.state
        return [
            happening
            for job in self._studio.queue.those([job_id])
            for happening in _of_job(job, JobView.of(job, engine))
        ]

    def news(self, topics: Iterable[str]) -> list[Happening]:
        """What changed about these topics of the bus, and what that changed about the whole."""
        told = list(self._about(topics))
        last, state = self._last, self._look()
        self._last = state
        if last is not None:
            if (last.engine.state, last.engine.model, last.engine.detail) != (
                state.engine.state, state.engine.model, state.engine.detail,
            ):  # fmt: skip
                told.append(Happening("model_status_changed", {"engine": state.engine}, "engine"))
            if last.paused != state.paused:
                told.append(Happening("queue_paused", {"paused": state.paused}, "paused"))
        if state != last:
            told.append(Happening("state", dict(state), "state"))
        return told

    def _look(self) -> StateView:
        studio = self._studio
        engine = studio.engine
        running = studio.jobs(status=JobStatus.PROCESSING, limit=_MOST_RUNNING).rows
        newest = max(running, key=lambda job: job.started_at or 0.0, default=None)
        return StateView(
            fresh=False,
            paused=studio.queue.is_paused(),
            counts=StatsView.of(studio.counts()),
            running=None if newest is None else JobView.of(newest, engine.state),
            engine=EngineView.of(engine),
        )

    def _about(self, topics: Iterable[str]) -> Iterator[Happening]:
        jobs, images, grids = [], [], []
        for topic in topics:
            kind, _, id_ = topic.rpartition(":")
            if kind == GENERATION and self._is_gone(id_):
                yield Happening("generation_deleted", {"generation_id": id_})
            elif kind == DOWNLOAD:
                yield from self._of_download(id_)
            elif kind == MODEL:
                new = {"engine": EngineView.of(self._studio.engine), "added": id_}
                yield Happening("model_status_changed", new, f"model {id_}")
            elif kind == DELIVERY:
                yield Happening("webhooks_changed", {"job_id": id_}, topic, id_)
            elif kind == IMAGE:
                images.append(id_)
            elif kind == GRID:
                grids.append(id_)
            elif is_id(topic):
                jobs.append(topic)
        if images:
            yield Happening("images_changed", {"ids": images})
        if grids:
            yield Happening("grids_changed", {"ids": grids})
        if jobs:
            engine = self._studio.engine.state
            for job in self._studio.queue.those(jobs):
                if self._is_new(job):
                    yield from _of_job(job, JobView.of(job, engine))

    def _of_download(self, download_id: str) -> Iterator[Happening]:
        with contextlib.suppress(NotFound):  # another one of the same model replaced it
            row = DownloadView.of(self._studio.downloads.get(download_id))
            payload = {"engine": EngineView.of(self._studio.engine), "download": row}
            yield Happening("model_status_changed", payload, f"download {download_id}")

    def _is_new(self, job: Job) -> bool:
        """Whether this revision of the job was not told yet."""
        known = self._revisions.pop(job.id, None)
        self._revisions[job.id] = job.revision
        if len(self._revisions) > _REMEMBERED:
            self._revisions.popitem(last=False)
        return known != job.revision

    def _is_gone(self, generation_id: str) -> bool:
        try:
            self._studio.generation(generation_id)
        except NotFound:
            return True
        return False


def _of_job(job: Job, view: JobView) -> Iterator[Happening]:
    name, payload = EVENTS.get(job.status, "job_updated"), {"job": view}
    is_done = job.status is JobStatus.COMPLETED
    more = {"generation_id": job.generation_id} if is_done else {}
    yield Happening(name, payload | more, f"job {job.id}", job.id)
    if is_done and job.generation_id is not None:
        made = {"generation_id": job.generation_id, "job_id": job.id, "image_ids": view.image_ids}
        yield Happening("generation_completed", made, None, job.id)
