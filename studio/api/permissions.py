"""What a key must be for, to do what a request wants, by method and path. What is not named is for admins."""

import re

from starlette.types import Scope as Connection

from studio.api.proxies import path_within
from studio.caller import Scope

_READING = ("GET", "HEAD", "OPTIONS")
_ID = r"[^/]+"
# What submitters may do besides looking. Whose job it is that they cancel, whose picture that they mark or
# delete, is checked where that is done; here it is only about the kind of request.
_SUBMITTING = re.compile(
    "|".join(
        (
            r"POST /api/(generate|edit|variation)",
            r"POST /api/queue/(generate|edit|variation|upscale|batch)",
            r"POST /api/(upscale|grids|import)",
            rf"DELETE /api/queue/{_ID}",
            r"POST /api/queue/cancel",
            rf"POST /api/queue/{_ID}/retry",
            rf"POST /api/generations/{_ID}/replay",
            rf"POST /api/grids/{_ID}/cancel",
            r"POST /api/inputs(/.+)?",
            rf"PATCH /api/images/{_ID}",
            r"POST /api/images/delete",
            rf"DELETE /api/generations/{_ID}",
            r"POST /api/images\.zip",
            r"POST /v1/images/(generations|edits|variations)",
            r"POST /sdapi/v1/(txt2img|img2img|extra-single-image|extra-batch-images|png-info)",
            r"POST /sdapi/v1/(options|interrupt|skip|refresh-[a-z]+)",
            r"POST /mcp/?",
            # The page's forms.
            r"POST /gradio_api/queue/join",
            r"POST /gradio_api/(cancel|reset)",
            rf"POST /gradio_api/(api|run|call)/{_ID}",
        )
    )
)
# Reading in name only: Gradio keeps what such a request is about.
_CHANGING_READS = re.compile(r"(GET|HEAD) /gradio_api/deep_link/?")


def needed_scope(connection: Connection) -> Scope:
    """What a key must be for, to do this."""
    if connection["type"] == "websocket":
        # Elsewhere both sides speak; of this one nobody hears what the client says.
        return Scope.READ if path_within(connection) == "/api/ws" else Scope.SUBMIT
    asked = f"{connection['method']} {path_within(connection)}"
    if _CHANGING_READS.fullmatch(asked):
        return Scope.ADMIN
    if connection["method"] in _READING:
        return Scope.READ
    return Scope.SUBMIT if _SUBMITTING.fullmatch(asked) else Scope.ADMIN
