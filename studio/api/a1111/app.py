"""The A1111 door as an application of its own."""

import asyncio

from fastapi import FastAPI

from studio.api.a1111 import extras, lists, making, running, settings_routes
from studio.api.a1111.callers import Callers
from studio.api.a1111.errors import add_handlers, error_response
from studio.api.limits import BASE64_BYTES, BodyLimit
from studio.darkroom import studio_version
from studio.service import Studio


def create_a1111(studio: Studio, decoders: asyncio.Semaphore) -> FastAPI:
    """A1111's API over a studio, for mounting at /sdapi/v1; `decoders` bounds pictures decoded at a time."""
    api = FastAPI(
        title="sd.cpp Studio as A1111",
        version=studio_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.studio = studio
    api.state.decoders = decoders
    api.state.callers = Callers()
    for part in (making, running, extras, settings_routes, lists):
        api.include_router(part.router)
    add_handlers(api)
    api.add_middleware(BodyLimit, json_bytes=BASE64_BYTES, answer=error_response)
    return api
