"""The presets of a form: named sets of prompt and settings that the studio keeps for everybody."""

import gradio as gr

from ui.components.element import own_element


def presets(*, elem_id: str) -> gr.HTML:
    """A list of presets to apply, rename and delete, and a way to save what the form holds.

    Events: `collect` asks for what the form holds, to be given as the value {"collected": fields of
    GenerationParams}; `apply` comes with `params`, such fields, to be filled in.
    """
    return own_element("presets", elem_id=elem_id, head="/* events: 'collect', 'apply' */")
