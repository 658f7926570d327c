"""What a form holds becomes a request, and comes back as a form."""

import math
from pathlib import Path
from typing import Any

import pytest

from studio.catalog import Catalog
from studio.engine import EngineFeatures
from studio.errors import InvalidRequest, ModelFilesMissing
from studio.extras import Hires, Lora
from studio.model import Model
from studio.offers import offer_of
from studio.params import MAX_SEED, GenerationParams, JobType
from studio.partial_params import check_partial
from tests.builders import a_recipe
from ui.advanced import choices, offered
from ui.requests import from_preset, from_request, in_words, to_params, to_preset
from ui.values import restored, settled, shape_of, shape_size, starting, switched
from ui.vocabulary import AS_INPUT, FIELDS, SHAPES

GENERATE, EDIT, VARIATION = JobType.GENERATE, JobType.EDIT, JobType.VARIATION
INPUT = "a" * 64


def a_model(name: str = "demo", **changes: Any) -> Model:
    values: dict[str, Any] = {
        "id": name, "name": name.title(), "builtin": "demo", "folder": Path(),
        "defaults": {"size": "128x128", "steps": 8, "cfg_scale": 2, "sampler": "euler"},
        "limits": {"multiple": 16, "max_pixels": 262144},
    } | changes  # fmt: skip
    return Model.model_validate(values)


def files(**given: str) -> dict[str, Any]:
    return {"builtin": None, "files": {key: f"{value}.safetensors" for key, value in given.items()}}


SDXL = a_model(
    "sdxl", **files(model="sdxl"), aliases=["xl"], limits={"multiple": 64},
    defaults={"size": "1024x1024", "steps": 25, "cfg_scale": 7, "negative_prompt": "blurry", "clip_skip": 2},
)  # fmt: skip
DEMO = a_model()
CATALOG = Catalog(default="demo", models={"demo": DEMO, "sdxl": SDXL})


WHOLE_AREA = {"inpaint_area": "whole"}


def filled(**changes: Any) -> dict[str, Any]:
    return starting(DEMO, GENERATE) | {"prompt": "a red circle"} | changes


def test_a_fresh_form_shows_what_the_model_would_do_and_asks_for_exactly_that() -> None:
    params = to_params(filled(), GENERATE)

    assert params == GenerationParams(
        model="demo", prompt="a red circle", negative_prompt="", width=128, height=128, n=1, seed=None,
        steps=8, cfg_scale=2, sampler="euler", scheduler="discrete",
    )  # fmt: skip


def test_every_field_of_a_form_has_a_starting_value() -> None:
    assert tuple(starting(SDXL, GENERATE)) == FIELDS
    assert tuple(starting(SDXL, EDIT)) == FIELDS


@pytest.mark.parametrize("empty", [None, ""])
def test_emptied_numbers_are_as_the_model_likes_them(empty: object) -> None:
    params = to_params(
        filled(width=empty, height=empty, steps=empty, cfg_scale=empty, clip_skip=empty), GENERATE
    )

    assert (params.width, params.height, params.steps, params.cfg_scale, params.clip_skip) == (None,) * 5


def test_nothing_and_none_are_values_where_they_say_something() -> None:
    params = to_params(filled(cfg_scale=0, flow_shift=0, negative_prompt=""), GENERATE)

    assert (params.cfg_scale, params.flow_shift, params.negative_prompt) == (0, 0, "")


@pytest.mark.parametrize(
    ("written", "seed"),
    [
        ("", None), (None, None), ("-1", None), (-1, None), (" 42 ", 42), (42, 42), ("0", 0),
        (str(MAX_SEED), MAX_SEED),
    ],
)  # fmt: skip
def test_a_seed_is_read_as_people_write_it(written: object, seed: int | None) -> None:
    assert to_params(filled(seed=written), GENERATE).seed == seed


