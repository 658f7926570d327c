"""The same stub, asked with no studio in between: the floor of every figure."""

import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path

from studio_bench.client import Connection
from studio_bench.engine_log import EngineLog
from studio_bench.figures import Figures, milliseconds
from studio_bench.processes import free_port
from studio_bench.workbench import Workbench

_WARM_UP = 2


async def measure(bench: Workbench) -> Figures:
    """Runs a stub of its own; keeps the figures as `bench.direct` too, for the others' ratios."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = EngineLog(Path(folder) / "engine.jsonl")
        command = [*bench.options.engine_cmd.split(), "--listen-ip", "127.0.0.1", "--listen-port", str(port)]
        process = subprocess.Popen(
            [*command, "-m", "direct.safetensors", "--steps", "20"],
            env={
                **os.environ,
                "STUB_LOG": f"{folder}/engine.jsonl",
                "STUB_LATENCY_MS": "0",
                "STUB_LOAD_MS": "0",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await _ready(log)
            bench.direct = await _figures(bench, log, port)
        finally:
            process.terminate()
            process.wait(5)
    return bench.direct


async def _ready(log: EngineLog) -> None:
    end = time.monotonic() + 10
    while not log.ready:
        if time.monotonic() > end:
            raise RuntimeError("the stub engine of --engine-cmd did not come up within 10 s")
        await asyncio.sleep(0.02)
        log.read()


async def _figures(bench: Workbench, log: EngineLog, port: int) -> Figures:
    figures: Figures = {}
    for latency, count in ((0, bench.samples(30, 10)), (500, bench.samples(8, 3))):
        totals, overheads = [], []
        for index in range(count + _WARM_UP):
            tag = f"d{latency}-{index}"
            sent = time.monotonic()
            answer = await bench.http.post(
                f"http://127.0.0.1:{port}/v1/images/generations",
                json={"prompt": f"x [[stub id={tag} lat={latency}]]", "size": "512x512"},
            )
            total = time.monotonic() - sent
            answer.raise_for_status()
            line = await log.finished(tag, 2)
            if line is not None and index >= _WARM_UP:
                totals.append(total)
                overheads.append(total - (line["t_fin"] - line["t_arr"]))
        figures[f"lat{latency}"] = milliseconds(totals, "total_") | milliseconds(overheads, "overhead_")
    figures["get_models"] = await _plain_get(port)
    return figures


async def _plain_get(port: int) -> Figures:
    connection = Connection("127.0.0.1", port)
    latencies, end = [], time.monotonic() + 1.0
    while time.monotonic() < end:
        sent = time.monotonic()
        await connection.request("GET", "/v1/models")
        latencies.append(time.monotonic() - sent)
    connection.close()
    return milliseconds(latencies) | {"rps": round(len(latencies) / sum(latencies))}
