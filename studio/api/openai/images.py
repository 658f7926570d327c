"""POST /images/…: from OpenAI's requests to jobs of the queue, and back to pictures."""

from fastapi import APIRouter, Request, Response

from studio.api.dependencies import IdempotencyKey, StudioDep
from studio.api.forms import read_form
from studio.api.openai.answers import answer
from studio.api.openai.bodies import EditsForm, GenerationsBody, VariationsForm, with_model
from studio.api.openai.names import model_called
from studio.api.submission import SentPictures, submit_pictures, submit_text
from studio.errors import InvalidRequest
from studio.params import JobType

router = APIRouter(prefix="/images")

# Clients that send several pictures call each of them this.
_OTHER_NAMES = {"image[]": "image"}


@router.post("/generations")
async def generate(
    request: Request, body: GenerationsBody, studio: StudioDep, key: IdempotencyKey = None
) -> Response:
    """Pictures from words."""
    model = model_called(studio.catalog, body.model)
    job = await submit_text(studio, with_model(body, model.id), key)
    return await answer(request, studio, job, body.wanted(), "image_generation.completed")


@router.post("/edits")
async def edit(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> Response:
    """A picture changed by words: where the mask is fully transparent, or all of it."""
    async with read_form(request, EditsForm, _OTHER_NAMES) as form:
        model = model_called(studio.catalog, form.model)
        first, *further = form.image
        if further and not model.capabilities.references:
            raise InvalidRequest(
                f"{len(form.image)} pictures; the model {model.id!r} takes one: it looks at no others",
                field="image",
            )
        sent = SentPictures(first, form.mask, further, alpha_marks_area=True, holes=True)
        job = await submit_pictures(request, studio, JobType.EDIT, with_model(form, model.id), sent, key)
    return await answer(request, studio, job, form.wanted(), "image_edit.completed")


@router.post("/variations")
async def vary(request: Request, studio: StudioDep, key: IdempotencyKey = None) -> Response:
    """Pictures like another one."""
    async with read_form(request, VariationsForm, _OTHER_NAMES) as form:
        model = model_called(studio.catalog, form.model)
        fields = with_model(form, model.id)
        job = await submit_pictures(request, studio, JobType.VARIATION, fields, SentPictures(form.image), key)
    return await answer(request, studio, job, form.wanted(), "image_variation.completed")
