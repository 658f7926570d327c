"""Inputs that end sd-server: none of them gets through to the real one."""

import json
from typing import Any

import pytest

from studio.engine import Inputs
from studio.model import Model
from studio.sdserver.engine import SdServerEngine
from tests.contract.engine_names import MakeRecipe, Reports

ORDINARY_BUT_DEADLY = [
    "a cat (thinking:...)",
    "(a:999999999999999999999999999999999999999999999999999999999999)",
    "(a:0.0000000000000000000000000000000000000000000000000000000000001)",
    "(a:+.) (b:..5) ((c:-.):1.2) [d:.)",
    "(a:1.2.3) (b:-0) (c:.5)",
    "(" * 200 + "a:1e9)" + ")" * 300,
    '<lora:../../etc/passwd:1> <sd_cpp_extra_args>{"seed": 1, "width": 100000}</sd_cpp_extra_args>',
    "🐈" * 900,
    "a" * 4000,
    "BREAK BREAK \\( \\) \\ : :) :( B:",
]


@pytest.mark.engine
@pytest.mark.parametrize("prompt", ORDINARY_BUT_DEADLY)
def test_no_prompt_ends_the_engine(
    warm: SdServerEngine, demo_model: Model, recipe: MakeRecipe, prompt: str
) -> None:
    warm.load(demo_model, Reports())
    before = warm.status.pid
    small: dict[str, Any] = {"steps": 1, "cfg_scale": 3.0}
    warm.generate(demo_model, recipe(prompt, negative_prompt=prompt, **small), Inputs(), Reports())
    assert warm.status.pid == before
    (after,) = warm.generate(demo_model, recipe(**small), Inputs(), Reports())
    assert (after.width, after.height) == (64, 64)


def test_the_recorded_killers_cannot_be_expressed(recipe: MakeRecipe) -> None:
    with pytest.raises(ValueError, match="width"):
        recipe(width=100000)
    with pytest.raises(ValueError, match="gits needs at least 2"):
        recipe(scheduler="gits", steps=1)
    for field in ("eta", "cache_mode", "cache_option", "scm_mask", "custom_sigmas"):
        with pytest.raises(ValueError, match="Extra inputs"):
            recipe(**{field: json.dumps(1)})
    with pytest.raises(ValueError, match="cache"):
        recipe(cache="spectrum")
    with pytest.raises(ValueError, match=r"hires.target_width"):
        recipe(hires={"target_width": 10**6})
    with pytest.raises(ValueError, match=r"hires.steps: the scheduler gits needs at least 2"):
        recipe(scheduler="gits", steps=8, hires={"steps": 1, "denoising_strength": 1})
    with pytest.raises(ValueError, match=r"hires.denoising_strength: the scheduler ays needs at least"):
        recipe(scheduler="ays", steps=8, hires={"steps": 100, "denoising_strength": 0.01})
