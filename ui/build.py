"""The page: the pulse on top, the tabs, the strip of latest pictures, and the courier between them."""

import gradio as gr

from studio.service import Studio
from ui import programs
from ui.blocks import Blocks
from ui.components.courier import courier
from ui.components.element import own_element
from ui.components.model_choices import live_model_choices
from ui.tabs import edit, history, models, queue, settings, txt2img, variations


def build_page(studio: Studio) -> gr.Blocks:
    """The whole page over a studio; nothing in it keeps a state on the server."""
    with Blocks(
        title="sd.cpp Studio", fill_width=True, analytics_enabled=False, delete_cache=(3600, 3600)
    ) as blocks:
        own_element("pulse", elem_id="pulse")
        with gr.Tabs(elem_id="tabs", selected="txt2img", overflow_behavior="wrap") as tabs:
            with gr.Tab("txt2img", id="txt2img"):
                txt2img_form = txt2img.build(studio)
            with gr.Tab("Edit", id="edit"):
                edit_form = edit.build(studio)
            with gr.Tab("Variations", id="variations"):
                variations_form = variations.build(studio)
            with gr.Tab("Queue", id="queue"):
                queue.build(studio)
            with gr.Tab("History", id="history"):
                history.build()
            with gr.Tab("Models", id="models", elem_classes=["st-quiet"]):
                models.build(studio)
            with gr.Tab("Settings", id="settings", elem_classes=["st-quiet"]):
                settings.build(studio)
        own_element("strip", elem_id="strip")
        courier(studio, tabs, txt2img_form, edit_form, variations_form)
        live_model_choices(studio, [txt2img_form, edit_form, variations_form])
        programs.offer(studio)
    page: gr.Blocks = blocks
    return page
