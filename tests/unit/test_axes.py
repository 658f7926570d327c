"""Axes: the cells of a grid, and what is said about values that are wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from studio.axes import MAX_CELLS, PARAMETERS, Axis, Plan, cell_params, check_axes
from studio.errors import InvalidRequest
from studio.params import GenerationParams

BASE: dict[str, Any] = {"model": "demo", "prompt": "a red circle, red", "seed": 7}


def a_plan(*axes: tuple[str, list[Any]], **params: Any) -> Plan:
    """A grid over these (parameter, values)."""
    return Plan(
        params=BASE | params,
        axes=tuple(Axis(parameter=name, values=tuple(values)) for name, values in axes),
    )


def cells(plan: Plan) -> list[GenerationParams]:
    return list(cell_params(plan))


def test_x_changes_first_then_y_then_z() -> None:
    plan = a_plan(("seed", [1, 2]), ("steps", [3, 4, 5]), ("cfg_scale", [1, 2.5]))

    made = [(cell.seed, cell.steps, cell.cfg_scale) for cell in cells(plan)]

    assert made == [(seed, steps, cfg) for cfg in (1, 2.5) for steps in (3, 4, 5) for seed in (1, 2)]
    assert [plan.place(cell) for cell in (0, 1, 2, 6, 11)] == [
        (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 2, 1),
    ]  # fmt: skip
    assert {cell.prompt for cell in cells(plan)} == {BASE["prompt"]}


def test_every_kind_of_parameter_can_be_varied() -> None:
    values: dict[str, list[Any]] = {
        "model": ["demo", "sdxl"], "prompt": ["a cat", "a dog"], "negative_prompt": ["", "blurry"],
        "sampler": ["euler", "heun"], "scheduler": ["discrete", "ays"], "style": [None, "vivid"],
        "loras": [[], [{"name": "ink.safetensors", "weight": 0.5}]], "hires": [None, {"scale": 1.5}],
        "vae_tiling": [True, False],
    }  # fmt: skip
    for name, pair in values.items():
        first, second = cells(a_plan((name, pair)))
        assert getattr(first, name) != getattr(second, name), name


def test_every_parameter_is_one_of_a_request() -> None:
    assert set(PARAMETERS) - {"size", "prompt_replace"} <= set(GenerationParams.model_fields)


def test_a_size_is_two_numbers_and_a_seed_may_be_text() -> None:
    (cell,) = cells(a_plan(("size", ["256x128"])))
    (largest,) = cells(a_plan(("seed", [str(2**63 - 1)])))

    assert (cell.width, cell.height) == (256, 128)
    assert largest.seed == 2**63 - 1


def test_words_are_replaced_in_both_prompts_and_after_a_prompt_was_chosen() -> None:
    plan = a_plan(
        ("prompt_replace", ["red", "green", "$&\\1"]),
        ("prompt", ["a red circle, red", "a big red square"]),
        negative_prompt="not red",
    )

    made = cells(plan)

    assert [cell.prompt for cell in made] == [
        "a red circle, red", "a green circle, green", "a $&\\1 circle, $&\\1",
        "a big red square", "a big green square", "a big $&\\1 square",
    ]  # fmt: skip
    assert made[1].negative_prompt == "not green"


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ([("steps", [4, 0])], "axes.0.values.1: steps '0': input should be greater than or equal to 1"),
        ([("seed", [1]), ("cfg_scale", [2, 99])], "axes.1.values.1: cfg_scale '99': "),
        ([("steps", ["4"])], "axes.0.values.0: steps '4': input should be a valid integer"),
        ([("steps", [True])], "axes.0.values.0: steps 'true': "),
        ([("seed", [-1])], "axes.0.values.0: seed '-1': "),
        ([("seed", ["9" * 40])], "axes.0.values.0: seed '9999"),
        ([("sampler", ["euler", "best"])], "axes.0.values.1: sampler 'best': no sampler of that name"),
        ([("prompt", ["a", " "])], "axes.0.values.1: prompt ' ': must not be empty"),
        ([("prompt", ["a\x00b"])], "axes.0.values.0: prompt 'a\\x00b': holds the control character"),
        ([("size", ["64x64", "big"])], "axes.0.values.1: size 'big': is not \"WIDTHxHEIGHT\""),
        ([("size", [512])], "axes.0.values.0: size '512': is not"),
        ([("prompt_replace", ["blue", "red"])], "axes.0.values.0: prompt_replace 'blue': 'blue' is not in"),
        ([("prompt_replace", ["red", 3])], "axes.0.values.1: prompt_replace '3': must be text"),
        ([("prompt_replace", ["", "x"])], "axes.0.values.0: prompt_replace '': must be text"),
        ([("loras", [[{"name": 3}]])], "axes.0.values.0: loras "),
        ([("hires", [{"scale": 9}])], "axes.0.values.0: hires "),
        ([("seed", [2**63])], "axes.0.values.0: seed "),
        ([("inpaint_area", ["masked"])], "axes.0.values.0: inpaint_area 'masked': only an edit"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_axis(axes: list[tuple[str, list[Any]]], says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        cells(a_plan(*axes))

    assert caught.value.message.startswith(says)


def test_what_is_wrong_in_every_cell_is_named_as_a_parameter() -> None:
    with pytest.raises(InvalidRequest, match=r"^params\.cfg_scale: "):
        cells(a_plan(("steps", [4]), cfg_scale=99))


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ([("steps", [4]), ("steps", [5])], "axes.1.parameter: steps is varied already"),
        ([("steps", [4, 5, 4])], "axes.0.values.2: steps 4 is given twice"),
        ([("seed", list(range(21))), ("steps", list(range(1, 11)))], "axes: 210 cells; the limit is 200"),
    ],
)  # fmt: skip
def test_axes_that_do_not_go_together_are_refused(axes: list[tuple[str, list[Any]]], says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_axes(a_plan(*axes).axes)

    assert caught.value.message == says


@pytest.mark.parametrize(
    "axis",
    [
        {"parameter": "n", "values": [1]}, {"parameter": "input_image", "values": ["0" * 64]},
        {"parameter": "steps", "values": []}, {"parameter": "steps", "values": [1] * (MAX_CELLS + 1)},
        {"parameter": "__class__", "values": [1]}, {"parameter": "steps"},
    ],
)  # fmt: skip
def test_only_known_parameters_with_some_values_are_axes(axis: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Axis.model_validate(axis)


def test_a_plan_survives_being_stored() -> None:
    plan = a_plan(
        ("seed", [2**63 - 1, "7"]), ("prompt", ["a 🦊", '"quotes"']), ("hires", [None, {"scale": 2}])
    )

    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert [plan.axes[1].label(index) for index in (0, 1)] == ["a 🦊", '"quotes"']
    assert plan.axes[2].label(1) == '{"scale": 2}'
