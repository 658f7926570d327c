"""Happenings: what there is to tell about the studio, by comparing what is with what was told before."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from studio.api.download_views import DownloadView
from studio.api.model_views import EngineView
from studio.api.views import JobView, StatsView
from studio.caller import HOUSE, Caller, asking
from studio.errors import NotFound
from studio.events import DELIVERY, DOWNLOAD, GENERATION, GRID, IMAGE, MODEL, parts
from studio.job import Job, JobStatus
from studio.service import Studio
from studio.sight import WHOLE, Sight, sight_of
from studio.store import is_id
from studio.webhook import EVENTS

# Of so many jobs it is remembered which revision was told last.
_REMEMBERED = 1000
_CHANGES = {IMAGE: "images_changed", GRID: "grids_changed"}
# Two jobs at once are common, one sampled and one being saved; more have other studios at work.
_MOST_RUNNING = 20


Audience = Callable[[Caller], bool]


def everybody(_: Caller) -> bool:
    """For what is nobody's in particular."""
    return True


def who_sees(owner: str | None) -> Audience:
    """Those to whom that owner's things are shown."""
    return lambda caller: sight_of(caller).shows(owner)


def who_has(shown: Sight) -> Audience:
    """Those who see exactly that much: each is told their own counts."""
    return lambda caller: sight_of(caller) == shown


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
    audience: Audience = everybody
    """Who may be told."""


class Happenings:
    """Reads the rows that changed. Used by one thread at a time."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._last: dict[Sight, StateView] = {}
        self._revisions: OrderedDict[str, int] = OrderedDict()

    def forget(self) -> None:
        """Nobody was told anything."""
        self._last.clear()
        self._revisions.clear()

    def greeting(self, caller: Caller, *, has_peers: bool) -> Happening:
        """The studio as it is, for somebody who knows nothing yet.

        `has_peers`: others who see the same were told before. What they were told stays the measure for
        what all of them are told next.
        """
        state, shown = self._look(caller), sight_of(caller)
        if not has_peers or shown not in self._last:
            self._last[shown] = state
        # No later state makes this one superfluous: it says that events may have been missed.
        return Happening("state", dict(state) | {"fresh": True})

    def job(self, job_id: str, caller: Caller) -> list[Happening]:
        """The job as it is, for somebody who follows it."""
        engine = self._studio.engine.state
        with asking(caller):
            jobs = self._studio.queue.those([job_id])
        return [happening for job in jobs for happening in _of_job(job, JobView.of(job, engine))]

    def news(self, topics: Iterable[str], callers: Iterable[Caller] = ()) -> list[Happening]:
        """What changed about these topics of the bus, and what that changed about the whole.

        `callers`: one for each sight there is among those who listen; the whole is always looked at.
        """
        told = [*self._about(topics), *self._of_whole()]
        for caller in callers:
            shown = sight_of(caller)
            if not shown.is_whole:
                told += self._of_part(caller, shown)
        return told

    def _of_part(self, caller: Caller, shown: Sight) -> Iterator[Happening]:
        """What changed about somebody's part of the whole."""
        last, state = self._last.get(shown), self._look(caller)
        self._last[shown] = state
        if state != last:
            yield Happening("state", dict(state), "state", audience=who_has(shown))

    def _of_whole(self) -> list[Happening]:
        told: list[Happening] = []
        last, state = self._last.get(WHOLE), self._look(HOUSE)
        self._last[WHOLE] = state
        if last is not None:
            if (last.engine.state, last.engine.model, last.engine.detail) != (
                state.engine.state, state.engine.model, state.engine.detail,
            ):  # fmt: skip
                told.append(Happening("model_status_changed", {"engine": state.engine}, "engine"))
            if last.paused != state.paused:
                told.append(Happening("queue_paused", {"paused": state.paused}, "paused"))
        if state != last:
            told.append(Happening("state", dict(state), "state", audience=who_has(WHOLE)))
        return told

    def _look(self, caller: Caller) -> StateView:
        studio = self._studio
        engine = studio.engine
        with asking(caller):
            running = studio.jobs(status=JobStatus.PROCESSING, limit=_MOST_RUNNING).rows
            counts = studio.counts()
        newest = max(running, key=lambda job: job.started_at or 0.0, default=None)
        return StateView(
            fresh=False,
            paused=studio.queue.is_paused(),
            counts=StatsView.of(counts),
            running=None if newest is None else JobView.of(newest, engine.state),
            engine=EngineView.of(engine),
        )

    def _about(self, topics: Iterable[str]) -> Iterator[Happening]:
        jobs: list[str] = []
        changed: dict[str, dict[str | None, list[str]]] = {kind: {} for kind in _CHANGES}
        for topic in topics:
            kind, id_, owner = parts(topic)
            if kind == GENERATION and self._is_gone(id_):
                yield Happening("generation_deleted", {"generation_id": id_}, audience=who_sees(owner))
            elif kind == DOWNLOAD:
                yield from self._of_download(id_)
            elif kind == MODEL:
                new = {"engine": EngineView.of(self._studio.engine), "added": id_}
                yield Happening("model_status_changed", new, f"model {id_}")
            elif kind == DELIVERY:
                for job in self._studio.queue.those([id_]):
                    told = who_sees(job.owner)
                    yield Happening("webhooks_changed", {"job_id": id_}, topic, id_, told)
            elif kind in _CHANGES:
                # Told together, unless not everybody may be told.
                changed[kind].setdefault(owner if self._studio.settings.owners else None, []).append(id_)
            elif is_id(topic):
                jobs.append(topic)
        for kind, owned in changed.items():
            for owner, ids in owned.items():
                yield Happening(_CHANGES[kind], {"ids": ids}, audience=who_sees(owner))
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
    told = who_sees(job.owner)
    yield Happening(name, payload | more, f"job {job.id}", job.id, told)
    if is_done and job.generation_id is not None:
        made = {"generation_id": job.generation_id, "job_id": job.id, "image_ids": view.image_ids}
        yield Happening("generation_completed", made, None, job.id, told)
