"""200 queued jobs of 50 ms: how fast they are taken, and how busy they keep the engine."""

import asyncio
import time
from itertools import pairwise

from studio_bench.figures import Figures, milliseconds, ratio, rounded
from studio_bench.workbench import FINAL, Submits, Workbench

_LATENCY = 50
_CONNECTIONS = 8


async def measure(bench: Workbench) -> Figures:
    """Submits over 8 connections, then waits until all are done or the limit is over."""
    pictures = [bench.picture(_LATENCY) for _ in range(60 if bench.options.quick else 200)]
    tags = [tag for tag, _ in pictures]
    cpu_before = bench.processes.cpu_seconds()
    submits = await bench.submit(pictures, _CONNECTIONS)
    cpu_submitted = bench.processes.cpu_seconds()
    done = await bench.log.all_finished(tags, bench.options.async_limit)
    figures = {
        "jobs": len(tags),
        "cpu_ms_per_post": round((cpu_submitted - cpu_before) * 1000 / len(tags), 2),
        "accepted": len(submits.job_ids),
        "accepted_per_s": round(len(submits.job_ids) / submits.wall, 1),
        "statuses": submits.statuses,
        **milliseconds(submits.latencies, "post_"),
        "engine_latency_ms": _LATENCY,
        "finished_in_limit": len(bench.log.in_order(tags)),
        "all_done": done,
        "limit_s": bench.options.async_limit,
    }
    figures |= _engine_side(bench, tags, submits.begin, cpu_submitted)
    figures |= await _clear_up(bench, tags, submits)
    figures["final_status_sample"] = await _final_statuses(bench, tags, submits)
    figures["mem"] = bench.processes.memory()
    return figures


def _engine_side(bench: Workbench, tags: list[str], begin: float, cpu_submitted: float) -> Figures:
    lines = bench.log.in_order(tags)
    if len(lines) < 2:
        return {}
    service = sum(line["t_fin"] - line["t_start"] for line in lines)
    wall = lines[-1]["t_fin"] - begin
    gaps = [after["t_start"] - before["t_fin"] for before, after in pairwise(lines)]
    order = [tags.index(line["id"]) for line in lines]
    inversions = sum(after < before for before, after in pairwise(order))
    return {
        "wall_s": rounded(wall),
        "ideal_s": rounded(service),
        "wall_over_ideal": ratio(wall, service, 3),
        "engine_busy": ratio(service, lines[-1]["t_fin"] - lines[0]["t_arr"], 4),
        "jobs_per_s": round(len(lines) / wall, 3),
        "projected_wall_for_all_s": round(wall / len(lines) * len(tags), 1),
        **milliseconds(gaps, "gap_"),
        # The share of neighbours run in the wrong order: of 8 connections a few are the sends' own race.
        "order_inversions": round(inversions / (len(order) - 1), 3),
        "first_run_order": order[:8],
        "cpu_ms_per_job": round((bench.processes.cpu_seconds() - cpu_submitted) * 1000 / len(lines), 2),
    }


async def _clear_up(bench: Workbench, tags: list[str], submits: Submits) -> Figures:
    """Cancel what did not finish in the limit, else wait until the studio has seen the last one's end."""
    ids = submits.job_ids
    left = [ids[tag] for tag in tags if tag in ids and tag not in bench.log.finishes]
    if left:
        accepted, took = await bench.cancel_all(left)
        return {"cancelled_left": accepted, "cancel_per_s": round(len(left) / took, 1)}
    end = time.monotonic() + 5
    while tags[-1] in ids and time.monotonic() < end:
        if (await bench.job(ids[tags[-1]]))["status"] in FINAL:
            break
        await asyncio.sleep(0.02)
    return {}


async def _final_statuses(bench: Workbench, tags: list[str], submits: Submits) -> dict[str, int]:
    bench.log.read()
    statuses: dict[str, int] = {}
    for tag in tags[:: max(1, len(tags) // 20)]:
        job_id = submits.job_ids.get(tag)
        status = (await bench.job(job_id))["status"] if job_id is not None else "refused"
        statuses[status] = statuses.get(status, 0) + 1
    return statuses
