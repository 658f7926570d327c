"""The life of jobs of the native family: one runs, one waits and is cancelled."""

import re
import time
from typing import Any

from shapes.exchanges import Exchange, ask, post
from shapes.shape import content, shape

_IMG_GEN = "/sdcpp/v1/img_gen"
_FINAL = ("completed", "failed", "cancelled")
# The stub obeys the directive, the engine takes it for a prompt: both are busy for a while.
_SLOW = {"prompt": "x [[stub lat=2000]]", "width": 64, "height": 64, "sample_params": {"sample_steps": 20}}
_QUICK = {"prompt": "x", "width": 64, "height": 64, "sample_params": {"sample_steps": 2}}


def _job(base: str, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = content(ask(base, Exchange("GET", f"/sdcpp/v1/jobs/{job_id}")).body)
    return found


def _until(base: str, job_id: str, statuses: tuple[str, ...], seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while (job := _job(base, job_id))["status"] not in statuses:
        if time.monotonic() > end:
            raise TimeoutError(f"job {job_id} is still {job['status']} after {seconds} s")
        time.sleep(0.01)
    return job


def tell(base: str) -> dict[str, Any]:
    """What happens to two jobs, in the terms of `shape`."""
    submitted = ask(base, post(_IMG_GEN, "slow", _SLOW))
    running = content(submitted.body)
    waiting = content(ask(base, post(_IMG_GEN, "quick", _QUICK)).body)
    generating = _until(base, running["id"], ("generating", *_FINAL), 30)
    queued = _job(base, waiting["id"])

    def cancel(job_id: str) -> tuple[int, Any]:
        reply = ask(base, post(f"/sdcpp/v1/jobs/{job_id}/cancel", "", b""))
        return reply.status, content(reply.body)

    refused, cancelled = cancel(running["id"]), cancel(waiting["id"])
    done = _until(base, running["id"], _FINAL, 60)
    too_late = cancel(running["id"])
    return {
        "submit": [submitted.status, shape(running)],
        "id is of the known form": bool(re.fullmatch(r"job_[0-9a-f]+_[0-9a-f]{8}", running["id"])),
        "generating": [generating["status"], shape(generating)],
        "queued": [queued["queue_position"], shape(queued)],
        "cancel while generating": list(refused),
        "cancel while queued": [cancelled[0], shape(cancelled[1]), cancelled[1]["error"]],
        "done": [done["status"], shape(done)],
        "cancel when done": [too_late[0], shape(too_late[1])],
    }
