"""The history on the page: a grid of every picture made, with search, filters, viewer and clean-up."""

import gradio as gr

from studio.pictures import MAX_UPLOAD_BYTES
from ui.components.element import own_element


def gallery(*, elem_id: str) -> gr.HTML:
    """The history. It has no value: it asks the API itself, and hears of news as every part of the page does.

    What is sent to another tab goes through the courier (`sendTo` of assets/js/courier.js).
    """
    return own_element("gallery", elem_id=elem_id, most_bytes=MAX_UPLOAD_BYTES)