@pytest.mark.parametrize("written", ["one", "1.5", "-2", str(MAX_SEED + 1), "9" * 30, "0x10", "٣"])
def test_a_seed_that_is_none_is_refused_by_name(written: str) -> None:
    with pytest.raises(InvalidRequest, match="leave it empty") as caught:
        to_params(filled(seed=written), GENERATE)

    assert caught.value.field == "seed"


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"prompt": "  "}, "prompt", "must not be empty"),
        ({"steps": 500}, "steps", "from 1 to 100, not 500"),
        ({"steps": 7.5}, "steps", "a whole number from 1 to 100, not 7.5"),
        ({"n": 0}, "n", "from 1 to 10"),
        ({"cfg_scale": "much"}, "cfg_scale", "from 0 to 30, not 'much'"),
        ({"cfg_scale": math.nan}, "cfg_scale", "from 0 to 30"),
        ({"width": 8}, "width", "from 64 to 4096"),
        ({"sampler": "best"}, "sampler", "no sampler of that name"),
        ({"prompt": "a\x00b"}, "prompt", "control character"),
        ({"seed": str(MAX_SEED), "n": 2}, "seed", "must not exceed"),
    ],
)
def test_what_can_not_be_is_refused_in_words_that_name_the_field(
    changes: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence) as caught:
        to_params(filled(**changes), GENERATE)

    assert caught.value.field == field


def test_one_side_alone_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="width and height come together"):
        to_params(filled(width=None), GENERATE)


def test_whole_numbers_may_come_as_the_browser_sends_them() -> None:
    assert to_params(filled(steps=12.0, n=2.0, width=256.0), GENERATE).steps == 12


def test_an_edit_takes_its_strength_and_inputs_and_a_generate_job_no_strength() -> None:
    edit = to_params(filled(strength=0.4, width=None, height=None), EDIT, input_image=INPUT)

    assert (edit.type, edit.strength, edit.input_image, edit.width) == (EDIT, 0.4, INPUT, None)
    assert to_params(filled(strength=0.4), GENERATE).strength is None


def test_a_variation_needs_no_prompt() -> None:
    assert to_params(filled(prompt=""), VARIATION, input_image=INPUT).prompt == ""


def test_choosing_a_model_applies_its_defaults_and_leaves_the_words() -> None:
    before = filled(n=4, seed="7", quality="high")

    after = before | switched(SDXL, GENERATE, before)

    assert (after["prompt"], after["n"], after["seed"], after["quality"]) == ("a red circle", 4, "7", "high")
    assert (after["model"], after["width"], after["height"], after["shape"]) == ("sdxl", 1024, 1024, "1:1")
    assert (after["cfg_scale"], after["sampler"], after["negative_prompt"]) == (7, "euler_a", "blurry")
    assert after["steps"] == 38
    assert after["clip_skip"] == 2


def test_words_of_quality_and_style_show_in_the_numbers() -> None:
    assert settled(DEMO, GENERATE, "high", "")["steps"] == 12
    assert settled(DEMO, GENERATE, "", "vivid")["cfg_scale"] == 2.5
    assert settled(DEMO, GENERATE, "", None) == {
        "steps": 8, "cfg_scale": 2, "sampler": "euler", "scheduler": "discrete",
    }  # fmt: skip


def test_a_model_that_does_not_take_such_jobs_still_fills_the_form() -> None:
    words_only = a_model(capabilities={"edit": False})

    assert settled(words_only, EDIT, "high", "")["steps"] == 8


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_keeps_the_models_area_and_is_known_again(shape: str) -> None:
    size = shape_size(shape, SDXL)

    assert size is not None
    assert 0.8 < size[0] * size[1] / 1024**2 < 1.2
    assert size[0] % 64 == size[1] % 64 == 0
    assert shape_of(*size, SDXL) == shape


def test_a_size_between_shapes_is_none_of_them() -> None:
    assert shape_of(1000, 1024, SDXL) is None
    assert shape_size(None, SDXL) is None
    assert shape_size(AS_INPUT, SDXL) is None


def test_a_recipe_fills_the_form_that_asks_for_it_again() -> None:
    recipe = a_recipe(
        prompt="a {b}", negative_prompt="c", width=256, height=128, n=3, seed=MAX_SEED - 9, steps=20,
        cfg_scale=0, sampler="heun", scheduler="karras", quality="hd", style="natural", clip_skip=1,
    )  # fmt: skip

    values = filled() | from_request(recipe.model_dump(mode="json"), CATALOG)
    params = to_params(values, GENERATE)

    assert values["seed"] == str(MAX_SEED - 9)
    assert values["shape"] is None
    for name in GenerationParams.model_fields.keys() & recipe.model_dump().keys():
        if name not in ("strength", "input_image", "mask", "fit", "mask_feather"):
            assert getattr(params, name) == getattr(recipe, name), name


