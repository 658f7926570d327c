"""From a checked request to a job in the queue."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import Request, UploadFile
from starlette.concurrency import run_in_threadpool

from studio.api.bodies import NOT_STORED_YET, GenerateBody, PictureFields
from studio.api.forms import EditForm, VariationForm, read_form
from studio.errors import InvalidRequest, ModelFilesMissing, UnknownModel
from studio.job import Job
from studio.loras import check_loras
from studio.params import GenerationParams, JobType
from studio.recipes import to_recipe
from studio.service import Studio

# Decoding a picture of the largest size takes up to 100 MB and one core.
DECODERS = 2


@dataclass(frozen=True)
class SentPictures:
    """The files of a request; for what the two words at the end mean see Intake.take."""

    image: UploadFile
    mask: UploadFile | None = None
    references: Sequence[UploadFile] = ()
    control: UploadFile | None = None
    alpha_marks_area: bool = False
    holes: bool = False


async def submit_text(
    studio: Studio,
    body: PictureFields,
    key: str | None,
    *,
    control_image: str | None = None,
    webhook: str | None = None,
) -> Job:
    """The pending job of a JSON request. Errors: as Studio.submit."""
    params = body.to_params(
        JobType.GENERATE, default_model=studio.catalog.default, control_image=control_image
    )
    return await run_in_threadpool(studio.submit, params, idempotency_key=key, webhook=webhook)


async def submit_generate(studio: Studio, body: GenerateBody, key: str | None) -> Job:
    """The pending job of a picture from words. Errors: as Studio.submit."""
    return await submit_text(studio, body, key, control_image=body.control_image, webhook=body.webhook)


async def submit_edit(request: Request, studio: Studio, key: str | None) -> Job:
    """The pending job of an edit form. Errors: as Studio.upload and Studio.submit."""
    async with read_form(request, EditForm) as form:
        sent = SentPictures(form.image, form.mask, form.references, form.control_image, alpha_marks_area=True)
        return await submit_pictures(request, studio, JobType.EDIT, form, sent, key, form.webhook)


async def submit_variation(request: Request, studio: Studio, key: str | None) -> Job:
    """The pending job of a variation form. Errors: as Studio.upload and Studio.submit."""
    async with read_form(request, VariationForm) as form:
        sent = SentPictures(form.image, control=form.control_image)
        return await submit_pictures(request, studio, JobType.VARIATION, form, sent, key, form.webhook)


async def submit_pictures(
    request: Request,
    studio: Studio,
    type_: JobType,
    fields: PictureFields,
    sent: SentPictures,
    key: str | None,
    webhook: str | None = None,
) -> Job:
    """The pending job of a request with pictures, from whichever form.

    They are stored once all else is known to be right. Errors: as Studio.upload and Studio.submit.
    """
    studio.check_webhook(webhook)
    # The picture's transparent part may be the mask, which shows only when it is decoded.
    may_have_mask = sent.mask is not None or (sent.alpha_marks_area and _paints_masked_area(fields))
    build = partial(fields.to_params, type_, default_model=studio.catalog.default)
    expected = build(
        input_image=NOT_STORED_YET,
        mask=NOT_STORED_YET if may_have_mask else None,
        references=[NOT_STORED_YET] * len(sent.references),
        control_image=None if sent.control is None else NOT_STORED_YET,
    )
    await run_in_threadpool(check_offer, studio, expected)
    decoders: asyncio.Semaphore = request.app.state.decoders
    async with decoders:
        upload = await run_in_threadpool(
            studio.upload,
            await sent.image.read(),
            None if sent.mask is None else await sent.mask.read(),
            alpha_marks_area=sent.alpha_marks_area,
            holes=sent.holes,
        )
        references, control = await _stored_beside(studio, sent)
    params = build(input_image=upload.image, mask=upload.mask, references=references, control_image=control)
    size = (upload.width, upload.height)
    return await run_in_threadpool(
        studio.submit, params, input_size=size, idempotency_key=key, webhook=webhook
    )


async def _stored_beside(studio: Studio, sent: SentPictures) -> tuple[list[str], str | None]:
    """The ids of the pictures looked at, and of the control picture. Errors: as Intake.take_reference."""
    references = [
        await run_in_threadpool(studio.upload_reference, await file.read()) for file in sent.references
    ]
    if sent.control is None:
        return references, None
    return references, await run_in_threadpool(studio.upload_control, await sent.control.read())


def _paints_masked_area(fields: PictureFields) -> bool:
    return isinstance(fields, EditForm) and fields.inpaint_area == "masked"


def check_offer(studio: Studio, params: GenerationParams) -> None:
    """Refuse what `submit` would refuse anyway, before a picture is stored for it.

    Errors: InvalidRequest; ModelFilesMissing.
    """
    try:
        entry = studio.models.get(params.model)
    except UnknownModel as error:
        raise InvalidRequest(error.message, field="model") from None
    if entry.missing:
        raise ModelFilesMissing(
            f"Model {entry.model.id!r} is not downloaded: {', '.join(entry.missing)} missing.",
            missing=entry.missing,
        )
    check_loras(params.loras, entry.model)
    to_recipe(params, entry.model, random_seed=lambda: 0, input_size=None)
