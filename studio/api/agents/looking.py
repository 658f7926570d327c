"""The tools that look: at jobs, models and the history; and the one that cancels."""

from starlette.concurrency import run_in_threadpool

from studio.api.agents.bodies import JobArguments, NoArguments, PictureArguments, SearchArguments
from studio.api.agents.calls import Answer, Call, answer
from studio.api.agents.making import pictures_of
from studio.api.agents.views import (
    FoundAnswer,
    FoundItem,
    JobAnswer,
    ModelItem,
    ModelsAnswer,
    PictureAnswer,
    url_of,
)
from studio.job import Image, Job
from studio.upscalers import LANCZOS


async def job_status(call: Call, given: JobArguments) -> Answer:
    """A job as it is now."""
    return await run_in_threadpool(lambda: _job(call, call.studio.job(given.job_id)))


async def cancel_job(call: Call, given: JobArguments) -> Answer:
    """A job after the wish to cancel it."""
    return await run_in_threadpool(lambda: _job(call, call.studio.cancel(given.job_id)))


def _job(call: Call, job: Job) -> Answer:
    images = pictures_of(call, job)
    return Answer(JobAnswer.of(job, call.studio.engine.state, images, call.base_url), images)


async def list_models(call: Call, _: NoArguments) -> Answer:
    """Every model, the usable ones first."""

    def look() -> Answer:
        entries = sorted(
            call.studio.models.all(), key=lambda entry: (bool(entry.missing), not entry.is_default)
        )
        upscalers = [LANCZOS, *(upscaler.name for upscaler in call.studio.upscaling.all())]
        return Answer(ModelsAnswer(models=[ModelItem.of(entry) for entry in entries], upscalers=upscalers))

    return await run_in_threadpool(look)


async def search_history(call: Call, given: SearchArguments) -> Answer:
    """Pictures that were made here."""
    listing = await run_in_threadpool(
        lambda: call.studio.shelf.page(
            given.to_filter(), limit=given.limit, order=given.sort, before=given.before
        )
    )
    found = [FoundItem.of(entry, url=url_of(entry.image.id, call.base_url)) for entry in listing.entries]
    view = FoundAnswer(pictures=found, next=listing.next, total=listing.total)
    shown = await answer(call, view, [entry.image for entry in listing.entries], given.preview)
    return Answer(view, shown=shown.shown)  # each has its address in the list already


async def get_picture(call: Call, given: PictureArguments) -> Answer:
    """One picture and everything about it."""

    def look() -> tuple[PictureAnswer, list[Image]]:
        entry = call.studio.shelf.entry(given.image_id)
        more = {
            "url": url_of(entry.image.id, call.base_url),
            "parameters": call.studio.shelf.parameters(entry),
        }
        return PictureAnswer.of(entry, **more), [entry.image]

    view, images = await run_in_threadpool(look)
    return await answer(call, view, images, given.preview)
