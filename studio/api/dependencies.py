"""What handlers are given: the studio, the idempotency key, a page's bounds."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from pydantic import AfterValidator

from studio.caller import asker
from studio.errors import InvalidRequest
from studio.service import Studio

MAX_PAGE = 1000
# Over any number of rows, and within what every database takes.
MAX_OFFSET = 2**31 - 1


async def _studio(request: Request) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


def _of_the_caller(key: str | None) -> str | None:
    """The key as it is stored: two callers may choose the same text, and neither gets the other's job."""
    name = asker().name
    # No header holds a line end, so nobody can write what stands for somebody else's key.
    return key if key is None or name is None else f"{name}\n{key}"


StudioDep = Annotated[Studio, Depends(_studio)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[ -~]+$",
        description="Any text of your own, 1 to 200 printable ASCII characters. Sending the request again "
        "with the same key gives the same job, not another one.",
        examples=["3f0c9a52-order-17"],
    ),
    AfterValidator(_of_the_caller),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="at most this many")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="skip this many of the newest")]

TOTAL_COUNT = "X-Total-Count"
TOTAL_HEADER = {
    "headers": {
        TOTAL_COUNT: {"description": "how many there are in all", "schema": {"type": "integer", "minimum": 0}}
    }
}


def only(*names: str) -> Any:
    """The dependency of a route whose query has no other parameters: a misspelt one is refused by name."""

    async def check(request: Request) -> None:
        for name in request.query_params:
            if name not in names:
                known = ", ".join(names) or "none"
                raise InvalidRequest(f"unknown parameter; known here: {known}", field=repr(name[:60]))

    return Depends(check)
