"""Cancelling: a running job, what it does to the next one, and waiting jobs."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from studio_bench.figures import Figures, milliseconds, quantile, rounded
from studio_bench.workbench import Workbench

_CANCELLED = ("cancelled", "canceled")
_LONG = 4000  # milliseconds


async def measure(bench: Workbench) -> Figures:
    """Cancels running jobs of 4 s with one behind them, then jobs that wait behind a running one."""
    tries = [await _running(bench) for _ in range(bench.samples(2, 1))]
    good = [one for one in tries if "error" not in one]
    return {
        "running": tries,
        "delete_p50_ms": _median(one["delete_ms"] for one in good),
        "seen_cancelled_p50_ms": _median(one["seen_cancelled_ms"] for one in good),
        "next_job_done_p50_s": _median(one["next_job_done_s"] for one in good),
        "next_job_completed": sum(one["next_job_status"] == "completed" for one in good),
        "stayed_cancelled": sum(one["final_status"] in _CANCELLED for one in good),
        "reps": len(good),
        "pending": await _waiting(bench),
    }


def _median(values: Iterable[float | None]) -> float | None:
    return rounded(quantile([value for value in values if value is not None], 0.5))


async def _running(bench: Workbench) -> Figures:
    """Cancel one running job, with one waiting behind it."""
    tag, body = bench.picture(_LONG)
    long_job = (await bench.post("/queue/generate", body)).body["job_id"]
    line = await bench.log.started(tag, 15)
    if line is None:
        return {"error": "the job never reached the engine"}
    await asyncio.sleep(0.3)
    _, body = bench.picture(0)
    next_job = (await bench.post("/queue/generate", body)).body["job_id"]
    begin = time.monotonic()
    answer = await bench.http.delete(f"{bench.options.base}/queue/{long_job}")
    answered = time.monotonic()
    seen = await _seen_cancelled(bench, long_job)
    watched = await bench.watch(next_job, 12, 0.01)
    bench.log.read()
    exits = sum(line["t"] > begin for line in bench.log.exits)
    boots = sum(line["t"] > begin for line in bench.log.boots)
    # Past the moment at which the cancelled job would have ended: a late "completed" would show.
    await asyncio.sleep(max(0, line["t"] + _LONG / 1000 + 0.3 - time.monotonic()))
    bench.log.read()
    final = await bench.job(long_job)
    completed = watched.seen if watched.job.get("status") == "completed" else None
    return {
        "delete_status": answer.status_code,
        "delete_ms": rounded(answered - begin, 1000),
        "seen_cancelled_ms": None if seen is None else rounded(seen - begin, 1000),
        "next_job_done_s": None if completed is None else rounded(completed - begin),
        "next_job_status": watched.job.get("status"),
        "engine_ran_to_end": tag in bench.log.finishes,
        "engine_exits": exits,
        "engine_restarts": boots,
        "final_status": final.get("status"),
        "pictures_kept": _pictures(final),
    }


def _pictures(job: dict[str, Any]) -> int:
    """How many pictures a job shows; a bare number of `images` is how many were asked for."""
    images = job.get("images")
    shown: int = job.get("image_count", len(images) if isinstance(images, list) else 0)
    return shown


async def _seen_cancelled(bench: Workbench, job_id: str) -> float | None:
    """When the job was first seen as cancelled, within 3 s."""
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if (await bench.job(job_id)).get("status") in _CANCELLED:
            return time.monotonic()
        await asyncio.sleep(0.005)
    return None


async def _waiting(bench: Workbench) -> Figures:
    """Cancel jobs that wait behind a running one; none of them may reach the engine."""
    tag, body = bench.picture(1500)
    running = (await bench.post("/queue/generate", body)).body["job_id"]
    await bench.log.started(tag, 15)
    latencies, tags = [], []
    for _ in range(bench.samples(6, 3)):
        tag, body = bench.picture(0)
        job_id = (await bench.post("/queue/generate", body)).body["job_id"]
        begin = time.monotonic()
        await bench.http.delete(f"{bench.options.base}/queue/{job_id}")
        latencies.append(time.monotonic() - begin)
        tags.append(tag)
    await bench.watch(running, 10)
    await bench.quiet()
    bench.log.read()
    return milliseconds(latencies) | {"reached_engine": sum(tag in bench.log.starts for tag in tags)}
