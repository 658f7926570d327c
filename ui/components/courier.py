"""The courier: carries a picture's settings, or the picture, from anywhere on the page to a tab's form."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.service import Studio
from ui import values as plain
from ui.components.element import own_element
from ui.form import PRIVATE, Form, said


def courier(studio: Studio, tabs: gr.Tabs, words: Form, *others: Form) -> gr.HTML:
    """The element that hears `sendTo` of courier.js.

    `words` is the form that takes all settings; the `others` start from a picture and take that.
    """
    element = own_element("courier", elem_id="courier", head="/* events: 'select' */")
    pictures = {form.name: form.picture for form in others if form.picture is not None}

    def deliver(event: gr.EventData) -> list[Any]:
        tab, image_id = getattr(event, "tab", None), getattr(event, "image_id", None)
        params = getattr(event, "params", None)
        filled, notice = words.keep(), gr.skip()
        opened: dict[str, Any] = dict.fromkeys(pictures, gr.skip())
        if tab in pictures and isinstance(image_id, str):
            opened[tab] = {"open_image": image_id}
        elif tab == words.name:
            try:
                values = _settings(studio, image_id) if isinstance(image_id, str) else params
            except StudioError as error:
                notice = said(error)
            else:
                known = values if isinstance(values, Mapping) else {}
                filled, notice = words.fill(plain.from_request(known, studio.catalog)), None
        else:
            return [gr.skip(), *filled, notice, *opened.values()]
        return [gr.update(selected=tab), *filled, notice, *opened.values()]

    element.select(deliver, None, [tabs, *words.outputs, words.notice, *pictures.values()], **PRIVATE)
    return element


def _settings(studio: Studio, image_id: str) -> dict[str, Any]:
    """All settings that made a picture, with its own seed. Errors: NotFound."""
    image = studio.image(image_id)
    recipe = studio.generation(image.generation_id).recipe
    return recipe.model_dump(mode="json") | {"seed": str(image.seed), "n": 1}
