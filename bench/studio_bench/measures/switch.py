"""Two models asked for in turn, A,B,A,B: how often the engine is started, and what that costs."""

import statistics
from itertools import pairwise

from studio_bench.engine_log import Line
from studio_bench.figures import Figures, ratio, rounded
from studio_bench.workbench import Workbench

_LATENCY = 50


async def measure(bench: Workbench) -> Figures:
    """Queues 40 jobs over one connection, so that they arrive in order."""
    if len(bench.options.models) < 2:
        return {"skipped": "one model"}
    pictures = [bench.picture(_LATENCY, index % 2) for index in range(12 if bench.options.quick else 40)]
    tags = [tag for tag, _ in pictures]
    bench.log.read()
    boots_before, cpu_before = len(bench.log.boots), bench.processes.cpu_seconds()
    submits = await bench.submit(pictures, 1)
    done = await bench.log.all_finished(tags, bench.options.switch_limit)
    lines = bench.log.in_order(tags)
    figures: Figures = {
        "jobs": len(tags),
        "finished_in_limit": len(lines),
        "all_done": done,
        "limit_s": bench.options.switch_limit,
        "engine_starts": len(bench.log.boots) - boots_before,
        "engine_latency_ms": _LATENCY,
    }
    if lines:
        cpu = bench.processes.cpu_seconds() - cpu_before
        figures |= _figures(bench, lines, boots_before, lines[-1]["t_fin"] - submits.begin, len(tags))
        figures["cpu_ms_per_job"] = round(cpu * 1000 / len(lines), 2)
    ids = submits.job_ids
    left = [ids[tag] for tag in tags if tag in ids and tag not in bench.log.finishes]
    if left:
        figures["cancelled_left"], _ = await bench.cancel_all(left)
    return figures


def _figures(bench: Workbench, lines: list[Line], boots_before: int, wall: float, jobs: int) -> Figures:
    log = bench.log
    boots = log.boots[boots_before:]
    loads = [ready["t"] - boot["t"] for boot in boots for ready in log.ready if ready["pid"] == boot["pid"]]
    load = statistics.median(loads) if loads else None
    # The least possible: every picture, and one load of the model that isn't up already.
    ideal = sum(line["t_fin"] - line["t_start"] for line in lines) + (load or 0)
    return {
        "wall_s": rounded(wall),
        "s_per_job": rounded(wall / len(lines)),
        "starts_per_job": ratio(len(boots), len(lines)),
        "projected_wall_for_all_s": round(wall / len(lines) * jobs, 1),
        "model_runs": 1 + sum(before["model"] != after["model"] for before, after in pairwise(lines)),
        "engine_load_s": rounded(load),
        "wall_over_ideal": ratio(wall, ideal, 2),
        "max_engines_at_once": log.most_at_once(boots_before),
    }
