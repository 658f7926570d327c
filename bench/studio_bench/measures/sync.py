"""Synchronous pictures: the first one, clients that come at any moment, and one client that never pauses."""

import asyncio
import time
from typing import NamedTuple

from studio_bench.figures import Figures, milliseconds, quantile, ratio, rounded
from studio_bench.workbench import Workbench


class _Times(NamedTuple):
    """Seconds: in all, not the engine's, before the engine had it, after the engine was done."""

    total: float
    over: float
    pre: float
    post: float


async def _picture(bench: Workbench, latency: float) -> _Times | None:
    """One picture; None if the engine's log doesn't have it."""
    tag, body = bench.picture(latency)
    posted = await bench.post("/generate", body)
    line = await bench.log.finished(tag, 3)
    bench.images += [image["id"] for image in posted.body.get("data") or [] if image.get("id")]
    if line is None:
        return None
    total = posted.answered - posted.sent
    return _Times(
        total=total,
        over=total - (line["t_fin"] - line["t_arr"]),
        pre=line["t_arr"] - posted.sent,
        post=posted.answered - line["t_fin"],
    )


async def measure_first(bench: Workbench) -> Figures:
    """The first picture, whose engine isn't up yet."""
    tag, body = bench.picture(0)
    posted = await bench.post("/generate", body)
    line = await bench.log.finished(tag, 3)
    bench.images += [image["id"] for image in posted.body.get("data") or [] if image.get("id")]
    log = bench.log
    load = log.ready[-1]["t"] - log.boots[-1]["t"] if log.ready and log.boots else None
    return {
        "total_s": rounded(posted.answered - posted.sent),
        "engine_load_s": rounded(load),
        "engine_ms": rounded(line["t_fin"] - line["t_arr"], 1000) if line else None,
    }


async def measure(bench: Workbench) -> Figures:
    """One at a time, at moments spread evenly over 0..2 s, for engines of 0 and of 500 ms."""
    figures: Figures = {}
    for latency in (0, 500):
        rows, end = [], time.monotonic() + 30
        for pause in bench.pauses(bench.samples(9, 4)):
            await asyncio.sleep(pause)
            row = await _picture(bench, latency)
            if row is not None:
                rows.append(row)
            if time.monotonic() > end:
                break
        found: Figures = {}
        for name in ("over", "pre", "post", "total"):
            found |= milliseconds([getattr(row, name) for row in rows], name + "_")
        found["ratio_total_to_direct"] = ratio(
            found["total_p50_ms"], bench.direct[f"lat{latency}"]["total_p50_ms"], 2
        )
        figures[f"lat{latency}"] = found
    return figures


async def measure_sequence(bench: Workbench) -> Figures:
    """One client that sends the next as soon as it has the last, for an engine of 0 ms."""
    rows, begin = [], time.monotonic()
    for _ in range(bench.samples(20, 4)):
        rows.append(await _picture(bench, 0))
        if time.monotonic() > begin + 14:
            break
    wall = time.monotonic() - begin
    totals = [row.total for row in rows if row is not None]
    median = rounded(quantile(totals, 0.5), 1000)
    return {
        **milliseconds(totals, "total_"),
        "per_s": round(len(rows) / wall, 3),
        "ratio_total_to_direct": ratio(median, bench.direct["lat0"]["total_p50_ms"], 2),
    }
