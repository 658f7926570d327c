"""The Engine protocol kept by the real sd-server with the demonstration model."""

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from studio.engine import EngineState, Inputs, Picture
from studio.errors import CancelRequested, EngineCrashed, EngineStalled, EngineUnavailable
from studio.job import Phase, Progress
from studio.model import Model, ModelFiles
from studio.params import JobType
from studio.sdserver.engine import SdServerEngine
from studio.sdserver.launch import model_paths
from tests.contract.engine_names import ROOT, MakeEngine, MakeRecipe, Reports

pytestmark = pytest.mark.engine

# What the demonstration model was trained for; elsewhere the smallest size is quick and enough.
FULL: dict[str, Any] = {"width": 128, "height": 128}


def cancel_in(phase: Phase, *, step: int = 0) -> Callable[[Progress], None]:
    def act(progress: Progress) -> None:
        if progress.phase is phase and progress.step >= step:
            raise CancelRequested

    return act


def pixels(picture: Picture) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.size == (picture.width, picture.height)
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def as_png(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def is_gone(pid: int | None) -> bool:
    return pid is not None and not psutil.pid_exists(pid)


def test_a_prompt_becomes_the_picture_it_describes(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    (picture,) = warm.generate(demo_model, recipe(steps=8, **FULL), Inputs(), Reports())
    red, _, blue = np.moveaxis(pixels(picture), 2, 0)
    corners, centre = np.s_[:12, :12], np.s_[56:72, 56:72]
    assert blue[corners].mean() > red[corners].mean() + 60
    assert red[centre].mean() > blue[centre].mean() + 60


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    first, again, other = (
        pixels(warm.generate(demo_model, recipe(seed=seed), Inputs(), Reports())[0]) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ten_pictures_are_split_into_engine_jobs_and_each_has_its_own_seed(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    small: dict[str, Any] = {"steps": 2}
    reports = Reports()
    pictures = warm.generate(demo_model, recipe(n=10, seed=2**53, **small), Inputs(), reports)
    assert [picture.seed for picture in pictures] == [2**53 + index for index in range(10)]
    assert max(progress.image for progress in reports.seen) == 10
    (ninth,) = warm.generate(demo_model, recipe(seed=2**53 + 8, **small), Inputs(), Reports())
    assert np.array_equal(pixels(pictures[8]), pixels(ninth))
    assert not np.array_equal(pixels(pictures[0]), pixels(pictures[1]))


def test_progress_starts_with_loading_counts_steps_never_falls_and_ends_with_saving(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe
) -> None:
    reports = Reports()
    engine = make_engine(engine_binary)
    engine.generate(demo_model, recipe(n=2), Inputs(), reports)
    fractions = [progress.fraction for progress in reports.seen]
    assert reports.seen[0].phase is Phase.LOADING
    assert reports.seen[-1].phase is Phase.SAVING
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.05 and 0.9 < fractions[-1] <= 1
    sampled = {(p.image, p.step, p.steps) for p in reports.seen if p.phase is Phase.SAMPLING and p.step}
    assert {(1, 1, 4), (2, 1, 4)} <= sampled
    assert {p.images for p in reports.seen} == {2}
    measured = [p for p in reports.seen if p.phase is Phase.SAMPLING and p.step > 1]
    assert all(p.seconds_per_step and p.eta_seconds for p in measured)


def test_an_edit_with_a_mask_repaints_only_the_masked_area(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    (start,) = warm.generate(
        demo_model, recipe("a blue square on a white background", **FULL), Inputs(), Reports()
    )
    mask = np.zeros((128, 128))
    mask[32:96, 32:96] = 255
    edit = recipe(
        "a red circle on a red background",
        type=JobType.EDIT,
        strength=1.0,
        input_image="0" * 64,
        mask="1" * 64,
        steps=8,
        **FULL,
    )
    (picture,) = warm.generate(demo_model, edit, Inputs(start.png, as_png(mask)), Reports())
    change = np.abs(pixels(picture) - pixels(start)).mean(axis=2)
    assert change[40:88, 40:88].mean() > 40
    assert change[:16].mean() < 15 and change[112:].mean() < 15


def test_strength_says_how_much_of_the_input_picture_is_kept(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    (start,) = warm.generate(
        demo_model, recipe("a blue square on a white background", **FULL), Inputs(), Reports()
    )
    change = {}
    for strength in (0.1, 0.9):
        variation = recipe(type=JobType.VARIATION, strength=strength, input_image="0" * 64, steps=8, **FULL)
        (picture,) = warm.generate(demo_model, variation, Inputs(start.png), Reports())
        change[strength] = np.abs(pixels(picture) - pixels(start)).mean()
    assert change[0.1] < 10 < 30 < change[0.9]


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.SAMPLING, Phase.DECODING])
def test_cancelling_stops_the_child_in_any_phase_and_the_next_job_works(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe, phase: Phase
) -> None:
    engine = make_engine(engine_binary)
    pids: list[int | None] = []

    def act(progress: Progress) -> None:
        pids.append(engine.status.pid)
        # Loading is cancelled once its child runs.
        if pids[-1] is not None:
            cancel_in(phase)(progress)

    with pytest.raises(CancelRequested):
        engine.generate(demo_model, recipe(), Inputs(), Reports(act))
    assert is_gone(pids[-1])
    assert engine.status.state is EngineState.STOPPED
    assert len(engine.generate(demo_model, recipe(steps=2), Inputs(), Reports())) == 1


def test_a_killed_engine_is_named_as_the_reason_and_replaced_for_the_next_job(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe
) -> None:
    engine = make_engine(engine_binary)

    def kill(progress: Progress) -> None:
        if progress.phase is Phase.SAMPLING and progress.step:
            psutil.Process(engine.status.pid).kill()

    with pytest.raises(EngineCrashed, match=r"SIGKILL.*memory"):
        engine.generate(demo_model, recipe(steps=8), Inputs(), Reports(kill))
    assert len(engine.generate(demo_model, recipe(steps=2), Inputs(), Reports())) == 1


def test_an_engine_that_died_while_idle_is_replaced_without_a_word(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe
) -> None:
    warm.load(demo_model, Reports())
    process = psutil.Process(warm.status.pid)
    process.kill()
    process.wait()
    assert len(warm.generate(demo_model, recipe(steps=2), Inputs(), Reports())) == 1
    assert warm.status.state is EngineState.READY


def test_a_suspended_engine_is_noticed_and_killed(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe
) -> None:
    engine = make_engine(engine_binary)
    pids: list[int | None] = []

    def suspend(progress: Progress) -> None:
        if progress.phase is Phase.SAMPLING and progress.step and not pids:
            pids.append(engine.status.pid)
            psutil.Process(pids[0]).suspend()

    with pytest.raises(EngineStalled, match="suspended"):
        engine.generate(demo_model, recipe(steps=20), Inputs(), Reports(suspend))
    assert is_gone(pids[0])


def test_a_killed_studio_leaves_no_engine_behind(engine_binary: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from studio.catalog import load_catalog\n"
        "from studio.clock import SystemClock\n"
        "from studio.sdserver.engine import SdServerEngine\n"
        "engine = SdServerEngine(lambda: Path(sys.argv[1]), SystemClock(), Path(sys.argv[2]))\n"
        "engine.load(load_catalog(Path(sys.argv[3])).model('demo'), lambda progress: None)\n"
        "print(engine.status.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [str(engine_binary), str(tmp_path), str(ROOT / "models.yml")]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as parent:
        assert parent.stdout is not None
        engine = psutil.Process(int(parent.stdout.readline()))
        assert engine.is_running()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _, alive = psutil.wait_procs([engine], timeout=10)
    assert alive == []


def test_a_model_without_its_text_encoder_fails_with_a_reason_and_is_then_left_alone(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe
) -> None:
    paths = model_paths(demo_model)
    lame = Model(
        id="lame",
        name="Lame",
        files=ModelFiles(diffusion_model=str(paths["diffusion_model"]), tae=str(paths["tae"])),
    )
    engine = make_engine(engine_binary)
    for _ in range(3):
        with pytest.raises((EngineCrashed, EngineUnavailable)):
            engine.load(lame, Reports())
    reports = Reports()
    with pytest.raises(EngineUnavailable, match="died 3 times in a row"):
        engine.generate(lame, recipe(model="lame"), Inputs(), reports)
    assert reports.seen == []
    assert len(engine.generate(demo_model, recipe(steps=2), Inputs(), Reports())) == 1


def test_a_broken_model_file_is_named_in_the_reason(
    make_engine: MakeEngine, engine_binary: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"<html>not found</html>")
    model = Model(id="broken", name="Broken", files=ModelFiles(model=str(broken)))
    with pytest.raises(EngineUnavailable, match=r"broken\.safetensors"):
        make_engine(engine_binary).load(model, Reports())


def test_unloading_ends_the_process_and_keeps_the_engine_usable(
    make_engine: MakeEngine, engine_binary: Path, demo_model: Model, recipe: MakeRecipe
) -> None:
    engine = make_engine(engine_binary)
    engine.load(demo_model, Reports())
    loaded = engine.status
    assert (loaded.state, loaded.model) == (EngineState.READY, "demo")
    engine.unload()
    assert is_gone(loaded.pid)
    assert engine.status.state is EngineState.STOPPED
    assert len(engine.generate(demo_model, recipe(steps=2), Inputs(), Reports())) == 1
    assert "generate_image completed" in engine.log_tail