def test_a_recipe_without_words_takes_them_out_of_the_form() -> None:
    recipe = a_recipe(width=128, height=128).model_dump(mode="json")

    values = from_request(recipe, CATALOG)

    assert (values["quality"], values["style"], values["clip_skip"]) == ("", "", None)
    assert values["shape"] == "1:1"


def test_a_preset_is_a_form_without_what_says_nothing() -> None:
    left = filled(style="vivid", steps=30)

    kept = to_preset(left, GENERATE)

    assert check_partial(kept) == kept
    assert "strength" not in kept
    assert "strength" in to_preset(left, VARIATION)
    other = starting(SDXL, GENERATE) | {"quality": "hd", "prompt": "other"}
    assert other | from_preset(kept, CATALOG) == left | {"clip_skip": 2} | WHOLE_AREA


def test_parts_of_a_request_change_only_what_they_name() -> None:
    assert from_request({"steps": 20}, CATALOG) == {"steps": 20}
    assert from_request({"model": "xl"}, CATALOG) == {"model": "sdxl"}
    assert from_request({"model": "gone", "prompt": "p", "sampler": "odd"}, CATALOG) == {"prompt": "p"}


def test_a_form_comes_back_as_it_was_left() -> None:
    left = filled(n=3, steps=30, seed="5", lines=True, alternatives="all", shape=None, width=200)

    assert restored(left, CATALOG, SDXL, GENERATE) == left


@pytest.mark.parametrize("kept", [None, "junk", 7, [], {}, {"model": "gone"}, {"model": ["x"]}])
def test_a_browser_that_kept_nothing_of_use_gets_a_fresh_form(kept: object) -> None:
    assert restored(kept, CATALOG, SDXL, GENERATE) == starting(SDXL, GENERATE)


def test_what_does_not_fit_any_more_is_as_the_model_has_it() -> None:
    bad = {
        "model": "demo", "prompt": 5, "negative_prompt": None, "shape": AS_INPUT, "width": 10**9,
        "height": "x", "n": True, "seed": "x" * 50, "steps": 7.5, "cfg_scale": math.inf, "strength": -1,
        "sampler": "odd",
        "scheduler": None, "quality": 3, "style": {}, "lines": "yes", "alternatives": "", "clip_skip": 99,
        "distilled_guidance": "", "flow_shift": [], "loras": {}, "hires": 1, "hires_scale": 0,
        "hires_upscaler": "", "hires_steps": 1.5, "hires_denoising_strength": math.nan, "vae_tiling": None,
        "cache": "odd", "control_image": "../x", "control_strength": 2.5,
    }  # fmt: skip
    assert set(bad) == set(FIELDS)

    assert restored(bad, CATALOG, SDXL, GENERATE) == starting(DEMO, GENERATE)


def test_a_large_prompt_is_kept_though_it_can_not_be_sent() -> None:
    prompt = "x" * 10_000

    assert restored({"prompt": prompt}, CATALOG, DEMO, GENERATE)["prompt"] == prompt


def test_an_edit_may_keep_the_shape_of_its_picture() -> None:
    fresh = starting(DEMO, EDIT)

    assert (fresh["shape"], fresh["width"], fresh["height"]) == (AS_INPUT, None, None)
    assert restored(fresh, CATALOG, DEMO, EDIT) == fresh


# Every engine has these; one that says it lacks some is the next test's.
ALWAYS = {"loras", "hires", "vae_tiling", "cache"}


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (a_model("sd15", **files(model="sd15")), {"clip_skip"}),
        (
            a_model("flux", **files(diffusion_model="f", clip_l="c", t5xxl="t")),
            {"distilled_guidance", "flow_shift"},
        ),
        (a_model("sd35", **files(model="s", clip_l="l", clip_g="g", t5xxl="t")), set()),
        (a_model("qwen", **files(diffusion_model="q", llm="l")), {"flow_shift"}),
        (a_model("set", defaults={"clip_skip": 1, "flow_shift": 0}), {"clip_skip", "flow_shift"}),
        (
            a_model("canny", **files(model="sd15", control_net="net"), limits={"multiple": 64}),
            {"clip_skip", "control"},
        ),
        (DEMO, set()),
    ],
    ids=lambda value: value.id if isinstance(value, Model) else "",
)  # fmt: skip
def test_settings_that_do_nothing_to_a_model_are_not_shown(model: Model, shown: set[str]) -> None:
    assert {
        name for name, is_offered in offered(offer_of(model, None)).items() if is_offered
    } == shown | ALWAYS


