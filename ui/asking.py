"""Whose key a press on the page came with: Gradio runs handlers apart from the requests that caused them."""

from gradio import Request

from studio.api.access import caller_of
from studio.caller import HOUSE, STRANGER, Caller


def caller_behind(request: Request | None) -> Caller:
    """Who caused what Gradio runs; without a request it is the house itself."""
    connection = getattr(request, "request", None)
    return HOUSE if connection is None else caller_of(connection.scope) or STRANGER
