"""What programs may call through Gradio: five named endpoints, the same as tools of /mcp, by the same code.

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
from studio.caller import asking
from studio.errors import StudioError
from studio.service import Studio
from ui.asking import caller_behind

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
        ("wait_for_job", _wait(run)),
        ("list_models", _models(run)),
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
            with asking(caller_behind(request)):
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


def _wait(run: Run) -> Run:
    async def wait_for_job(
        request: gr.Request, job_id: str, wait_seconds: float = MAX_WAIT
    ) -> dict[str, Any]:
        """Go on waiting for a job; with `wait_seconds` 0 only look at it."""
        return await run("wait_for_job", request, job_id=job_id, wait_seconds=wait_seconds, preview=0)

    return wait_for_job


def _models(run: Run) -> Run:
    async def list_models(request: gr.Request) -> dict[str, Any]:
        """List the models: what each can do, its defaults and limits."""
        return await run("list_models", request)

    return list_models
