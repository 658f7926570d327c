"""Faults as HTTP answers: always `{"error": "one sentence"}`, with the status that fits the class."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.types import Scope

from studio.errors import (
    Conflict,
    EngineUnavailable,
    InvalidRequest,
    NotAllowed,
    NotFound,
    QueueFull,
    Stopping,
    StorageFull,
    StudioError,
    TooLarge,
)

log = logging.getLogger(__name__)

SHOWN = 60
MOST_FAULTS = 5
# Seconds after which a retry makes sense: a restart, and a look at why there is no engine.
STOPPING_RETRY = 5
ENGINE_RETRY = 30

_STATUS: tuple[tuple[type[StudioError], int], ...] = (
    (InvalidRequest, 400),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (QueueFull, 429),
    (Stopping, 503),
    (EngineUnavailable, 503),
    (StorageFull, 507),
)
# How a request spells what GenerationParams calls otherwise.
_SPELLED = {"width": "size", "height": "size", "input_image": "image"}
# What FastAPI says of a body that makes the JSON parser give up.
_UNREADABLE = "There was an error parsing the body"
_PLACES = ("body", "query", "path", "header")
_MEANING = {
    400: "The request is wrong: the sentence names the field, its value and what is allowed.",
    403: "The key is not for this, or the job is somebody else's.",
    404: "Nothing has that id.",
    409: "A sound request that the present state forbids.",
    413: "The body or a picture in it is too large.",
    416: "The range lies outside of the file.",
    429: "The queue is full; `Retry-After` says when to try again.",
    500: "The work went wrong; nothing internal is shown.",
    503: "The studio is shutting down or has no engine; `Retry-After` says when to try again.",
    504: "The wait was too long. The job lives on: ask for it by `job_id`.",
    507: "No room, or no right to write, under the studio's outputs.",
}


class ErrorView(BaseModel):
    """What every fault looks like."""

    error: str = Field(
        description="one sentence for people",
        examples=["n: input should be less than or equal to 10, not 11"],
    )


class JobErrorView(ErrorView):
    """A fault of a job somebody waited for."""

    job_id: str = Field(
        description="the job, for GET /queue/{id}", examples=["0199c0de-7a5b-7c11-8d2e-0242ac120002"]
    )


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can end in these statuses, for the documentation."""
    answers: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        model = JobErrorView if status in (500, 504) else ErrorView
        answers[status] = {"model": model, "description": _MEANING[status]}
    # An entry for everything else also keeps FastAPI from documenting its own shape of faults.
    answers["default"] = {"model": ErrorView, "description": "Any other fault."}
    return answers


def error_response(
    status: int, sentence: str, *, headers: Mapping[str, str] | None = None, job_id: str | None = None
) -> JSONResponse:
    """The answer for a fault."""
    # What came in may hold text that can't be encoded.
    content = {"error": sentence.encode("utf-8", "backslashreplace").decode()}
    if job_id is not None:
        content["job_id"] = job_id
    return JSONResponse(content, status, headers=headers)


class Respond(Protocol):
    """Makes the answer for a fault, in the shape that a door's clients expect."""

    def __call__(
        self, status: int, sentence: str, *, headers: Mapping[str, str] | None = None
    ) -> JSONResponse: ...


def status_of(error: StudioError) -> int:
    """The HTTP status of a fault; 500 for what no caller can do anything about."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def retry_headers(error: StudioError) -> dict[str, str]:
    """`Retry-After`, where trying again later makes sense."""
    retry_after: int | None = None
    if isinstance(error, QueueFull):
        retry_after = error.retry_after
    elif isinstance(error, Stopping):
        retry_after = STOPPING_RETRY
    elif isinstance(error, EngineUnavailable):
        retry_after = ENGINE_RETRY
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def sentence_of(error: StudioError) -> str:
    """What a caller is told about a fault; what is nobody else's business goes to the log."""
    if isinstance(error, StorageFull):
        log.error("%s", error)  # with its path
        return "The studio has no room, or no right to write, in its outputs folder; its log names the place."
    return error.message


def to_response(error: StudioError) -> JSONResponse:
    """The answer for one of our own faults."""
    return error_response(status_of(error), sentence_of(error), headers=retry_headers(error))


