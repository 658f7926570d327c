"""The courier: carries a picture's settings, or the picture, from anywhere on the page to a tab's form."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.params import JobType
from studio.reading import settings_of
from studio.service import Studio
from ui.components.element import own_element
from ui.form import PRIVATE, Form, said
from ui.requests import from_request
from ui.values import Values
from ui.vocabulary import AREA, AS_INPUT, NO_EXTRAS


def courier(studio: Studio, tabs: gr.Tabs, words: Form, *others: Form) -> gr.HTML:
    """The element that hears `sendTo` of courier.js.

    `words` is the form that takes all settings; the `others` start from a picture and take that, and a form
    for edits takes the settings with it. A request that is asked again brings both.
    """
    element = own_element("courier", elem_id="courier", head="/* events: 'select' */")
    forms = {form.name: form for form in (words, *others)}
    pictures = {form.name: form.picture for form in others if form.picture is not None}

    def deliver(event: gr.EventData) -> list[Any]:
        tab, image_id = getattr(event, "tab", None), getattr(event, "image_id", None)
        params, picture = getattr(event, "params", None), getattr(event, "picture", None)
        filled = {name: form.keep() for name, form in forms.items()}
        notices: dict[str, Any] = dict.fromkeys(forms, gr.skip())
        opened: dict[str, Any] = dict.fromkeys(pictures, gr.skip())
        selected = gr.skip()
        if tab in pictures and isinstance(image_id, str):
            selected, opened[tab] = gr.update(selected=tab), {"open_image": image_id}
            if forms[tab].kind is JobType.EDIT and getattr(event, "picture_only", None) is not True:
                filled[tab], notices[tab] = _filled(studio, forms[tab], image_id, None)
        elif tab in pictures and isinstance(picture, Mapping):
            selected, opened[tab] = gr.update(selected=tab), dict(picture)
            filled[tab], notices[tab] = forms[tab].fill(_asked_again(studio, params, picture)), None
        elif tab == words.name:
            selected = gr.update(selected=tab)
            filled[tab], notices[tab] = _filled(studio, words, image_id, params)
        return [
            selected,
            *(each for name in forms for each in (*filled[name], notices[name])),
            *opened.values(),
        ]

    outputs = [each for form in forms.values() for each in (*form.outputs, form.notice)]
    element.select(deliver, None, [tabs, *outputs, *pictures.values()], **PRIVATE)
    return element


def _filled(studio: Studio, form: Form, image_id: object, params: object) -> tuple[list[Any], Any]:
    """For a form's outputs and its notice: the settings of that picture, or else these of a file."""
    try:
        known = _settings(studio, image_id) if isinstance(image_id, str) else params
    except StudioError as error:
        return form.keep(), said(error)
    values = from_request({**NO_EXTRAS, **known} if isinstance(known, Mapping) else {}, studio.catalog)
    return form.fill(values if form.kind is JobType.GENERATE else _to_start_from(values, form, studio)), None


def _to_start_from(values: Values, form: Form, studio: Studio) -> Values:
    """What of a picture's settings is of use for changing it.

    Its size is the picture's own, a second pass has been made, its seed would draw the noise it was made of
    over it once more, and a map it followed would hold on to what is to change.
    """
    kept = {name: value for name, value in values.items() if name not in ("seed", "n", *AREA)} | {
        "hires": False,
        "control_image": None,
    }
    if "model" in kept and not studio.catalog.model(kept["model"]).capabilities.does(form.kind):
        del kept["model"]
    return kept | {"shape": AS_INPUT, "width": None, "height": None}


def _asked_again(studio: Studio, params: object, picture: Mapping[str, Any]) -> Values:
    """All settings of a request that starts from that picture, for its form."""
    values = from_request({**NO_EXTRAS, **params} if isinstance(params, Mapping) else {}, studio.catalog)
    source = picture.get("image") or picture.get("open")
    sides = ("width", "height")
    if isinstance(source, Mapping) and all(source.get(side) == values.get(side) for side in sides):
        values |= {"shape": AS_INPUT, "width": None, "height": None}
    return values


def _settings(studio: Studio, image_id: str) -> dict[str, Any]:
    """All settings that made a picture, with its own seed. Errors: NotFound."""
    image = studio.image(image_id)
    recipe = studio.generation(image.generation_id).recipe
    known = recipe.model_dump(mode="json") if recipe.upscale is None else settings_of(recipe)
    return known | {"seed": str(image.seed) if recipe.making_known else None, "n": 1}