def test_what_the_running_engine_lacks_is_hidden_and_not_in_the_lists() -> None:
    engine = EngineFeatures(
        samplers=("euler", "heun"), schedulers=("karras",), upscalers=("Lanczos",), abilities=("cache",)
    )

    offer = offer_of(DEMO, engine)

    assert {name for name, is_offered in offered(offer).items() if is_offered} == {"cache"}
    lists = choices(offer)
    assert (lists["sampler"], lists["scheduler"]) == (["euler", "heun"], ["karras"])


def test_caches_are_those_of_the_kind_of_model() -> None:
    unet = choices(offer_of(SDXL, None))["cache"]
    transformer = choices(offer_of(a_model("qwen", **files(diffusion_model="q", llm="l")), None))["cache"]

    assert [word for _, word in unet] == ["", "ucache"]
    assert [word for _, word in transformer] == ["", "easycache", "dbcache", "taylorseer", "cache-dit"]


EXTRAS: dict[str, Any] = {
    "loras": [{"name": "ink.safetensors", "weight": 0.5}],
    "hires": True, "hires_scale": 1.5, "hires_upscaler": "Lanczos", "hires_steps": 4,
    "hires_denoising_strength": 0.4, "vae_tiling": "on", "cache": "easycache",
}  # fmt: skip


def test_extras_become_parts_of_the_request_and_come_back() -> None:
    left = filled(**EXTRAS)

    params = to_params(left, GENERATE)

    assert params.loras == (Lora(name="ink.safetensors", weight=0.5),)
    assert params.hires == Hires(scale=1.5, upscaler="Lanczos", steps=4, denoising_strength=0.4)
    assert (params.vae_tiling, params.cache) == (True, "easycache")
    back = from_request(params.model_dump(mode="json"), CATALOG)
    assert {name: back[name] for name in EXTRAS} == EXTRAS


def test_a_second_pass_that_is_switched_off_is_not_asked_for_whatever_its_numbers_say() -> None:
    assert to_params(filled(**EXTRAS | {"hires": False}), GENERATE).hires is None
    emptied = to_params(filled(hires=True, hires_scale=None, hires_steps=None), GENERATE)
    assert emptied.hires == Hires()


def test_a_request_without_extras_takes_them_out_of_the_form() -> None:
    plain = to_params(filled(), GENERATE).model_dump(mode="json")

    back = from_request(plain, CATALOG)

    assert (back["loras"], back["hires"], back["vae_tiling"], back["cache"]) == (None, False, "", "")


def test_a_preset_holds_extras_and_one_without_takes_them_out() -> None:
    left = filled(**EXTRAS)

    kept = to_preset(left, GENERATE)

    assert check_partial(kept) == kept
    assert filled() | from_preset(kept, CATALOG) == left | WHOLE_AREA
    without = from_preset(to_preset(filled(), GENERATE), CATALOG)
    assert left | without == filled() | WHOLE_AREA | {
        name: EXTRAS[name] for name in EXTRAS if name.startswith("hires_")
    }


@pytest.mark.parametrize(
    "kept",
    [{"loras": "ink"}, {"loras": [{"name": "a", "weight": 9}]}, {"loras": [{"name": "a"}] * 9},
     {"hires": "yes"}, {"hires_scale": 9}, {"hires_upscaler": "Odd"}, {"vae_tiling": True}, {"cache": "odd"}],
)  # fmt: skip
def test_extras_that_can_not_be_are_as_in_a_fresh_form(kept: dict[str, Any]) -> None:
    assert restored(kept, CATALOG, DEMO, GENERATE) == starting(DEMO, GENERATE)


def test_faults_are_told_with_the_words_on_the_form() -> None:
    assert in_words(InvalidRequest("must be less", field="cfg_scale")) == "CFG scale: must be less"
    second = InvalidRequest("must be more", field="hires.steps")
    assert in_words(second) == "Second-pass steps: must be more"
    assert in_words(InvalidRequest("8x8 is small", field="size")) == "Size: 8x8 is small"
    missing = ModelFilesMissing("Model 'sdxl' is not downloaded: a: b missing.")
    assert in_words(missing) == missing.message
