"""Choosing a picture: a file, a drop, the clipboard, the webcam, or one of the history."""

import re
from collections.abc import Mapping

import gradio as gr

from studio.errors import InvalidRequest
from studio.pictures import MAX_UPLOAD_BYTES
from ui.components.element import own_element

_ID = re.compile(r"[0-9a-f]{64}")


def picker(*, elem_id: str) -> gr.HTML:
    """A place for one picture. Its value, read by `picked`: {"id", "width", "height"} | None.

    As an output: {"open": {"id", "width", "height"}} shows an input picture, {"open_image": id} one of the
    history, None nothing. What is chosen outlives a reload of the page.
    """
    return own_element("picker", elem_id=elem_id, most_bytes=MAX_UPLOAD_BYTES, memory=elem_id)


def picked(value: object) -> tuple[str, tuple[int, int]] | None:
    """(id of the stored input, (width, height)), or None if nothing is chosen.

    Errors: InvalidRequest for what no picker makes: the value comes from a browser.
    """
    if not isinstance(value, Mapping):
        return None
    picture = value.get("open", value)
    if not isinstance(picture, Mapping) or picture.get("id") is None:
        return None
    image_id, width, height = picture["id"], picture.get("width"), picture.get("height")
    if not isinstance(image_id, str) or not _ID.fullmatch(image_id):
        raise InvalidRequest("no stored picture has such an id; choose the picture again", field="image")
    if not isinstance(width, int) or not isinstance(height, int) or not 0 < width * height < 2**32:
        raise InvalidRequest("has no size; choose the picture again", field="image")
    return image_id, (width, height)
