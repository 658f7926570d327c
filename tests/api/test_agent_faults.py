"""What /mcp refuses, and how: tool errors for the model, HTTP for strangers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from studio.caller import Scope
from studio.errors import EngineRefused
from tests.api.agent_client import MODES, PROMPT, data_of, fault_of, in_base64, talking_to
from tests.api.serving import Served, png, serving
from tests.api.test_agents import call
from tests.api.test_keys import keys_of
from tests.fakes import FakeClock

KEY = "a key of many letters"
ACCEPT = {"Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("generate", {"prompt": "  "}, "prompt: must not be empty"),
        ("generate", {}, "prompt: is required"),
        ("generate", {"prompt": PROMPT, "n": 11}, "n: input should be less than or equal to 10, not 11"),
        ("generate", {"prompt": PROMPT, "stepps": 3}, "stepps: unknown field"),
        ("generate", {"prompt": PROMPT, "size": "1x1"}, "size: 1x1 is out of range"),
        ("generate", {"prompt": PROMPT, "model": "none"}, "model: "),
        ("generate", {"prompt": PROMPT, "model": "absent"}, "is not downloaded"),
        ("generate", {"prompt": "\x00"}, "control character"),
        ("generate", {"prompt": PROMPT, "wait_seconds": 301}, "wait_seconds: "),
        ("generate", {"prompt": PROMPT, "preview": 1025}, "preview: "),
        ("edit", {"image": "not-a-picture", "prompt": PROMPT}, "image: 'not-a-picture' is no id"),
        ("edit", {"image": "!" * 200, "prompt": PROMPT}, "image: is not base64"),
        ("edit", {"image": "A" * 200, "prompt": PROMPT}, "image: "),
        ("edit", {"image": "http://127.0.0.1/x.png", "prompt": PROMPT}, "image: an address"),
        ("edit", {"image": "0" * 64, "prompt": PROMPT}, "not stored"),
        ("edit", {"image": "0199c0de-8d01-7e42-9a77-0242ac120002", "prompt": PROMPT}, "0199c0de"),
        ("edit", {"image": in_base64(png()), "mask": "x" * 99, "prompt": PROMPT}, "mask: "),
        ("edit", {"image": in_base64(png()), "prompt": PROMPT, "inpaint_area": "masked"}, "no mask"),
        ("edit", {"image": in_base64(png()), "prompt": PROMPT, "model": "generator"}, "generator"),
        ("vary", {"image": in_base64(png()), "mask": "x"}, "mask: unknown field"),
        ("job_status", {"job_id": "x"}, "No job has the id 'x'"),
        ("wait_for_job", {"job_id": "x"}, "No job has the id 'x'"),
        ("cancel_job", {"job_id": "\ud800"}, "No job has the id"),
        ("get_picture", {"image_id": "../../etc/passwd"}, "image"),
        ("search_history", {"limit": 51}, "limit: "),
        ("search_history", {"before": "oldest-3"}, "before: "),
        ("list_models", {"all": True}, "all: unknown field"),
    ],
)
def test_a_wrong_argument_is_an_error_of_the_tool_that_names_it(
    served: Served, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    before = len(served.engine.recipes)
    if "\ud800" in json.dumps(arguments, ensure_ascii=False):
        body = {**PING, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        answer = httpx.post(
            f"{served.base}/mcp", content=json.dumps(body),
            headers={**ACCEPT, "Content-Type": "application/json"}, trust_env=False,
        )  # fmt: skip
        assert answer.status_code < 500
        assert "error" in answer.text.casefold()
    else:
        assert sentence in fault_of(call(served, tool, **arguments))
    assert len(served.engine.recipes) == before


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_tool_is_an_error_of_the_protocol(served: Served, mode: str) -> None:
    async def ask() -> None:
        async with talking_to(served.base, mode) as client:
            with pytest.raises(MCPError, match="No tool 'delete_everything'"):
                await client.call_tool("delete_everything", {})

    asyncio.run(ask())


def test_a_job_that_failed_says_why_and_which_it_was(own: Served) -> None:
    own.engine.faults.append(EngineRefused("the engine takes no circles"))
    sentence = fault_of(call(own, "generate", prompt=PROMPT))
    job = own.studio.jobs().rows[0]
    assert sentence == f"the engine takes no circles (job {job.id})"
    assert data_of(call(own, "job_status", job_id=job.id))["error"] == "the engine takes no circles"


def test_a_full_queue_is_said(tmp_path: Path) -> None:
    with serving(tmp_path, max_pending=1) as served:
        served.engine.hold()
        call(served, "generate", prompt=PROMPT, wait_seconds=0)
        served.engine.wait_until_sampling()
        call(served, "generate", prompt=PROMPT, wait_seconds=0)
        assert "full" in fault_of(call(served, "generate", prompt=PROMPT, wait_seconds=0))


def test_the_key_opens_the_door(tmp_path: Path) -> None:
    with serving(tmp_path, api_key=KEY) as served:
        refused = httpx.post(f"{served.base}/mcp", json=PING, headers=ACCEPT, trust_env=False)
        assert refused.status_code == 401
        assert refused.json()["error"]["message"].startswith("This studio needs a key")

        async def look(mode: str, **headers: str) -> int:
            async with talking_to(served.base, mode, **headers) as client:
                return len((await client.list_tools()).tools)

        for mode in MODES:
            for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}):
                assert asyncio.run(look(mode, **headers)) > 0
            with pytest.raises((MCPError, ExceptionGroup)):
                asyncio.run(look(mode))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "[::1]:3000"}, 200),
        ({"Host": "192.0.2.7:3000"}, 200),
        ({"Host": "studio.example:8080"}, 200),
        ({"Host": "studio.example", "Origin": "https://studio.example"}, 200),
    ],
)
def test_names_and_origins_are_judged_by_the_guard_alone(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    with serving(tmp_path, allowed_hosts="studio.example") as served:
        answer = httpx.post(f"{served.base}/mcp", json=PING, headers={**ACCEPT, **headers}, trust_env=False)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert "generate" in answer.text
    else:
        assert answer.json()["jsonrpc"] == "2.0"


def test_links_lead_where_the_client_came_from(tmp_path: Path) -> None:
    with serving(tmp_path, allowed_hosts="studio.example") as served:
        arguments = {"prompt": PROMPT, "preview": 0}
        body = {**PING, "method": "tools/call", "params": {"name": "generate", "arguments": arguments}}
        answer = httpx.post(
            f"{served.base}/mcp/", json=body, headers={**ACCEPT, "Host": "studio.example:8080"},
            timeout=60, trust_env=False,
        )  # fmt: skip
    assert "http://studio.example:8080/api/images/" in answer.text


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_there_is_nothing_but_post(served: Served, method: str) -> None:
    answer = served.http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0"}',
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":1,"method":"x"}',
    ],
)
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28", "1066-10-14"])
def test_rubbish_gets_a_short_answer(served: Served, body: bytes, version: str) -> None:
    headers = {**ACCEPT, "Content-Type": "application/json", "MCP-Protocol-Version": version}
    answer = served.http.post("/mcp", content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert '"error"' in answer.text


def test_a_body_over_the_limit_is_refused_before_it_is_read(served: Served) -> None:
    lines = (
        "POST /mcp HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Content-Length: 99999999",
    )
    answer = served.raw("\r\n".join([*lines, "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the limit is" in answer


@pytest.mark.parametrize("mode", MODES)
def test_a_job_belongs_to_the_key_it_came_with_and_only_that_one_cancels_it(
    tmp_path: Path, mode: str
) -> None:
    with serving(tmp_path, api_key=KEY, clock=(clock := FakeClock())) as served:
        ada, bob = (keys_of(served).add(name, Scope.SUBMIT) for name in ("ada", "bob"))
        clock.advance(1)
        served.engine.hold()

        async def ask(key: str, tool: str, **arguments: Any) -> CallToolResult:
            async with talking_to(served.base, mode, **{"X-Api-Key": key}) as client:
                return await client.call_tool(tool, arguments)

        job_id = data_of(asyncio.run(ask(ada, "generate", prompt=PROMPT, wait_seconds=0)))["job_id"]
        assert served.studio.job(job_id).owner == "ada"
        assert "somebody else" in fault_of(asyncio.run(ask(bob, "cancel_job", job_id=job_id)))
        assert not asyncio.run(ask(ada, "cancel_job", job_id=job_id)).is_error
