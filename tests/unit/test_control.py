"""Control pictures: who may ask for one, what is refused, and what a recipe keeps of it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from studio.engine import EngineFeatures, Inputs
from studio.errors import InvalidRequest
from studio.model import Model, ModelFiles, ModelLimits
from studio.offers import offer_of
from studio.params import GenerationParams, JobType
from studio.partial_params import check_partial
from studio.reading import settings_of
from studio.recipe import Recipe
from studio.recipes import to_recipe
from studio.sdserver.payload import to_img_gen
from tests.builders import a_params, a_recipe

INPUT, MAP = "a" * 64, "c" * 64


def a_model(**files: str) -> Model:
    weights = ModelFiles(**({"model": "unet.safetensors", "control_net": "net.safetensors"} | files))
    return Model(id="m", name="M", files=weights, folder=Path())


PLAIN = Model(id="p", name="P", files=ModelFiles(model="unet.safetensors"))


def recipe_of(params: GenerationParams, model: Model) -> Recipe:
    return to_recipe(params, model, random_seed=lambda: 1, input_size=None)


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"type": JobType.EDIT, "input_image": INPUT},
        {"type": JobType.EDIT, "input_image": INPUT, "mask": INPUT, "inpaint_area": "masked"},
        {"type": JobType.VARIATION, "input_image": INPUT},
    ],
)
def test_every_kind_of_drawing_may_follow_a_control_picture(job: dict[str, Any]) -> None:
    recipe = recipe_of(a_params(**job, control_image=MAP), a_model())
    assert (recipe.control_image, recipe.control_strength) == (MAP, 0.9)


@pytest.mark.parametrize("strength", [0.0, 0.35, 2.0])
def test_a_strength_that_is_said_counts_and_zero_is_one(strength: float) -> None:
    recipe = recipe_of(a_params(control_image=MAP, control_strength=strength), a_model())
    assert recipe.control_strength == strength
    assert (
        to_img_gen(recipe, a_model(), Inputs(control=b"map"), seed=1, batch=1)["control_strength"] == strength
    )


@pytest.mark.parametrize("strength", [-0.01, 2.01, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ValidationError, match="control_strength"):
        a_params(control_image=MAP, control_strength=strength)


def test_without_a_picture_its_strength_means_nothing() -> None:
    recipe = recipe_of(a_params(control_strength=0.5), PLAIN)
    assert (recipe.control_image, recipe.control_strength) == (None, None)


def test_a_model_without_a_control_net_refuses_the_picture_by_name() -> None:
    with pytest.raises(InvalidRequest, match=r"^control_image: the model 'p' has no control net") as refusal:
        recipe_of(a_params(control_image=MAP), PLAIN)
    assert refusal.value.field == "control_image"


def test_a_second_pass_is_refused_beside_a_control_picture() -> None:
    with pytest.raises(ValidationError, match="hires: can't be combined with a control picture"):
        a_params(control_image=MAP, hires={"scale": 1.5})
    assert a_params(hires={"scale": 1.5}).hires is not None


def test_a_preset_keeps_the_strength_but_no_picture() -> None:
    assert check_partial({"control_strength": 0.5}) == {"control_strength": 0.5}
    with pytest.raises(ValidationError, match="control_image"):
        check_partial({"control_image": MAP})


def test_what_a_picture_tells_of_its_making_names_the_map() -> None:
    recipe = a_recipe(control_image=MAP, control_strength=0.5)
    told = settings_of(recipe)
    assert (told["control_image"], told["control_strength"]) == (MAP, 0.5)
    assert {"control_image", "control_strength"} & settings_of(a_recipe()).keys() == set()


def test_the_engine_gets_the_map_only_if_there_is_one() -> None:
    recipe = recipe_of(a_params(control_image=MAP), a_model())
    sent = to_img_gen(recipe, a_model(), Inputs(control=b"map"), seed=1, batch=1)
    assert sent["control_image"] == "bWFw"
    assert "control_image" not in to_img_gen(a_recipe(), PLAIN, Inputs(), seed=1, batch=1)


def test_control_is_offered_by_models_with_a_net_unless_the_engine_says_it_lacks_that() -> None:
    assert offer_of(a_model(), None).control
    assert not offer_of(PLAIN, None).control
    assert offer_of(a_model(), EngineFeatures(abilities=("control_image",))).control
    assert not offer_of(a_model(), EngineFeatures(abilities=("lora",))).control


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {"diffusion_model": "d.gguf", "control_net": "n.safetensors"}},
        {"files": {"model": "m.gguf", "control_net": "n.safetensors"}, "limits": ModelLimits(multiple=16)},
    ],
)
def test_a_control_net_beside_a_transformer_is_a_fault_of_models_yml(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"files\.control_net: steers UNets only"):
        Model(**({"id": "m", "name": "M"} | wrong | {"files": ModelFiles(**wrong["files"])}))
