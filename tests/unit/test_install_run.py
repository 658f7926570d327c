import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from studio.errors import StopRequested
from studio.sdserver.install_run import Finished, end_all_in, run, run_briefly

# A child of another process group, as ninja makes its compilers, that never ends by itself.
GRANDCHILD = """
import subprocess, sys
forever = "import threading; threading.Event().wait()"
child = subprocess.Popen([sys.executable, "-c", forever], process_group=0)
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (("[1/2] Building errors.c", "main.c:3:1: error: no name", "stopped"), "main.c:3:1: error: no name"),
        (("-- Performing Test HAS_ERROR - Failed", "gone wrong"), "gone wrong"),
        (("CMake Error at x.txt:3 (find):", "", "  no kit", "more"), "CMake Error at x.txt:3 (find): no kit"),
        (("ERROR: No matching distribution", ""), "ERROR: No matching distribution"),
        (("main.c(3): error C2065: 'x'", "end"), "main.c(3): error C2065: 'x'"),
        ((), "exit code 7"),
    ],
)  # fmt: skip
def test_the_reason_is_the_line_that_says_why(tail: tuple[str, ...], reason: str) -> None:
    assert Finished(7, tail).reason == reason


def test_what_a_program_prints_is_logged_and_its_end_kept(tmp_path: Path) -> None:
    seen: list[str] = []
    program = (
        "import sys; print('out'); print('broken \\udcff'.encode(errors='surrogateescape')); sys.exit(3)"
    )

    finished = run(
        [sys.executable, "-c", program],
        folder=tmp_path,
        environ=os.environ,
        log=tmp_path / "log",
        stop=threading.Event(),
        on_line=seen.append,
    )

    assert finished.code == 3
    assert finished.tail[0] == "out"
    assert [line.rstrip() for line in seen] == list(finished.tail)
    assert (tmp_path / "log").read_text().startswith("$ ")
    assert "\nout\n" in (tmp_path / "log").read_text()


def test_a_program_that_does_not_exist_is_a_failure_with_its_name(tmp_path: Path) -> None:
    log = tmp_path / "log"

    finished = run(["./nothing"], folder=tmp_path, environ={}, log=log, stop=threading.Event())

    assert (finished.code, finished.reason) == (127, "./nothing: No such file or directory")
    assert run_briefly([tmp_path / "nothing"]).code == 127


def test_a_stop_reaches_children_in_groups_of_their_own(tmp_path: Path) -> None:
    stop = threading.Event()
    pids: list[int] = []

    def stop_at_the_first_line(line: str) -> None:
        pids.append(int(line))
        stop.set()

    with pytest.raises(StopRequested):
        run(
            [sys.executable, "-c", GRANDCHILD],
            folder=tmp_path,
            environ=os.environ,
            log=tmp_path / "log",
            stop=stop,
            on_line=stop_at_the_first_line,
        )

    assert len(pids) == 1
    assert not psutil.pid_exists(pids[0]) or psutil.Process(pids[0]).status() == psutil.STATUS_ZOMBIE


def test_only_what_works_in_a_folder_is_ended(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    waiting = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with (
        subprocess.Popen(waiting, cwd=inside, stdin=subprocess.PIPE, start_new_session=True) as left,
        subprocess.Popen(waiting, cwd=outside, stdin=subprocess.PIPE, start_new_session=True) as other,
    ):
        end_all_in(inside)

        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None
        other.kill()
