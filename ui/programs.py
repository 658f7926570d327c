"""What programs may call through Gradio: nine named endpoints, the same as tools of /mcp, by the same code.

Everything else on the page is private. No picture goes through Gradio: answers hold ids and addresses.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from gradio.events import api

from studio.api.agents.bodies import MAX_WAIT
from studio.api.agents.calls import Call
from studio.api.agents.tools import TOOLS
from studio.api.errors import sentence_of
from studio.api.submission import DECODERS
from studio.errors import StudioError
from studio.service import Studio

# Of Gradio's forty places for work; who waits holds one of them.
CALLERS = 32
_TOOLS = {tool.name: tool for tool in TOOLS}

Run = Callable[..., Awaitable[dict[str, Any]]]


def offer(studio: Studio) -> None:
    """Add the endpoints to the page that is being built."""
    run = _runner(studio)
    for name, endpoint in (
        ("generate", _generate(run)),
        ("edit", _edit(run)),
        ("vary", _vary(run)),
        ("upscale", _upscale(run)),
        ("wait_for_job", _wait(run)),
        ("cancel_job", _cancel(run)),
        ("list_models", _models(run)),
        ("search_history", _search(run)),
        ("get_picture", _picture(run)),
    ):
        api(endpoint, api_name=name, concurrency_limit=CALLERS, concurrency_id="programs")


def _runner(studio: Studio) -> Run:
    # The page may be built before there is an application, and doors share nothing but the studio.
    decoders = asyncio.Semaphore(DECODERS)

    async def unheard(_: float, __: str) -> None:
        """Gradio tells progress only of functions that belong to a form."""

    async def run(tool: str, request: gr.Request, **given: Any) -> dict[str, Any]:
        base_url = "" if request.request is None else str(request.request.base_url)
        call = Call(studio, decoders, base_url, unheard)
        try:
            made = await _TOOLS[tool].run(call, {k: v for k, v in given.items() if v is not None})
        except StudioError as error:
            raise gr.Error(sentence_of(error), print_exception=False) from None
        return made.view.model_dump(mode="json")

    return run


def _generate(run: Run) -> Run:
    async def generate(
        request: gr.Request,
        prompt: str,
        model: str | None = None,
        negative_prompt: str | None = None,
        size: str = "auto",
        n: int = 1,
        seed: str | int = -1,
        steps: int | None = None,
        cfg_scale: float | None = None,
        sampler: str | None = None,
        scheduler: str | None = None,
        wait_seconds: float = MAX_WAIT,
    ) -> dict[str, Any]:
        """Make 1 to 10 pictures from words; the answer has their ids and addresses."""
        return await run(
            "generate", request, prompt=prompt, model=model, negative_prompt=negative_prompt, size=size, n=n,
            seed=seed, steps=steps, cfg_scale=cfg_scale, sampler=sampler, scheduler=scheduler,
            wait_seconds=wait_seconds, preview=0,
        )  # fmt: skip

    return generate


def _edit(run: Run) -> Run:
    async def edit(
        request: gr.Request,
        image: str,
        prompt: str,
        mask: str | None = None,
        strength: float | None = None,
        model: str | None = None,
        negative_prompt: str | None = None,
        size: str = "auto",
        n: int = 1,
        seed: str | int = -1,
        steps: int | None = None,
        cfg_scale: float | None = None,
        wait_seconds: float = MAX_WAIT,
    ) -> dict[str, Any]:
        """Change a picture by words: `image` is its id or the sha256 of a stored input, as `mask` is."""
        return await run(
            "edit", request, image=image, prompt=prompt, mask=mask, strength=strength, model=model,
            negative_prompt=negative_prompt, size=size, n=n, seed=seed, steps=steps, cfg_scale=cfg_scale,
            wait_seconds=wait_seconds, preview=0,
        )  # fmt: skip

    return edit


def _vary(run: Run) -> Run:
    async def vary(
        request: gr.Request,
        image: str,
        strength: float | None = None,
        prompt: str = "",
        model: str | None = None,
        n: int = 1,
        seed: str | int = -1,
        wait_seconds: float = MAX_WAIT,
    ) -> dict[str, Any]:
        """Make pictures like another one: `image` is its id or the sha256 of a stored input."""
        return await run(
            "vary", request, image=image, strength=strength, prompt=prompt, model=model, n=n, seed=seed,
            wait_seconds=wait_seconds, preview=0,
        )  # fmt: skip

    return vary


def _upscale(run: Run) -> Run:
    async def upscale(
        request: gr.Request,
        image: str,
        method: str,
        factor: float | None = None,
        size: str | None = None,
        wait_seconds: float = MAX_WAIT,
    ) -> dict[str, Any]:
        """Make a picture 1 to 4 times larger by lanczos or a network: `upscalers` of list_models."""
        return await run(
            "upscale", request, image=image, method=method, factor=factor, size=size,
            wait_seconds=wait_seconds, preview=0,
        )  # fmt: skip

    return upscale


def _wait(run: Run) -> Run:
    async def wait_for_job(
        request: gr.Request, job_id: str, wait_seconds: float = MAX_WAIT
    ) -> dict[str, Any]:
        """Go on waiting for a job; with `wait_seconds` 0 only look at it."""
        return await run("wait_for_job", request, job_id=job_id, wait_seconds=wait_seconds, preview=0)

    return wait_for_job


def _cancel(run: Run) -> Run:
    async def cancel_job(request: gr.Request, job_id: str) -> dict[str, Any]:
        """Cancel a job that waits or runs; one that runs may take a moment to stop."""
        return await run("cancel_job", request, job_id=job_id)

    return cancel_job


def _models(run: Run) -> Run:
    async def list_models(request: gr.Request) -> dict[str, Any]:
        """List the models: what each can do, its defaults and limits."""
        return await run("list_models", request)

    return list_models


def _search(run: Run) -> Run:
    async def search_history(
        request: gr.Request,
        q: str | None = None,
        model: str | None = None,
        type: str | None = None,
        favourite: bool | None = None,
        tag: str | None = None,
        limit: int = 10,
        before: str | None = None,
    ) -> dict[str, Any]:
        """Find pictures that were made here, the newest first; `next`, given as `before`, goes on."""
        return await run(
            "search_history", request, q=q, model=model, type=type, favourite=favourite, tag=tag, limit=limit,
            before=before, preview=0,
        )  # fmt: skip

    return search_history


def _picture(run: Run) -> Run:
    async def get_picture(request: gr.Request, image_id: str) -> dict[str, Any]:
        """Everything that made a picture, and its address."""
        return await run("get_picture", request, image_id=image_id, preview=0)

    return get_picture
