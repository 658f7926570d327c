"""The official MCP client and all its tools, with `python app.py` and the real engine."""

import asyncio
import io
from typing import Any

import httpx
import numpy as np
import pytest
from mcp import Client
from PIL import Image

from tests.api.agent_client import MODES, data_of, fault_of, in_base64, links_of, pictures_of, talking_to
from tests.system.running import RunningStudio
from tests.system.test_openai import check_circle, pixels
from tests.system.test_pictures import CIRCLE, png

pytestmark = pytest.mark.engine

PROMPT = CIRCLE["prompt"]


async def check_generating(client: Client) -> str:
    told: list[float] = []

    async def hear(progress: float, _total: float | None, _message: str | None) -> None:
        told.append(progress)

    arguments: dict[str, Any] = {"prompt": PROMPT, "seed": CIRCLE["seed"]}
    result = await client.call_tool("generate", arguments, progress_callback=hear)
    (made,) = data_of(result)["pictures"]
    check_circle(pictures_of(result)[0])
    async with httpx.AsyncClient(trust_env=False) as plain:
        content = (await plain.get(links_of(result)[0])).content
    check_circle(Image.open(io.BytesIO(content)))
    assert told == sorted(set(told))
    return str(made["id"])


async def check_changing(client: Client, image_id: str) -> None:
    mask = Image.new("L", (128, 128), 0)
    mask.paste(255, (0, 0, 64, 128))
    edited = await client.call_tool(
        "edit", {"image": image_id, "mask": in_base64(png(mask)), "prompt": "a green square", "strength": 1}
    )
    varied = await client.call_tool("vary", {"image": image_id, "strength": 0.3, "n": 2, "steps": 4})
    assert len(pictures_of(varied)) == len(data_of(varied)["pictures"]) == 2
    async with httpx.AsyncClient(trust_env=False) as plain:
        before = (await plain.get(links_of(edited)[0].rpartition("/")[0] + f"/{image_id}")).content
        after = (await plain.get(links_of(edited)[0])).content
    first, second = (pixels(Image.open(io.BytesIO(content))) for content in (before, after))
    assert np.array_equal(first[:, 64:], second[:, 64:])
    assert np.abs(first - second)[:, :60].mean() > 5


async def check_queueing(client: Client) -> None:
    queued = data_of(await client.call_tool("generate", {"prompt": PROMPT, "wait_seconds": 0, "steps": 100}))
    ended = await client.call_tool("cancel_job", {"job_id": queued["job_id"]})
    assert data_of(ended)["job_id"] == queued["job_id"]
    assert "cancelled" in fault_of(await client.call_tool("wait_for_job", {"job_id": queued["job_id"]}))
    seen = data_of(await client.call_tool("job_status", {"job_id": queued["job_id"]}))
    assert seen["status"] == "cancelled"


async def check_looking(client: Client, image_id: str) -> None:
    models = data_of(await client.call_tool("list_models", {}))["models"]
    assert models[0]["id"] == "demo"
    found = data_of(await client.call_tool("search_history", {"q": "circle", "limit": 50}))
    assert image_id in [item["id"] for item in found["pictures"]]
    picture = await client.call_tool("get_picture", {"image_id": image_id})
    assert data_of(picture)["prompt"] == PROMPT
    check_circle(pictures_of(picture)[0])


@pytest.mark.parametrize("mode", MODES)
def test_the_official_client_does_its_whole_repertoire(studio: RunningStudio, mode: str) -> None:
    async def work() -> None:
        async with talking_to(studio.base, mode) as client:
            image_id = await check_generating(client)
            await check_changing(client, image_id)
            await check_queueing(client)
            await check_looking(client, image_id)

    asyncio.run(work())
