import hashlib
import io
import signal
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studio.errors import EngineUnavailable
from studio.sdserver.install import (
    engine_command,
    engine_version,
    ensure_engine,
    find_engine,
    install_from_url,
)
from studio.sdserver.install_place import installing, place_engine, work_folder
from studio.sdserver.install_progress import InstallProgress
from studio.sdserver.install_source import STABLE_DIFFUSION_CPP

ANSWER = "#!/bin/sh\necho 'stable-diffusion.cpp version {version}, commit {commit}'\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("STUDIO_CACHE", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for compiler in ("CC", "CXX"):
        monkeypatch.delenv(compiler, raising=False)
    return folder


def engine(path: Path, *, version: str = "master-1", commit: str = "unknown") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ANSWER.format(version=version, commit=commit))
    path.chmod(0o755)
    return path


def cached_engine() -> Path:
    with installing(ignore, threading.Event()), work_folder() as work:
        engine(work / "engine" / "sd-server", version="cached")
        return place_engine(work / "engine", "1-cpu", origin=STABLE_DIFFUSION_CPP.identity, backend="cpu")


def ignore(_progress: InstallProgress) -> None:
    """A Reporter for tests that don't look at progress."""


def test_the_named_engine_comes_before_path_and_path_before_the_cache(tmp_path: Path) -> None:
    assert find_engine(None) is None

    cached = cached_engine()
    assert find_engine(None) == cached

    on_path = engine(tmp_path / "path" / "sd-server")
    assert find_engine(None) == on_path

    named = engine(tmp_path / "own" / "my-server")
    assert find_engine(named) == named


def test_a_present_engine_is_taken_without_a_word() -> None:
    cached = cached_engine()
    said: list[InstallProgress] = []

    assert ensure_engine(None, report=said.append, stop=threading.Event()) == cached
    assert said == []


def test_an_engine_on_path_is_taken_whatever_backend_is_asked_for(tmp_path: Path) -> None:
    cached_engine()
    on_path = engine(tmp_path / "path" / "sd-server")

    assert ensure_engine(None, backend="cuda", report=ignore, stop=threading.Event()) == on_path


def test_an_engine_of_another_backend_does_not_do() -> None:
    cached_engine()

    with pytest.raises(EngineUnavailable, match=r"metal backend needs|needs a C"):
        ensure_engine(None, backend="metal", report=ignore, stop=threading.Event())


@pytest.mark.parametrize(
    ("kind", "fault"), [("missing", "no such file"), ("folder", "that is a folder"), ("text", "chmod")]
)
def test_an_unusable_named_engine_is_never_passed_over(tmp_path: Path, kind: str, fault: str) -> None:
    engine(tmp_path / "path" / "sd-server")
    named = tmp_path / "named"
    if kind == "folder":
        named.mkdir()
    elif kind == "text":
        named.write_text("not a program")

    with pytest.raises(EngineUnavailable, match=f"STUDIO_SD_SERVER is '{named}': .*{fault}"):
        find_engine(named)


def test_without_a_compiler_nothing_is_downloaded_and_one_sentence_says_what_to_do(cache: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"building the engine needs a C\+\+ compiler: ") as caught:
        ensure_engine(None, backend="cpu", report=ignore, stop=threading.Event())

    assert "\n" not in caught.value.message
    assert sorted(path.name for path in cache.iterdir() if path.is_dir()) == []


def test_an_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(EngineUnavailable, match=f"could not be installed under {tmp_path}/file/cache"):
        ensure_engine(None, report=ignore, stop=threading.Event())


@pytest.mark.parametrize(
    ("version", "commit", "told"),
    [("master-1", "1a2b3c4", "master-1 (1a2b3c4)"), ("python-0.4.7", "unknown", "python-0.4.7")],
)
def test_the_version_is_what_the_engine_says(tmp_path: Path, version: str, commit: str, told: str) -> None:
    assert engine_version(engine(tmp_path / "sd-server", version=version, commit=commit)) == told


