"""Pictures that people bring: stored for a job to come, or read for how they were made."""

import asyncio
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Request, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from studio.api.dependencies import StudioDep, only
from studio.api.errors import faults
from studio.api.forms import PICTURE, body_of, read_form
from studio.api.picture_files import PICTURE_FILE, Thumb, answer_file
from studio.inputs import StoredInput
from studio.partial_params import to_json
from studio.reading import Reading, Source

router = APIRouter(tags=["Inputs"])

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

InputId = Annotated[str, Path(description="sha256 of the stored picture", examples=[_SHA256])]


class InputForm(BaseModel):
    """A picture, or a mask, to start from."""

    model_config = ConfigDict(extra="forbid")

    image: UploadFile = Field(description=f"the picture: {PICTURE}")
    kind: Literal["picture", "mask"] = Field(
        "picture", description="a mask is stored as one channel: white, or transparent, repaints"
    )


class FromImageBody(BaseModel):
    """A picture that was made here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image_id: str = Field(examples=["0199c0de-8d01-7e42-9a77-0242ac120002"])


class ImportForm(BaseModel):
    """A picture whose making is asked for."""

    model_config = ConfigDict(extra="forbid")

    image: UploadFile = Field(description=f"PNG, JPEG or WEBP with its texts still in it: {PICTURE}")


class InputView(BaseModel):
    """A stored input; `id` is what `input_image` and `mask` of a request take."""

    id: str = Field(description="sha256 of the stored PNG", examples=[_SHA256])
    width: int = Field(description="pixels, upright", examples=[512])
    height: int = Field(description="pixels, upright", examples=[512])

    @classmethod
    def of(cls, stored: StoredInput) -> Self:
        return cls(id=stored.id, width=stored.width, height=stored.height)


class ReadingView(BaseModel):
    """What a picture tells about its making."""

    source: Source | None = Field(description="who wrote it; null if there is nothing to repeat")
    params: dict[str, Any] = Field(
        description="fields of a request, those that this studio can repeat; the seed is decimal text",
        examples=[{"prompt": "a red circle", "steps": 8, "seed": "42", "sampler": "euler"}],
    )
    text: str | None = Field(description="as it stands in the picture, plain text", examples=[None])

    @classmethod
    def of(cls, reading: Reading) -> Self:
        return cls(source=reading.source, params=to_json(reading.params), text=reading.text)


@router.post(
    "/inputs", response_model=InputView, responses=faults(400, 413, 507), dependencies=[only()],
    summary="Store a picture to start from", operation_id="add_input", openapi_extra=body_of(InputForm),
)  # fmt: skip
async def add_input(request: Request, studio: StudioDep) -> InputView:
    """It is turned upright, flattened over white and stored once, however often it is sent.

    What no job came to use is removed when the studio starts again.
    """
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with read_form(request, InputForm) as form:
        save = studio.inputs.save_mask if form.kind == "mask" else studio.inputs.save_picture
        async with decoders:
            return InputView.of(await run_in_threadpool(save, await form.image.read()))


@router.post(
    "/inputs/from-image", response_model=InputView, responses=faults(400, 404, 507), dependencies=[only()],
    summary="Start from a picture that was made here", operation_id="add_input_from_image",
)  # fmt: skip
async def add_input_from_image(request: Request, studio: StudioDep, body: FromImageBody) -> InputView:
    """As `POST /inputs`, without sending the picture."""
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        return InputView.of(await run_in_threadpool(studio.inputs.save_made, body.image_id))


@router.get(
    "/inputs/{input_id}", response_class=FileResponse, responses={**faults(400, 404, 416), **PICTURE_FILE},
    dependencies=[only("thumb")], summary="A stored input", operation_id="get_input",
)  # fmt: skip
@router.head("/inputs/{input_id}", include_in_schema=False)
async def get_input(request: Request, studio: StudioDep, input_id: InputId, thumb: Thumb = None) -> Response:
    """The PNG, or a thumbnail of it. Takes `Range` and `If-None-Match`."""

    def answer() -> Response:
        path = studio.inputs.file(input_id, thumb)
        missing = f"The input picture {input_id} is not stored here; upload it again."
        return answer_file(request, path, name=input_id, sha256=input_id, thumb=thumb, missing=missing)

    return await run_in_threadpool(answer)


@router.post(
    "/import", response_model=ReadingView, responses=faults(400, 413), dependencies=[only()],
    summary="Read how a picture was made", operation_id="read_picture", openapi_extra=body_of(ImportForm),
)  # fmt: skip
async def read_picture(request: Request, studio: StudioDep) -> ReadingView:
    """From the texts that this studio, A1111 and its kin, or stable-diffusion.cpp leave in their pictures.

    Nothing is stored. What can't be repeated here (unknown models, samplers, values out of range) is left
    out of `params`; `text` shows all of it.
    """
    async with read_form(request, ImportForm) as form:
        return ReadingView.of(await run_in_threadpool(studio.shelf.read, await form.image.read()))
