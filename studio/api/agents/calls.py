"""One call of a tool, and what comes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from mcp_types import ImageContent
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from studio.api.agents.previews import MIME_TYPE, preview
from studio.errors import NotFound
from studio.job import Image
from studio.service import Studio

Made = TypeVar("Made")


@dataclass(frozen=True)
class Call:
    """What a tool works with.

    `base_url` is the studio's address as the client knows it, with a slash at its end; `report` tells the
    client how far it is, 0 to 1, and with which words.
    """

    studio: Studio
    decoders: asyncio.Semaphore
    base_url: str
    report: Callable[[float, str], Awaitable[None]]

    async def decode(self, work: Callable[[], Made]) -> Made:
        """What `work` gives, off the loop and with no more others beside it than pictures are decoded."""
        async with self.decoders:
            return await run_in_threadpool(work)


@dataclass(frozen=True)
class Answer:
    """What a tool says: a view for programs, pictures to link, and small ones to show."""

    view: BaseModel
    links: Sequence[Image] = ()
    shown: Sequence[ImageContent] = field(default=())


async def answer(call: Call, view: BaseModel, images: Sequence[Image], edge: int) -> Answer:
    """The view with these pictures; each is shown at most `edge` pixels large, or not at all for 0."""
    shown = []
    for image in images if edge else ():
        try:
            content = await call.decode(partial(_preview, call.studio, image, edge, len(images)))
        except NotFound:
            continue  # deleted this very moment
        shown.append(ImageContent(data=content, mime_type=MIME_TYPE))
    return Answer(view, images, shown)


def _preview(studio: Studio, image: Image, edge: int, count: int) -> str:
    try:
        return preview(studio.image_file(image).read_bytes(), edge, count)
    except FileNotFoundError:
        raise NotFound(f"The file of image {image.id} is gone.") from None
