from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from studio.params import (
    MAX_IMAGES,
    MAX_PROMPT_BYTES,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    MIN_SIDE,
    SAMPLERS,
    SCHEDULERS,
    SCHEDULERS_OF_TWO_STEPS,
    GenerationParams,
    parse_size,
)
from studio.recipe import Recipe
from tests.builders import a_params, a_recipe

SHA256 = "ab" * 32
EDIT = {"type": "edit", "input_image": SHA256}
VARIATION = {"type": "variation", "input_image": SHA256, "prompt": ""}

LIMITS: list[tuple[str, Any, Any]] = [
    ("n", 1, MAX_IMAGES),
    ("seed", 0, MAX_SEED),
    ("steps", 1, MAX_STEPS),
    ("cfg_scale", 0, 30),
    ("strength", 0, 1),
    ("clip_skip", 1, 12),
    ("distilled_guidance", 0, 100),
    ("flow_shift", 0, 100),
    ("mask_feather", 0, 256),
]


@pytest.mark.parametrize(("name", "least", "most"), LIMITS)
def test_both_ends_of_a_range_are_allowed_and_kept_and_nothing_beyond(
    name: str, least: Any, most: Any
) -> None:
    for value in (least, most):
        assert getattr(a_params(**{name: value}), name) == value
    for value in (least - 1, most + 1, float("nan"), float("inf"), "many", None if name == "n" else []):
        with pytest.raises(ValidationError) as caught:
            a_params(**{name: value})
        assert caught.value.errors()[0]["loc"] == (name,)


@pytest.mark.parametrize("side", [MIN_SIDE - 1, MAX_SIDE + 1, 0, -5, "abc"])
def test_each_side_has_its_limits(side: Any) -> None:
    a_params(width=MIN_SIDE, height=MAX_SIDE)
    for sides in ({"width": side, "height": 512}, {"width": 512, "height": side}):
        with pytest.raises(ValidationError):
            a_params(**sides)


@pytest.mark.parametrize("sides", [{"width": 512}, {"height": 512}])
def test_width_and_height_come_together(sides: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="come together"):
        a_params(**sides)


@pytest.mark.parametrize("name", ["sampler", "scheduler", "quality", "style", "fit", "type"])
def test_an_unknown_word_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        a_params(**{name: "no such"})


def test_an_unknown_sampler_or_scheduler_is_told_the_known_ones() -> None:
    for name, known in (("sampler", SAMPLERS), ("scheduler", SCHEDULERS)):
        for word in known:
            assert getattr(a_params(**{name: word}), name) == word
        with pytest.raises(ValidationError, match=", ".join(known[:3]).replace("+", r"\+")):
            a_params(**{name: "no such"})


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="denoise"):
        a_params(denoise=1)


def test_values_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_params().steps = 3  # type: ignore[misc]


# -- prompts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt", ["one\ntwo\r\n\tthree", "🦊", "قطة", "<lora:x:1>", "'\"\\`$", "a\x85b\u2028c"]
)
def test_a_prompt_of_any_script_is_kept_letter_by_letter(prompt: str) -> None:
    assert a_params(prompt=prompt, negative_prompt=prompt).prompt == prompt
    assert a_recipe(prompt=prompt).prompt == prompt


@pytest.mark.parametrize("code", [0, 1, 8, 0x0B, 0x0C, 0x0E, 0x1B, 0x1F, 0x7F])
@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_a_control_character_is_refused_with_its_place(name: str, code: int) -> None:
    with pytest.raises(ValidationError, match=rf"U\+{code:04X} at position 3"):
        a_params(**{name: f"abc{chr(code)}"})


@pytest.mark.parametrize("surrogate", ["\ud800", "\udfff"])
def test_a_lone_surrogate_is_refused_with_its_place(surrogate: str) -> None:
    with pytest.raises(ValidationError, match="lone surrogate at position 3"):
        a_params(prompt=f"abc{surrogate}")


