"""Runs the chosen measures in order, shows each at once, and keeps them as JSON."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx

from studio_bench.figures import Figures, spin
from studio_bench.measures import cancel, cold, direct, images, listing, submits, switch, sync, visibility
from studio_bench.merging import merge
from studio_bench.options import Options, parse
from studio_bench.workbench import Workbench

_MEASURES: tuple[tuple[str, Callable[[Workbench], Awaitable[Figures]]], ...] = (
    ("cold", cold.measure),
    ("first", sync.measure_first),
    ("sync", sync.measure),
    ("seq", sync.measure_sequence),
    ("images", images.measure),
    ("async", submits.measure),
    ("vis", visibility.measure),
    ("cancel", cancel.measure),
    ("switch", switch.measure),
    ("list", listing.measure),
)
_NEED_THE_FIRST = frozenset({"sync", "seq", "images", "async"})


def main(argv: Sequence[str] | None = None) -> int:
    """Measure or merge, as the command line says; gives the exit code."""
    chosen = parse(argv)
    if isinstance(chosen, list):
        print(merge(chosen))
        return 0
    figures = asyncio.run(_run(chosen))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    failed = [name for name, found in figures["tests"].items() if "error" in found]
    if failed:
        print(f"broken: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


async def _run(options: Options) -> Figures:
    headers = {"X-Api-Key": options.api_key} if options.api_key else {}
    async with httpx.AsyncClient(timeout=120, headers=headers, trust_env=False) as http:
        bench = Workbench(options, http)
        answer = await http.get(options.base + "/health")
        if answer.status_code != 200:
            sys.exit(f"no studio at {options.base}: /health answers {answer.status_code}")
        begin = time.monotonic()
        meta: Figures = {
            "base": options.base,
            "pid": bench.pid,
            "label": options.label,
            "cpus": os.cpu_count(),
            "started": time.strftime("%Y-%m-%d %H:%M:%S"),
            "picture": "512x512",
            "mem_start": bench.processes.memory(),
        }
        tests: Figures = {"direct": await _measured(bench, direct.measure)}
        _show("direct", tests["direct"])
        for name, measure in _MEASURES:
            if _wanted(name, options.only):
                tests[name] = await _measured(bench, measure)
                _show(name, tests[name])
        bench.log.read()
        meta["mem_end"] = bench.processes.memory()
        meta["took_s"] = round(time.monotonic() - begin, 1)
        meta["engine_boots"] = len(bench.log.boots)
        meta["engine_refused"] = [[line.get("path"), line.get("err")] for line in bench.log.refusals][:10]
        _show("meta", meta)
    return {"meta": meta, "tests": tests}


def _wanted(name: str, only: frozenset[str]) -> bool:
    return not only or name in only or (name == "first" and bool(only & _NEED_THE_FIRST))


async def _measured(bench: Workbench, measure: Callable[[Workbench], Awaitable[Figures]]) -> Figures:
    """The measure's figures with its duration and the machine's load; its error if it breaks."""
    load, speed, begin = os.getloadavg()[0], spin(), time.monotonic()
    try:
        figures = await measure(bench)
    except Exception as error:  # one broken measure does not stop the rest: it is reported
        if measure is direct.measure:
            raise
        figures = {"error": f"{type(error).__name__}: {error}"}
        await bench.quiet()
    took = round(time.monotonic() - begin, 1)
    return figures | {"took_s": took, "load1": load, "load1_end": os.getloadavg()[0], "spin_ms": speed}


def _show(name: str, figures: Figures) -> None:
    print(f"== {name}")
    for key, value in figures.items():
        text = json.dumps(value) if isinstance(value, dict | list) else value
        print(f"   {key:<26} {text}")
    sys.stdout.flush()
