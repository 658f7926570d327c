"""The stub engine of bench/ answers and prints as the real one does, so that the benchmark stays honest."""

import base64
import io
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from studio.database import close_database, open_database

BENCH = Path(__file__).parent.parent.parent / "bench"
STUB = BENCH / "bin" / "sd-server"
SECONDS = 60

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stub is started by a shell script")

# From the real sd-server's standard output for `"batch_count": 3, "sample_steps": 6, "seed": 241049457`.
RECORDED = b"""\
[INFO ] stable-diffusion.cpp:3367 - generate_image 64x64
[INFO ] stable-diffusion.cpp:2814 - sampling using Euler method
[INFO ] stable-diffusion.cpp:3168 - get_learned_condition completed, taking 0.26s
[INFO ] stable-diffusion.cpp:3401 - generating image: 1/3 - seed 241049457
\r  |========>                                         | 1/6 - 5.41it/s\x1b[K\
\r  |================>                                 | 2/6 - 5.62it/s\x1b[K\
\r  |=========================>                        | 3/6 - 5.69it/s\x1b[K\
\r  |=================================>                | 4/6 - 5.65it/s\x1b[K\
\r  |=========================================>        | 5/6 - 5.68it/s\x1b[K\
\r  |==================================================| 6/6 - 5.00it/s\x1b[K
[INFO ] stable-diffusion.cpp:3432 - sampling completed, taking 1.20s
[INFO ] stable-diffusion.cpp:3401 - generating image: 2/3 - seed 241049458
\r  |========>                                         | 1/6 - 1.85it/s\x1b[K\
\r  |================>                                 | 2/6 - 2.81it/s\x1b[K\
\r  |=========================>                        | 3/6 - 3.39it/s\x1b[K\
\r  |=================================>                | 4/6 - 3.79it/s\x1b[K\
\r  |=========================================>        | 5/6 - 4.07it/s\x1b[K\
\r  |==================================================| 6/6 - 4.29it/s\x1b[K
[INFO ] stable-diffusion.cpp:3432 - sampling completed, taking 1.40s
[INFO ] stable-diffusion.cpp:3401 - generating image: 3/3 - seed 241049459
\r  |========>                                         | 1/6 - 5.73it/s\x1b[K\
\r  |================>                                 | 2/6 - 5.78it/s\x1b[K\
\r  |=========================>                        | 3/6 - 2.95it/s\x1b[K\
\r  |=================================>                | 4/6 - 2.55it/s\x1b[K\
\r  |=========================================>        | 5/6 - 2.40it/s\x1b[K\
\r  |==================================================| 6/6 - 2.35it/s\x1b[K
[INFO ] stable-diffusion.cpp:3432 - sampling completed, taking 2.55s
[INFO ] stable-diffusion.cpp:3450 - generating 3 latent images completed, taking 5.15s
[INFO ] stable-diffusion.cpp:3192 - decoding 3 latents
[INFO ] stable-diffusion.cpp:3208 - latent 1 decoded, taking 0.88s
[INFO ] stable-diffusion.cpp:3208 - latent 2 decoded, taking 0.85s
[INFO ] stable-diffusion.cpp:3208 - latent 3 decoded, taking 0.96s
[INFO ] stable-diffusion.cpp:3212 - decode_first_stage completed, taking 2.69s
[INFO ] stable-diffusion.cpp:3591 - generate_image completed in 8.10s
"""


class Stub:
    """A running stub: its process, its address, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.printed = b""
        listening = self.read_until(rb"listening on: (\S+)\n")
        host, port = listening[1].decode().split(":")
        self.base = f"http://{host}:{port}"
        while process.poll() is None:  # like the engine, it says so just before it binds
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    break

    def read_until(self, pattern: bytes) -> re.Match[bytes]:
        """The first match in what it prints; fails when the output ends without one."""
        assert self.process.stdout is not None
        while (found := re.search(pattern, self.printed)) is None:
            fresh = os.read(self.process.stdout.fileno(), 65536)
            assert fresh, f"the stub ended without printing {pattern!r}: {self.printed!r}"
            self.printed += fresh
        return found

    def ask(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """The body of an answer that must be a success."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=SECONDS) as answer:
            content: bytes = answer.read()
            return content


