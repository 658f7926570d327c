"""The OpenAI family: /v1/images/…"""

import base64
import json
import re
import time

from stub.exchange import Exchange, work_now
from stub.journal import Record
from stub.multipart import Form
from stub.pictures import png_size
from stub.request import ImageRequest
from stub.words import EDIT_FORMATS, FORMATS

_SIZE = re.compile(r"(\d+)x(\d+)")
_COUNT = re.compile(r"\s*-?\d+")
_BAD_FORMAT = "invalid output_format, must be one of [%s]"


def generations(exchange: Exchange, body: bytes, record: Record) -> None:
    """POST /v1/images/generations."""
    if not body:
        return exchange.refuse(400, "empty body")
    asked, config = json.loads(body), exchange.server.engine.config
    size = _SIZE.match(asked.get("size", "") or "")
    width, height = (int(size[1]), int(size[2])) if size else (config.width or 512, config.height or 512)
    if not asked.get("prompt", ""):
        return exchange.refuse(400, "prompt required")
    output_format = str(asked.get("output_format", "png")).lower()
    if output_format not in FORMATS:
        return exchange.refuse(400, _BAD_FORMAT % ", ".join(FORMATS))
    request = ImageRequest(
        config,
        asked["prompt"],
        width=width,
        height=height,
        count=max(1, asked.get("n", 1)),
        output_format=output_format,
    )
    return _work(exchange, request, record)


def edits(exchange: Exchange, body: bytes, record: Record) -> None:
    """POST /v1/images/edits."""
    content_type = exchange.headers.get("Content-Type") or ""
    if "multipart/form-data" not in content_type:
        return exchange.refuse(400, "Content-Type must be multipart/form-data")
    form = Form(body, content_type)
    if not form.fields.get("prompt"):
        return exchange.refuse(400, "prompt required")
    images = form.files.get("image[]") or form.files.get("image")
    if not images:
        return exchange.refuse(400, "at least one image[] required")
    output_format = (form.fields.get("output_format") or "png").lower()
    if output_format not in EDIT_FORMATS:
        return exchange.refuse(400, _BAD_FORMAT % ", ".join(EDIT_FORMATS))
    size = _SIZE.match(form.fields.get("size", ""))
    width, height = (int(size[1]), int(size[2])) if size else png_size(images[0])
    count = _COUNT.match(form.fields.get("n", ""))
    record["images"], record["mask"] = len(images), "mask" in form.files
    request = ImageRequest(
        exchange.server.engine.config,
        form.fields["prompt"],
        width=width,
        height=height,
        count=int(count[0]) if count else 1,
        output_format=output_format,
        kind="edit",
    )
    return _work(exchange, request, record)


def _work(exchange: Exchange, request: ImageRequest, record: Record) -> None:
    if not request.extract_extra():
        return exchange.refuse(400, "invalid sd_cpp_extra_args")
    pictures = work_now(exchange, request, record)
    if pictures is None:
        return None
    answer = {
        "created": int(time.time()),
        "output_format": request.output_format,
        "data": [{"b64_json": base64.b64encode(picture).decode()} for picture in pictures],
    }
    return exchange.finish_work(record, 200, answer)
