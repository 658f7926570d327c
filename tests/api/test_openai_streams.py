"""Pictures as events, as the official OpenAI client reads them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from openai import OpenAI
from starlette.routing import Mount

from studio.errors import EngineRefused
from tests.api.openai_client import PROMPT, async_client, picture_of, talking_to
from tests.api.serving import Served, png, serving


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[OpenAI]:
    with talking_to(served.base) as talking:
        yield talking


def test_each_picture_is_an_event_of_its_own(client: OpenAI) -> None:
    stream = client.images.generate(prompt=PROMPT, stream=True, n=2, partial_images=3, output_format="webp")
    with stream:
        events = list(stream)
    assert [event.type for event in events] == ["image_generation.completed"] * 2
    for event in events:
        picture = picture_of(event.b64_json)
        assert (picture.format, picture.size) == ("WEBP", (128, 128))
        assert (event.output_format, event.size, event.quality) == ("webp", "128x128", "medium")
        assert event.background == "opaque" and event.created_at > 0
        assert event.type == "image_generation.completed" and event.usage.total_tokens == 0
    assert len({event.b64_json for event in events}) == 2


def test_an_edit_is_streamed_as_an_edit(client: OpenAI) -> None:
    with client.images.edit(image=png(), prompt=PROMPT, stream=True) as stream:
        (event,) = stream
    assert event.type == "image_edit.completed"
    assert picture_of(event.b64_json).size == (144, 96)


async def _events(served: Served) -> list[Any]:
    async with async_client(served.base) as client:
        stream = await client.images.generate(prompt=PROMPT, stream=True)
        return [event async for event in stream]


def test_the_asynchronous_client_reads_the_same_events(served: Served) -> None:
    (event,) = asyncio.run(_events(served))
    assert event.type == "image_generation.completed"
    assert picture_of(event.b64_json).size == (128, 128)


def test_a_wrong_request_is_refused_before_the_stream_begins(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="size"):
        client.images.generate(prompt=PROMPT, stream=True, size="7x7")


def test_a_job_that_fails_ends_the_stream_with_an_error(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine does not like circles."))
    with (
        talking_to(own.base) as client,
        client.images.generate(prompt=PROMPT, stream=True) as stream,
        pytest.raises(openai.APIError, match="does not like circles") as caught,
    ):
        list(stream)
    assert (caught.value.type, caught.value.code) == ("server_error", "engine_refused")


def door(app: FastAPI) -> FastAPI:
    """The application behind /v1."""
    (mount,) = (route for route in app.routes if isinstance(route, Mount) and route.path == "/v1")
    assert isinstance(mount.app, FastAPI)
    return mount.app


def test_a_stream_that_waits_shows_that_it_is_alive(tmp_path: Path) -> None:
    with serving(tmp_path) as slow:
        door(slow.app).state.keep_alive = 0.01
        slow.engine.hold()
        body = {"prompt": PROMPT, "stream": True}
        request = httpx.stream("POST", f"{slow.base}/v1/images/generations", json=body, trust_env=False)
        with request as answer:
            lines = answer.iter_lines()
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert next(lines).startswith(":")
            slow.engine.release()
            assert "event: image_generation.completed" in lines


def test_a_reader_that_leaves_a_stream_leaves_its_job_to_go_on(own: Served) -> None:
    own.engine.hold()
    with talking_to(own.base) as client:
        stream = client.images.generate(prompt=PROMPT, stream=True)
        job_id = stream.response.headers["x-job-id"]
        own.engine.wait_until_sampling()
        stream.close()
    assert own.job(job_id)["status"] == "processing"
    own.engine.release()
    assert own.final(job_id)["status"] == "completed"
