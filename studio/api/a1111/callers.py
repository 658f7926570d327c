"""Callers: what this door remembers of each program that uses it. In memory only, and bounded."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from studio.errors import NotFound
from studio.job import Job, JobStatus
from studio.service import Studio

MAX_CALLERS = 1000
# Of one caller; requests that wait are far fewer, and those whose client hung up end by themselves.
MAX_JOBS = 50


@dataclass
class Caller:
    """What POST /options set for one caller, and its jobs, oldest first. Used on the event loop only."""

    model: str | None = None
    clip_skip: int | None = None
    jobs: list[str] = field(default_factory=list)

    def remember(self, job_id: str) -> None:
        """The job is this caller's: /progress tells of it and /interrupt may end it."""
        self.jobs = [*self.jobs, job_id][-MAX_JOBS:]

    def forget(self, job_id: str) -> None:
        """The job is over."""
        self.jobs = [known for known in self.jobs if known != job_id]


class Callers:
    """Who used this door lately. Owner: the door's application."""

    def __init__(self) -> None:
        self._callers: OrderedDict[str, Caller] = OrderedDict()

    def of(self, request: Request) -> Caller:
        """The caller a request comes from: its address, and the key it shows if it shows one."""
        shown = request.headers.get("authorization", "") or request.headers.get("x-api-key", "")
        address = "" if request.client is None else request.client.host
        # Hashed: nobody's key is to lie around.
        who = hashlib.sha256(f"{address}\n{shown}".encode("utf-8", "backslashreplace")).hexdigest()
        caller = self._callers.setdefault(who, Caller())
        self._callers.move_to_end(who)
        if len(self._callers) > MAX_CALLERS:
            self._callers.popitem(last=False)
        return caller


def active_jobs(studio: Studio, job_ids: list[str]) -> list[Job]:
    """Those of the jobs that are not over: the one that runs, then the others as they were sent."""
    found = []
    for job_id in job_ids:
        try:
            job = studio.job(job_id)
        except NotFound:
            continue
        if not job.is_final:
            found.append(job)
    return sorted(found, key=lambda job: job.status is not JobStatus.PROCESSING)


async def _caller(request: Request) -> Caller:
    callers: Callers = request.app.state.callers
    return callers.of(request)


CallerDep = Annotated[Caller, Depends(_caller)]
