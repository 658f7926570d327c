"""How far a caller's request is, and ending it."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from studio.api.a1111.callers import CallerDep, active_jobs
from studio.api.dependencies import StudioDep
from studio.errors import JobFinished
from studio.job import Job, JobStatus

router = APIRouter()


@router.get("/progress", summary="How far the caller's request is", operation_id="progress")
async def progress(
    studio: StudioDep,
    caller: CallerDep,
    skip_current_image: bool = False,  # noqa: ARG001 - clients send it; there never is one
) -> dict[str, Any]:
    """Of the caller's own requests through this door: the one that runs, else the first that waits.

    The engine shows no half-done pictures: `current_image` is null whether it is skipped or not.
    """
    looked_at = caller.jobs
    jobs = await run_in_threadpool(active_jobs, studio, looked_at)
    for over in set(looked_at) - {job.id for job in jobs}:
        caller.forget(over)
    return _told(jobs)


@router.post("/interrupt", summary="End the caller's request", operation_id="interrupt")
async def interrupt(studio: StudioDep, caller: CallerDep) -> dict[str, Any]:
    """The caller's job that runs, else its first that waits, is cancelled; nobody else's ever is."""

    def cancel() -> None:
        for job in active_jobs(studio, caller.jobs)[:1]:
            with contextlib.suppress(JobFinished):  # it came to its end just now
                studio.cancel(job.id)

    await run_in_threadpool(cancel)
    return {}


@router.post("/skip", summary="End the caller's request", operation_id="skip")
async def skip(studio: StudioDep, caller: CallerDep) -> dict[str, Any]:
    """As interrupt: the engine can't leave out one picture of several."""
    return await interrupt(studio, caller)


def _told(jobs: list[Job]) -> dict[str, Any]:
    job = jobs[0] if jobs else None
    at = None if job is None else job.progress
    is_ending = job is not None and job.cancel_requested_at is not None
    begun = None if job is None else datetime.fromtimestamp(job.started_at or job.created_at, UTC)
    return {
        "progress": 0.0 if at is None else at.fraction,
        "eta_relative": 0.0 if at is None or at.eta_seconds is None else round(at.eta_seconds, 1),
        "state": {
            "skipped": False,
            "interrupted": is_ending,
            "stopping_generation": is_ending,
            "job": "" if job is None else job.id,
            "job_count": sum(job.recipe.n for job in jobs),
            "job_timestamp": "0" if begun is None else f"{begun:%Y%m%d%H%M%S}",
            "job_no": 0 if at is None else max(0, at.image - 1),
            "sampling_step": 0 if at is None else at.step,
            "sampling_steps": 0 if job is None else (at.steps if at else 0) or job.recipe.steps,
        },
        "current_image": None,
        "textinfo": None if job is None else _textinfo(job),
    }


def _textinfo(job: Job) -> str:
    if job.status is JobStatus.PENDING:
        return f"Waiting at place {job.position} of the queue"
    return str(job.progress.phase if job.progress else "loading").capitalize()
