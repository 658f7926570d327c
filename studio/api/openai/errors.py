"""Faults in OpenAI's envelope: `{"error": {"message", "type", "param", "code"}}`."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from studio.api import outcome
from studio.api.errors import (
    InvalidFields,
    http_sentence,
    retry_headers,
    sentence_of,
    status_of,
    unexpected_sentence,
)
from studio.api.outcome import NothingMade
from studio.errors import (
    Conflict,
    EngineError,
    InvalidRequest,
    NotFound,
    QueueFull,
    StudioError,
    UnknownModel,
)

JOB_ID = "X-Job-Id"
MODEL_NOT_FOUND = "model_not_found"
_TYPES = {429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "unknown_url", 413: "too_large", 429: "rate_limit_exceeded"}
_CODES_OF_NOTHING = {404: NotFound.code, 409: "cancelled", 504: "timeout"}
_REASONS = {"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}
_PATHS = "here are /v1/models and /v1/images/generations, /edits and /variations"
# What the studio calls otherwise.
_THEIRS = {"references": "image"}
# Sentences about a field begin with its name.
_NAMED = re.compile(r"([a-z_]+)(\.[\w.]+)?: ")
# OpenAI's clients send again by themselves what ends with 409 or 500 and more, unless they are told not to.
# Where there is a job already, or the answer stays the same, another request would do harm or nothing.
NOT_AGAIN = {"X-Should-Retry": "false"}


def envelope(
    sentence: str, status: int, *, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The body of a fault with that HTTP status."""
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    # What came in may hold text that can't be encoded.
    message = sentence.encode("utf-8", "backslashreplace").decode()
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def respond(status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for a fault of which only this is known."""
    return JSONResponse(envelope(sentence, status, code=_CODES.get(status)), status, headers=headers)


def fault_body(error: StudioError) -> tuple[int, dict[str, Any]]:
    """(HTTP status, body) for one of our own faults."""
    sentence = sentence_of(error)
    if isinstance(error, UnknownModel):
        return 404, envelope(sentence, 404, code=MODEL_NOT_FOUND, param="model")
    if isinstance(error, InvalidRequest):
        named = _NAMED.match(sentence)
        param = error.field.strip("'\"") or (named[1] if named else None)
        if param in _THEIRS and sentence.startswith(param):
            param, sentence = _THEIRS[param], _THEIRS[param] + sentence[len(param) :]
        reason = error.reason if isinstance(error, InvalidFields) else ""
        code = _REASONS.get(reason) or ("invalid_value" if error.code == InvalidRequest.code else error.code)
        return 400, envelope(sentence, 400, code=code, param=param)
    status = status_of(error)
    code = _CODES[429] if isinstance(error, QueueFull) else error.code
    return status, envelope(sentence, status, code=code)


def nothing_made(fault: NothingMade) -> tuple[int, dict[str, Any]]:
    """(HTTP status, body) for a job without pictures."""
    code = fault.code or _CODES_OF_NOTHING.get(fault.status, EngineError.code)
    return fault.status, envelope(fault.sentence, fault.status, code=code)


async def _on_fault(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StudioError)
    status, body = fault_body(error)
    headers = NOT_AGAIN if isinstance(error, Conflict) else retry_headers(error)
    return JSONResponse(body, status, headers=headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return await _on_fault(request, InvalidFields(error.errors()))


def _nothing_made(fault: NothingMade) -> JSONResponse:
    status, body = nothing_made(fault)
    headers = {JOB_ID: fault.job_id, **NOT_AGAIN, **(fault.headers or {})}
    return JSONResponse(body, status, headers=headers)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: paths, methods, bodies it can't parse."""
    assert isinstance(error, HTTPException)
    sentence = http_sentence(request, error, paths=_PATHS)
    return respond(error.status_code, sentence, headers=error.headers)


async def _on_unexpected(request: Request, _: Exception) -> JSONResponse:
    """Whatever nobody thought of. The framework raises it again afterwards; the guard logs it once."""
    return respond(500, unexpected_sentence(request.scope))


def add_envelope(app: FastAPI) -> None:
    """Have `app` answer every fault in OpenAI's shape."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StudioError, _on_fault)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    outcome.add_handlers(app, _nothing_made)
