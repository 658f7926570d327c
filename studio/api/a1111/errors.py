"""Faults in A1111's shape: `error` is the kind, `detail` and `errors` the sentence; clients read one."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from studio.api import outcome
from studio.api.errors import retry_headers, sentence_of, status_of, to_sentence, unexpected_sentence
from studio.api.outcome import NothingMade
from studio.errors import InvalidRequest, StudioError

# What a request of this door calls the studio's parameters, where the words differ.
_SPELLED = {
    "n": "batch_size",
    "strength": "denoising_strength",
    "mask_feather": "mask_blur",
    "inpaint_padding": "inpaint_full_res_padding",
    "clip_skip": "CLIP_stop_at_last_layers",
    "distilled_guidance": "distilled_cfg_scale",
    "loras": "<lora:…>",
    "hires": "hr",
    "scale": "hr_scale",
    "input_image": "init_images",
}


def error_response(
    status: int,
    sentence: str,
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    job_id: str | None = None,
) -> JSONResponse:
    """The answer for a fault; `kind` is a word for programs."""
    # What came in may hold text that can't be encoded.
    plain = sentence.encode("utf-8", "backslashreplace").decode()
    kind = kind or HTTPStatus(status).phrase.replace(" ", "")
    content = {"error": kind, "detail": plain, "body": "", "errors": plain}
    if job_id is not None:
        content["job_id"] = job_id
    return JSONResponse(content, status, headers=headers)


def to_response(error: StudioError) -> JSONResponse:
    """The answer for one of the studio's faults."""
    status, kind = status_of(error), type(error).__name__
    return error_response(status, sentence_of(error), kind=kind, headers=retry_headers(error))


def invalid(error: ValidationError) -> InvalidRequest:
    """What pydantic found, in this door's words."""
    return InvalidRequest(_sentence(error.errors(include_url=False)))


def _sentence(details: Sequence[Any]) -> str:
    found: Sequence[ErrorDetails] = details
    return to_sentence(found, spelled=_SPELLED)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(422, _sentence(error.errors()), kind="InvalidRequest")


async def _on_fault(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StudioError)
    return to_response(error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: paths, methods, bodies it can't parse."""
    assert isinstance(error, HTTPException)
    path = request.scope["path"][:200]
    allowed = (error.headers or {}).get("Allow", "another")
    sentences = {
        404: f"{path} is no part of A1111's API that this studio offers.",
        405: f"{path}: not with {request.method}; allowed: {allowed}.",
    }
    return error_response(
        error.status_code, sentences.get(error.status_code, error.detail), headers=error.headers
    )


def _nothing_made(fault: NothingMade) -> JSONResponse:
    kind = None if fault.code is None else fault.code.title().replace("_", "")
    return error_response(fault.status, fault.sentence, kind=kind, headers=fault.headers, job_id=fault.job_id)


async def _on_unexpected(request: Request, _: Exception) -> JSONResponse:
    return error_response(500, unexpected_sentence(request.scope))


def add_handlers(app: FastAPI) -> None:
    """Have `app` answer every fault in A1111's shape."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StudioError, _on_fault)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    outcome.add_handlers(app, _nothing_made)
