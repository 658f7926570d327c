"""The size of an edit or variation: the shape of its input, within the limits of the model."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from studio.model import Model, ModelDefaults, ModelFiles, ModelLimits
from studio.params import MAX_SIDE, MIN_SIDE, GenerationParams, JobType
from studio.recipe import Recipe
from studio.recipes import engine_size, size_like, to_recipe

INPUT = "a" * 64


def model(**entry: object) -> Model:
    return Model.model_validate({"id": "m", "name": "M", "files": ModelFiles(model="m.gguf"), **entry})


def params(type_: JobType = JobType.GENERATE, **asked: object) -> GenerationParams:
    image = {} if type_ is JobType.GENERATE else {"input_image": INPUT}
    return GenerationParams.model_validate({"type": type_, "model": "m", "prompt": "a cat", **image, **asked})


def recipe(
    asked: GenerationParams, of: Model, *, seed: int = 7, input_size: tuple[int, int] | None = None
) -> Recipe:
    return to_recipe(asked, of, random_seed=lambda: seed, input_size=input_size)


def test_an_edit_without_a_size_keeps_the_shape_of_its_input() -> None:
    for type_ in (JobType.EDIT, JobType.VARIATION):
        assert recipe(params(type_), model(), input_size=(1920, 1080)).size == "704x384"
        assert recipe(params(type_), model(), input_size=(1080, 1920)).size == "384x704"
        assert recipe(params(type_), model(), input_size=(3000, 3000)).size == "512x512"
        assert recipe(params(type_, width=64, height=128), model(), input_size=(1920, 1080)).size == "64x128"


def test_a_generation_never_looks_at_an_input_size() -> None:
    assert recipe(params(), model(), input_size=(1920, 1080)).size == "512x512"


multiples: st.SearchStrategy[Literal[8, 16, 32, 64]] = st.sampled_from((8, 16, 32, 64))
sides = st.integers(MIN_SIDE, MAX_SIDE)


@st.composite
def models_of_any_limits(draw: st.DrawFn) -> Model:
    width, height = draw(sides), draw(sides)
    max_pixels = draw(st.integers(width * height, MAX_SIDE**2))
    multiple = draw(multiples)
    return model(
        defaults=ModelDefaults(size=f"{width}x{height}"),
        limits=ModelLimits(max_pixels=max_pixels, multiple=multiple),
    )


@given(of=models_of_any_limits(), width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_a_size_from_an_input_never_leaves_the_limits(of: Model, width: int, height: int) -> None:
    found = size_like((width, height), of)
    assert all(MIN_SIDE <= side <= MAX_SIDE and side % of.limits.multiple == 0 for side in found)
    assert found[0] * found[1] <= of.limits.max_pixels
    assert engine_size(found, of) == found


@given(of=models_of_any_limits(), width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_a_turned_input_gives_the_turned_size(of: Model, width: int, height: int) -> None:
    assert size_like((height, width), of) == size_like((width, height), of)[::-1]


@given(multiple=multiples, width=st.integers(100, 8000), height=st.integers(100, 8000))
def test_the_shape_of_the_input_is_kept_within_rounding(
    multiple: Literal[8, 16, 32, 64], width: int, height: int
) -> None:
    of = model(limits=ModelLimits(max_pixels=MAX_SIDE**2, multiple=multiple))
    found = size_like((width, height), of)
    shape, made = max(width, height) / min(width, height), max(found) / min(found)
    if shape <= 16:  # beyond, the short side would be under 64 pixels for the default area
        assert abs(made / shape - 1) <= multiple / min(found)
        assert abs(found[0] * found[1] / 512**2 - 1) <= 2.1 * multiple / min(found)


@given(of=models_of_any_limits(), width=sides, height=sides)
def test_the_engines_size_is_the_next_multiple(of: Model, width: int, height: int) -> None:
    multiple = of.limits.multiple
    for asked, given_ in zip((width, height), engine_size((width, height), of), strict=True):
        assert given_ % multiple == 0 and 0 <= given_ - asked < multiple
