"""txt2img: a picture from words."""

from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.params import JobType
from studio.service import Studio
from ui.components.grid_form import grid_form
from ui.components.results import results, submitted
from ui.form import Form, said


def build(studio: Studio) -> Form:
    """The tab: its form on the left, what becomes of it on the right."""
    with gr.Row(elem_classes=["st-work"]):
        with gr.Column(elem_classes=["st-panel-column"]):
            form = Form(studio, JobType.GENERATE, name="txt2img", more=grid_form)
        with gr.Column(elem_classes=["st-stage-column"]):
            stage = results("txt2img", elem_id="txt2img-stage")

    def generate(*values: Any) -> tuple[Any, Any]:
        try:
            jobs = studio.submit_all(form.requests(form.read(values)))
        except StudioError as error:
            return gr.skip(), said(error)
        return submitted(jobs), None

    form.on_go(generate, form.inputs, [stage, form.notice])
    return form
