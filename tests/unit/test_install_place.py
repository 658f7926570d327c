import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.errors import StopRequested
from studio.sdserver.install_place import (
    PREBUILT,
    current_engine,
    installing,
    place_engine,
    prefer_engine,
    processor_kind,
    server_in,
    work_folder,
)
from studio.sdserver.install_progress import InstallProgress

HOLD_THE_LOCK = """
import sys, threading
from studio.sdserver.install_place import installing
with installing(lambda progress: None, threading.Event()):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("STUDIO_CACHE", str(folder))
    return folder


def ignore(_progress: InstallProgress) -> None:
    """A Reporter for tests that don't look at progress."""


def place(
    name: str, *, origin: str = "source 1", backend: str = "cpu", processor: str = "", text: str = ""
) -> Path:
    with installing(ignore, threading.Event()), work_folder() as work:
        engine = work / "engine"
        (engine / "bin").mkdir(parents=True)
        server = engine / "bin" / "sd-server"
        server.write_text(f"#!/bin/sh\n# {text}\n")
        server.chmod(0o755)
        return place_engine(engine, name, origin=origin, backend=backend, processor=processor)


def test_an_empty_cache_has_no_engine() -> None:
    assert current_engine("source 1") is None


def test_a_placed_engine_is_the_current_one(cache: Path) -> None:
    server = place("1-cpu")

    assert server == cache / "engines/1-cpu/bin/sd-server"
    assert current_engine("source 1") == server
    assert list((cache / "work").iterdir()) == []


def test_the_engine_installed_last_is_the_current_one() -> None:
    first = place("1-cpu")
    second = place("1-cuda", backend="cuda")
    assert current_engine("source 1") == second

    prefer_engine(first)

    assert current_engine("source 1") == first
    assert current_engine("source 1", "cuda") == second
    assert current_engine("source 1", "vulkan") is None


def test_an_engine_of_another_source_does_not_count() -> None:
    old = place("1-cpu")

    assert current_engine("source 2") is None

    new = place("2-cpu", origin="source 2")
    assert (current_engine("source 1"), current_engine("source 2")) == (old, new)


def test_an_engine_built_for_another_processor_does_not_count() -> None:
    place("1-cpu-other", processor="another kind")
    assert current_engine("source 1") is None

    own = place("1-cpu-own", processor=processor_kind())
    assert current_engine("source 1") == own


def test_a_downloaded_engine_counts_while_it_is_the_choice() -> None:
    built = place("1-cpu")
    downloaded = place("prebuilt-1", origin="sha256:1", backend=PREBUILT)
    assert current_engine("source 1") == downloaded
    assert current_engine("source 1", "cpu") == built

    prefer_engine(built)

    assert current_engine("source 1") == built


def test_an_engine_is_replaced_as_a_whole(cache: Path) -> None:
    place("1-cpu", text="old")

    server = place("1-cpu", text="new")

    assert "new" in server.read_text()
    assert [path.name for path in (cache / "engines").iterdir()] == ["1-cpu"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"engine": 7}', '{"server": "x", "unknown": 1}'])
def test_spoilt_descriptions_count_as_no_engine(cache: Path, text: str) -> None:
    place("1-cpu")

    (cache / "current.json").write_text(text)
    assert current_engine("source 1") == cache / "engines/1-cpu/bin/sd-server"

    (cache / "engines/1-cpu/engine.json").write_text(text)
    assert current_engine("source 1") is None


def test_an_engine_whose_program_is_gone_does_not_count() -> None:
    place("1-cpu").unlink()

    assert current_engine("source 1") is None


def test_two_servers_in_one_folder_are_no_engine(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sd-server").touch()

    assert server_in(tmp_path) is None
    assert server_in(tmp_path / "a") == tmp_path / "a" / "sd-server"


def test_what_dead_installations_left_is_swept(cache: Path) -> None:
    left = cache / "work" / "dead" / "build"
    left.mkdir(parents=True)
    (left / "object.o").touch()

    with installing(ignore, threading.Event()):
        assert not left.exists()


def test_a_second_process_waits_and_says_so() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        said: list[str] = []

        def let_go(progress: InstallProgress) -> None:
            said.append(progress.step)
            if holder.stdin is not None and not holder.stdin.closed:
                holder.stdin.close()

        with installing(let_go, threading.Event()):
            assert holder.wait() == 0

    assert set(said) == {"Another process is installing the engine; waiting for it"}


def test_a_stop_ends_the_waiting() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        stop = threading.Event()

        with pytest.raises(StopRequested), installing(lambda _: stop.set(), stop):
            pytest.fail("entered although another process holds the lock")


def test_the_lock_of_a_killed_process_is_free() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()

        with installing(ignore, threading.Event()):
            entered = True

    assert entered
