"""extra-single-image, extra-batch-images and png-info: pictures in, answers out; only networks need a job."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio import a1111_text, png_text
from studio.api.a1111.bodies import Name
from studio.api.a1111.callers import Caller, CallerDep
from studio.api.a1111.making import made_for
from studio.api.a1111.upscaling import (
    NONE,
    UPSCALING,
    asked_of_network,
    blended,
    by_factor,
    check_upscaler,
    to_size,
)
from studio.api.base64_pictures import from_base64, to_base64
from studio.api.bodies import NOT_STORED_YET
from studio.api.dependencies import StudioDep
from studio.errors import InvalidRequest
from studio.job import Generation
from studio.metadata import read_metadata
from studio.params import MAX_SIDE
from studio.pictures import read_stored, read_upload, to_png
from studio.reading import MAX_SHOWN
from studio.recipe_text import PARAMETERS_KEY
from studio.service import Studio
from studio.upscaling import UpscaleParams

router = APIRouter()

MAX_BATCH = 20
_Share = Annotated[float, Field(ge=0, le=1)]
_Target = Annotated[int, Field(ge=1, le=4 * MAX_SIDE)]
_DONE = "<p>Upscaled by the chosen method; nothing was stored.</p>"
_IN_HISTORY = "<p>Upscaled by the chosen network; the picture is in the history.</p>"


class ExtrasBody(BaseModel):
    """What both take; A1111's own defaults."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    resize_mode: Literal[0, 1] = 0
    show_extras_results: bool = True
    upscaling_resize: Annotated[float, Field(gt=0, le=16)] = 2
    upscaling_resize_w: _Target = 512
    upscaling_resize_h: _Target = 512
    upscaling_crop: bool = True
    upscaler_1: Name = NONE
    upscaler_2: Name = NONE
    extras_upscaler_2_visibility: _Share = 0
    gfpgan_visibility: float = 0
    codeformer_visibility: float = 0


class SingleBody(ExtrasBody):
    """One picture as base64."""

    image: str


class FileBody(BaseModel):
    """A picture as base64, and what somebody calls it."""

    data: str
    name: Annotated[str, Field(max_length=1000)] = ""


class BatchBody(ExtrasBody):
    """Several pictures."""

    image_list: Annotated[list[FileBody], Field(alias="imageList", min_length=1, max_length=MAX_BATCH)]


class PictureBody(BaseModel):
    """A picture as base64."""

    image: str


@dataclass(frozen=True)
class _Asked:
    """A request for larger pictures, and who makes it."""

    request: Request
    studio: Studio
    caller: Caller
    body: ExtrasBody


@router.post("/extra-single-image", summary="Enlarge a picture", operation_id="extra_single_image")
async def extra_single_image(
    request: Request, body: SingleBody, studio: StudioDep, caller: CallerDep
) -> Response:
    """By Lanczos or Nearest at once, by a network in a job; None leaves it as it is."""
    return await _answered(_Asked(request, studio, caller, body), [("image", body.image)], "image")


@router.post("/extra-batch-images", summary="Enlarge pictures", operation_id="extra_batch_images")
async def extra_batch_images(
    request: Request, body: BatchBody, studio: StudioDep, caller: CallerDep
) -> Response:
    """As extra-single-image; the answer has them in the same order."""
    files = [(f"imageList.{index}", file.data) for index, file in enumerate(body.image_list)]
    return await _answered(_Asked(request, studio, caller, body), files, "images")


@router.post("/png-info", summary="Read how a picture was made", operation_id="png_info")
async def png_info(body: PictureBody) -> dict[str, Any]:
    """`info` is the A1111 text, `parameters` its parts, `items` the picture's other texts."""
    texts = await run_in_threadpool(_texts, body.image, "image")
    info = texts.pop(PARAMETERS_KEY, "")
    return {
        "info": info,
        "items": texts,
        "parameters": a1111_text.as_written(info[:MAX_SHOWN]) if info else {},
    }


async def _answered(asked: _Asked, files: list[tuple[str, str]], key: str) -> Response:
    """The answer with every picture, (field, base64), made larger."""
    networks = await run_in_threadpool(lambda: [each.name for each in asked.studio.upscaling.all()])
    _check(asked.body, networks)
    images = [await _enlarged(asked, text, field) for field, text in files]
    shown: Any = images if key == "images" else images[0]
    if not asked.body.show_extras_results:
        shown = [] if key == "images" else None
    used = {asked.body.upscaler_1, asked.body.upscaler_2} & set(networks)
    return await run_in_threadpool(JSONResponse, {"html_info": _IN_HISTORY if used else _DONE, key: shown})


def _check(body: ExtrasBody, networks: list[str]) -> None:
    for name in ("gfpgan_visibility", "codeformer_visibility"):
        if getattr(body, name) > 0:
            raise InvalidRequest("restoring faces is not offered by this studio; leave it out", field=name)
    check_upscaler(body.upscaler_1, networks, field="upscaler_1")
    check_upscaler(body.upscaler_2, networks, field="upscaler_2")


async def _enlarged(asked: _Asked, text: str, field: str) -> str:
    body = asked.body
    decoders: asyncio.Semaphore = asked.request.app.state.decoders
    content = await run_in_threadpool(from_base64, text, field=field)
    async with decoders:
        image = await run_in_threadpool(read_upload, content, field=field)
    made = await _by(asked, image, body.upscaler_1)
    if body.extras_upscaler_2_visibility > 0 and body.upscaler_2 != NONE:
        second = await _by(asked, image, body.upscaler_2)
        made = await run_in_threadpool(
            lambda: blended(made.convert(second.mode), second, body.extras_upscaler_2_visibility)
        )
    return await run_in_threadpool(_packed, made, content, field)


def _packed(made: Image.Image, content: bytes, field: str) -> str:
    """The larger picture as base64, with the text of the one it was made of."""
    info = read_metadata(content, field=field).get(PARAMETERS_KEY)
    png = to_png(made)
    return to_base64(png if info is None else png_text.splice(png, {PARAMETERS_KEY: info.replace("\0", "")}))


async def _by(asked: _Asked, image: Image.Image, upscaler: str) -> Image.Image:
    body = asked.body
    target = None if body.resize_mode == 0 else (body.upscaling_resize_w, body.upscaling_resize_h)
    if upscaler not in UPSCALING:
        sizes = asked_of_network(image, body.upscaling_resize, target, crop=body.upscaling_crop)
        return await _by_network(asked, image, upscaler, sizes)
    if target is None:
        return await run_in_threadpool(by_factor, image, body.upscaling_resize, upscaler)
    return await run_in_threadpool(to_size, image, target, upscaler, crop=body.upscaling_crop)


async def _by_network(asked: _Asked, image: Image.Image, upscaler: str, sizes: dict[str, Any]) -> Image.Image:
    """Waits for a job of the one queue. Errors: as UpscaleControl.submit; as `made_for`."""
    studio = asked.studio

    def submit() -> str:
        checked = UpscaleParams(input_image=NOT_STORED_YET, method=upscaler, **sizes)
        studio.upscaling.check(checked, image.size)
        stored = studio.inputs.save_picture(to_png(image))
        return studio.upscaling.submit(checked.model_copy(update={"input_image": stored.id})).id

    def opened(generation: Generation) -> Image.Image:
        (picture,) = generation.images
        return read_stored(studio.image_file(picture).read_bytes())

    job_id = await run_in_threadpool(submit)
    return await run_in_threadpool(opened, await made_for(asked.request, studio, asked.caller, job_id))


def _texts(text: str, field: str) -> dict[str, str]:
    return read_metadata(from_base64(text, field=field), field=field)
