"""OpenAI's API as an application of its own."""

import asyncio

from fastapi import FastAPI

from studio.api.limits import BodyLimit
from studio.api.openai import images, models
from studio.api.openai.answers import KEEP_ALIVE_SECONDS
from studio.api.openai.errors import add_envelope, respond
from studio.service import Studio


def create_openai(
    studio: Studio, *, decoders: asyncio.Semaphore, keep_alive: float = KEEP_ALIVE_SECONDS
) -> FastAPI:
    """The door for OpenAI's clients over a studio.

    `decoders` bounds how many pictures are decoded at once, all doors together; `keep_alive` is after how
    many seconds of silence a stream says that it is alive.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.studio = studio
    app.state.decoders = decoders
    app.state.keep_alive = keep_alive
    for part in (models, images):
        app.include_router(part.router)
    add_envelope(app)
    app.add_middleware(BodyLimit, answer=respond)
    return app
