"""The mask painter on the page: a picture of the studio and the mask painted on it in the browser."""

import gradio as gr

from studio.params import MAX_SIDE, GenerationParams
from studio.pictures import MAX_UPLOAD_BYTES
from ui.components.element import own_element


def painter(*, elem_id: str, offers_history: bool = True) -> gr.HTML:
    """A mask painter. Its value, read by `ui.mask.read_painting`, is never older than the last stroke:

        {"image": {"id", "width", "height"} | None, "mask": "data:image/png;base64,..." | None,
         "painted": 0..1, "feather": pixels, "extend": {"left", "top", "right", "bottom"},
         "waiting": whether another picture is on its way, which takes the place of this one}

    As an output: {"open": {"id", "width", "height"}} opens an input picture, {"open_image": id} one of the
    history, both with an empty mask; a whole value restores it; None closes the picture.
    Events: `change` when anything of the value changed; `choose` when a picture of the history is wanted
    (asked for only if `offers_history`). What is painted outlives a reload of the page.
    """
    return own_element(
        "painter",
        elem_id=elem_id,
        head="/* events: 'choose' */",
        most_bytes=MAX_UPLOAD_BYTES,
        most_side=MAX_SIDE,
        feather=GenerationParams.model_fields["mask_feather"].default,
        offers_history=offers_history,
        memory=elem_id,
    )
