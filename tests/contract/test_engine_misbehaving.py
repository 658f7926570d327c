"""What the driver makes of an engine that answers nonsense, hangs, dies or won't go: a scripted program."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from studio.clock import SystemClock
from studio.engine import EngineState, Inputs
from studio.errors import (
    BadResult,
    CancelRequested,
    EngineCrashed,
    EngineRefused,
    EngineStalled,
    EngineUnavailable,
    StudioError,
)
from studio.job import Phase, Progress
from studio.model import Model
from studio.recipe import Recipe
from studio.sdserver.engine import SdServerEngine
from tests.contract.engine_names import MakeEngine, MakeRecipe


def ignore(progress: Progress) -> None:
    """A report nobody reads."""


def works(engine: SdServerEngine, model: Model, recipe: Recipe) -> bool:
    return [picture.seed for picture in engine.generate(model, recipe, Inputs(), ignore)] == [recipe.seed]


NONSENSE: list[tuple[dict[str, object], type[StudioError], str, bool]] = [
    ({"submit": "html"}, BadResult, "without naming it.*It works", False),
    ({"submit": "nameless"}, BadResult, "without naming it", False),
    ({"submit": "refused"}, EngineRefused, r"invalid generation parameters \(invalid init_image\)", True),
    ({"submit": "silent"}, EngineStalled, "did not take the job", False),
    ({"submit": "crash"}, EngineCrashed, "SIGSEGV", False),
    ({"job": "html"}, BadResult, "HTTP 200 with <html>It works", False),
    ({"job": "lost"}, EngineCrashed, r"lost the job \(HTTP 404\)", False),
    ({"job": "expired"}, EngineCrashed, r"lost the job \(HTTP 410\)", False),
    ({"job": "silent"}, EngineStalled, "stopped answering", False),
    ({"job": "huge"}, BadResult, "more than 65 MB", False),
    ({"result": "base64"}, BadResult, "not base64", False),
    ({"result": "empty"}, BadResult, "without pictures", False),
    ({"result": "short"}, BadResult, "without pictures", False),
    ({"result": "beyond"}, BadResult, "picture 1 of 1 has the number 1", False),
    ({"result": "size"}, BadResult, "128x64 instead of 64x64.*limits.multiple", True),
    ({"result": "text"}, BadResult, "not a PNG", True),
    ({"result": "failed"}, EngineRefused, "no results.*not a good day for pictures", True),
]


@pytest.mark.parametrize(("directions", "error", "reason", "survives"), NONSENSE)
def test_every_nonsense_answer_fails_the_job_with_its_reason_and_the_next_job_works(
    scripted_engine: MakeEngine,
    scripted_model: Model,
    recipe: MakeRecipe,
    directions: dict[str, object],
    error: type[StudioError],
    reason: str,
    survives: bool,
) -> None:
    engine = scripted_engine(read_seconds=1.0 if "silent" in directions.values() else 10.0)
    engine.load(scripted_model, ignore)
    before = engine.status.pid
    with pytest.raises(error, match=reason):
        engine.generate(scripted_model, recipe(directions), Inputs(), ignore)
    assert works(engine, scripted_model, recipe())
    # A process that may still be at work is replaced, one that is surely idle is kept.
    assert (engine.status.pid == before) is survives


def test_too_few_pictures_are_refused(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    with pytest.raises(BadResult, match="made 2 pictures instead of 3"):
        scripted_engine().generate(scripted_model, recipe({"result": "short"}, n=3), Inputs(), ignore)


def test_two_pictures_of_one_number_are_refused(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    with pytest.raises(BadResult, match="picture 3 of 3 has the number 0"):
        scripted_engine().generate(scripted_model, recipe({"result": "twice"}, n=3), Inputs(), ignore)


def test_what_an_engine_says_of_its_pictures_besides_their_numbers_is_passed_over(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()

    told, plain = (
        engine.generate(scripted_model, recipe(prompt, n=3), Inputs(), ignore)
        for prompt in ({"result": "seeds"}, "a picture")
    )

    assert [(picture.seed, picture.png) for picture in told] == [
        (picture.seed, picture.png) for picture in plain
    ]


def test_pictures_come_in_the_order_of_their_index_and_in_batches_of_the_engine_s_own_limit(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    pictures = engine.generate(scripted_model, recipe(n=10, seed=0), Inputs(), ignore)
    single = [engine.generate(scripted_model, recipe(seed=s), Inputs(), ignore)[0] for s in range(10)]
    assert [picture.png for picture in pictures] == [picture.png for picture in single]
    # 4 + 4 + 2 of the batch, then ten single ones; the log holds what came after the last `generate`.
    assert engine.log_tail.count("generate_image completed") == 1


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            {"signal": 6, "stderr": "terminate called after throwing\n  what():  stof"},
            r"aborted: stof\.",
        ),
        ({"signal": 6, "stderr": "lora.hpp:498: GGML_ASSERT(a) failed"}, r"GGML_ASSERT\(a\) failed"),
        ({"signal": 11}, r"crashed without a word \(SIGSEGV\)"),
        ({"signal": 9}, "SIGKILL.*ran out of memory"),
        ({"exit": 3, "stderr": "[ERROR] a.cpp:7 - the moon is full"}, r"exit code 3\): the moon is full"),
    ],
)
def test_an_engine_that_dies_at_work_is_explained(
    scripted_engine: MakeEngine,
    scripted_model: Model,
    recipe: MakeRecipe,
    end: dict[str, object],
    reason: str,
) -> None:
    engine = scripted_engine()
    with pytest.raises(EngineCrashed, match=reason):
        engine.generate(scripted_model, recipe({"die": end}), Inputs(), ignore)
    assert works(engine, scripted_model, recipe())


def test_an_engine_that_finds_its_port_taken_is_started_again_elsewhere(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, tmp_path: Path
) -> None:
    engine = scripted_engine(start={"exit": 0, "once": str(tmp_path / "taken")})
    assert works(engine, scripted_model, recipe())


def test_an_engine_that_never_gets_its_port_is_given_up(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    with pytest.raises(EngineUnavailable, match="port taken 3 times"):
        scripted_engine(start={"exit": 0}).load(scripted_model, ignore)


def test_an_engine_without_our_page_is_known_by_its_socket(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine(start={"page": "<html>another page</html>"})
    assert works(engine, scripted_model, recipe())


class Stranger(BaseHTTPRequestHandler):
    """Answers everything, as a server of somebody else may."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not a word."""


