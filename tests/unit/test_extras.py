"""What a request may add to a plain picture: its ranges, its rules, and what becomes of it in a recipe."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from studio.engine import EngineFeatures
from studio.errors import InvalidRequest
from studio.extras import UPSCALERS, Extend, Hires, Lora
from studio.model import Capabilities, Model, ModelDefaults, ModelFiles, ModelLimits
from studio.offers import offer_of
from studio.params import SCHEDULERS, GenerationParams, JobType
from studio.partial_params import check_partial, keep_valid
from studio.recipe import Recipe
from studio.recipes import result_size, to_recipe
from tests.builders import a_params, a_recipe

INPUT, MASK, OTHER = "a" * 64, "b" * 64, "c" * 64


def a_model(**changes: Any) -> Model:
    values: dict[str, Any] = {
        "id": "m", "name": "M", "files": ModelFiles(diffusion_model="m.gguf"), "folder": Path(),
        "defaults": ModelDefaults(size="512x512"),
        "limits": ModelLimits(multiple=16, max_pixels=1024 * 1024),
    } | changes  # fmt: skip
    return Model(**values)


def an_edit(**changes: Any) -> GenerationParams:
    return a_params(**({"type": JobType.EDIT, "input_image": INPUT} | changes))


def recipe_of(
    params: GenerationParams, model: Model | None = None, input_size: tuple[int, int] | None = None
) -> Recipe:
    return to_recipe(params, model or a_model(), random_seed=lambda: 1, input_size=input_size)


# -- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"loras": [{"name": "a", "weight": 4.1}]},
        {"loras": [{"name": "a", "weight": "1"}]},
        {"loras": [{"name": "a", "weight": float("nan")}]},
        {"loras": [{"name": ""}]},
        {"loras": [{"name": "a", "path": "/etc/passwd"}]},
        {"loras": [{"name": f"{index}"} for index in range(9)]},
        {"loras": [{"name": "a"}, {"name": "a", "weight": 0.5}]},
        {"hires": {"scale": 0.9}},
        {"hires": {"scale": 4.1}},
        {"hires": {"upscaler": "None"}},
        {"hires": {"upscaler": "latent"}},
        {"hires": {"steps": 101}},
        {"hires": {"steps": 2.0}},
        {"hires": {"denoising_strength": 0}},
        {"hires": {"target_width": 100_000}},
        {"cache": "spectrum"},
        {"cache": "cache-dit,scm_mask=x"},
        {"extend": {"left": 1025}},
        {"extend": {"left": -1}},
        {"inpaint_padding": 257},
        {"inpaint_area": "outside"},
    ],
)
def test_values_out_of_range_and_unknown_words_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        an_edit(mask=MASK, **wrong)


def test_at_most_four_references_are_taken() -> None:
    assert an_edit(references=[OTHER] * 4).references == (OTHER,) * 4
    with pytest.raises(ValidationError):
        an_edit(references=[OTHER] * 5)


@pytest.mark.parametrize("type_", [JobType.GENERATE, JobType.VARIATION])
@pytest.mark.parametrize(
    "field", [{"inpaint_area": "masked"}, {"extend": {"left": 8}}, {"references": [OTHER]}]
)
def test_only_an_edit_paints_parts_grows_or_looks_at_references(
    type_: JobType, field: dict[str, Any]
) -> None:
    source = None if type_ is JobType.GENERATE else INPUT
    with pytest.raises(ValidationError, match=f"{next(iter(field))}: only an edit can do this"):
        a_params(type=type_, input_image=source, **field)


def test_only_the_masked_area_can_be_painted_if_there_is_one() -> None:
    with pytest.raises(ValidationError, match="inpaint_area: there is no mask"):
        an_edit(inpaint_area="masked")
    with pytest.raises(ValidationError, match="inpaint_area: there is no mask"):
        an_edit(inpaint_area="masked", extend={"left": 0})
    assert an_edit(inpaint_area="masked", extend={"left": 8}).inpaint_area == "masked"


def test_presets_keep_extras_but_no_pictures() -> None:
    extras = {"hires": {"scale": 1.5}, "loras": [{"name": "a"}], "cache": "easycache", "vae_tiling": False}
    kept = check_partial(extras)
    assert kept["hires"]["scale"] == 1.5 and kept["loras"] == [{"name": "a", "weight": 1.0}]
    assert (kept["cache"], kept["vae_tiling"]) == ("easycache", False)
    assert keep_valid(extras | {"references": [OTHER]}) == kept


def test_a_recipe_with_every_extra_comes_back_from_its_json() -> None:
    recipe = a_recipe(
        type=JobType.EDIT, input_image=INPUT, mask=MASK, strength=1.0, references=[OTHER],
        loras=[{"name": "ink.safetensors", "weight": -0.5}], hires={"scale": 1.25}, vae_tiling=True,
        cache="taylorseer", inpaint_area="masked", inpaint_padding=0, extend={"left": 8},
    )  # fmt: skip
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert Recipe.model_validate(json.loads(recipe.model_dump_json())) == recipe


def test_a_recipe_stored_before_there_were_extras_is_still_read() -> None:
    new = ("loras", "hires", "vae_tiling", "cache", "inpaint_area", "inpaint_padding", "extend", "references")
    older = {name: value for name, value in a_recipe().model_dump(mode="json").items() if name not in new}
    assert Recipe.model_validate(older) == a_recipe()


# -- the second pass ---------------------------------------------------------------------------------


@given(
    st.integers(64, 1500), st.integers(64, 1500), st.floats(1, 4), st.sampled_from([8, 16, 32, 64]),
    st.integers(300_000, 16_000_000),
)  # fmt: skip
def test_a_second_pass_never_exceeds_what_the_model_or_the_engine_can_do(
    width: int, height: int, scale: float, multiple: Any, most: int
) -> None:
    model = a_model(limits=ModelLimits(multiple=multiple, max_pixels=most))
    if width * height > most:
        return
    recipe = recipe_of(a_params(width=width, height=height, hires={"scale": scale}), model)
    assert recipe.hires is not None
    large = recipe.hires.enlarged(width, height)
    assert large[0] * large[1] <= most and max(large) <= 4096
    assert 1 <= recipe.hires.scale <= scale
    assert large >= (width, height)
    engine = result_size(recipe, model)
    assert engine[0] >= large[0] and engine[1] >= large[1]
    assert engine[0] % multiple == engine[1] % multiple == 0


def test_binary_fractions_do_not_lose_a_pixel() -> None:
    assert Hires(scale=1.15).enlarged(100, 200) == (115, 230)
    assert Hires(scale=1.1).enlarged(110, 10) == (121, 11)


@pytest.mark.parametrize("scheduler", ["gits", "karras", "exponential"])
def test_a_second_pass_of_one_step_is_refused_for_schedulers_that_die_or_turn_black(scheduler: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"hires.steps: the scheduler {scheduler} needs at least 2"):
        recipe_of(a_params(scheduler=scheduler, steps=8, hires={"steps": 1}))
    recipe_of(a_params(scheduler=scheduler, steps=8, hires={"steps": 2}))
    # As many as the first pass, which is shortened where it starts from a picture.
    short = {"type": JobType.VARIATION, "input_image": INPUT, "strength": 0.1, "scheduler": scheduler}
    with pytest.raises(InvalidRequest, match="needs at least 2"):
        recipe_of(a_params(steps=8, hires={}, **short))
    recipe_of(a_params(steps=20, hires={}, **short))


@pytest.mark.parametrize("scheduler", ["gits", "ays"])
def test_a_schedule_longer_than_the_engines_tables_bear_is_refused(scheduler: str) -> None:
    with pytest.raises(InvalidRequest, match=r"hires.denoising_strength: .* at least 0.1 with 100 steps"):
        recipe_of(a_params(scheduler=scheduler, hires={"steps": 100, "denoising_strength": 0.05}))
    recipe_of(a_params(scheduler=scheduler, hires={"steps": 100, "denoising_strength": 0.1}))


def test_the_share_of_a_second_pass_is_by_pixels_and_steps() -> None:
    assert a_recipe().second_pass_share == 0
    assert a_recipe(steps=8, hires={"scale": 2}).second_pass_share == pytest.approx(4 / 5)
    assert a_recipe(steps=8, hires={"scale": 1, "steps": 24}).second_pass_share == pytest.approx(3 / 4)


# -- what a model lacks ------------------------------------------------------------------------------


def test_references_are_refused_by_name_for_models_that_do_not_look_at_them() -> None:
    with pytest.raises(InvalidRequest, match="references: the model 'm' does not look at reference pictures"):
        recipe_of(an_edit(references=[OTHER]))
    model = a_model(capabilities=Capabilities(references=True))
    assert recipe_of(an_edit(references=[OTHER]), model).by_reference
    with_mask = recipe_of(an_edit(references=[OTHER], mask=MASK), model)
    assert (with_mask.by_reference, with_mask.references) == (False, (OTHER,))


def test_a_cache_that_does_nothing_for_the_model_is_refused_with_those_that_do() -> None:
    unet = a_model(files=ModelFiles(model="sd15.safetensors"), limits=ModelLimits(multiple=64))
    assert not unet.is_transformer
    assert recipe_of(a_params(cache="ucache"), unet).cache == "ucache"
    with pytest.raises(InvalidRequest, match=r"cache: easycache does nothing .* a UNet; use ucache"):
        recipe_of(a_params(cache="easycache"), unet)
    assert recipe_of(a_params(cache="cache-dit")).cache == "cache-dit"
    with pytest.raises(InvalidRequest, match=r"ucache does nothing .* a transformer; use easycache, dbcache"):
        recipe_of(a_params(cache="ucache"))


# -- growing -----------------------------------------------------------------------------------------


def test_a_grown_picture_has_its_own_size_and_is_painted_at_full_strength() -> None:
    recipe = recipe_of(an_edit(extend={"left": 100, "bottom": 7}), input_size=(300, 200))
    assert (recipe.width, recipe.height, recipe.strength) == (400, 207, 1.0)
    softer = recipe_of(an_edit(extend={"left": 100}, strength=0.5), input_size=(300, 200))
    assert softer.strength == 0.5


def test_growing_by_nothing_is_an_edit_like_any_other() -> None:
    assert recipe_of(an_edit(extend={"left": 0}), input_size=(512, 512)) == recipe_of(
        an_edit(), input_size=(512, 512)
    )


def test_growing_beyond_the_model_is_refused_with_its_limit_and_a_way_out() -> None:
    with pytest.raises(
        InvalidRequest, match=r"extend: .* 1800x800, 1440000 pixels; the model 'm' .* 1048576.* masked"
    ):
        recipe_of(an_edit(extend={"left": 1000}), input_size=(800, 800))
    # The way out is one.
    recipe = recipe_of(an_edit(extend={"left": 1000}, inpaint_area="masked"), input_size=(800, 800))
    assert (recipe.width, recipe.height) == (512, 512)
    with pytest.raises(InvalidRequest, match=r"extend: .* 5024x4096, 20578304 pixels; the limit is 16777216"):
        recipe_of(an_edit(extend={"left": 1000}, inpaint_area="masked"), input_size=(4024, 4096))


def test_a_size_beside_growing_must_be_the_grown_one() -> None:
    grown = {"extend": {"left": 100}, "width": 400, "height": 200}
    assert recipe_of(an_edit(**grown), input_size=(300, 200)).width == 400
    with pytest.raises(InvalidRequest, match="size: the picture becomes 400x200"):
        recipe_of(an_edit(**grown | {"width": 512}), input_size=(300, 200))


def test_a_masked_area_is_painted_at_the_asked_or_the_models_size_whatever_the_picture_has() -> None:
    masked = {"mask": MASK, "inpaint_area": "masked"}
    recipe = recipe_of(an_edit(**masked), input_size=(4000, 3000))
    assert (recipe.width, recipe.height, recipe.inpaint_padding) == (512, 512, 32)
    recipe = recipe_of(an_edit(**masked, width=768, height=256), input_size=(4000, 3000))
    assert (recipe.width, recipe.height) == (768, 256)


def test_values_say_what_they_are() -> None:
    assert Extend(left=1, top=2, right=3, bottom=4).of(10, 20) == (14, 26)
    assert not Extend().grows and Extend(bottom=1).grows
    assert Lora(name="a").weight == 1


# -- what is offered ---------------------------------------------------------------------------------


def test_a_model_is_offered_what_its_entry_and_its_engine_have_in_common() -> None:
    looker = a_model(capabilities=Capabilities(references=True))
    unsaid = offer_of(looker, None)
    assert (unsaid.references, unsaid.masks, unsaid.loras, unsaid.upscalers) == (4, True, True, UPSCALERS)
    assert offer_of(looker, EngineFeatures()) == unsaid
    little = EngineFeatures(
        samplers=("euler", "a later one"), upscalers=("Latent", "my_esrgan"), abilities=("hires", "lora")
    )
    said = offer_of(looker, little)
    assert (said.samplers, said.schedulers, said.upscalers) == (("euler",), SCHEDULERS, ("Latent",))
    assert said.loras and not (said.vae_tiling or said.caches or said.references or said.masks)
    assert not offer_of(a_model(capabilities=Capabilities(edit=False)), None).masks
    assert offer_of(looker, EngineFeatures(abilities=("lora",))).upscalers == ()
