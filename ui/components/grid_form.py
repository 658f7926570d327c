"""A grid of what the form holds: up to three parameters and the values that each takes."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import gradio as gr

from studio.axes import MAX_AXES, MAX_CELLS
from studio.errors import InvalidRequest, StudioError
from studio.params import SAMPLERS, SCHEDULERS, Style
from ui.components.element import own_element
from ui.form import PRIVATE, Form
from ui.requests import in_words
from ui.values import Values
from ui.vocabulary import LABELS

# Any sound prompt: it stands where every cell has its own.
_VARIED = "varied"
_NUMBERS = (
    "seed", "steps", "cfg_scale", "clip_skip", "distilled_guidance", "flow_shift", "control_strength",
)  # fmt: skip
_CHOICES: Mapping[str, Sequence[str]] = {
    "sampler": SAMPLERS,
    "scheduler": SCHEDULERS,
    "model": (),  # known to the page, which hears of their coming and going
    "style": get_args(Style),
    "quality": ("low", "standard", "high", "hd"),
}
_TEXTS = {"prompt": LABELS["prompt"], "negative_prompt": LABELS["negative_prompt"], "size": "Size"}
_REPLACE = {"prompt_replace": "Words in the prompt"}


def grid_form(form: Form) -> gr.HTML:
    """The accordion in a form that makes grids of what the form holds."""
    name = form.name
    with gr.Accordion("Grid", open=False, elem_id=f"{name}-grid-box"):
        element = own_element(
            "grid_form",
            elem_id=f"{name}-grid",
            head="/* events: 'collect' */",
            settings={"parameters": _parameters(), "axes": MAX_AXES, "cells": MAX_CELLS},
        )

    def collect(event: gr.EventData, *values: Any) -> dict[str, Any]:
        varied = getattr(event, "varied", None)
        turn = getattr(event, "turn", None)
        try:
            params = _request(form, form.read(values), varied if isinstance(varied, list) else [])
        except StudioError as error:
            return {"turn": turn, "fault": in_words(error)}
        return {"turn": turn, "params": params}

    element.collect(collect, form.inputs, element, **PRIVATE)
    return element


def _request(form: Form, values: Values, varied: Sequence[object]) -> dict[str, Any]:
    """What every cell has, as `POST /api/grids` takes it. Errors: InvalidRequest."""
    has_own_prompts = "prompt" in varied
    if has_own_prompts:
        values = {**values, "prompt": _VARIED}
    requests = form.requests(values)
    if len(requests) > 1:
        raise InvalidRequest(
            f"it stands for {len(requests)} prompts; a grid takes one, or the prompts as one of its axes",
            field="prompt",
        )
    params = requests[0].model_dump(mode="json", exclude_defaults=True)
    if "width" in params:
        params["size"] = f"{params.pop('width')}x{params.pop('height')}"
    if "seed" in params:
        params["seed"] = str(params["seed"])  # JavaScript rounds large numbers
    if has_own_prompts:
        del params["prompt"]
    return {key: value for key, value in params.items() if key not in varied}


def _parameters() -> list[dict[str, Any]]:
    """What can be varied: name, label, and how its values are entered."""
    numbers = [{"name": name, "label": LABELS[name], "kind": "numbers"} for name in _NUMBERS]
    choices = [
        {"name": name, "label": LABELS[name], "kind": "choices", "choices": list(words)}
        for name, words in _CHOICES.items()
    ]
    texts = [{"name": name, "label": label, "kind": "lines"} for name, label in _TEXTS.items()]
    words = [{"name": name, "label": label, "kind": "words"} for name, label in _REPLACE.items()]
    return [*numbers, *choices, *texts, *words]
