"""Reference pictures: what a model is to look at besides the picture it edits."""

import re
from collections.abc import Sequence

import gradio as gr

from studio.errors import InvalidRequest
from studio.extras import MAX_REFERENCES
from studio.pictures import MAX_UPLOAD_BYTES
from ui.components.element import own_element

_ID = re.compile(r"[0-9a-f]{64}")


def references(*, elem_id: str) -> gr.HTML:
    """A few small pictures. Its value, read by `read_references`: [{"id", "width", "height"}, ...] | None.

    What is chosen outlives a reload of the page.
    """
    return own_element(
        "references",
        elem_id=elem_id,
        most=MAX_REFERENCES,
        most_bytes=MAX_UPLOAD_BYTES,
        memory=elem_id,
    )


def read_references(value: object) -> tuple[str, ...]:
    """The ids of the stored pictures. Errors: InvalidRequest for what the element never makes."""
    if value is None or value == "":
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_REFERENCES:
        raise InvalidRequest(f"must be a list of at most {MAX_REFERENCES} pictures", field="references")
    ids = [picture.get("id") if isinstance(picture, dict) else None for picture in value]
    known = [name for name in ids if isinstance(name, str) and _ID.fullmatch(name)]
    if len(known) != len(ids):
        raise InvalidRequest(
            "no stored picture has such an id; choose the pictures again", field="references"
        )
    return tuple(known)