def free_port() -> int:
    """A port that nobody listens on."""
    taken = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.laddr}
    return next(port for port in range(20_000 + os.getpid() % 10_000, 60_000) if port not in taken)


@contextmanager
def running(*flags: str, **environment: str) -> Iterator[Stub]:
    """A stub that listens; ended afterwards."""
    process = subprocess.Popen(
        [str(STUB), "--listen-port", str(free_port()), "-m", "some/tiny.safetensors", *flags],
        env={**os.environ, "STUB_PYTHON": sys.executable, **environment},
        stdout=subprocess.PIPE,
    )
    try:
        with process:
            try:
                yield Stub(process)
            finally:
                process.terminate()
    finally:
        process.wait(SECONDS)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A program of bench/ run to its end."""
    environment = {**os.environ, "PYTHONPATH": str(BENCH.parent)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def without_measures(text: bytes) -> list[bytes]:
    """Lines and bars with times and speeds blanked: they are the only thing that may differ."""
    pieces = re.split(rb"(?<=\n)|(?<=\x1b\[K)(?=\r)", text)
    timeless = (re.sub(rb"[\d.]+(s\n|it/s|s/it)", rb"#\1", piece) for piece in pieces if piece)
    return [re.sub(rb"it/s|s/it", b"speed", piece) for piece in timeless]


def test_answers_have_the_shapes_that_the_real_engine_was_recorded_with() -> None:
    compared = run(sys.executable, str(BENCH / "check_shapes.py"))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "42 of 42 alike" in compared.stdout


def test_a_batch_prints_what_the_real_engine_printed_for_it() -> None:
    sampling = {"sample_steps": 6, "sample_method": "euler"}
    order = {"prompt": "x", "width": 64, "height": 64, "batch_count": 3, "seed": 241049457}
    with running() as stub:
        stub.ask("/sdcpp/v1/img_gen", {**order, "sample_params": sampling})
        stub.read_until(rb"generate_image completed in [\d.]+s\n")
        printed = stub.printed[stub.printed.index(b"[INFO ] stable-diffusion.cpp:3367") :]
    assert without_measures(printed) == without_measures(RECORDED)


def test_the_page_of_serve_html_path_is_served_at_the_root(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>nonce 8f3a</p>", encoding="utf-8")
    with running("--serve-html-path", str(page)) as stub:
        assert stub.ask("/") == b"<p>nonce 8f3a</p>"


def test_a_page_that_does_not_exist_ends_the_stub() -> None:
    refused = run(str(STUB), "--serve-html-path", "no/such/page.html")
    assert refused.returncode == 1
    assert "no/such/page.html" in refused.stderr


def test_help_lists_every_flag_of_the_real_engine() -> None:
    flags = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
    real = (Path(__file__).parent / "sd_server_help.txt").read_text(encoding="utf-8")
    # A flag is what a line begins with; the descriptions name some too.
    lines = [line for line in real.splitlines() if line.lstrip().startswith("-")]
    wanted = {flag for line in lines for flag in flags.findall(line[:43])}
    assert len(wanted) > 100
    assert wanted == set(flags.findall(run(str(STUB), "--help").stdout))


def finished(stub: Stub, job_id: str) -> dict[str, Any]:
    """The job once it is final. Its end is printed before it is recorded, so it is asked for until then."""
    stub.read_until(rb"generate_image completed")
    for _ in range(10_000):
        job: dict[str, Any] = json.loads(stub.ask(f"/sdcpp/v1/jobs/{job_id}"))
        if job["status"] not in ("queued", "generating"):
            return job
    raise AssertionError(f"job {job_id} never ended: {job}")


def submit(stub: Stub, prompt: str) -> str:
    """The id of a new job of 64x64."""
    order = {"prompt": prompt, "width": 64, "height": 64, "seed": 7}
    job_id: str = json.loads(stub.ask("/sdcpp/v1/img_gen", order))["id"]
    return job_id


def test_a_picture_is_a_valid_png_with_more_than_one_colour() -> None:
    with running() as stub:
        job = finished(stub, submit(stub, "x"))
    picture = base64.b64decode(job["result"]["images"][0]["b64_json"])
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (64, 64), "RGB")
        assert "Seed: 7, Size: 64x64, Model: tiny.safetensors" in str(image.info["parameters"])
        assert image.getcolors(maxcolors=1) is None


def test_the_log_tells_arrival_start_and_finish_of_a_job_by_its_directive(tmp_path: Path) -> None:
    log = tmp_path / "engine.jsonl"
    with running(STUB_LOG=str(log)) as stub:
        finished(stub, submit(stub, "x [[stub id=abc lat=30]]"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["ev"] for line in lines] == ["boot", "ready", "arr", "start", "fin", "exit"]
    arrival, start, finish = lines[2:5]
    assert {line["id"] for line in (arrival, start, finish)} == {"abc"}
    assert arrival["t"] <= start["t"] <= finish["t"] - 0.03
    assert (finish["t_arr"], finish["t_start"], finish["lat_ms"]) == (arrival["t"], start["t"], 30)


def test_a_job_told_to_fail_fails_and_the_next_one_runs() -> None:
    with running() as stub:
        failed = finished(stub, submit(stub, "x [[stub fail=1]]"))
        stub.printed = b""
        completed = finished(stub, submit(stub, "x"))
    assert (failed["status"], failed["error"]["code"]) == ("failed", "generation_failed")
    assert completed["status"] == "completed"


def test_a_job_told_to_die_takes_the_process_with_it() -> None:
    with running() as stub:
        submit(stub, "x [[stub die=1]]")
        assert stub.process.wait(SECONDS) == -9


@pytest.mark.parametrize("program", ["bench.py", "run.py", "seed_rows.py", "check_shapes.py"])
def test_every_program_of_the_benchmark_explains_itself(program: str) -> None:
    explained = run(sys.executable, str(BENCH / program), "--help")
    assert explained.returncode == 0, explained.stderr
    assert "usage:" in explained.stdout


Write = Callable[[str, float], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the figures of one run with that label and that idle gap; gives the file."""

    def to_file(label: str, gap: float) -> str:
        path = tmp_path / f"{label}-{gap}.json"
        tests = {"async": {"gap_p50_ms": gap, "load1": gap, "load1_end": 9.0}}
        path.write_text(json.dumps({"meta": {"label": label}, "tests": tests}), encoding="utf-8")
        return str(path)

    return to_file


