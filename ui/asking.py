"""Whose key a press on the page came with: Gradio runs handlers apart from the requests that caused them."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gradio import Request
from gradio.context import LocalContext

from studio.api.access import caller_of
from studio.caller import HOUSE, STRANGER, Caller, asking

P = ParamSpec("P")
R = TypeVar("R")


def caller_behind(request: Request | None) -> Caller:
    """Who caused what Gradio runs; without a request it is the house itself."""
    connection = getattr(request, "request", None)
    return HOUSE if connection is None else caller_of(connection.scope) or STRANGER


def for_caller(handler: Callable[P, R]) -> Callable[P, R]:
    """The handler of an event, run in the name of whoever caused the event."""

    @functools.wraps(handler)  # Gradio reads from the signature what else to hand over
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with asking(caller_behind(LocalContext.request.get(None))):
            return handler(*args, **kwargs)

    return call
