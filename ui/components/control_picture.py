"""The control picture: a map for a model's control net to follow."""

import gradio as gr

from studio.pictures import MAX_UPLOAD_BYTES
from ui.components.element import own_element


def control_picture(*, label: str, value: object, elem_id: str, interactive: bool) -> gr.HTML:
    """A place for one picture, small. Its value: the id of the stored input; None or "" for none."""
    del interactive  # Our own elements are.
    settings = {"words": label, "most_bytes": MAX_UPLOAD_BYTES}
    return own_element("control_picture", elem_id=elem_id, value=value, settings=settings)
