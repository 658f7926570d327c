"""The official OpenAI client and all that it can ask for, with the real engine."""

import asyncio
import base64
import io
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI
from PIL import Image

from tests.api.openai_client import async_client, picture_of, talking_to
from tests.system.running import RunningStudio
from tests.system.test_pictures import CIRCLE, Pixels, blue, png, red

pytestmark = pytest.mark.engine

PROMPT = CIRCLE["prompt"]
SEED: dict[str, Any] = {"seed": CIRCLE["seed"]}


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB")).astype(np.int16)


def check_circle(picture: Image.Image) -> None:
    """A red circle on a blue background."""
    seen = pixels(picture)
    assert picture.size == (128, 128)
    assert red(seen)[48:80, 48:80].mean() > 0.8
    assert blue(seen)[:12, :12].mean() > 0.8


def check_models_and_generations(client: OpenAI, studio: RunningStudio) -> None:
    assert "demo" in [model.id for model in client.models.list()]
    assert client.models.retrieve("dall-e-3").id == "demo"
    answer = client.images.generate(prompt=PROMPT, extra_body=SEED)
    assert answer.data is not None and answer.data[0].url is not None
    content = httpx.get(answer.data[0].url, trust_env=False).content
    check_circle(Image.open(io.BytesIO(content)))
    with studio.api as api:
        newest = api.get("/generations").json()[0]
    assert (newest["prompt"], newest["seed"], newest["model"]) == (PROMPT, "7", "demo")
    same = client.images.generate(
        prompt=PROMPT, model="gpt-image-1", n=2, quality="low", style="natural", size="128x128",
        output_format="jpeg", output_compression=90, background="auto", extra_body={**SEED, "steps": 2},
    )  # fmt: skip
    assert same.data is not None and len(same.data) == 2
    for item in same.data:
        picture = picture_of(item.b64_json)
        assert (picture.format, picture.size) == ("JPEG", (128, 128))


def check_edits_and_variations(client: OpenAI) -> None:
    source = Image.new("RGB", (128, 128), (30, 160, 60))
    mask = Image.new("RGBA", source.size, "black")
    mask.paste((0, 0, 0, 0), (0, 0, 64, 128))
    edited = client.images.edit(
        image=png(source), mask=png(mask), prompt=PROMPT, response_format="b64_json",
        extra_body={**SEED, "strength": 1, "steps": 4},
    )  # fmt: skip
    assert edited.data is not None
    seen = pixels(picture_of(edited.data[0].b64_json))
    assert np.array_equal(seen[:, 64:], pixels(source)[:, 64:])
    assert np.abs(seen - pixels(source))[:, :60].mean() > 20
    with pytest.deprecated_call():
        varied = client.images.create_variation(
            image=png(source), n=2, size="256x256", extra_body={"strength": 0.3, "steps": 2}
        )
    assert varied.data is not None
    assert len({item.url for item in varied.data}) == 2
    assert varied.size == "256x256"


def check_streams(client: OpenAI) -> None:
    with client.images.generate(
        prompt=PROMPT, stream=True, partial_images=2, output_format="webp", extra_body=SEED
    ) as stream:
        (made,) = stream
    assert made.type == "image_generation.completed"
    check_circle(picture_of(made.b64_json))
    source = png(Image.new("RGB", (128, 128), "green"))
    with client.images.edit(image=source, prompt=PROMPT, stream=True, extra_body={"steps": 2}) as stream:
        (edited,) = stream
    assert edited.type == "image_edit.completed"
    assert base64.b64decode(edited.b64_json).startswith(b"\x89PNG")


def check_faults(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.images.generate(prompt=PROMPT, model="none")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError, match="takes one"):
        client.images.edit(image=[png(Image.new("RGB", (64, 64)))] * 2, prompt=PROMPT)
    with pytest.raises(openai.BadRequestError, match="1x1"):
        client.images.generate(prompt=PROMPT, size="1x1")


def test_the_official_client_does_its_whole_repertoire(studio: RunningStudio) -> None:
    with talking_to(studio.base) as client:
        check_models_and_generations(client, studio)
        check_edits_and_variations(client)
        check_streams(client)
        check_faults(client)


def test_requests_of_the_asynchronous_client_wait_in_the_queue_together(studio: RunningStudio) -> None:
    async def ask() -> list[Any]:
        async with async_client(studio.base) as client:
            requests = (
                client.images.generate(prompt=PROMPT, model="gpt-image-1", extra_body=SEED) for _ in range(2)
            )
            return await asyncio.gather(*requests)

    pictures = [picture_of(answer.data[0].b64_json) for answer in asyncio.run(ask())]
    for picture in pictures:
        check_circle(picture)
    assert np.array_equal(pixels(pictures[0]), pixels(pictures[1]))
    with studio.api as api:
        newest = api.get("/generations").json()[:2]
    assert [generation["prompt"] for generation in newest] == [PROMPT] * 2
