"""Too little memory: what the driver makes of the engine's words, and the ladder above real processes."""

from collections.abc import Iterator
from pathlib import Path
from resource import RLIMIT_AS

import psutil
import pytest

from studio.clock import SystemClock
from studio.database import close_database, migrate, open_database
from studio.engine import EngineState, Inputs
from studio.errors import OutOfMemory
from studio.job import Progress
from studio.ladder import Ladder
from studio.memory_levels import MemoryLevels
from studio.model import Model
from studio.sdserver.engine import SdServerEngine
from studio.thrift import Thrift, thrifty
from studio.writer import GroupWriter
from tests.contract.engine_names import MakeEngine, MakeRecipe

TILING, CLIP, OFFLOAD = Thrift
CARD = (
    "[ERROR] ggml_extend.hpp:69   - ggml_backend_cuda_buffer_type_alloc_buffer: allocating 480 MiB on "
    "device 0: cudaMalloc failed: out of memory\n[ERROR] vae.hpp:200  - vae decode compute failed"
)
TERMINATED = "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc"
LARGE = {"width": 128, "height": 64}


def ignore(progress: Progress) -> None:
    """A report nobody reads."""


@pytest.fixture
def levels(tmp_path: Path) -> Iterator[MemoryLevels]:
    """An empty memory."""
    database = open_database(str(tmp_path / "studio.db"))
    migrate(database)
    writer = GroupWriter(database)
    yield MemoryLevels(database, writer, SystemClock())
    writer.close()
    close_database(database)


def cramped(needs: Thrift, at: str, says: str = CARD) -> dict[str, object]:
    return {"cramped": {"needs": needs, "at": at, "says": says}}


def switches(engine: SdServerEngine) -> list[str]:
    """The switches of the ladder that the running engine was started with."""
    assert engine.status.pid is not None
    arguments = psutil.Process(engine.status.pid).cmdline()
    return [rung for rung in Thrift if f"--{rung.replace('_', '-')}" in arguments]


def test_a_job_that_fails_for_lack_of_memory_is_told_apart_and_the_engine_goes_on(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine(start=cramped(TILING, "failed"))
    engine.load(scripted_model, ignore)
    before = engine.status.pid
    with pytest.raises(OutOfMemory, match="480 MiB on device 0") as lack:
        engine.generate(scripted_model, recipe(**LARGE), Inputs(), ignore)
    assert (lack.value.on_card, lack.value.while_loading) == (True, False)

    # Tiling is the request's: nothing is loaded anew for it.
    tiled = thrifty(scripted_model, [TILING])
    assert len(engine.generate(tiled, recipe(**LARGE), Inputs(), ignore)) == 1
    assert engine.status.pid == before


@pytest.mark.parametrize(("says", "on_card"), [(CARD, True), (TERMINATED, False)])
def test_an_engine_that_dies_at_work_for_lack_of_memory_is_told_apart(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, says: str, on_card: bool
) -> None:
    engine = scripted_engine(start=cramped(TILING, "exit", says))
    with pytest.raises(OutOfMemory) as lack:
        engine.generate(scripted_model, recipe(**LARGE), Inputs(), ignore)
    assert (lack.value.on_card, lack.value.while_loading) == (on_card, False)
    assert engine.status.state is EngineState.STOPPED


def test_a_model_without_room_is_told_apart_and_never_left_alone_for_a_while(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    engine = scripted_engine(start=cramped(CLIP, "loading"))
    for _ in range(4):
        with pytest.raises(OutOfMemory) as lack:
            engine.load(scripted_model, ignore)
        assert (lack.value.on_card, lack.value.while_loading) == (True, True)
    engine.load(thrifty(scripted_model, [CLIP]), ignore)
    assert switches(engine) == [CLIP]


def test_other_options_are_a_reason_to_load_a_model_anew_and_tiling_is_none(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    engine = scripted_engine()
    engine.load(scripted_model, ignore)
    first = engine.status.pid
    engine.load(thrifty(scripted_model, [TILING]), ignore)
    assert engine.status.pid == first
    engine.load(thrifty(scripted_model, [CLIP]), ignore)
    assert engine.status.pid != first and switches(engine) == [CLIP]


@pytest.mark.parametrize("at", ["loading", "failed", "exit"])
@pytest.mark.parametrize("needs", [TILING, CLIP, OFFLOAD])
def test_the_ladder_ends_where_the_engine_finds_room(
    scripted_engine: MakeEngine,
    scripted_model: Model,
    recipe: MakeRecipe,
    levels: MemoryLevels,
    at: str,
    needs: Thrift,
) -> None:
    if at == "loading" and needs is TILING:
        needs = CLIP  # loading needs no tiling
    starts: list[None] = []
    engine = scripted_engine(start=cramped(needs, at), on_start=lambda: starts.append(None))
    notes: list[str | None] = []
    ladder = Ladder(engine, levels)
    pictures = ladder.generate(scripted_model, recipe(**LARGE), Inputs(), ignore, notes.append)
    assert len(pictures) == 1
    assert notes[0] is None and notes[-1] is not None and "switched on" in notes[-1]
    climbed = len(notes)

    engine.unload()
    before = len(starts)
    ladder.generate(scripted_model, recipe(**LARGE), Inputs(), ignore, notes.append)
    # It is known now: one try, one start.
    assert (len(notes), len(starts)) == (climbed + 1, before + 1)
    assert notes[-1] is not None and "memory before, so" in notes[-1]


@pytest.mark.engine
def test_the_real_engine_says_that_memory_ran_out_and_goes_on_with_tiling(
    make_engine: MakeEngine,
    engine_binary: Path,
    demo_model: Model,
    recipe: MakeRecipe,
    levels: MemoryLevels,
) -> None:
    model = demo_model.model_copy(
        update={"engine": demo_model.engine.model_copy(update={"vae_tile_size": "16x16"})}
    )
    engine = make_engine(engine_binary)
    engine.load(model, ignore)
    assert engine.status.pid is not None
    process = psutil.Process(engine.status.pid)
    # Decoding 192x192 at once takes 68 MB, a tile of it 31.
    most = process.memory_info().vms + 45 * 2**20
    process.rlimit(RLIMIT_AS, (most, most))

    notes: list[str | None] = []
    small = recipe(width=192, height=192, steps=1, cfg_scale=1.0)
    (picture,) = Ladder(engine, levels).generate(model, small, Inputs(), ignore, notes.append)
    assert (picture.width, engine.status.pid) == (192, process.pid)
    assert notes == [None, "There was too little memory, so VAE tiling was switched on."]
