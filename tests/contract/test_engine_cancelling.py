"""Cancelling a job of an engine that says it can, and of one that breaks its word: a scripted program."""

import psutil
import pytest

from studio.engine import EngineState, Inputs
from studio.errors import CancelRequested, Interrupted, StopRequested
from studio.job import Phase, Progress
from studio.model import Model
from studio.recipe import Recipe
from studio.sdserver.engine import SdServerEngine
from tests.contract.engine_names import MakeEngine, MakeRecipe, Reports

HELD: dict[str, object] = {"hold": True}


def interrupted(
    engine: SdServerEngine, model: Model, recipe: Recipe, by: type[Interrupted] = CancelRequested
) -> int:
    """Ends a job in the middle of sampling; the process that worked on it."""
    pids = []

    def act(progress: Progress) -> None:
        if progress.phase is Phase.SAMPLING and progress.step >= 1:
            pids.append(engine.status.pid)
            raise by

    with pytest.raises(by):
        engine.generate(model, recipe, Inputs(), Reports(act))
    assert pids[-1] is not None
    return pids[-1]


@pytest.mark.parametrize("cancels", ["obeyed", "late"])
def test_an_engine_that_can_cancel_keeps_its_model(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, cancels: str
) -> None:
    engine = scripted_engine({"cancels": cancels})

    before = interrupted(engine, scripted_model, recipe(HELD, n=2))

    assert (engine.status.state, engine.status.pid) == (EngineState.READY, before)
    assert "asked to cancel job_" in engine.log_tail
    (picture,) = engine.generate(scripted_model, recipe(seed=5), Inputs(), Reports())
    assert (picture.seed, engine.status.pid) == (5, before)


@pytest.mark.parametrize("cancels", ["ignored", "refused", "silent"])
def test_an_engine_that_does_not_keep_its_word_is_ended(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe, cancels: str
) -> None:
    engine = scripted_engine({"cancels": cancels})

    before = interrupted(engine, scripted_model, recipe(HELD))

    assert engine.status.state is EngineState.STOPPED
    assert not psutil.pid_exists(before)
    assert "asked to cancel job_" in engine.log_tail
    assert len(engine.generate(scripted_model, recipe(), Inputs(), Reports())) == 1


def test_an_engine_that_never_said_so_is_not_asked(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()

    before = interrupted(engine, scripted_model, recipe(HELD))

    assert engine.status.state is EngineState.STOPPED
    assert not psutil.pid_exists(before)
    assert "asked to cancel" not in engine.log_tail


def test_a_studio_that_stops_ends_the_engine_at_once(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine({"cancels": "late"})

    before = interrupted(engine, scripted_model, recipe(HELD), StopRequested)

    assert engine.status.state is EngineState.STOPPED
    assert not psutil.pid_exists(before)
    assert "asked to cancel" not in engine.log_tail