def test_the_length_of_a_prompt_is_counted_in_bytes() -> None:
    a_params(prompt="x" * MAX_PROMPT_BYTES)
    a_params(prompt="🦊" * (MAX_PROMPT_BYTES // 4))

    with pytest.raises(ValidationError, match=f"{MAX_PROMPT_BYTES + 1} bytes long; the limit is"):
        a_params(prompt="x" * (MAX_PROMPT_BYTES + 1))
    with pytest.raises(ValidationError, match="bytes long"):
        a_params(prompt="🦊" * (MAX_PROMPT_BYTES // 4) + "x")


@given(st.text(max_size=60))
def test_a_prompt_is_kept_or_refused_and_never_changed(prompt: str) -> None:
    try:
        params = a_params(prompt=prompt)
    except ValidationError:
        assert not prompt.strip() or any(ord(letter) < 32 or ord(letter) == 127 for letter in prompt)
    else:
        assert params.prompt == prompt
        assert GenerationParams.model_validate_json(params.model_dump_json()) == params


# -- what belongs together -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prompt": ""}, "prompt: must not be empty"),
        ({"prompt": " \n\t"}, "prompt: must not be empty"),
        ({"input_image": SHA256}, "image: a generate job takes none"),
        ({"mask": SHA256}, "image: a generate job takes none"),
        ({"type": "edit"}, "image: a job of type edit needs one"),
        ({"type": "variation"}, "image: a job of type variation needs one"),
        ({**EDIT, "prompt": " "}, "prompt: must not be empty"),
        ({**VARIATION, "mask": SHA256}, "mask: a variation takes none"),
        ({"seed": MAX_SEED, "n": 2}, "seed: picture i uses seed"),
    ],
)
def test_what_does_not_belong_together_is_refused_by_name(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        a_params(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        EDIT,
        {**EDIT, "mask": SHA256},
        VARIATION,
        {**VARIATION, "strength": 0.0},
        {"seed": MAX_SEED - 9, "n": 10},
        {"seed": 0},
        {"negative_prompt": ""},
    ],
)
def test_what_belongs_together_is_kept(changes: dict[str, Any]) -> None:
    params = a_params(**changes)

    assert {name: getattr(params, name) for name in changes} == changes


@pytest.mark.parametrize("path", ["../../etc/passwd", "AB" * 32, "ab" * 31, "ab" * 32 + "\n", ""])
def test_an_input_is_named_by_its_hash_and_never_by_a_path(path: str) -> None:
    with pytest.raises(ValidationError):
        a_params(type="edit", input_image=path)


# -- recipes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedulers_that_break_with_one_step_need_two(scheduler: str) -> None:
    a_recipe(scheduler=scheduler, steps=2)
    if scheduler in SCHEDULERS_OF_TWO_STEPS:
        with pytest.raises(ValidationError, match=f"steps: the scheduler {scheduler} needs at least 2"):
            a_recipe(scheduler=scheduler, steps=1)
    else:
        assert a_recipe(scheduler=scheduler, steps=1).steps == 1


def test_a_recipe_survives_being_stored() -> None:
    recipe = a_recipe(
        seed=MAX_SEED, strength=0.0, prompt="🦊", sent_prompt="🦊, vivid", style="vivid", by_reference=True
    )

    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_a_recipe_tells_its_size_and_whether_the_prompt_was_revised() -> None:
    assert a_recipe(width=640, height=384).size == "640x384"
    assert a_recipe().revised_prompt is None
    assert a_recipe(sent_prompt="a red circle, vivid").revised_prompt == "a red circle, vivid"


# -- sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512x512", (512, 512)),
        ("64x4096", (64, 4096)),
        (" 640X384 ", (640, 384)),
        ("640 × 384", (640, 384)),
        ("0512x512", (512, 512)),
    ],
)
def test_a_size_is_read(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "512", "512x", "x512", "512x512x512", "-512x512", "5e2x512", "axb", "1.5x64"]
)
def test_what_is_no_size_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        parse_size(text)


@pytest.mark.parametrize("text", ["63x64", "64x63", "4097x64", "64x4097", "0x0", "999999x64"])
def test_a_size_out_of_range_is_told_the_range(text: str) -> None:
    with pytest.raises(ValueError, match=f"{MIN_SIDE} to {MAX_SIDE} pixels"):
        parse_size(text)