class InvalidFields(InvalidRequest):
    """What pydantic found: `field` and `reason`, in pydantic's word, are the first fault's."""

    def __init__(self, details: Sequence[ErrorDetails]) -> None:
        super().__init__(to_sentence(details))
        self.field = _field(details[0], _SPELLED)
        self.reason = details[0]["type"]


def invalid(error: ValidationError) -> InvalidFields:
    """What pydantic found, as a fault of ours."""
    return InvalidFields(error.errors(include_url=False))


def to_sentence(details: Sequence[ErrorDetails], *, spelled: Mapping[str, str] = _SPELLED) -> str:
    """All that is wrong with a request, the field first; `spelled` has the fields that go by other names."""
    sentences = list(dict.fromkeys(_sentence(detail, spelled) for detail in details))
    more = len(sentences) - MOST_FAULTS
    return "; ".join(sentences[:MOST_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _sentence(detail: ErrorDetails, spelled: Mapping[str, str]) -> str:
    kind, place, name = detail["type"], _place(detail), _field(detail, spelled)
    if kind == "json_invalid":
        return f"The body is not valid JSON: {detail['ctx']['error']} at position {detail['loc'][-1]}."
    if not place and kind != "value_error":
        return "The body must be a JSON object, sent with Content-Type: application/json."
    if kind == "missing":
        return f"{name}: is required"
    if kind == "extra_forbidden":
        return f"{'.'.join(map(_shown_name, place))}: unknown field; the documentation lists the fields"
    if kind == "value_error":
        reason = str(detail["ctx"]["error"])
        # A rule over several fields names the field at fault itself.
        return f"{name}: {reason}" if name else reason
    message = detail["msg"]
    return f"{name}: {message[0].lower()}{message[1:]}, not {_shown(detail['input'])}"


def _place(detail: ErrorDetails) -> list[str]:
    """Where the fault lies in the body; nothing of a body that is no JSON."""
    place = [str(part) for part in detail["loc"]]
    if detail["type"] == "json_invalid":
        return []
    return place[1:] if place and place[0] in _PLACES else place


def _field(detail: ErrorDetails, spelled: Mapping[str, str]) -> str:
    """The name of the field at fault, or nothing for the whole."""
    return ".".join(spelled.get(part, _shown_name(part)) for part in _place(detail))


def _shown_name(text: str) -> str:
    is_plain = text.isascii() and (text.isidentifier() or text.isdecimal()) and len(text) <= SHOWN
    return text if is_plain else _shown(text)


def _shown(value: object) -> str:
    """The value so that people recognise it, however long it is."""
    if not isinstance(value, str | int | float | None):
        return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a number of that size"  # Python refuses to spell integers of thousands of digits
    text = repr(value[: SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(400, to_sentence(error.errors()))


async def _on_fault(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StudioError)
    return to_response(error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: paths, methods, bodies it can't parse."""
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, http_sentence(request, error), headers=error.headers)


def http_sentence(
    request: Request, error: HTTPException, *, paths: str = "/api/docs lists every path"
) -> str:
    """What the framework refused, for people; `paths` helps who asked for one that isn't there."""
    where = f"{request.method} {request.scope['path'][:200]}"
    sentences = {
        404: f"Nothing is at {where}; {paths}.",
        405: f"{where}: not with this method; allowed: {(error.headers or {}).get('Allow', 'another')}.",
    }
    sentence = sentences.get(error.status_code, error.detail)
    if error.status_code == 400 and sentence == _UNREADABLE:
        return "The body can't be read: it is not valid JSON, or its values are nested too deeply."
    return sentence


def unexpected_sentence(scope: Scope) -> str:
    """What is said of a fault that nobody thought of: where the log tells more."""
    request_id = scope.get("state", {}).get("request_id", "unknown")
    return f"Something went wrong inside the studio; its log tells more at {request_id}."


async def on_unexpected(request: Request, _: Exception) -> JSONResponse:
    """Whatever nobody thought of. The framework raises it again afterwards; the guard logs it once."""
    return error_response(500, unexpected_sentence(request.scope))


def add_handlers(app: FastAPI) -> None:
    """Have `app` answer every fault in our shape."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StudioError, _on_fault)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, on_unexpected)
