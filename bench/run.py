"""Runs the whole benchmark against a fresh studio several times and prints the medians.

python bench/run.py [--runs 3] [--label studio] [--out FOLDER] [-- options of bench.py, like --quick]

Each run has a studio, a database and an engine log of its own, which are deleted; what stays is one JSON of
figures a run and the table of medians, in --out.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from studio_bench.merging import merge
from studio_bench.processes import free_port, stop_group

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_START_SECONDS = 120


def _environment(folder: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(_ROOT),
        "PORT": str(port),
        "DATA": folder,
        "STUB_LOG": f"{folder}/engine.jsonl",
        "STUB_LOAD_MS": os.environ.get("STUB_LOAD_MS", "500"),
    }


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the studio answers. Errors: SystemExit with the end of its log."""
    end = time.monotonic() + _START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < end:
        try:
            with opener.open(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    sys.exit(f"the studio does not serve; exit code {process.poll()}; its last words:\n{tail}")


def measure(label: str, figures: Path, more: Sequence[str]) -> bool:
    """One run: a studio, all measures, the figures in that file; whether every measure worked.

    Errors: SystemExit if the studio doesn't start.
    """
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        port = free_port()
        log, environment = Path(folder) / "studio.log", _environment(folder, port)
        with log.open("wb") as output:
            start = _HERE / "start.sh"
            process = subprocess.Popen(
                [str(start)], env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            _wait_for(port, process, log)
            seed = [
                sys.executable,
                str(_HERE / "seed_rows.py"),
                "{rows}",
                "--database",
                f"{folder}/studio.db",
            ]
            command = [sys.executable, str(_HERE / "bench.py"), "--base", f"http://127.0.0.1:{port}/api"]
            command += ["--engine-log", environment["STUB_LOG"], "--label", label, "--json", str(figures)]
            command += [
                "--seed-cmd",
                " ".join(map(_quoted, seed)),
                "--cold-cmd",
                f"exec {_quoted(str(start))}",
            ]
            return subprocess.run([*command, *more], env=environment, check=False).returncode == 0
        finally:
            stop_group(process, 40)


def _quoted(word: str) -> str:
    return word if word == "{rows}" else shlex.quote(word)


def main() -> int:
    """Run, merge, print; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="how many, default 3")
    parser.add_argument("--label", default="studio", help="the name of the column and of the files")
    parser.add_argument("--out", type=Path, default=_HERE / "cache" / "figures", help="default: %(default)s")
    parser.add_argument("more", nargs="*", metavar="OPTION", help="after --: passed on to bench.py")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # Ended from outside, it still stops the studio that it started.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    files = [options.out / f"{options.label}-{number}.json" for number in range(1, options.runs + 1)]
    whole = True
    for number, file in enumerate(files, start=1):
        print(f"-- run {number} of {options.runs}", flush=True)
        file.unlink(missing_ok=True)
        whole &= measure(options.label, file, options.more)
    table = merge([str(file) for file in files if file.exists()])
    (options.out / f"{options.label}.md").write_text(table + "\n", encoding="utf-8")
    print(table)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
