"""The A1111-like family: /sdapi/v1/txt2img and img2img."""

import base64
import json
from typing import Any

from stub.exchange import Exchange, work_now
from stub.journal import Record
from stub.native import decoded
from stub.pictures import png_size
from stub.request import ImageRequest
from stub.words import SAMPLER_ALIASES, SAMPLERS, SCHEDULERS


def txt2img(exchange: Exchange, body: bytes, record: Record) -> None:
    """POST /sdapi/v1/txt2img."""
    asked = _asked(exchange, body)
    if asked is None:
        return None
    request = _request(exchange, asked, "txt2img")
    if not request.extract_extra():
        return exchange.refuse(400, "invalid sd_cpp_extra_args")
    if request.width <= 0:  # as in the engine: -W and -H are not looked at here
        request.width, request.height = 512, 512
    return _work(exchange, request, record, asked)


def img2img(exchange: Exchange, body: bytes, record: Record) -> None:
    """POST /sdapi/v1/img2img."""
    asked = _asked(exchange, body)
    if asked is None:
        return None
    request = _request(exchange, asked, "img2img")
    if not request.extract_extra():
        return exchange.refuse(400, "invalid sd_cpp_extra_args")
    images = asked.get("init_images") or []
    record["images"], record["mask"] = len(images), isinstance(asked.get("mask"), str)
    if images and request.width <= 0:
        request.width, request.height = png_size(decoded(images[0]))
    strength = asked.get("denoising_strength", -1)
    if strength >= 0:
        request.strength = min(strength, 1.0)
    return _work(exchange, request, record, asked)


def _asked(exchange: Exchange, body: bytes) -> dict[str, Any] | None:
    """The body, or None if it has been refused."""
    if not body:
        exchange.refuse(400, "empty body")
        return None
    asked: dict[str, Any] = json.loads(body)
    if asked.get("width", 512) <= 0 or asked.get("height", 512) <= 0:
        exchange.refuse(400, "width and height must be positive")
        return None
    if not asked.get("prompt"):
        exchange.refuse(400, "prompt required")
        return None
    return asked


def _request(exchange: Exchange, asked: dict[str, Any], kind: str) -> ImageRequest:
    request = ImageRequest(
        exchange.server.engine.config,
        asked["prompt"],
        negative_prompt=asked.get("negative_prompt", ""),
        width=asked.get("width", -1),
        height=asked.get("height", -1),
        count=asked.get("batch_size", 1),
        seed=asked.get("seed", -1),
        steps=asked.get("steps"),
        cfg_scale=asked.get("cfg_scale"),
        kind=kind,
    )
    name = str(asked.get("sampler_name", "")).lower()
    sampler = SAMPLER_ALIASES.get(name, name)
    if sampler in SAMPLERS:
        request.sampler = sampler
    if asked.get("scheduler") in SCHEDULERS:
        request.scheduler = asked["scheduler"]
    return request


def _work(exchange: Exchange, request: ImageRequest, record: Record, asked: dict[str, Any]) -> None:
    pictures = work_now(exchange, request, record)
    if pictures is None:
        return
    images = [base64.b64encode(picture).decode() for picture in pictures]
    exchange.finish_work(record, 200, {"images": images, "parameters": asked, "info": ""})
