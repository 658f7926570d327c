"""From a checked request to a job in the queue."""

import asyncio

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from studio.api.bodies import NOT_STORED_YET, PictureFields
from studio.api.forms import EditForm, VariationForm, read_form
from studio.errors import InvalidRequest, ModelFilesMissing, UnknownModel
from studio.intake import Upload
from studio.job import Job
from studio.params import GenerationParams, JobType
from studio.recipes import to_recipe
from studio.service import Studio

# Decoding a picture of the largest size takes up to 100 MB and one core.
DECODERS = 2


async def submit_text(studio: Studio, body: PictureFields, key: str | None) -> Job:
    """The pending job of a JSON request. Errors: as Studio.submit."""
    params = body.to_params(JobType.GENERATE, default_model=studio.catalog.default)
    return await run_in_threadpool(studio.submit, params, idempotency_key=key)


async def submit_edit(request: Request, studio: Studio, key: str | None) -> Job:
    """The pending job of an edit form. Errors: as Studio.upload and Studio.submit."""
    async with read_form(request, EditForm) as form:
        upload = await _store(request, studio, JobType.EDIT, form)
        return await _submit(studio, JobType.EDIT, form, upload, key)


async def submit_variation(request: Request, studio: Studio, key: str | None) -> Job:
    """The pending job of a variation form. Errors: as Studio.upload and Studio.submit."""
    async with read_form(request, VariationForm) as form:
        upload = await _store(request, studio, JobType.VARIATION, form)
        return await _submit(studio, JobType.VARIATION, form, upload, key)


async def _store(request: Request, studio: Studio, type_: JobType, form: EditForm | VariationForm) -> Upload:
    """The form's pictures, stored once everything else about the request is known to be right."""
    mask = form.mask if isinstance(form, EditForm) else None
    params = form.to_params(
        type_,
        default_model=studio.catalog.default,
        input_image=NOT_STORED_YET,
        mask=None if mask is None else NOT_STORED_YET,
    )
    await run_in_threadpool(check_offer, studio, params)
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        return await run_in_threadpool(
            studio.upload,
            await form.image.read(),
            None if mask is None else await mask.read(),
            alpha_marks_area=type_ is JobType.EDIT,
        )


async def _submit(
    studio: Studio, type_: JobType, form: PictureFields, upload: Upload, key: str | None
) -> Job:
    params = form.to_params(
        type_, default_model=studio.catalog.default, input_image=upload.image, mask=upload.mask
    )
    size = (upload.width, upload.height)
    return await run_in_threadpool(studio.submit, params, input_size=size, idempotency_key=key)


def check_offer(studio: Studio, params: GenerationParams) -> None:
    """Refuse what `submit` would refuse anyway, before a picture is stored for it.

    Errors: InvalidRequest; ModelFilesMissing.
    """
    try:
        entry = studio.model(params.model)
    except UnknownModel as error:
        raise InvalidRequest(error.message, field="model") from None
    if entry.missing:
        raise ModelFilesMissing(
            f"Model {entry.model.id!r} is not downloaded: {', '.join(entry.missing)} missing.",
            missing=entry.missing,
        )
    to_recipe(params, entry.model, random_seed=lambda: 0, input_size=None)
