"""extra-single-image, extra-batch-images and png-info: pictures in, answers at once, no job."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio import a1111_text, png_text
from studio.api.a1111.bodies import Name
from studio.api.a1111.upscaling import NONE, blended, by_factor, check_upscaler, to_size
from studio.api.base64_pictures import from_base64, to_base64
from studio.errors import InvalidRequest
from studio.metadata import read_metadata
from studio.params import MAX_SIDE
from studio.pictures import read_upload, to_png
from studio.reading import MAX_SHOWN
from studio.recipe_text import PARAMETERS_KEY

router = APIRouter()

MAX_BATCH = 20
_Share = Annotated[float, Field(ge=0, le=1)]
_Target = Annotated[int, Field(ge=1, le=4 * MAX_SIDE)]
_DONE = "<p>Upscaled by the chosen method; nothing was stored.</p>"


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


@router.post("/extra-single-image", summary="Enlarge a picture", operation_id="extra_single_image")
async def extra_single_image(request: Request, body: SingleBody) -> Response:
    """By Lanczos or Nearest, whichever is named; None leaves it as it is."""
    _check(body)
    made = await _enlarged(request, body, body.image, "image")
    return await run_in_threadpool(
        JSONResponse, {"html_info": _DONE, "image": made if body.show_extras_results else None}
    )


@router.post("/extra-batch-images", summary="Enlarge pictures", operation_id="extra_batch_images")
async def extra_batch_images(request: Request, body: BatchBody) -> Response:
    """As extra-single-image; the answer has them in the same order."""
    _check(body)
    images = [
        await _enlarged(request, body, file.data, f"imageList.{index}")
        for index, file in enumerate(body.image_list)
    ]
    shown = images if body.show_extras_results else []
    return await run_in_threadpool(JSONResponse, {"html_info": _DONE, "images": shown})


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


def _check(body: ExtrasBody) -> None:
    for name in ("gfpgan_visibility", "codeformer_visibility"):
        if getattr(body, name) > 0:
            raise InvalidRequest("restoring faces is not offered by this studio; leave it out", field=name)
    check_upscaler(body.upscaler_1, field="upscaler_1")
    check_upscaler(body.upscaler_2, field="upscaler_2")


async def _enlarged(request: Request, body: ExtrasBody, text: str, field: str) -> str:
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        return await run_in_threadpool(_enlarge, body, text, field)


def _enlarge(body: ExtrasBody, text: str, field: str) -> str:
    content = from_base64(text, field=field)
    image = read_upload(content, field=field)
    made = _by(body, image, body.upscaler_1)
    if body.extras_upscaler_2_visibility > 0 and body.upscaler_2 != NONE:
        made = blended(made, _by(body, image, body.upscaler_2), body.extras_upscaler_2_visibility)
    info = read_metadata(content, field=field).get(PARAMETERS_KEY)
    png = to_png(made)
    return to_base64(png if info is None else png_text.splice(png, {PARAMETERS_KEY: info.replace("\0", "")}))


def _by(body: ExtrasBody, image: Any, upscaler: str) -> Any:
    if body.resize_mode == 0:
        return by_factor(image, body.upscaling_resize, upscaler)
    target = (body.upscaling_resize_w, body.upscaling_resize_h)
    return to_size(image, target, upscaler, crop=body.upscaling_crop)


def _texts(text: str, field: str) -> dict[str, str]:
    return read_metadata(from_base64(text, field=field), field=field)