def test_a_stranger_answering_on_the_port_is_not_taken_for_the_engine(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, tmp_path: Path
) -> None:
    engine = scripted_engine(start={"answers": False, "once": str(tmp_path / "occupied")})
    strangers: list[ThreadingHTTPServer] = []

    def occupy(progress: Progress) -> None:
        pid = engine.status.pid
        if pid is not None and not strangers:
            strangers.append(ThreadingHTTPServer(("127.0.0.1", port_of(pid)), Stranger))
            threading.Thread(target=strangers[0].serve_forever, daemon=True).start()

    try:
        engine.load(scripted_model, occupy)
        pid = engine.status.pid
        assert pid is not None and port_of(pid) != strangers[0].server_port
        assert works(engine, scripted_model, recipe())
    finally:
        for stranger in strangers:
            stranger.shutdown()
            stranger.server_close()


def port_of(pid: int) -> int:
    arguments = psutil.Process(pid).cmdline()
    return int(arguments[arguments.index("--listen-port") + 1])


def test_a_crash_while_loading_is_explained_and_three_in_a_row_are_enough(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    engine = scripted_engine(start={"signal": 11})
    for _ in range(3):
        with pytest.raises(EngineCrashed, match="SIGSEGV"):
            engine.load(scripted_model, ignore)
    with pytest.raises(EngineUnavailable, match="died 3 times in a row while starting with scripted"):
        engine.load(scripted_model, ignore)


def test_a_refusal_while_loading_names_the_engine_s_own_reason(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    start = {"exit": 1, "stderr": "[ERROR] a.cpp:1 - no tensor x\n[ERROR] main.cpp:92 - new_sd_ctx_t failed"}
    with pytest.raises(EngineUnavailable, match=r"exit code 1\): no tensor x\."):
        scripted_engine(start=start).load(scripted_model, ignore)


def test_an_engine_that_ignores_sigterm_is_gone_after_a_cancel(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine(start={"ignore_sigterm": True})
    pids: list[int | None] = []

    def cancel(progress: Progress) -> None:
        if progress.phase is Phase.SAMPLING and progress.step:
            pids.append(engine.status.pid)
            raise CancelRequested

    with pytest.raises(CancelRequested):
        engine.generate(scripted_model, recipe({"hold": True}), Inputs(), cancel)
    assert pids[0] is not None and not psutil.pid_exists(pids[0])


def test_an_interruption_reaches_a_silent_job_at_once(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    holding, cancelled = threading.Event(), threading.Event()

    def report(progress: Progress) -> None:
        if progress.step and progress.phase is Phase.SAMPLING:
            holding.set()
        if cancelled.is_set():
            raise CancelRequested

    def cancel() -> None:
        assert holding.wait(60)
        cancelled.set()
        engine.interrupt()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(CancelRequested):
        engine.generate(scripted_model, recipe({"hold": True}), Inputs(), report)
    other.join()
    assert engine.status.state is EngineState.STOPPED


def test_a_job_without_news_is_still_reported(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        # The same news again: nothing happened in between, so only the clock can have asked for it.
        if progress.step and seen[:-1] and seen[-2].step == progress.step and len(seen) > 3:
            raise CancelRequested

    with pytest.raises(CancelRequested):
        engine.generate(scripted_model, recipe({"hold": True}), Inputs(), report)


@pytest.mark.parametrize("directions", [{"hold": True}, {"job": "dripping"}])
def test_an_engine_without_any_sign_of_progress_is_stalled(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, directions: dict[str, object]
) -> None:
    engine = scripted_engine()
    engine.load(scripted_model, ignore)
    impatient = scripted_model.model_copy(
        update={"engine": scripted_model.engine.model_validate({"stall_seconds": 1.0})}
    )
    pid = engine.status.pid
    with pytest.raises(EngineStalled, match=r"no sign of progress.*stall_seconds"):
        engine.generate(impatient, recipe(directions), Inputs(), ignore)
    assert pid is not None and not psutil.pid_exists(pid)


def test_an_engine_that_loads_for_ever_without_a_word_is_stalled(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    engine = scripted_engine(start={"answers": False}, stall_seconds=1.0)
    with pytest.raises(EngineStalled):
        engine.load(scripted_model, ignore)
    assert engine.status.state is EngineState.STOPPED


def test_a_flood_of_output_blocks_nothing_and_keeps_the_log_small(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    assert works(engine, scripted_model, recipe({"flood": 8}))
    assert "generate_image completed" in engine.log_tail
    assert len(engine.log_tail) < 100_000


def test_a_missing_program_is_named(make_engine: MakeEngine, scripted_model: Model, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="nowhere"):
        make_engine(tmp_path / "nowhere").load(scripted_model, ignore)


def test_an_engine_that_can_not_be_found_is_unavailable_with_the_reason(
    tmp_path: Path, scripted_model: Model, recipe: MakeRecipe
) -> None:
    def find() -> Path:
        raise EngineUnavailable("still being built")

    engine = SdServerEngine(find, SystemClock(), tmp_path)
    with pytest.raises(EngineUnavailable, match="still being built"):
        engine.generate(scripted_model, recipe(), Inputs(), ignore)
    assert engine.status.state is EngineState.UNAVAILABLE
    assert engine.status.detail == "still being built"
    engine.close()


def test_secrets_of_the_environment_do_not_reach_the_engine(
    scripted_engine: MakeEngine, scripted_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_API_KEY", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    engine = scripted_engine()
    engine.load(scripted_model, ignore)
    seen = psutil.Process(engine.status.pid).environ()
    assert "STUDIO_API_KEY" not in seen
    assert seen["CUDA_VISIBLE_DEVICES"] == "1" and seen["GGML_NO_BACKTRACE"] == "1"
