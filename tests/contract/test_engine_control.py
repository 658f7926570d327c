"""A control net: given when the engine starts, steering every job that comes with a map and no other."""

from pathlib import Path

import pytest

from studio.engine import Inputs, Picture
from studio.model import Model, ModelFiles
from studio.sdserver.engine import SdServerEngine
from tests.contract.engine_names import MakeEngine, MakeRecipe, Reports


def drawn(engine: SdServerEngine, model: Model, recipe: MakeRecipe, control: bytes | None) -> list[bytes]:
    """The files of two pictures that follow this map."""
    asked = recipe(n=2, control_image=None if control is None else "0" * 64)
    made: list[Picture] = engine.generate(model, asked, Inputs(control=control), Reports())
    assert [picture.seed for picture in made] == [7, 8]
    return [picture.png for picture in made]


@pytest.fixture
def steered(tmp_path: Path) -> Model:
    """A model with a control net, neither of which the scripted engine looks at."""
    files = ModelFiles(model="no.safetensors", control_net="net.safetensors")
    return Model(id="steered", name="Steered", files=files, folder=tmp_path)


def test_a_map_steers_the_job_it_comes_with_and_no_other(
    scripted_engine: MakeEngine, steered: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    plain = drawn(engine, steered, recipe, None)
    one, other = (drawn(engine, steered, recipe, control) for control in (b"one", b"other"))
    assert plain != one != other != plain
    assert drawn(engine, steered, recipe, None) == plain
    assert drawn(engine, steered, recipe, b"one") == one


def test_without_a_net_the_engine_is_not_steered(
    scripted_engine: MakeEngine, scripted_model: Model, recipe: MakeRecipe
) -> None:
    engine = scripted_engine()
    assert drawn(engine, scripted_model, recipe, b"one") == drawn(engine, scripted_model, recipe, None)
