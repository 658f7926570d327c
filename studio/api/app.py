"""The API as an application of its own, and how it joins the studio's outer one."""

import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from studio.api import (
    batch,
    downloads,
    events,
    features,
    generate,
    generations,
    grids,
    health,
    images,
    inputs,
    library,
    models,
    outcome,
    presets,
    probes,
    queue,
    queue_control,
    replays,
    sockets,
    upscaling,
    webhooks,
)
from studio.api.a1111.app import create_a1111
from studio.api.a1111.errors import error_response as a1111_response
from studio.api.access import HostRule
from studio.api.agents import app as agents
from studio.api.errors import add_handlers
from studio.api.guard import Guard
from studio.api.hub import Hub
from studio.api.limits import BodyLimit
from studio.api.openai.app import create_openai
from studio.api.openai.errors import respond
from studio.api.proxies import BehindProxies
from studio.api.submission import DECODERS
from studio.darkroom import studio_version
from studio.service import Studio

PAGE = Path(__file__).with_name("page.html")
# The page's own style and script are in it; it talks to this studio only.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
_DESCRIPTION = """
Pictures from [stable-diffusion.cpp](https://github.com/leejet/stable-diffusion.cpp), through a durable queue.

* **Waiting**: `POST /generate`, `/edit` and `/variation` answer when the pictures are there.
* **Not waiting**: `POST /queue/…` answers at once with a `job_id`; `GET /queue/{id}` tells how far it is.
* **Listening**: `GET /events`, or the websocket `/ws`, tells what happens as it happens.
* **Pictures**: the answers name their ids; `GET /images/{id}` gives the file.

Every fault is `{"error": "one sentence"}`. Times are whole seconds since the epoch, ids are UUIDs, seeds are
decimal strings on the way out. Every POST that makes a job takes an `Idempotency-Key`, so it can be repeated
safely.
"""


def create_api(studio: Studio) -> FastAPI:
    """The REST API over a studio, with its documentation at /docs and /openapi.json."""
    api = FastAPIOffline(
        title="sd.cpp Studio",
        version=studio_version(),
        description=_DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs-assets",
        redirect_slashes=False,
        # Without this the page asks a validator on the internet about the document.
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
    )
    api.state.studio = studio
    api.state.decoders = asyncio.Semaphore(DECODERS)
    api.state.picture_records = images.PictureRecords(studio)
    api.state.hub = Hub(studio)
    queues = (queue, queue_control, webhooks, batch, grids)
    pictures = (generations, replays, library, images, inputs)
    for part in (
        health,
        generate,
        upscaling,
        *queues,
        *pictures,
        presets,
        downloads,
        models,
        features,
        events,
        sockets,
    ):
        api.include_router(part.router)
    add_handlers(api)
    outcome.add_handlers(api, generate.nothing_made)
    api.add_middleware(BodyLimit)
    return api


async def waiting_page() -> FileResponse:
    """What is shown at / while there is no better page: what the studio does, and how to ask it by curl."""
    return FileResponse(PAGE, headers={"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-cache"})


def install(app: FastAPI, studio: Studio, page: ASGIApp | None = None) -> None:
    """Give the outer application its guard, its APIs, other programs' among them, and `page` or a plain one.

    `app.state.hosts` can admit further names while it runs.
    """
    app.state.studio = studio
    studio.deliveries.tell_by(webhooks.spell)
    app.include_router(probes.router)
    api = create_api(studio)
    app.mount("/api", api)
    app.mount("/sdapi/v1", create_a1111(studio, api.state.decoders))
    app.mount("/v1", create_openai(studio, decoders=api.state.decoders))
    agents.AgentDoor(studio, api.state.decoders).open(app)
    if page is None:
        app.add_api_route("/", waiting_page, include_in_schema=False)
    else:
        app.mount("/", page)
    add_handlers(app)
    app.state.hosts = HostRule(studio.settings)
    app.add_middleware(
        Guard,
        hosts=app.state.hosts,
        keys=studio.key_ring,
        clock=studio.clock,
        meter=studio.meter,
        responds={"/v1": respond, "/sdapi/v1": a1111_response, agents.PATH: agents.respond},
    )
    app.add_middleware(
        BehindProxies,
        hosts=app.state.hosts,
        root_path=studio.settings.root_path,
        trusted=studio.settings.trusted_proxies,
    )
