"""The child process and what is left of it: last words, reasons, notes, the ports."""

import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.sdserver.exits import reason_for_exit
from studio.sdserver.log_tail import LogTail
from studio.sdserver.pid_file import PidFile
from studio.sdserver.ports import free_port, is_sole_listener
from studio.sdserver.process import engine_environment


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for ever."""
    program = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_noted_engine_that_still_runs_is_ended_at_the_next_start(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    note = tmp_path / "engine.json"
    PidFile(note).write(sleeper.pid, [Path(sys.executable)])
    assert PidFile(note).end_leftover() == sleeper.pid
    assert not psutil.pid_exists(sleeper.pid)
    assert not note.exists()


@pytest.mark.parametrize(
    "difference", [{"started": 1.0}, {"programs": ["/usr/bin/another"]}, {"pid": 2**22 + 1}]
)
def test_a_process_that_differs_in_anything_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], difference: dict[str, object]
) -> None:
    note = tmp_path / "engine.json"
    PidFile(note).write(sleeper.pid, [Path(sys.executable)])
    note.write_text(json.dumps(json.loads(note.read_text()) | difference))
    assert PidFile(note).end_leftover() is None
    assert sleeper.poll() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_damaged_note_ends_nothing(tmp_path: Path, content: str) -> None:
    note = tmp_path / "engine.json"
    note.write_text(content)
    assert PidFile(note).end_leftover() is None


def test_a_free_port_is_nobody_s_and_its_listener_is_recognised(sleeper: subprocess.Popen[bytes]) -> None:
    port = free_port()
    own = psutil.Process().pid
    assert not is_sole_listener(own, port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert is_sole_listener(own, port)
        assert not is_sole_listener(sleeper.pid, port)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_the_tail_does_not_depend_on_where_the_stream_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole, pieces = LogTail(), LogTail()
    whole.feed(stream)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        pieces.feed(stream[start:end])
    assert pieces.lines() == whole.lines()
    assert pieces.count == whole.count


def test_the_tail_keeps_the_last_lines_and_the_last_state_of_a_bar() -> None:
    tail = LogTail(keep=3)
    tail.feed(b"one\ntwo\nthree\r\n\r |=  | 1/2\x1b[K\r |== | 2/2\x1b[K\nunfinished")
    assert tail.lines() == ("two", "three", " |== | 2/2", "unfinished")
    tail.clear()
    assert tail.lines() == ()


def test_an_endless_line_is_cut() -> None:
    tail = LogTail()
    for _ in range(100):
        tail.feed(b"x" * 10_000)
    assert sum(map(len, tail.lines())) <= 4096


@pytest.mark.parametrize(
    ("returncode", "stderr", "expected"),
    [
        (-9, [], "ran out of memory"),
        (-11, [], "SIGSEGV"),
        (-15, [], "ended by SIGTERM"),
        (-40, [], "ended by"),
        (
            -6,
            ["terminate called after throwing an instance of 'std::out_of_range'", "  what():  stof"],
            "stof",
        ),
        (-6, ["  what():  std::bad_alloc"], "out of memory (what():  std::bad_alloc)"),
        (1, ["ggml_aligned_malloc: insufficient memory (attempted to allocate 617.20 MB)"], "617.20 MB"),
        (
            1,
            ["[ERROR] a.cpp:1    - first cause", "[ERROR] main.cpp:92   - new_sd_ctx_t failed"],
            "first cause",
        ),
        (1, [], "it said nothing"),
        (126, ["/x/sd-server: Exec format error"], "Exec format error"),
        (0, [], "ended by itself"),
    ],
)
def test_an_exit_is_explained_in_one_sentence(returncode: int, stderr: list[str], expected: str) -> None:
    reason = reason_for_exit(returncode, stderr)
    assert expected in reason
    assert reason.startswith("The engine ") and reason.endswith(".") and "\n" not in reason


def test_a_missing_model_file_is_named_though_only_stdout_names_it() -> None:
    stderr = ["[ERROR] main.cpp:92   - new_sd_ctx_t failed"]
    stdout = ["[WARN ] model.cpp:231  - file /m/x.gguf not found"]
    assert "file /m/x.gguf not found" in reason_for_exit(1, stderr, stdout)


def test_the_engine_sees_hardware_and_locale_but_no_secrets() -> None:
    inherited = {
        "PATH": "/bin",
        "CUDA_VISIBLE_DEVICES": "0",
        "LC_ALL": "C",
        "HF_TOKEN": "x",
        "STUDIO_KEY": "y",
    }
    seen = engine_environment(inherited, {"EXTRA": "1"})
    assert seen == {
        "PATH": "/bin",
        "CUDA_VISIBLE_DEVICES": "0",
        "LC_ALL": "C",
        "GGML_NO_BACKTRACE": "1",
        "EXTRA": "1",
    }
