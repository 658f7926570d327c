"""The tools that make pictures, and the wait for them."""

from functools import partial

from starlette.concurrency import run_in_threadpool

from studio.api.agents.bodies import (
    EditArguments,
    GenerateArguments,
    UpscaleArguments,
    VaryArguments,
    WaitArguments,
)
from studio.api.agents.calls import Answer, Call, answer
from studio.api.agents.sources import stored, stored_control
from studio.api.agents.views import JobAnswer
from studio.api.bodies import NOT_STORED_YET
from studio.api.outcome import nothing_of
from studio.api.submission import check_offer
from studio.api.waiting import follow
from studio.errors import EngineError, InvalidRequest
from studio.job import Image, Job, JobStatus, Phase
from studio.params import JobType
from studio.store import is_id


async def generate(call: Call, given: GenerateArguments) -> Answer:
    """Pictures from words."""
    studio = call.studio
    build = partial(given.to_params, JobType.GENERATE, default_model=studio.catalog.default)
    control = None
    if given.control_image is not None:
        await run_in_threadpool(check_offer, studio, build(control_image=NOT_STORED_YET))
        control = await call.decode(partial(stored_control, studio, given.control_image))
    params = build(control_image=control)
    job = await run_in_threadpool(studio.submit, params)
    return await _waited(call, job.id, given.wait_seconds, given.preview)


async def edit(call: Call, given: EditArguments) -> Answer:
    """A picture changed by words."""
    return await _from_picture(call, given, JobType.EDIT)


async def vary(call: Call, given: VaryArguments) -> Answer:
    """Pictures like another one."""
    return await _from_picture(call, given, JobType.VARIATION)


async def upscale(call: Call, given: UpscaleArguments) -> Answer:
    """A picture made larger."""
    studio = call.studio
    await run_in_threadpool(studio.upscaling.check, given.to_params(NOT_STORED_YET))
    inputs = await call.decode(partial(stored, studio, given))
    params = given.to_params(inputs.image, given.image if is_id(given.image) else None)
    job = await run_in_threadpool(studio.upscaling.submit, params)
    return await _waited(call, job.id, given.wait_seconds, given.preview)


async def wait_for_job(call: Call, given: WaitArguments) -> Answer:
    """A job's pictures, once they are there."""
    return await _waited(call, given.job_id, given.wait_seconds, given.preview)


async def _from_picture(call: Call, given: EditArguments | VaryArguments, type_: JobType) -> Answer:
    studio = call.studio
    build = partial(given.to_params, type_, default_model=studio.catalog.default)
    # Everything else about the request is looked at before a picture is stored for it.
    mask, references = None, 0
    if isinstance(given, EditArguments):
        # What is transparent in the picture may be the mask, which shows only when it is decoded.
        mask = NOT_STORED_YET if given.mask is not None or given.inpaint_area == "masked" else None
        references = len(given.references)
    control = None if given.control_image is None else NOT_STORED_YET
    looked_at = [NOT_STORED_YET] * references
    expected = build(input_image=NOT_STORED_YET, mask=mask, references=looked_at, control_image=control)
    await run_in_threadpool(check_offer, studio, expected)
    inputs = await call.decode(partial(stored, studio, given))
    params = build(
        input_image=inputs.image,
        mask=inputs.mask,
        references=inputs.references,
        control_image=inputs.control,
    )
    job = await run_in_threadpool(partial(studio.submit, params, input_size=inputs.size))
    return await _waited(call, job.id, given.wait_seconds, given.preview)


async def _waited(call: Call, job_id: str, seconds: float, edge: int) -> Answer:
    """The job with its pictures, or as it is after that time.

    Errors: NotFound; Stopping; EngineError or InvalidRequest for a job without pictures, naming it.
    """
    studio = call.studio
    told = -1.0

    async def tell(job: Job) -> None:
        nonlocal told
        fraction = 0.0 if job.progress is None else job.progress.fraction
        if fraction > told:  # the protocol wants it to grow
            told = fraction
            await call.report(fraction, _words(job))

    try:
        job = await follow(studio, job_id, min(seconds, studio.settings.wait_seconds), tell)
    except TimeoutError:
        job = await run_in_threadpool(studio.job, job_id)
    fault = nothing_of(job) if job.is_final else None
    if fault is not None:
        kind = InvalidRequest if fault.status < 500 else EngineError
        raise kind(f"{fault.sentence} (job {job.id})")
    images = await run_in_threadpool(pictures_of, call, job)
    view = JobAnswer.of(job, studio.engine.state, images, call.base_url)
    return await answer(call, view, images, edge)


def pictures_of(call: Call, job: Job) -> list[Image]:
    """The pictures of a job that are still there. Errors: NotFound if they went this very moment."""
    if job.status is not JobStatus.COMPLETED or job.generation_id is None:
        return []
    return list(call.studio.generation(job.generation_id).images)


def _words(job: Job) -> str:
    progress = job.progress
    if job.status is JobStatus.PENDING or progress is None:
        return "waiting in the queue" + ("" if job.position is None else f", number {job.position}")
    if progress.phase is Phase.SAMPLING:
        return f"step {progress.step} of {progress.steps}, picture {progress.image} of {progress.images}"
    return str(progress.phase)
