"""Variations: pictures like another one."""

from typing import Any

import gradio as gr

from studio.errors import InvalidRequest, StudioError
from studio.params import JobType
from studio.service import Studio
from ui.components.picker import picked, picker
from ui.components.results import results, submitted
from ui.form import PRIVATE, Form, said

_NONE_CHOSEN = "choose one to vary: open or drop a file, or take one of the history"


def build(studio: Studio) -> Form:
    """The tab: the source and how far to go on the left, the variations beside their source on the right."""
    with gr.Row(elem_classes=["st-work"]):
        with gr.Column(elem_classes=["st-panel-column"]):
            source = picker(elem_id="variations-picker")
            form = Form(studio, JobType.VARIATION, name="variations", verb="Make", noun="variation")
            form.picture = source
        with gr.Column(elem_classes=["st-stage-column"]):
            stage = results("variations", elem_id="variations-stage")

    def submit(picture: tuple[str, tuple[int, int]] | None, values: tuple[Any, ...]) -> dict[str, Any]:
        if picture is None:
            raise InvalidRequest(_NONE_CHOSEN, field="image")
        image_id, size = picture
        requests = form.requests(form.read(values), input_image=image_id)
        return submitted(studio.submit_all(requests, input_size=size))

    def vary(picture: Any, *values: Any) -> tuple[Any, Any]:
        try:
            return submit(picked(picture), values), None
        except StudioError as error:
            return gr.skip(), said(error)

    def vary_again(event: gr.EventData, *values: Any) -> tuple[Any, Any, Any]:
        """Variations of one of the results, with the settings as they are; it becomes the source."""
        try:
            image = studio.image(str(getattr(event, "image_id", "")))
            upload = studio.upload(studio.image_file(image).read_bytes())
            stage_value = submit((upload.image, (upload.width, upload.height)), values)
        except StudioError as error:
            return gr.skip(), gr.skip(), said(error)
        opened = {"open": {"id": upload.image, "width": upload.width, "height": upload.height}}
        return stage_value, opened, None

    form.on_go(vary, [source, *form.inputs], [stage, form.notice])
    stage.vary(vary_again, form.inputs, [stage, source, form.notice], trigger_mode="multiple", **PRIVATE)
    return form
