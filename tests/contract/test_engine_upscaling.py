"""Making pictures larger with the engine's own program: sizes, progress, faults, and nothing left behind."""

import io
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from studio.clock import SystemClock
from studio.engine import EngineState
from studio.errors import CancelRequested, EngineCrashed, EngineRefused, EngineUnavailable
from studio.job import Phase, Progress
from studio.model import Model
from studio.sdserver.engine import SdServerEngine
from studio.upscalers import Upscaler
from tests.contract.engine_names import MakeEngine, Reports
from tests.upscaler_files import write_upscaler


def noise(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as image:
        return image.size


@pytest.fixture
def network(tmp_path: Path) -> Callable[[int], Upscaler]:
    """network(scale) -> an upscaler with random weights."""

    def make(scale: int) -> Upscaler:
        path = write_upscaler(tmp_path / f"x{scale}.safetensors", scale)
        return Upscaler(path.name, path, scale, path.stat().st_size)

    return make


@pytest.fixture
def with_program(tmp_path: Path) -> Callable[[str], Path]:
    """with_program(script) -> a sd-server beside which sd-cli is that shell script."""

    def make(script: str) -> Path:
        server, program = tmp_path / "sd-server", tmp_path / "sd-cli"
        for path, text in ((server, "exit 1"), (program, script)):
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        return server

    return make


@pytest.fixture(scope="module")
def real(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdServerEngine]:
    """The real engine, for tests that leave it running."""
    engine = SdServerEngine(lambda: engine_binary, SystemClock(), tmp_path_factory.mktemp("runtime"))
    yield engine
    engine.close()


@pytest.mark.engine
@pytest.mark.parametrize(("scale", "repeats", "size"), [(1, 1, (20, 12)), (2, 2, (80, 48)), (4, 1, (80, 48))])
def test_a_network_makes_a_picture_larger(
    real: SdServerEngine, network: Callable[[int], Upscaler], scale: int, repeats: int, size: tuple[int, int]
) -> None:
    made = real.upscale(network(scale), noise(20, 12), repeats, Reports())

    assert size_of(made) == size
    assert f"esrgan model loaded with scale={scale}" in real.log_tail


@pytest.mark.engine
def test_progress_is_told_by_tiles_and_no_file_is_left(
    engine_binary: Path, make_engine: MakeEngine, network: Callable[[int], Upscaler], tmp_path: Path
) -> None:
    engine, reports = make_engine(engine_binary), Reports()

    made = engine.upscale(network(1), noise(200, 150), 1, reports)

    assert size_of(made) == (200, 150)
    shares = [progress.fraction for progress in reports.seen]
    assert shares == sorted(shares)
    assert {progress.phase for progress in reports.seen} == {Phase.UPSCALING}
    assert max(progress.steps for progress in reports.seen) > 1
    assert not list(tmp_path.glob("runtime-0/upscale/*"))
    assert not (tmp_path / "runtime-0" / "upscale.json").exists()


@pytest.mark.engine
def test_the_model_in_memory_stays_there(
    real: SdServerEngine, demo_model: Model, network: Callable[[int], Upscaler]
) -> None:
    real.load(demo_model, Reports())
    pid = real.status.pid

    real.upscale(network(2), noise(20, 12), 1, Reports())

    assert (real.status.state, real.status.model, real.status.pid) == (EngineState.READY, "demo", pid)


@pytest.mark.engine
def test_a_file_that_is_no_network_is_an_error_not_the_same_picture(
    real: SdServerEngine, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing of the kind")

    with pytest.raises(EngineRefused, match="could not make the picture larger: init"):
        real.upscale(Upscaler("broken", broken, 2, 1), noise(20, 12), 1, Reports())


@pytest.mark.engine
def test_cancelling_ends_the_program_at_once(
    engine_binary: Path, make_engine: MakeEngine, network: Callable[[int], Upscaler]
) -> None:
    engine = make_engine(engine_binary)
    children: list[psutil.Process] = []

    def cancel(progress: Progress) -> None:
        if progress.step > 0:
            children.extend(child for child in psutil.Process().children() if "upscale" in child.cmdline())
            raise CancelRequested

    with pytest.raises(CancelRequested):
        engine.upscale(network(4), noise(400, 400), 1, Reports(cancel))

    assert children
    assert not any(child.is_running() for child in children)


def test_an_engine_without_the_program_says_so(
    with_program: Callable[[str], Path], make_engine: MakeEngine
) -> None:
    server = with_program("exit 0")
    engine = make_engine(server)
    engine.check_upscaling()
    (server.parent / "sd-cli").unlink()

    with pytest.raises(EngineUnavailable, match=r"no sd-cli beside .* the method lanczos needs none"):
        engine.check_upscaling()


@pytest.mark.parametrize(
    ("script", "fault", "sentence"),
    [
        ("echo some words >&2; exit 1", EngineRefused, r"exit code 1\): some words"),
        ("kill -SEGV $$", EngineCrashed, "SIGSEGV"),
        ("exit 0", EngineRefused, "without having made a picture"),
    ],
)
def test_a_program_that_fails_is_told_by_its_last_words(
    with_program: Callable[[str], Path],
    make_engine: MakeEngine,
    network: Callable[[int], Upscaler],
    script: str,
    fault: type[Exception],
    sentence: str,
) -> None:
    engine = make_engine(with_program(script))

    with pytest.raises(fault, match=sentence):
        engine.upscale(network(2), noise(20, 12), 1, Reports())


@pytest.mark.engine
def test_too_little_memory_beside_a_model_unloads_that_and_tries_once_more(
    engine_binary: Path,
    with_program: Callable[[str], Path],
    make_engine: MakeEngine,
    demo_model: Model,
    network: Callable[[int], Upscaler],
    tmp_path: Path,
) -> None:
    program = shlex.quote(str(engine_binary.with_name("sd-cli")))
    tried = shlex.quote(str(tmp_path / "tried"))
    server = with_program(
        f'if [ ! -e {tried} ]; then touch {tried}; echo "ggml: out of memory" >&2; exit 1; fi\n'
        f'exec {program} "$@"'
    )
    server.write_text(f'#!/bin/sh\nexec {shlex.quote(str(engine_binary))} "$@"\n')
    engine = make_engine(server)
    engine.load(demo_model, Reports())

    made = engine.upscale(network(2), noise(20, 12), 1, Reports())

    assert size_of(made) == (40, 24)
    assert engine.status.state is EngineState.STOPPED
