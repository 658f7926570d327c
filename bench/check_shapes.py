"""Compares the stub's answers with the real engine's, which are kept in shapes/recorded.json.

python bench/check_shapes.py                                    the stub against what was recorded
python bench/check_shapes.py --record SD_SERVER FLAG...         record a real engine, given its model's flags

Recording needs a model that sd-server can run at 64x64 within a minute.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shapes.exchanges import Exchange, ask, native, openai, reads, sdapi
from shapes.shape import differences, reply_shape
from shapes.story import tell
from stub.pictures import PictureBook
from studio_bench.processes import free_port

_HERE = Path(__file__).parent
_RECORDED = _HERE / "shapes" / "recorded.json"
_STORY = "two jobs of the native family"
_FLAGS = ("--cfg-scale", "1", "--steps", "2", "-W", "64", "-H", "64", "-t", "1", "-m", "stub.safetensors")


@contextmanager
def running(command: Sequence[str]) -> Iterator[str]:
    """The address of a server started for this; stopped afterwards. Errors: TimeoutError."""
    port = free_port()
    process = subprocess.Popen(
        [*command, "--listen-ip", "127.0.0.1", "--listen-port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(base, process)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            ask(base, Exchange("GET", "/v1/models"))
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise TimeoutError(f"{process.args!r} does not serve; exit code {process.poll()}") from None
            time.sleep(0.05)


def shapes_of(base: str) -> dict[str, Any]:
    """What the server at `base` answers, by the name of the question."""
    picture = PictureBook(_HERE / "cache", 3).png(64, 64, 0, "")
    exchanges = [*reads(), *openai(picture), *sdapi(picture), *native()]
    found = {exchange.name: reply_shape(ask(base, exchange)) for exchange in exchanges}
    return {**found, _STORY: tell(base)}


def compare(stub: dict[str, Any]) -> int:
    """Print every question with what differs; how many do."""
    recorded: dict[str, Any] = json.loads(_RECORDED.read_text(encoding="utf-8"))
    unlike = 0
    for name in [*recorded, *(name for name in stub if name not in recorded)]:
        found = differences(recorded.get(name), stub.get(name))
        print("DIFFERS" if found else "alike  ", name)
        for sentence in found:
            print("        ", sentence)
        unlike += bool(found)
    print(f"{len(recorded) - unlike} of {len(recorded)} alike")
    return unlike


def main() -> int:
    """Record or compare; the exit code is 1 if something differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", nargs=argparse.REMAINDER, metavar="SD_SERVER FLAG")
    record: list[str] | None = parser.parse_args().record
    if not record:
        with running([str(_HERE / "bin" / "sd-server"), *_FLAGS]) as base:
            return 1 if compare(shapes_of(base)) else 0
    with tempfile.TemporaryDirectory() as folder:
        flags = [*_FLAGS[:-2], "--lora-model-dir", folder]
        with running([*record, *flags]) as base:
            shapes = shapes_of(base)
    _RECORDED.write_text(json.dumps(shapes, indent=1) + "\n", encoding="utf-8")
    print(f"{len(shapes)} answers recorded in {_RECORDED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