def test_merge_gives_medians_beside_each_other(write: Write) -> None:
    ours = [write("ours", gap) for gap in (4.0, 2.0, 3.0)]
    merged = run(sys.executable, str(BENCH / "bench.py"), "--merge", *ours, "/", write("theirs", 8.5))
    assert merged.stdout.splitlines()[-1] == (
        "| &nbsp;&nbsp;engine idle gap between jobs p50 (ms) "
        "| **3** (4, 2, 3) | 2.0–9.0 | **8.5** (8.5) | 8.5–9.0 |"
    )


def test_seeded_rows_are_what_the_counters_say(tmp_path: Path) -> None:
    path = str(tmp_path / "studio.db")
    for rows in ("30", "200"):
        seeded = run(sys.executable, str(BENCH / "seed_rows.py"), rows, "--database", path)
        assert seeded.returncode == 0, seeded.stderr
    database = open_database(path)
    with database.connection_context():
        counters = dict(database.execute_sql("SELECT name, value FROM counter").fetchall())
        jobs = dict(database.execute_sql("SELECT status, COUNT(*) FROM job GROUP BY status").fetchall())
        pictures, size = database.execute_sql("SELECT COUNT(*), SUM(size) FROM image").fetchone()
    close_database(database)
    assert jobs == {"completed": 194, "failed": 4, "cancelled": 2}
    assert counters == {
        **jobs,
        "pending": 0,
        "processing": 0,
        "generation": 194,
        "image": 194,
        "image_bytes": size,
    }
    assert pictures == 194