def test_an_engine_that_cannot_run_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "sd-server"
    broken.write_text("#!/bin/sh\necho 'error: libcuda.so.1 not found'\nexit 127\n")
    broken.chmod(0o755)

    with pytest.raises(EngineUnavailable, match=r"can't be run: error: libcuda\.so\.1 not found"):
        engine_version(broken)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address where this machine serves it."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the tests look at what arrived."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def archive_of(folder: Path, *names: str, answer: str = ANSWER.format(version="pre", commit="built")) -> str:
    """Makes engine.tar.gz, whose files all print `answer` and none is marked as a program; its SHA-256."""
    path = folder / "engine.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(answer)
            archive.addfile(member, io.BytesIO(answer.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_downloaded_engine_becomes_the_one_in_use(site: tuple[Path, str], cache: Path) -> None:
    folder, url = site
    built = cached_engine()
    sha256 = archive_of(folder, "sd/bin/sd-server", "sd/readme.txt")

    server = install_from_url(f"{url}/engine.tar.gz", sha256.upper(), report=ignore, stop=threading.Event())

    assert server == cache / "engines" / f"prebuilt-{sha256[:12]}" / "sd/bin/sd-server"
    assert stat.S_IMODE(server.stat().st_mode) == 0o755
    assert find_engine(None) == server
    assert built.exists()
    assert not (cache / "downloads").exists()
    assert list((cache / "work").iterdir()) == []


@pytest.mark.parametrize("names", [("sd/readme.txt",), ("a/sd-server", "b/sd-server")])
def test_an_archive_without_exactly_one_engine_is_refused(
    site: tuple[Path, str], names: tuple[str, ...]
) -> None:
    folder, url = site
    sha256 = archive_of(folder, *names)

    with pytest.raises(EngineUnavailable, match="exactly one program named sd-server"):
        install_from_url(f"{url}/engine.tar.gz", sha256, report=ignore, stop=threading.Event())

    assert find_engine(None) is None


def test_a_downloaded_engine_that_does_not_start_is_not_installed(
    site: tuple[Path, str], cache: Path
) -> None:
    folder, url = site
    sha256 = archive_of(folder, "sd-server", answer="#!/bin/sh\nexit 1\n")

    with pytest.raises(EngineUnavailable, match="can't be run"):
        install_from_url(f"{url}/engine.tar.gz", sha256, report=ignore, stop=threading.Event())

    assert find_engine(None) is None
    assert list((cache / "work").iterdir()) == []


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 63])
def test_a_hash_that_is_none_is_refused_before_anything_is_fetched(sha256: str) -> None:
    with pytest.raises(EngineUnavailable, match="64 hexadecimal digits"):
        install_from_url("https://127.0.0.1:1/x.zip", sha256, report=ignore, stop=threading.Event())


def test_the_command_tells_where_and_which_the_engine_is(capsys: pytest.CaptureFixture[str]) -> None:
    server = cached_engine()

    assert engine_command(["where"], explicit=None) == 0
    assert capsys.readouterr().out == f"{server}\n"

    assert engine_command(["version"], explicit=None) == 0
    assert capsys.readouterr().out == "cached\n"


def test_the_command_says_how_to_get_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_command(["where"], explicit=None) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "python app.py engine install" in captured.err


def test_the_command_installs_from_an_address(
    site: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, url = site
    sha256 = archive_of(folder, "sd-server")

    code = engine_command(["install", "--url", f"{url}/engine.tar.gz", "--sha256", sha256], explicit=None)

    captured = capsys.readouterr()
    assert code == 0
    assert captured.out == f"{find_engine(None)}\n"
    assert "Downloading the engine: 100 %\n" in captured.err


def test_the_command_is_content_with_a_present_engine(capsys: pytest.CaptureFixture[str]) -> None:
    server = cached_engine()

    assert engine_command(["install"], explicit=None) == 0
    assert capsys.readouterr().out == f"{server}\n"


def test_the_command_fails_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_command(["install", "--backend", "cpu"], explicit=None) == 1

    assert capsys.readouterr().err.startswith("building the engine needs a C++ compiler")


@pytest.mark.parametrize(
    "argv",
    [[], ["remove"], ["install", "--backend", "rocm"], ["install", "--url", "https://localhost/x.zip"]],
)
def test_a_misused_command_answers_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_command(argv, explicit=None) == 2
    assert capsys.readouterr().out == ""


class EndlessFile(BaseHTTPRequestHandler):
    """Answers with a file that comes byte by byte and never ends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        with suppress(ConnectionError):
            while True:
                self.wfile.write(b"x")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test looks at the command."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_command_and_keeps_what_was_downloaded(
    cache: Path, number: signal.Signals
) -> None:
    program = "import sys; from studio.sdserver.install import engine_command; "
    program += "sys.exit(engine_command(sys.argv[1:], explicit=None))"
    with ThreadingHTTPServer(("127.0.0.1", 0), EndlessFile) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/x.zip"
        argv = [sys.executable, "-c", program, "install", "--url", url, "--sha256", "0" * 64]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
            assert command.stderr is not None
            assert command.stderr.readline() == "Downloading the engine: 0 %\n"
            command.send_signal(number)
            said, faults = command.communicate()
        server.shutdown()
        thread.join()

    assert (command.returncode, said, faults) == (130, "", "stopped; nothing was installed\n")
    assert (cache / "downloads" / f"{'0' * 64}.part").stat().st_size > 0


def test_asking_for_help_is_no_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_command(["install", "--help"], explicit=None) == 0
    assert "--sha256" in capsys.readouterr().out
