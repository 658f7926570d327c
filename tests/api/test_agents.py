"""The tools of /mcp by the official client, over streamable HTTP, with the fake engine."""

import asyncio
import hashlib
import io
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_types import CallToolResult
from PIL import Image

from studio.job import JobStatus
from tests.api.access_log import Heard
from tests.api.agent_client import (
    MODES,
    PROMPT,
    data_of,
    fault_of,
    in_base64,
    links_of,
    pictures_of,
    talking_to,
)
from tests.api.serving import Served, png, serving
from tests.fakes import FakeClock

TOOLS = {
    "generate", "edit", "vary", "upscale", "wait_for_job", "job_status", "cancel_job", "list_models",
    "search_history", "get_picture",
}  # fmt: skip


def call(served: Served, tool: str, mode: str = "auto", **arguments: Any) -> CallToolResult:
    """The answer of one tool."""

    async def ask() -> CallToolResult:
        async with talking_to(served.base, mode) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(ask())


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_are_listed_with_the_ranges_of_what_they_take(served: Served, mode: str) -> None:
    async def look() -> Any:
        async with talking_to(served.base, mode) as client:
            assert client.server_info is not None
            assert client.server_info.title == "sd.cpp Studio"
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(look())}
    assert set(tools) == TOOLS
    fields = tools["generate"].input_schema["properties"]
    assert fields["n"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 10}
    assert fields["steps"]["anyOf"][0]["maximum"] == 100
    assert "user" not in fields
    assert tools["generate"].input_schema["required"] == ["prompt"]
    assert tools["list_models"].annotations.read_only_hint
    assert tools["cancel_job"].annotations.destructive_hint
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema["type"] == "object"


@pytest.mark.parametrize("mode", MODES)
def test_generated_pictures_are_shown_and_linked(served: Served, mode: str) -> None:
    result = call(served, "generate", mode, prompt=PROMPT, n=2, seed=7, steps=3)
    data = data_of(result)
    assert (data["status"], data["prompt"], data["next_step"]) == ("completed", PROMPT, None)
    assert [picture["seed"] for picture in data["pictures"]] == ["7", "8"]
    assert [picture.size for picture in pictures_of(result)] == [(128, 128)] * 2
    links = links_of(result)
    assert links == [picture["url"] for picture in data["pictures"]]
    full = httpx.get(links[0], trust_env=False)
    assert full.headers["content-type"] == "image/png"
    assert served.engine.recipes[-1].steps == 3
    assert served.job(data["job_id"])["image_ids"] == [picture["id"] for picture in data["pictures"]]


def test_ten_large_pictures_are_shown_small_enough_for_any_client(served: Served) -> None:
    result = call(served, "generate", prompt=PROMPT, n=10, size="512x512")
    shown = pictures_of(result)
    assert len(shown) == 10
    assert all(128 <= picture.width < 512 for picture in shown)
    assert len(result.model_dump_json()) < 1_000_000
    assert {(picture["width"], picture["height"]) for picture in data_of(result)["pictures"]} == {(512, 512)}


def test_no_picture_is_shown_to_who_wants_only_the_ids(served: Served) -> None:
    result = call(served, "generate", prompt=PROMPT, preview=0)
    assert pictures_of(result) == []
    assert len(links_of(result)) == 1


def test_a_picture_of_the_history_is_edited_by_its_id(served: Served) -> None:
    made = data_of(call(served, "generate", prompt=PROMPT, preview=0))["pictures"][0]
    mask = in_base64(png(128, 128, "L", 255))
    data = data_of(
        call(served, "edit", image=made["id"], mask=mask, prompt="a green circle", strength=0.5, steps=4)
    )
    assert (data["type"], data["status"], data["size"]) == ("edit", "completed", "128x128")
    job = served.studio.job(data["job_id"])
    assert job.recipe.mask is not None
    assert job.recipe.input_image is not None
    again = data_of(call(served, "edit", image=job.recipe.input_image, mask=job.recipe.mask, prompt="blue"))
    repeated = served.studio.job(again["job_id"]).recipe
    assert (repeated.input_image, repeated.mask) == (job.recipe.input_image, job.recipe.mask)


def test_a_picture_in_base64_is_edited_where_it_is_transparent(served: Served) -> None:
    picture = Image.new("RGBA", (96, 64), "teal")
    picture.paste((0, 0, 0, 0), (0, 0, 48, 64))
    out = io.BytesIO()
    picture.save(out, "PNG")
    hole = out.getvalue()
    for text in (in_base64(hole), f"data:image/png;base64,{in_base64(hole)}"):
        job_id = data_of(call(served, "edit", image=text, prompt="a hat", inpaint_area="masked"))["job_id"]
        recipe = served.studio.job(job_id).recipe
        assert recipe.mask is not None
        assert recipe.inpaint_area == "masked"


def test_a_variation_keeps_the_shape_of_its_picture(served: Served) -> None:
    data = data_of(call(served, "vary", image=in_base64(png(96, 64)), strength=0.3, seed="5"))
    assert (data["type"], data["size"]) == ("variation", "144x96")
    assert data["pictures"][0]["seed"] == "5"


