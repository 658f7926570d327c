"""Upscalers as files, the recipe of a larger picture, and what its file says of it."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from studio.catalog import load_catalog
from studio.entry import Entry
from studio.errors import InvalidRequest
from studio.job import Phase
from studio.params import GenerationParams
from studio.reading import Source, read_texts
from studio.recipe import Recipe
from studio.recipe_text import Making, parameters_text, texts_of
from studio.sdserver.progress import Bar
from studio.sdserver.upscale_tracker import UpscaleTracker
from studio.upscalers import Upscaler, Upscalers
from studio.upscaling import UpscaleParams, to_upscale_recipe
from tests.builders import a_recipe, an_image
from tests.upscaler_files import write_upscaler

INPUT = "a" * 64
MODELS = """
default: demo
models:
  demo: {name: Demonstration, builtin: demo}
  own:
    name: With one of its own
    files: {model: a.safetensors, upscale_model: elsewhere/own.safetensors, upscalers_dir: more}
"""


def found(folder: Path) -> Upscalers:
    (folder / "models.yml").write_text(MODELS)
    return Upscalers(load_catalog(folder / "models.yml"), folder)


def asked(**changes: Any) -> UpscaleParams:
    return UpscaleParams(**({"input_image": INPUT, "method": "lanczos"} | changes))


def network(scale: int) -> Upscaler:
    return Upscaler(f"x{scale}.safetensors", Path(), scale, 1)


def an_entry(recipe: Recipe, seed: int = 44) -> Entry:
    return Entry(an_image("g", seed=seed), recipe, "j", 0.0, favourite=False, tags=())


# -- files -------------------------------------------------------------------------------------------------


def test_upscalers_are_found_in_their_folder_and_where_models_yml_says(tmp_path: Path) -> None:
    write_upscaler(tmp_path / "models/upscalers/deep/x4.safetensors", 4)
    write_upscaler(tmp_path / "models/upscalers/x2.safetensors", 2)
    write_upscaler(tmp_path / "elsewhere/own.safetensors", 1)
    write_upscaler(tmp_path / "more/x2.safetensors", 4)

    names = [(each.name, each.scale) for each in found(tmp_path).all()]

    assert names == [("deep/x4.safetensors", 4), ("own.safetensors", 1), ("x2.safetensors", 2)]


def test_the_older_spelling_and_pickled_files_are_recognised_without_unpickling(tmp_path: Path) -> None:
    folder = tmp_path / "models/upscalers"
    folder.mkdir(parents=True)
    (folder / "old.pth").write_bytes(
        pickle.dumps({"model.0.weight": 0, "model.4.weight": 0, "model.7.weight": 0})
    )
    (folder / "hostile.pth").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.conv_first.weight conv_up2.weight")

    assert [(each.name, each.scale) for each in found(tmp_path).all()] == [("hostile.pth", 4), ("old.pth", 2)]


def test_an_upscaler_that_is_not_there_is_refused_with_the_names_of_those_that_are(tmp_path: Path) -> None:
    write_upscaler(tmp_path / "models/upscalers/x2.safetensors", 2)

    with pytest.raises(InvalidRequest, match=r"no upscaler 'x9'; known: lanczos, x2\.safetensors"):
        found(tmp_path).get("x9")


def test_a_file_that_is_no_such_network_is_not_listed_and_refused_by_reason(tmp_path: Path) -> None:
    folder = tmp_path / "models/upscalers"
    folder.mkdir(parents=True)
    (folder / "cut.safetensors").write_bytes(write_upscaler(tmp_path / "x.safetensors", 2).read_bytes()[:100])
    (folder / "other.gguf").write_bytes(b"GGUF but something else")
    upscalers = found(tmp_path)

    assert upscalers.all() == []
    with pytest.raises(InvalidRequest, match="cut off; download it again"):
        upscalers.get("cut.safetensors")
    with pytest.raises(InvalidRequest, match="ESRGAN kind"):
        upscalers.get("other.gguf")


# -- recipes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("upscaler", "request_", "size"),
    [
        (None, {}, (200, 100)),
        (None, {"factor": 1.5}, (150, 75)),
        (None, {"width": 400, "height": 100}, (400, 100)),
        (network(4), {}, (400, 200)),
        (network(4), {"factor": 3}, (300, 150)),
        (network(2), {"factor": 4}, (400, 200)),
        (network(1), {}, (100, 50)),
    ],
)
def test_the_size_follows_from_factor_size_or_the_method(
    upscaler: Upscaler | None, request_: dict[str, Any], size: tuple[int, int]
) -> None:
    made = to_upscale_recipe(asked(**request_), upscaler, (100, 50), None)

    assert (made.width, made.height) == size
    assert made.upscale is not None
    assert made.upscale.factor == max(size[0] / 100, size[1] / 50)


@pytest.mark.parametrize(
    ("upscaler", "source", "request_", "sentence"),
    [
        (None, (4096, 4096), {"factor": 1.1}, "factor: the picture would become 4506x4506, 20304036 pixels"),
        (None, (100, 100), {"width": 50, "height": 60}, "size: 50x60 of a picture of 100x100"),
        (None, (100, 100), {"width": 401, "height": 60}, "1 to 4 times as large"),
        (
            network(1),
            (100, 100),
            {"factor": 2},
            "factor: the upscaler 'x1.safetensors' makes pictures at most 1",
        ),
        (network(4), (2500, 2500), {"factor": 1.5}, "would make 10000x10000 of it on the way"),
    ],
)
def test_what_is_too_large_or_too_small_is_refused_by_field_and_limit(
    upscaler: Upscaler | None, source: tuple[int, int], request_: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        to_upscale_recipe(asked(**request_), upscaler, source, None)

    assert sentence in refusal.value.message


def test_the_recipe_of_a_picture_made_here_tells_what_drew_it() -> None:
    drawn = a_recipe(prompt="a heron", type="edit", input_image="b" * 64, mask="c" * 64, strength=0.5, n=3)

    made = to_upscale_recipe(asked(source_image="some-id"), None, (128, 128), an_entry(drawn))

    assert (made.prompt, made.steps, made.seed, made.n, made.mask) == ("a heron", 8, 44, 1, None)
    assert (made.type, made.input_image, made.strength, made.making_known) == ("upscale", INPUT, None, True)
    assert Recipe.model_validate_json(made.model_dump_json()) == made


def test_an_upscale_of_an_upscaled_upload_still_knows_nothing_of_its_making() -> None:
    first = to_upscale_recipe(asked(), None, (10, 10), None)
    second = to_upscale_recipe(asked(source_image="id"), None, (20, 20), an_entry(first))

    assert (first.making_known, second.making_known) == (False, False)


def test_recipes_stored_before_there_were_upscales_can_be_read() -> None:
    old = a_recipe().model_dump(mode="json")
    del old["upscale"]

    assert Recipe.model_validate_json(json.dumps(old)) == a_recipe()


@pytest.mark.parametrize(
    "changes", [{"type": "upscale"}, {"width": 10}, {"width": 5000}], ids=["no method", "small", "large"]
)
def test_a_recipe_that_draws_keeps_its_old_rules(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"upscale|64 to 4096"):
        a_recipe(**changes)


def test_a_drawing_can_not_be_asked_for_as_an_upscale() -> None:
    with pytest.raises(ValueError, match="an upscale is no drawing"):
        GenerationParams(type="upscale", model="demo", prompt="a cat")


# -- what the file says ------------------------------------------------------------------------------------


def test_the_text_of_a_larger_picture_is_its_source_and_what_was_done() -> None:
    made = to_upscale_recipe(
        asked(method="x4.safetensors", factor=3), network(4), (128, 128), an_entry(a_recipe(prompt="a heron"))
    )

    text = parameters_text(made, seed=44, model_name="Demonstration", version="1")

    assert text == (
        "a heron\nSteps: 8, Sampler: Euler, Schedule type: Uniform, CFG scale: 2, Seed: 44, Size: 128x128, "
        "Model: Demonstration, Postprocess upscale by: 3, Postprocess upscaler: x4.safetensors, "
        "Version: sd.cpp Studio 1"
    )


def test_the_text_of_an_uploaded_picture_claims_nothing_about_a_drawing() -> None:
    made = to_upscale_recipe(asked(), None, (10, 10), None)

    assert parameters_text(made, seed=0, model_name="lanczos", version="1") == (
        "Size: 10x10, Postprocess upscale by: 2, Postprocess upscaler: lanczos, Version: sd.cpp Studio 1"
    )


def test_reading_a_larger_picture_gives_the_settings_of_its_source() -> None:
    known = to_upscale_recipe(asked(), None, (128, 128), an_entry(a_recipe(prompt="a heron")))
    unknown = to_upscale_recipe(asked(), None, (10, 10), None)

    def read(recipe: Recipe) -> dict[str, Any]:
        reading = read_texts(texts_of(Making(recipe, recipe.seed, 0, "i", "g", "j", "Demo", "1")))
        assert reading.source is Source.STUDIO
        return reading.params

    settings = read(known)
    assert (settings["prompt"], settings["seed"], settings["width"], settings["height"]) == (
        "a heron",
        44,
        128,
        128,
    )
    assert not settings.keys() & {"type", "upscale", "input_image"}
    assert read(unknown) == {}


# -- progress ----------------------------------------------------------------------------------------------


def test_progress_counts_tiles_over_all_goes_and_never_falls() -> None:
    tracker = UpscaleTracker(scale=2, repeats=2)
    shares = []
    for bar in (Bar(10, 10, None), Bar(1, 2, 0.5), Bar(2, 2, 0.5), Bar(1, 8, 0.5), Bar(8, 8, 0.5)):
        tracker.apply(bar)
        shares.append(tracker.progress(1.0).fraction)

    assert shares == pytest.approx([0, 0.98 * 0.1, 0.98 * 0.2, 0.98 * 0.3, 0.98])
    assert tracker.progress(1.0).phase is Phase.UPSCALING
