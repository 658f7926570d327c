"""Every path that an application answers, mounted ones and Gradio's own included."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

_PARAMETER = re.compile(r"\{[^}]*\}")
AN_ID = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def paths_of(routes: Sequence[Any], prefix: str = "", an_id: str = AN_ID) -> Iterator[str]:
    """Paths, `an_id` in the place of each parameter; of folders of files, one that is not there."""
    for context in iter_route_contexts(routes):
        route = getattr(context, "original_route", context)
        path = prefix + _PARAMETER.sub(an_id, context.path or "")
        inner = route.routes if isinstance(route, Mount) else []
        if inner:
            yield from paths_of(inner, prefix + route.path, an_id)
        elif isinstance(route, Mount):
            yield f"{path}/{an_id}"
        else:
            yield path
