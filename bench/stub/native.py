"""The engine's own, asynchronous family: /sdcpp/v1/…"""

import base64
import json

from stub.exchange import Exchange, describe
from stub.jobs import CannotCancel, QueueFull, UnknownJob
from stub.journal import Record
from stub.pictures import png_size
from stub.request import ImageRequest
from stub.words import FORMATS


def decoded(picture: str) -> bytes:
    """The bytes of a picture given as base64 or as a data URL."""
    return base64.b64decode(picture.split(",", 1)[1] if picture.startswith("data:") else picture)


def img_gen(exchange: Exchange, body: bytes, record: Record) -> None:
    """POST /sdcpp/v1/img_gen."""
    if not body:
        return exchange.refuse(400, "empty body")
    asked = json.loads(body)
    request = ImageRequest(exchange.server.engine.config, str(asked.get("prompt", "")))
    request.apply_native(asked)
    request.output_format = str(asked.get("output_format", "png")).lower()
    if request.output_format not in FORMATS:
        return exchange.refuse(400, f"invalid output_format, must be one of [{', '.join(FORMATS)}]")
    if asked.get("init_image"):
        request.kind = "img2img"
        record["images"], record["mask"] = 1, bool(asked.get("mask_image"))
        if request.width <= 0:
            request.width, request.height = png_size(decoded(asked["init_image"]))
    elif asked.get("ref_images"):
        request.kind, record["images"] = "edit", len(asked["ref_images"])
    if not request.resolve():
        return exchange.refuse(400, "invalid generation parameters")
    record["job"] = None  # its place in the log line; the queue gives the id
    describe(record, request)
    try:
        return exchange.answer_json(202, exchange.server.jobs.submit(request, record))
    except QueueFull:
        return exchange.refuse(429, "job queue is full")


def vid_gen(exchange: Exchange, body: bytes, _record: Record) -> None:
    """POST /sdcpp/v1/vid_gen: no model of the stub's makes films."""
    exchange.refuse(400, "loaded model does not support vid_gen" if body else "empty body")


def job(exchange: Exchange, job_id: str) -> None:
    """GET /sdcpp/v1/jobs/{id}."""
    try:
        exchange.answer_json(200, exchange.server.jobs.body(job_id))
    except UnknownJob as unknown:
        _refuse_unknown(exchange, unknown)


def cancel(exchange: Exchange, job_id: str) -> None:
    """POST /sdcpp/v1/jobs/{id}/cancel."""
    try:
        exchange.answer_json(200, exchange.server.jobs.cancel(job_id))
    except UnknownJob as unknown:
        _refuse_unknown(exchange, unknown)
    except CannotCancel:
        exchange.refuse(409, "job is currently generating and cannot be interrupted yet")


def _refuse_unknown(exchange: Exchange, unknown: UnknownJob) -> None:
    if unknown.expired:
        exchange.refuse(410, "job expired")
    else:
        exchange.refuse(404, "job not found")
