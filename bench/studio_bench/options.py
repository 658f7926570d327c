"""The benchmark's command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTION = """\
Benchmark a studio that speaks the REST contract, over the stub engine.

  python bench/bench.py --base http://127.0.0.1:PORT/api --engine-log FILE [--json out.json]
  python bench/bench.py --merge a.json b.json c.json          medians as a Markdown table

The studio is already running, with two models (--models A,B) whose engine is bench/bin/sd-server, started
with STUB_LOG=FILE. Each picture's prompt carries a directive `[[stub id=… lat=…]]`, which the stub obeys and
logs, so every figure splits into the engine's time and the studio's own. Only loopback addresses are taken.
"""


@dataclass(frozen=True)
class Options:
    """What is to be measured. `seed_cmd` and `cold_cmd` are shell commands; limits are seconds."""

    base: str
    engine_log: Path
    json: Path | None
    models: tuple[str, ...]
    engine_cmd: str
    seed_cmd: str | None
    cold_cmd: str | None
    pid: int | None
    api_key: str | None
    label: str | None
    only: frozenset[str]
    quick: bool
    async_limit: float
    switch_limit: float


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.py", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--base", help="the studio's API, http://127.0.0.1:PORT/api")
    add("--engine-log", type=Path, help="the file that the studio's stubs write (STUB_LOG)")
    add("--json", type=Path, help="write the figures to this file")
    add("--models", default="stub-a,stub-b", help="the studio's two models, default stub-a,stub-b")
    add(
        "--engine-cmd",
        default=str(Path(__file__).parent.parent / "bin" / "sd-server"),
        help="the stub that the benchmark runs itself for the figures without a studio",
    )
    add(
        "--seed-cmd",
        help="shell command that brings the studio's tables to {rows} finished jobs; run for 10,000 and for "
        "100,000 rows. Without it `list` has the rows of this run only",
    )
    add(
        "--cold-cmd",
        help="shell command that starts a fresh studio on 127.0.0.1:$PORT with its files in $DATA; run three "
        "times for the cold start",
    )
    add("--pid", type=int, help="the studio's process (default: who listens on --base's port)")
    add("--api-key", help="sent as X-Api-Key")
    add("--label", help="the name of this run's column")
    add("--only", help="comma-separated: cold sync seq async vis images cancel switch list")
    add("--quick", action="store_true", help="a third of the samples")
    add("--async-limit", type=float, default=34, help="seconds for the 200 queued jobs, default 34")
    add("--switch-limit", type=float, default=40, help="seconds for the 40 jobs of two models, default 40")
    add("--merge", nargs="+", metavar="JSON", help="print medians; '/' parts the groups, one column each")
    return parser


def parse(argv: Sequence[str] | None = None) -> Options | list[str]:
    """The options of a run, or the files to merge; ends the program if something is missing."""
    parser = _parser()
    given = vars(parser.parse_args(argv))
    files: list[str] | None = given.pop("merge")
    if files:
        return files
    if not given["base"] or not given["engine_log"]:
        parser.error("--base and --engine-log are needed")
    given["base"] = given["base"].rstrip("/")
    given["models"] = tuple(given["models"].split(","))
    given["only"] = frozenset(given["only"].split(",")) if given["only"] else frozenset()
    return Options(**given)
