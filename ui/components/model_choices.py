"""What the model pickers of the forms offer: it changes when files come or go."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.params import JobType
from studio.service import Studio
from ui.components.element import own_element
from ui.form import PRIVATE, Form


def model_choices(studio: Studio, kind: JobType) -> list[tuple[str, str]]:
    """(shown, id) of the models that do such jobs; those that lie on this machine first."""
    entries = [entry for entry in studio.models() if entry.model.capabilities.does(kind)]
    entries.sort(key=lambda entry: bool(entry.missing))
    return [
        (entry.model.name + (" (not downloaded)" if entry.missing else ""), entry.model.id)
        for entry in entries
    ]


def live_model_choices(studio: Studio, forms: Sequence[Form]) -> gr.HTML:
    """The element that notices when a model's files came or went, and has the pickers of the forms say so."""
    absent = [entry.model.id for entry in studio.models() if entry.missing]
    element = own_element(
        "model_choices", elem_id="model-choices", head="/* events: 'change_of_files' */", absent=absent
    )

    def offer() -> list[Any]:
        return [gr.update(choices=model_choices(studio, form.kind)) for form in forms]

    element.change_of_files(offer, None, [form.fields["model"] for form in forms], **PRIVATE)
    return element
