"""Making pictures larger: which upscalers there are, and jobs for them."""

import asyncio
import json
import re
from typing import Annotated, Any, Self

from fastapi import APIRouter, Request, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.concurrency import run_in_threadpool

from studio.api.bodies import NOT_STORED_YET, WebhookField
from studio.api.dependencies import IdempotencyKey, StudioDep, only
from studio.api.errors import faults, invalid
from studio.api.forms import PICTURE, read_form
from studio.api.generate import finished, queued
from studio.api.views import QueuedView, ResultView
from studio.errors import InvalidRequest
from studio.job import Job
from studio.service import Studio
from studio.upscalers import LANCZOS, Upscaler
from studio.upscaling import MAX_FACTOR, MAX_RESULT_PIXELS, Factor, UpscaleParams

router = APIRouter()

_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_JSON = "application/json"


def _size(value: str) -> str:
    if _SIZE.fullmatch(value) is None:
        raise ValueError('is not "WIDTHxHEIGHT", for example 2048x2048')
    return value


class UpscaleFields(WebhookField):
    """By which method, and how large."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    method: str = Field(
        min_length=1,
        max_length=500,
        description=f"{LANCZOS}, or a name of GET /upscalers",
        examples=[LANCZOS],
    )
    factor: Factor | None = Field(
        None,
        description=f"of both sides, 1 to {MAX_FACTOR:g}; left out: the upscaler's own, or 2",
        examples=[2],
    )
    size: Annotated[str, AfterValidator(_size)] | None = Field(
        None,
        description="instead of a factor: WIDTHxHEIGHT in pixels, 1 to 4 times as large; a picture of "
        f"another shape is cut to it evenly. At most {MAX_RESULT_PIXELS} pixels",
    )

    def to_params(self, input_image: str, source_image: str | None = None) -> UpscaleParams:
        """What the studio is asked for. Errors: InvalidRequest naming the field."""
        match = None if self.size is None else _SIZE.fullmatch(self.size)
        sides = {} if match is None else {"width": int(match[1]), "height": int(match[2])}
        ids = {"input_image": input_image, "source_image": source_image}
        try:
            return UpscaleParams(**ids, method=self.method, factor=self.factor, **sides)
        except ValidationError as error:
            raise invalid(error) from None


class UpscaleForm(UpscaleFields):
    """A picture to be made larger."""

    image: UploadFile = Field(description=f"the picture: {PICTURE}")


class UpscaleBody(UpscaleFields):
    """A picture that is here already, to be made larger: exactly one of the two is named."""

    image_id: str | None = Field(
        None,
        max_length=100,
        description="a picture that was made here",
        examples=["0199c0de-8d01-7e42-9a77-0242ac120002"],
    )
    input_image: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="sha256 of a stored input, see POST /inputs"
    )

    @model_validator(mode="after")
    def _is_one_picture(self) -> Self:
        if (self.image_id is None) == (self.input_image is None):
            raise ValueError('image: give either "image_id" or "input_image"')
        return self


class UpscalerView(BaseModel):
    """A method of making pictures larger."""

    name: str = Field(description="what `method` takes; plain text", examples=[LANCZOS])
    scale: int | None = Field(
        description="how many times larger a network makes both sides in one go; null: any", examples=[None]
    )
    max_factor: float = Field(description="what `factor` may say at most", examples=[MAX_FACTOR])
    bytes: int = Field(description="size of the file; 0 where there is none", examples=[0])

    @classmethod
    def of(cls, upscaler: Upscaler) -> Self:
        most = min(MAX_FACTOR, upscaler.scale**2)
        return cls(name=upscaler.name, scale=upscaler.scale, max_factor=most, bytes=upscaler.size)


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": UpscaleBody.model_json_schema()},
            "multipart/form-data": {"schema": UpscaleForm.model_json_schema()},
        },
    }
}


@router.get(
    "/upscalers", response_model=list[UpscalerView], responses=faults(400), dependencies=[only()],
    tags=["Models"], summary="How pictures can be made larger", operation_id="list_upscalers",
)  # fmt: skip
async def list_upscalers(studio: StudioDep) -> list[UpscalerView]:
    """Lanczos, which needs nothing, and the networks of the ESRGAN kind below `models/upscalers`.

    That folder lies beside models.yml; what models.yml names as `upscale_model` or in an `upscalers_dir` is
    listed as well.
    """
    networks = await run_in_threadpool(studio.upscaling.all)
    plain = UpscalerView(name=LANCZOS, scale=None, max_factor=MAX_FACTOR, bytes=0)
    return [plain, *map(UpscalerView.of, networks)]


@router.post(
    "/upscale", response_model=ResultView, responses=faults(400, 404, 409, 413, 429, 500, 503, 504, 507),
    tags=["Pictures, waiting for them"], summary="A picture made larger", operation_id="upscale",
    openapi_extra=_BODY,
)  # fmt: skip
async def upscale(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> ResultView:
    """An uploaded picture as a form, or one that is here already as JSON.

    Waits as `POST /generate` does.
    """
    return await finished(request, studio, await submit_upscale(request, studio, key))


@router.post(
    "/queue/upscale", response_model=QueuedView, responses=faults(400, 404, 409, 413, 429, 503, 507),
    tags=["Queue"], summary="Put a job in the queue: a picture made larger", operation_id="queue_upscale",
    openapi_extra=_BODY,
)  # fmt: skip
async def queue_upscale(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> QueuedView:
    """As `POST /upscale`, without the wait."""
    return queued(await submit_upscale(request, studio, key))


async def submit_upscale(request: Request, studio: Studio, key: str | None) -> Job:
    """The pending job of a form or a JSON body. Errors: as UpscaleControl.submit."""
    decoders: asyncio.Semaphore = request.app.state.decoders
    if not _is_json(request):
        async with read_form(request, UpscaleForm) as form:
            studio.check_webhook(form.webhook)
            await run_in_threadpool(studio.upscaling.check, form.to_params(NOT_STORED_YET))
            content = await form.image.read()
            async with decoders:
                stored = await run_in_threadpool(studio.inputs.save_picture, content)
            return await _submit(studio, form, form.to_params(stored.id), key)
    body = await _body(request)
    if body.image_id is None:
        return await _submit(studio, body, body.to_params(body.input_image or ""), key)
    studio.check_webhook(body.webhook)
    image = (await run_in_threadpool(studio.shelf.entry, body.image_id)).image
    checked = body.to_params(NOT_STORED_YET)
    await run_in_threadpool(studio.upscaling.check, checked, (image.width, image.height))
    async with decoders:
        stored = await run_in_threadpool(studio.inputs.save_made, body.image_id)
    return await _submit(studio, body, body.to_params(stored.id, body.image_id), key)


async def _submit(studio: Studio, fields: UpscaleFields, params: UpscaleParams, key: str | None) -> Job:
    return await run_in_threadpool(
        lambda: studio.upscaling.submit(params, idempotency_key=key, webhook=fields.webhook)
    )


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON


async def _body(request: Request) -> UpscaleBody:
    """Errors: InvalidRequest."""
    try:
        return UpscaleBody.model_validate(json.loads(await request.body()), strict=True)
    except ValidationError as error:
        raise invalid(error) from None
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not JSON.") from None
