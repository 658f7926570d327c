"""How long a studio takes from its command to its first answer, and what it then weighs."""

import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path

from studio_bench.client import Connection
from studio_bench.engine_log import EngineLog
from studio_bench.figures import Figures, quantile, rounded
from studio_bench.processes import StudioProcesses, free_port, pid_on_port, stop_group
from studio_bench.workbench import Workbench

_LIMIT = 20.0


async def measure(bench: Workbench) -> Figures:
    """Runs --cold-cmd three times, each in a folder of its own."""
    command = bench.options.cold_cmd
    if not command:
        return {"skipped": "no --cold-cmd"}
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(bench.samples(3)):
        took = await _start(bench, command, memory)
        if took is not None:
            seconds.append(took)
    return {
        "health_s": rounded(quantile(seconds, 0.5)),
        "runs_s": [rounded(took) for took in seconds],
        "idle_rss_mb": quantile(memory, 0.5),
    }


async def _start(bench: Workbench, command: str, memory: list[float]) -> float | None:
    """Seconds until /health answers; None if it doesn't in time. Adds the memory a second later."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "engine.jsonl"
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            shell=True,
            env={**os.environ, "PORT": str(port), "DATA": folder, "STUB_LOG": str(log)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            took = await _healthy(port, bench.prefix + "/health", begin)
            if took is not None:
                await asyncio.sleep(1)
                memory.append(StudioProcesses(pid_on_port(port), EngineLog(log)).memory()["rss_mb"])
        finally:
            stop_group(process)
    return took


async def _healthy(port: int, path: str, begin: float) -> float | None:
    while time.monotonic() - begin < _LIMIT:
        connection = Connection("127.0.0.1", port)
        try:
            if (await connection.request("GET", path)).status == 200:
                return time.monotonic() - begin
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            connection.close()
        await asyncio.sleep(0.01)
    return None
