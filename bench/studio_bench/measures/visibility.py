"""One queued job at a time: how soon the engine has it, and how soon its end can be seen."""

import asyncio
import time

from studio_bench.figures import Figures, milliseconds
from studio_bench.workbench import Workbench


async def measure(bench: Workbench) -> Figures:
    """A 2 s job whose progress is watched, then jobs of 100 ms at moments spread over 0..2 s."""
    _, body = bench.picture(2000)
    posted = await bench.post("/queue/generate", body)
    watched = await bench.watch(posted.body["job_id"], 15)
    figures: Figures = {
        "progress_values_in_a_2s_job": len(watched.progress),
        "progress_seen": watched.progress[:30],
        "final_progress": watched.job.get("progress"),
    }
    before, after, not_completed = [], [], []
    end = time.monotonic() + 20
    for pause in bench.pauses(bench.samples(7, 3)):
        await asyncio.sleep(pause)
        tag, body = bench.picture(100)
        posted = await bench.post("/queue/generate", body)
        watched = await bench.watch(posted.body["job_id"], 15)
        line = await bench.log.finished(tag, 3)
        if line is not None and watched.seen is not None:
            before.append(line["t_arr"] - posted.sent)
            after.append(watched.seen - line["t_fin"])
        if watched.job.get("status") != "completed":
            not_completed.append(watched.job.get("status"))
        if time.monotonic() > end:
            break
    figures |= milliseconds(before, "submit_to_engine_") | milliseconds(after, "engine_to_seen_")
    return figures | {"not_completed": not_completed}
