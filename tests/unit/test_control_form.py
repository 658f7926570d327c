"""The control picture in a form: sent, kept, given back, and left alone by presets and other models."""

from pathlib import Path
from typing import Any

import pytest

from studio.catalog import Catalog
from studio.model import Model
from studio.params import JobType
from studio.partial_params import check_partial
from tests.builders import a_recipe
from ui.requests import from_preset, from_request, to_params, to_preset
from ui.values import restored, starting, switched
from ui.vocabulary import NO_EXTRAS

GENERATE, EDIT = JobType.GENERATE, JobType.EDIT
MAP = "c" * 64


def a_model(name: str, **files: str) -> Model:
    given = {"model": "unet.safetensors"} | files
    return Model.model_validate({"id": name, "name": name.title(), "folder": Path(), "files": given})


PLAIN = a_model("plain")
STEERED = a_model("steered", control_net="net.safetensors")
CATALOG = Catalog(default="plain", models={"plain": PLAIN, "steered": STEERED})


def filled(**changes: Any) -> dict[str, Any]:
    return starting(STEERED, GENERATE) | {"prompt": "a bridge"} | changes


def test_a_map_is_sent_with_its_strength() -> None:
    params = to_params(filled(control_image=MAP, control_strength=0), GENERATE)
    assert (params.control_image, params.control_strength) == (MAP, 0)


@pytest.mark.parametrize("none", [None, ""])
def test_without_a_map_nothing_is_said_of_its_strength(none: str | None) -> None:
    params = to_params(filled(control_image=none, control_strength=1.5), GENERATE)
    assert (params.control_image, params.control_strength) == (None, None)


def test_another_model_leaves_the_map_where_it_is() -> None:
    changed = switched(PLAIN, GENERATE, filled(control_image=MAP, control_strength=1.2))
    assert not {"control_image", "control_strength"} & changed.keys()


def test_a_browser_keeps_the_map_and_nothing_else_in_its_place() -> None:
    left = filled(control_image=MAP, control_strength=1.2)
    assert restored(left, CATALOG, STEERED, GENERATE) == left
    for wrong in ("x", MAP + "0", MAP.upper(), 5, {"id": MAP}, [MAP]):
        back = restored(left | {"control_image": wrong}, CATALOG, STEERED, GENERATE)
        assert back["control_image"] is None


def test_a_preset_holds_the_strength_only_and_leaves_the_map() -> None:
    kept = to_preset(filled(control_image=MAP, control_strength=1.2), GENERATE)
    assert check_partial(kept)["control_strength"] == 1.2
    assert "control_image" not in kept
    back = from_preset(kept, CATALOG)
    assert back["control_strength"] == 1.2
    assert "control_image" not in back


@pytest.mark.parametrize("map_id", [MAP, None])
def test_settings_of_a_picture_bring_its_map_or_take_the_map_away(map_id: str | None) -> None:
    recipe = a_recipe(model="steered", control_image=map_id, control_strength=map_id and 0.5)
    values = from_request(NO_EXTRAS | recipe.model_dump(mode="json"), CATALOG)
    assert values["control_image"] == map_id
    assert values.get("control_strength") == (map_id and 0.5)
