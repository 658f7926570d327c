"""Medians of several runs as a Markdown table."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from studio_bench.figures import Figures

_ROWS = (
    ("cold start to /health 200 (s)", "cold.health_s"),
    ("idle RSS after a cold start (MB)", "cold.idle_rss_mb"),
    ("first picture, engine not up (s)", "first.total_s"),
    ("  of which engine load (s)", "first.engine_load_s"),
    ("direct to the engine, 0 ms: total p50 (ms)", "direct.lat0.total_p50_ms"),
    ("direct to the engine, 500 ms: total p50 (ms)", "direct.lat500.total_p50_ms"),
    ("sync /generate, 0 ms engine: overhead p50 (ms)", "sync.lat0.over_p50_ms"),
    ("  p95 (ms)", "sync.lat0.over_p95_ms"),
    ("  before the engine p50 (ms)", "sync.lat0.pre_p50_ms"),
    ("  after the engine p50 (ms)", "sync.lat0.post_p50_ms"),
    ("  total / direct", "sync.lat0.ratio_total_to_direct"),
    ("sync /generate, 500 ms engine: overhead p50 (ms)", "sync.lat500.over_p50_ms"),
    ("  p95 (ms)", "sync.lat500.over_p95_ms"),
    ("  total / direct", "sync.lat500.ratio_total_to_direct"),
    ("sync, one after another, 0 ms: pictures/s", "seq.per_s"),
    ("  total / direct", "seq.ratio_total_to_direct"),
    ("queue: 200 submits, accepted/s", "async.accepted_per_s"),
    ("  one POST p50 (ms)", "async.post_p50_ms"),
    ("  jobs finished in the limit", "async.finished_in_limit"),
    ("  limit (s)", "async.limit_s"),
    ("  jobs/s (50 ms engine)", "async.jobs_per_s"),
    ("  wall / ideal", "async.wall_over_ideal"),
    ("  engine busy fraction", "async.engine_busy"),
    ("  wall for all 200 (s; projected if cut)", "async.projected_wall_for_all_s"),
    ("  engine idle gap between jobs p50 (ms)", "async.gap_p50_ms"),
    ("  p95 (ms)", "async.gap_p95_ms"),
    ("  neighbours run out of order (share)", "async.order_inversions"),
    ("  studio CPU per POST (ms)", "async.cpu_ms_per_post"),
    ("  studio CPU per job after that (ms)", "async.cpu_ms_per_job"),
    ("one queued job: submit to engine p50 (ms)", "vis.submit_to_engine_p50_ms"),
    ("  p95 (ms)", "vis.submit_to_engine_p95_ms"),
    ("  engine done to 'completed' seen p50 (ms)", "vis.engine_to_seen_p50_ms"),
    ("  progress values seen in a 2 s job", "vis.progress_values_in_a_2s_job"),
    ("GET /images/:id, 8 connections: req/s", "images.rps"),
    ("  p95 (ms)", "images.p95_ms"),
    ("  MB/s", "images.mb_per_s"),
    ("  studio CPU per request (ms)", "images.cpu_ms_per_req"),
    ("  bench client busy (1 = the client is the limit)", "images.client_busy"),
    ("  req/s over the stub's plain GET", "images.rps_over_direct_get"),
    ("cancel a running job: DELETE answers p50 (ms)", "cancel.delete_p50_ms"),
    ("  'cancelled' seen p50 (ms)", "cancel.seen_cancelled_p50_ms"),
    ("  next job completed after (s)", "cancel.next_job_done_p50_s"),
    ("  next job completed (of 2)", "cancel.next_job_completed"),
    ("  stayed cancelled (of 2)", "cancel.stayed_cancelled"),
    ("  waiting job: DELETE p50 (ms)", "cancel.pending.p50_ms"),
    ("two models A,B,A,B…, 40 jobs: finished in the limit", "switch.finished_in_limit"),
    ("  limit (s)", "switch.limit_s"),
    ("  engine starts", "switch.engine_starts"),
    ("  engine starts per job", "switch.starts_per_job"),
    ("  s per job", "switch.s_per_job"),
    ("  wall for all 40 (s; projected if cut)", "switch.projected_wall_for_all_s"),
    ("  wall / ideal", "switch.wall_over_ideal"),
    ("  most engines at once", "switch.max_engines_at_once"),
)
# At each number of rows.
_LIST_ROWS = (
    ("GET /queue/stats p50 (ms)", "/queue/stats.p50_ms"),
    ("GET /queue/stats req/s, 4 conn", "/queue/stats.rps_4conn"),
    ("GET /generations?limit=50 p50 (ms)", "/generations?limit=50.p50_ms"),
    ("  rows in it", "/generations?limit=50.rows"),
    ("GET /queue?limit=50 p50 (ms)", "/queue?limit=50.p50_ms"),
    ("  rows in it", "/queue?limit=50.rows"),
    ("GET /queue?status=pending p50 (ms)", "/queue?status=pending.p50_ms"),
    ("GET /generations p50 (ms)", "/generations.p50_ms"),
    ("  KB", "/generations.kb"),
    ("GET /queue p50 (ms)", "/queue.p50_ms"),
    ("  KB", "/queue.kb"),
    ("  studio CPU per GET /queue (ms)", "/queue.cpu_ms_per_req"),
    ("/health waits while /queue is read, max (ms)", "health_while_listing.health_max_ms"),
    ("RSS (MB)", "mem.rss_mb"),
    ("peak RSS (MB)", "mem.peak_mb"),
)
_END_ROWS = (
    ("RSS at the start (MB)", "meta.mem_start.rss_mb"),
    ("RSS at the end (MB)", "meta.mem_end.rss_mb"),
    ("whole bench (s)", "meta.took_s"),
)


def merge(files: Sequence[str]) -> str:
    """The table: medians, single runs and the machine's load, one pair of columns for each group of files.

    A "/" parts the groups. Figures that no run has are left out.
    """
    groups: list[list[Figures]] = [[]]
    for file in files:
        if file == "/":
            groups.append([])
        else:
            groups[-1].append(json.loads(Path(file).read_text(encoding="utf-8")))
    names = [runs[0]["meta"].get("label") or runs[0]["meta"]["base"] for runs in groups]
    lines = [
        "| figure | " + " | ".join(f"{name}: median (runs) | load 1 min" for name in names) + " |",
        "|---|" + "---:|---:|" * len(groups),
    ]
    for label, path in _rows():
        cells = [_cell(runs, path) for runs in groups]
        if any(cell is not None for cell in cells):
            indented = label.replace("  ", "&nbsp;&nbsp;", 1) if label.startswith("  ") else label
            lines.append(f"| {indented} | {' | '.join(cell or '– |' for cell in cells)} |")
    return "\n".join(lines)


def _rows() -> list[tuple[str, str]]:
    listing = [
        (f"{rows} rows: {label}", f"list.{rows}.{path}")
        for rows in (10_000, 100_000)
        for label, path in _LIST_ROWS
    ]
    return [*_ROWS, *listing, *_END_ROWS]


def _cell(runs: Sequence[Figures], path: str) -> str | None:
    """Median, single values and range of the load; None if no run has the figure."""
    values = [value for value in (_figure(run, path) for run in runs) if value is not None]
    if not values:
        return None
    tests = [run["tests"].get(path.split(".", 1)[0], {}) for run in runs]
    loads = [test[key] for test in tests for key in ("load1", "load1_end") if test.get(key) is not None]
    load = f"{min(loads):.1f}–{max(loads):.1f}" if loads else ""
    return f"**{_short(statistics.median(values))}** ({', '.join(map(_short, values))}) | {load}"


def _figure(run: Figures, path: str) -> float | None:
    """The number at a path like "sync.lat0.over_p50_ms"; None if there is none."""
    first, rest = path.split(".", 1)
    found = run["meta"] if first == "meta" else run["tests"].get(first, {})
    while rest:
        if not isinstance(found, dict):
            return None
        # Keys may hold dots themselves, so the longest key that fits wins.
        fitting = (key for key in found if rest == key or rest.startswith(key + "."))
        key = max(fitting, key=len, default=None)
        if key is None:
            return None
        found, rest = found[key], rest[len(key) + 1 :]
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number else None


def _short(value: float) -> str:
    """Three digits that count; whole numbers in full."""
    if isinstance(value, int):
        return str(value)
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else None
    return f"{value:.3g}" if digits is None else f"{value:.{digits}f}"
