"""The switch between the edit tab's painter and its results, which also knows what the painter asks for."""

import gradio as gr

from ui.components.element import own_element

_MODULE = "(await import(new URL('studio-assets/js/edit_views.js', document.baseURI)))"
AIM_OF = f"async painting => {_MODULE}.aim(painting)"
"""Code that makes the switch's value from the painter's, in the browser: the mask needn't travel for that."""
SUBMITTED = f"async () => {{ {_MODULE}.submitted(); }}"
"""Code that brings the results into view."""
_AIMS = ("wait", "whole", "paint", "extend", "both")


def edit_views(*, elem_id: str) -> gr.HTML:
    """Its value: "none" without a picture, "wait" while one is on its way, else "whole", "paint",
    "extend" or "both" and the picture's id.
    """
    return own_element("edit_views", elem_id=elem_id, value="none")


def aimed(value: object) -> str:
    """The first word of the switch's value; "none" for what no switch says."""
    word = value.partition(" ")[0] if isinstance(value, str) else ""
    return word if word in _AIMS else "none"
