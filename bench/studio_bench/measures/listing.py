"""The lists and counts over a full table, and whether reading them holds others up."""

import asyncio
import json
import os
import time

from studio_bench.figures import Figures, milliseconds, quantile, rounded, spin
from studio_bench.workbench import Workbench

_ROWS = (10_000, 100_000)
_PATHS = (
    "/queue/stats",
    "/generations?limit=50",
    "/queue?limit=50",
    "/queue?status=pending",
    "/generations",
    "/queue",
)
_MOST_READ_BYTES = 20e6


async def measure(bench: Workbench) -> Figures:
    """Each list at 10,000 and at 100,000 rows; at the rows there are without a --seed-cmd."""
    command = bench.options.seed_cmd
    if not command:
        return {"as_is": await _at_rows(bench)}
    figures: Figures = {}
    for rows in _ROWS:
        begin = time.monotonic()
        process = await asyncio.create_subprocess_shell(
            command.replace("{rows}", str(rows)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()[-300:]
        if process.returncode:
            figures[str(rows)] = {"seed_failed": said}
            continue
        taken = round(time.monotonic() - begin, 2)
        figures[str(rows)] = {"seed_s": taken} | await _at_rows(bench)
    return figures


async def _at_rows(bench: Workbench) -> Figures:
    figures: Figures = {"load1": os.getloadavg()[0], "spin_ms": spin()}
    for path in _PATHS:
        figures[path] = await _one(bench, path)
    figures["health_while_listing"] = await _health_meanwhile(bench)
    figures["mem"] = bench.processes.memory()
    figures["load1_end"] = os.getloadavg()[0]
    return figures


async def _one(bench: Workbench, path: str) -> Figures:
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    connection, cpu = bench.connection(), bench.processes.cpu_seconds()
    end = time.monotonic() + bench.seconds(1.6, 0.6)
    # At most 300 in the time; a slow one once, and twice if that takes less than 3 s.
    while not latencies or (time.monotonic() < end and len(latencies) < 300) or _once_more(latencies):
        begin = time.monotonic()
        answer = await connection.request("GET", bench.prefix + path)
        latencies.append(time.monotonic() - begin)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    cpu = bench.processes.cpu_seconds() - cpu
    figures: Figures = {
        **milliseconds(latencies),
        "rps": round(len(latencies) / sum(latencies), 2),
        "kb": round(answer.size / 1e3, 1),
        "statuses": statuses,
        "cpu_ms_per_req": round(cpu * 1000 / len(latencies), 2),
    }
    if answer.size < _MOST_READ_BYTES:  # the rows in one answer, outside the timing
        answer = await connection.request("GET", bench.prefix + path, keep=True)
        figures |= _content(answer.body or b"")
    connection.close()
    if (quantile(latencies, 0.5) or 0) < 0.2:
        load = await bench.read([path], 4, bench.seconds(1.0, 0.6))
        figures["rps_4conn"] = round(len(load.latencies) / load.wall, 1)
    return figures


def _once_more(latencies: list[float]) -> bool:
    return len(latencies) < 2 and sum(latencies) < 3


def _content(body: bytes) -> Figures:
    """How many rows an answer holds, or the answer itself if it is no list."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {"rows": "not JSON"}
    if isinstance(answer, list):
        return {"rows": len(answer)}
    rows = next((value for value in answer.values() if isinstance(value, list)), None)
    return {"rows": None, "answer": answer} if rows is None else {"rows": len(rows)}


async def _health_meanwhile(bench: Workbench) -> Figures:
    """How long /health waits while one client reads the whole /queue: head-of-line blocking."""
    reader, pinger = bench.connection(), bench.connection()
    health = bench.prefix + "/health"
    for connection in (reader, pinger):  # both connections are up before it starts
        await connection.request("GET", health)
    latencies: list[float] = []

    async def read() -> float:
        begin = time.monotonic()
        await reader.request("GET", bench.prefix + "/queue")
        return time.monotonic() - begin

    reading = asyncio.create_task(read())
    while not reading.done():
        await asyncio.sleep(0.01)
        begin = time.monotonic()
        await pinger.request("GET", health)
        latencies.append(time.monotonic() - begin)
    reader.close()
    pinger.close()
    return {
        "listing_ms": rounded(await reading, 1000),
        "health_max_ms": rounded(max(latencies, default=0), 1000),
        "pings": len(latencies),
    }
