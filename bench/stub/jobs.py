"""The native API's queue of jobs and the one thread that works it off."""

import base64
import threading
import time
from typing import Any

from stub.engine import Engine
from stub.journal import Record
from stub.request import ImageRequest
from stub.words import JOB_SECONDS, MAX_PENDING


class QueueFull(Exception):
    """As many jobs wait as sd-server lets in."""


class UnknownJob(Exception):
    """No job of that id; `expired` if there was one."""

    def __init__(self, expired: bool) -> None:
        super().__init__()
        self.expired = expired


class CannotCancel(Exception):
    """The job is being generated, which sd-server does not interrupt."""


class _Job:
    def __init__(self, number: int, request: ImageRequest, record: Record) -> None:
        self.created = int(time.time())
        self.id = f"job_{self.created:x}_{number:08x}"
        self.status = "queued"
        self.started: int | None = None
        self.completed: int | None = None
        self.request, self.record = request, record
        self.pictures: list[str] = []
        self.error: tuple[str, str] | None = None


class JobQueue:
    """Jobs by id, first come first served. Any thread; `work` belongs to one thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: dict[str, _Job] = {}
        self._expired: dict[str, int] = {}
        self._waiting: list[str] = []
        self._changed = threading.Condition()
        self._next = 0

    def start(self) -> None:
        """Begin to work jobs off."""
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    def submit(self, request: ImageRequest, record: Record) -> dict[str, Any]:
        """Queue a job; gives the answer's body. `record` gets the job's id. Errors: QueueFull."""
        with self._changed:
            self._purge()
            if sum(job.status in ("queued", "generating") for job in self._jobs.values()) >= MAX_PENDING:
                raise QueueFull
            job = _Job(self._next, request, record)
            self._next += 1
            record["job"] = job.id
            self._jobs[job.id] = job
            self._engine.journal.write("arr", **{**record, "t": record["t_arr"]})
            self._waiting.append(job.id)
            self._changed.notify()
        return {
            "id": job.id,
            "kind": "img_gen",
            "status": "queued",
            "created": job.created,
            "poll_url": f"/sdcpp/v1/jobs/{job.id}",
        }

    def body(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it. Errors: UnknownJob."""
        with self._changed:
            return self._body(self._get(job_id))

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancel a waiting job; a finished one stays as it is. Errors: UnknownJob, CannotCancel."""
        with self._changed:
            job = self._get(job_id)
            if job.status == "generating":
                raise CannotCancel
            if job.status == "queued":
                self._waiting.remove(job_id)
                job.status, job.completed = "cancelled", int(time.time())
                job.error = ("cancelled", "job cancelled by client")
                self._engine.journal.write("cancel", job=job_id, id=job.record["id"])
            return self._body(job)

    def _get(self, job_id: str) -> _Job:
        self._purge()
        job = self._jobs.get(job_id)
        if job is None:
            raise UnknownJob(expired=job_id in self._expired)
        return job

    def _purge(self) -> None:
        now = int(time.time())
        for job_id in [key for key, until in self._expired.items() if until <= now]:
            del self._expired[job_id]
        for job in list(self._jobs.values()):
            if job.completed is not None and now - job.completed >= JOB_SECONDS:
                self._expired[job.id] = now + JOB_SECONDS
                del self._jobs[job.id]

    def _body(self, job: _Job) -> dict[str, Any]:
        result = error = None
        if job.status == "completed":
            images = [{"index": index, "b64_json": picture} for index, picture in enumerate(job.pictures)]
            result = {"output_format": job.request.output_format, "images": images}
        elif job.error is not None:
            error = {"code": job.error[0], "message": job.error[1]}
        return {
            "id": job.id,
            "kind": "img_gen",
            "status": job.status,
            "created": job.created,
            "started": job.started,
            "completed": job.completed,
            "queue_position": self._waiting.index(job.id) + 1 if job.id in self._waiting else 0,
            "result": result,
            "error": error,
        }

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                self._purge()
                job = self._jobs[self._waiting.pop(0)]
                job.status, job.started = "generating", int(time.time())
            pictures = [
                base64.b64encode(png).decode() for png in self._engine.generate(job.request, job.record)
            ]
            with self._changed:
                job.completed = int(time.time())
                if pictures:
                    job.status, job.pictures = "completed", pictures
                else:
                    job.status = "failed"
                    job.error = ("generation_failed", "generate_image returned no results")
                done = time.monotonic()
            status = 200 if pictures else 500
            self._engine.journal.write(
                "fin",
                **{**job.record, "t": done, "t_fin": done, "status": status, "path": "/sdcpp/v1/img_gen#job"},
            )
