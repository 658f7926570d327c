"""Whoever counts the engine's processes hears of every start and every end, once each."""

import threading

import psutil
import pytest

from studio.engine import Inputs
from studio.errors import CancelRequested
from studio.job import Progress
from studio.model import Model
from tests.contract.engine_names import MakeEngine, MakeRecipe


def ignore(progress: Progress) -> None:
    """A report nobody reads."""


def test_starts_and_ends_are_told_with_whether_the_studio_wanted_the_end(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    starts: list[None] = []
    ends: list[bool] = []
    ended = threading.Event()

    def on_end(was_told: bool) -> None:
        ends.append(was_told)
        ended.set()

    engine = scripted_engine(on_start=lambda: starts.append(None), on_end=on_end)
    engine.load(scripted_model, ignore)
    assert (len(starts), ends) == (1, [])

    engine.unload()
    assert (len(starts), ends) == (1, [True])

    engine.load(scripted_model, ignore)
    engine.generate(scripted_model, recipe(), Inputs(), ignore)
    assert len(starts) == 2

    ended.clear()
    assert engine.status.pid is not None
    psutil.Process(engine.status.pid).kill()
    assert ended.wait(30)
    assert ends == [True, False]


def test_an_engine_whose_start_is_given_up_is_told_as_well(
    scripted_engine: MakeEngine, scripted_model: Model
) -> None:
    starts: list[None] = []
    ends: list[bool] = []

    def give_up(progress: Progress) -> None:
        if starts:
            raise CancelRequested

    engine = scripted_engine(on_start=lambda: starts.append(None), on_end=ends.append)
    with pytest.raises(CancelRequested):
        engine.load(scripted_model, give_up)
    assert (len(starts), ends) == (1, [True])
