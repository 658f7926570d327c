"""What the model pickers of the forms offer: it changes when models or files come or go."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.service import Studio
from ui.components.element import own_element
from ui.fields import model_choices
from ui.form import PRIVATE, Form


def live_model_choices(studio: Studio, forms: Sequence[Form]) -> gr.HTML:
    """The element that notices models and files that came or went, and has the forms' pickers say so."""
    offered = [[entry.model.id, bool(entry.missing)] for entry in studio.models.all()]
    element = own_element(
        "model_choices", elem_id="model-choices", head="/* events: 'change_of_files' */", offered=offered
    )

    def offer() -> list[Any]:
        return [gr.update(choices=model_choices(studio, form.kind)) for form in forms]

    element.change_of_files(offer, None, [form.fields["model"] for form in forms], **PRIVATE)
    return element