@pytest.mark.parametrize("mode", MODES)
def test_progress_is_told_while_a_call_waits(tmp_path: Path, mode: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def ask() -> CallToolResult:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            told.append((progress, total, message))
            if progress == 0.5:
                halfway.set()

        halfway = asyncio.Event()
        async with talking_to(own.base, mode) as client:
            work = asyncio.create_task(
                client.call_tool("generate", {"prompt": PROMPT}, progress_callback=hear)
            )
            await asyncio.to_thread(own.engine.wait_until_sampling)
            clock.advance(1)
            own.engine.interrupt()  # makes it report again
            await halfway.wait()
            own.engine.release()
            return await work

    clock = FakeClock()
    with serving(tmp_path, clock=clock) as own:
        own.engine.hold()
        assert data_of(asyncio.run(ask()))["status"] == "completed"
    values = [progress for progress, _, _ in told]
    assert values == sorted(set(values)), "each value is larger than the one before"
    assert {total for _, total, _ in told} == {1.0}
    assert "step 4 of 8, picture 1 of 1" in [message for _, _, message in told]


def test_a_job_that_takes_longer_than_the_wait_goes_on(own: Served) -> None:
    own.engine.hold()
    data = data_of(call(own, "generate", prompt=PROMPT, wait_seconds=0))
    assert data["status"] in ("pending", "processing")
    assert "wait_for_job" in data["next_step"]
    own.engine.wait_until_sampling()
    seen = data_of(call(own, "job_status", job_id=data["job_id"]))
    assert (seen["status"], seen["pictures"]) == ("processing", [])
    own.engine.release()
    result = call(own, "wait_for_job", job_id=data["job_id"])
    assert data_of(result)["status"] == "completed"
    assert len(pictures_of(result)) == 1
    assert len(own.studio.jobs().rows) == 1


@pytest.mark.parametrize(("mode", "status"), [("auto", "-"), ("legacy", "200")])
def test_a_client_that_hangs_up_ends_its_wait_and_not_its_job(own: Served, mode: str, status: str) -> None:
    own.engine.hold()
    heard, log = Heard(f"path=/mcp status={status}"), logging.getLogger("studio.access")
    log.setLevel(logging.INFO)

    async def hang_up() -> None:
        async with talking_to(own.base, mode) as client:
            waiting = asyncio.create_task(client.call_tool("generate", {"prompt": PROMPT}))
            await asyncio.to_thread(own.engine.wait_until_sampling)
            # Its other requests are over by now.
            log.addHandler(heard)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    try:
        asyncio.run(hang_up())
        assert heard.event.wait(30), "the server still waits for a client that is gone"
    finally:
        log.removeHandler(heard)
    (job,) = own.studio.jobs().rows
    assert not job.is_final
    own.engine.release()
    assert own.final(job.id)["status"] == "completed"


def test_a_studio_that_shuts_down_says_so_to_who_waits(own: Served) -> None:
    own.engine.hold()

    async def ask() -> CallToolResult:
        async with talking_to(own.base) as client:
            work = asyncio.create_task(client.call_tool("generate", {"prompt": PROMPT}))
            await asyncio.to_thread(own.engine.wait_until_sampling)
            own.studio.stop_accepting()
            return await work

    assert "shutting down" in fault_of(asyncio.run(ask()))


def test_a_running_job_is_cancelled(own: Served) -> None:
    own.engine.hold()
    job_id = data_of(call(own, "generate", prompt=PROMPT, wait_seconds=0))["job_id"]
    own.engine.wait_until_sampling()
    assert data_of(call(own, "cancel_job", job_id=job_id))["job_id"] == job_id
    assert own.final(job_id)["status"] == JobStatus.CANCELLED
    assert "cancelled" in fault_of(call(own, "wait_for_job", job_id=job_id))
    assert data_of(call(own, "job_status", job_id=job_id))["status"] == "cancelled"
    assert job_id in fault_of(call(own, "cancel_job", job_id=job_id))


def test_a_picture_is_made_larger(served: Served) -> None:
    made = data_of(call(served, "generate", prompt=PROMPT, preview=0))["pictures"][0]
    for image in (made["id"], in_base64(png(128, 128))):
        result = call(served, "upscale", image=image, method="lanczos", factor=2)
        data = data_of(result)
        assert (data["type"], data["status"]) == ("upscale", "completed")
        assert [(picture["width"], picture["height"]) for picture in data["pictures"]] == [(256, 256)]
        assert [picture.size for picture in pictures_of(result)] == [(256, 256)]
    assert "nothing" in fault_of(call(served, "upscale", image=made["id"], method="nothing"))


def test_the_models_that_can_be_used_come_first(served: Served) -> None:
    listed = data_of(call(served, "list_models"))
    assert listed["upscalers"] == ["lanczos"]
    models = listed["models"]
    assert [model["id"] for model in models] == ["demo", "generator", "absent"]
    assert models[0]["is_default"]
    assert models[0]["defaults"]["size"] == "128x128"
    assert models[1]["capabilities"]["edit"] is False
    assert models[2]["state"] == "missing"


def test_the_history_is_searched_by_part_and_a_picture_looked_at(own: Served) -> None:
    words = ("a <b>red</b> door", "a blue door", "a cat")
    for prompt in words:
        data_of(call(own, "generate", prompt=prompt, preview=0))
    found = data_of(call(own, "search_history", q="door", limit=1))
    assert (found["total"], [item["prompt"] for item in found["pictures"]]) == (2, [words[1]])
    result = call(own, "search_history", q="door", limit=1, before=found["next"], preview=64)
    (item,) = data_of(result)["pictures"]
    assert item["prompt"] == words[0]
    assert [picture.size for picture in pictures_of(result)] == [(64, 64)]
    whole = call(own, "get_picture", image_id=item["id"])
    assert data_of(whole)["parameters"].startswith(words[0])
    assert pictures_of(whole)[0].size == (128, 128)
    assert links_of(whole) == [item["url"]]


def test_the_full_picture_behind_a_link_is_the_stored_file(served: Served) -> None:
    result = call(served, "generate", prompt=PROMPT)
    record = served.studio.image(data_of(result)["pictures"][0]["id"])
    content = httpx.get(links_of(result)[0], trust_env=False).content
    assert hashlib.sha256(content).hexdigest() == record.sha256
