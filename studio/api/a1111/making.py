"""txt2img and img2img: jobs like all others, and waiting for them."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from studio.api.a1111.bodies import Body, ImageBody, TextBody
from studio.api.a1111.callers import Caller, CallerDep
from studio.api.a1111.control import PICTURE_FIELD
from studio.api.a1111.info import answer_of
from studio.api.a1111.overrides import keep
from studio.api.a1111.translation import Translation, translate
from studio.api.base64_pictures import from_base64
from studio.api.bodies import NOT_STORED_YET
from studio.api.dependencies import StudioDep
from studio.api.outcome import NothingMade, made
from studio.api.submission import check_offer
from studio.errors import InvalidRequest
from studio.inputs import PaintedInput
from studio.job import Generation
from studio.params import GenerationParams
from studio.service import Studio

router = APIRouter()

Stored = TypeVar("Stored")


@router.post("/txt2img", summary="Pictures from words", operation_id="txt2img")
async def txt2img(request: Request, body: TextBody, studio: StudioDep, caller: CallerDep) -> Response:
    """Waits for the pictures as `POST /api/generate` does."""
    translation = await run_in_threadpool(translate, studio, body, caller)
    params = translation.to_params()
    if translation.control is not None:
        await run_in_threadpool(check_offer, studio, translation.to_params(control_image=NOT_STORED_YET))
        control = await _decoded(request, partial(_stored_control, studio, translation))
        params = translation.to_params(control_image=control)
    return await _made(request, studio, caller, body, translation, params)


@router.post("/img2img", summary="Pictures from a picture and words", operation_id="img2img")
async def img2img(request: Request, body: ImageBody, studio: StudioDep, caller: CallerDep) -> Response:
    """With a mask only what is white in it is painted. Waits as txt2img does."""
    translation = await run_in_threadpool(translate, studio, body, caller)
    if len(body.init_images or ()) != 1:
        raise InvalidRequest(
            f"needs exactly one picture, not {len(body.init_images or ())}", field="init_images"
        )
    # Everything that can be refused is, before a picture is stored for it.
    checked = translation.to_params(
        input_image=NOT_STORED_YET,
        mask=NOT_STORED_YET if body.mask else None,
        control_image=None if translation.control is None else NOT_STORED_YET,
    )
    await run_in_threadpool(check_offer, studio, checked)
    stored = await _decoded(request, partial(_stored, studio, body))
    control = await _decoded(request, partial(_stored_control, studio, translation))
    params = translation.to_params(input_image=stored.image, mask=stored.mask, control_image=control)
    return await _made(request, studio, caller, body, translation, params, stored.size)


async def _decoded(request: Request, work: Callable[[], Stored]) -> Stored:
    """What `work` gives, with no more others beside it than pictures are decoded at a time."""
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        return await run_in_threadpool(work)


def _stored_control(studio: Studio, translation: Translation) -> str | None:
    control = translation.control
    if control is None:
        return None
    return studio.upload_control(from_base64(control.picture, field=PICTURE_FIELD), field=PICTURE_FIELD)


def _stored(studio: Studio, body: ImageBody) -> PaintedInput:
    (picture,) = body.init_images or ("",)
    return studio.inputs.save_for_img2img(
        from_base64(picture, field="init_images"),
        from_base64(body.mask, field="mask") if body.mask else None,
        invert=body.inpainting_mask_invert == 1,
        fill=not body.inpainting_fill,
    )


async def _made(
    request: Request,
    studio: Studio,
    caller: Caller,
    body: Body,
    translation: Translation,
    params: GenerationParams,
    input_size: tuple[int, int] | None = None,
) -> Response:
    """Submits, waits, and answers with what the job made, or why there is nothing to show (yet)."""
    submitted = await run_in_threadpool(studio.submit, params, input_size=input_size)
    if translation.kept is not None:
        keep(caller, translation.kept)
    generation = await made_for(request, studio, caller, submitted.id)
    return await run_in_threadpool(_answer, studio, body, generation)


async def made_for(request: Request, studio: Studio, caller: Caller, job_id: str) -> Generation:
    """What the caller's job made; until it is over, the caller's /progress tells of it. Errors: as `made`."""
    caller.remember(job_id)
    try:
        generation = await made(request, studio, job_id)
    except NothingMade as fault:
        if fault.is_over:
            caller.forget(job_id)
        raise
    caller.forget(job_id)
    return generation


def _answer(studio: Studio, body: Body, generation: Generation) -> Response:
    # In ASCII: names in the request may hold what UTF-8 can't.
    text = json.dumps(answer_of(studio, body, generation), allow_nan=False)
    return Response(text, media_type="application/json")
