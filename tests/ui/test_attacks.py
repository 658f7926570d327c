"""What a stranger may try on the mounted page: every door is shut."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.ui.studio_page import Served, serve_page
from tests.ui.test_programs import NAMES

KEY = "a long key that nobody guesses"
ROUTES = (
    "/", "/config", "/gradio_api/info", "/gradio_api/app_id", "/gradio_api/startup-events", "/theme.css",
    "/gradio_api/heartbeat/abc", "/gradio_api/queue/data?session_hash=abc", "/api/queue", "/api/events",
    "/api/docs", "/api/openapi.json", "/studio-assets/studio.css", "/api/library", "/manifest.json",
)  # fmt: skip


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    """A program that talks to the page without being the page."""
    with httpx.Client(base_url=served.base, timeout=30, trust_env=False) as client:
        yield client


def endpoints(client: httpx.Client) -> list[int]:
    """The numbers of every function the page can call."""
    return [dependency["id"] for dependency in client.get("/config").json()["dependencies"]]


def test_no_function_of_the_page_opens_a_file_that_a_request_names(
    stranger: httpx.Client, tmp_path: Path
) -> None:
    secret = tmp_path / "outside.png"
    Image.new("RGB", (3, 4), "red").save(secret)
    named = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    numbers = endpoints(stranger)
    assert numbers
    for number in numbers:
        body = {"data": [named] * 40, "fn_index": number, "session_hash": f"stranger{number}"}
        stranger.post("/gradio_api/queue/join", json=body)
        answer = stranger.post(f"/gradio_api/run/{number}", json={"data": [named] * 40})
        assert answer.status_code >= 400, (number, answer.text[:200])
    for path in (secret, Path("/etc/passwd")):
        for spelling in (f"/gradio_api/file={path}", f"/file={path}", f"/gradio_api/file=../../..{path}"):
            answer = stranger.get(spelling)
            assert answer.status_code in (403, 404), spelling
            assert b"root:" not in answer.content


def outcome(client: httpx.Client, number: int, inputs: list[object]) -> dict[str, object]:
    """How a call of that function ends."""
    who = f"caller{number}"
    body = {"data": inputs, "fn_index": number, "session_hash": who}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 200
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": who}) as events:
        for line in events.iter_lines():
            if "process_completed" in line:
                ended: dict[str, object] = json.loads(line.removeprefix("data: "))
                return ended
    raise AssertionError("the call does not end")


def test_no_function_of_the_page_fetches_what_a_request_names(stranger: httpx.Client) -> None:
    named = {"path": "https://studio.example/x", "url": "https://studio.example/x"}
    file = {**named, "meta": {"_type": "gradio.FileData"}}
    functions = stranger.get("/config").json()["dependencies"]
    taking = [function for function in functions if function["inputs"]]
    assert {"generate", "edit", "vary"} <= {function["api_name"] for function in taking}
    for function in taking:
        ended = outcome(stranger, function["id"], [[file]] * len(function["inputs"]))
        assert not ended["success"]
        assert "Files are not taken here" in str(ended["output"]), function["api_name"]


def test_the_page_fetches_nothing_for_a_stranger(stranger: httpx.Client) -> None:
    for path in ("/gradio_api/file=http://127.0.0.1:1/x", "/gradio_api/proxy=http://127.0.0.1:1/x"):
        assert stranger.get(path, follow_redirects=False).status_code >= 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_can_not_upload(stranger: httpx.Client, origin: str) -> None:
    files = {"files": ("x.png", b"x", "image/png")}
    answer = stranger.post("/gradio_api/upload", files=files, headers={"Origin": origin})
    assert answer.status_code == 403


def test_an_upload_through_gradio_is_small_or_refused(stranger: httpx.Client) -> None:
    files = {"files": ("x.bin", io.BytesIO(b"x" * 3_000_000), "application/octet-stream")}
    assert stranger.post("/gradio_api/upload", files=files).status_code == 413


def test_the_page_has_no_public_functions_but_those_for_programs(stranger: httpx.Client) -> None:
    info = stranger.get("/gradio_api/info").json()
    assert set(info["named_endpoints"]) == NAMES
    assert info["unnamed_endpoints"] == {}


def test_a_name_that_is_not_ours_is_turned_away(stranger: httpx.Client) -> None:
    for path in ("/", "/config", "/api/queue"):
        assert stranger.get(path, headers={"Host": "evil.example"}).status_code == 421


def test_with_a_key_nothing_but_health_answers_without_it(tmp_path: Path) -> None:
    with (
        serve_page(tmp_path, api_key=KEY) as served,
        httpx.Client(base_url=served.base, timeout=30, trust_env=False) as client,
    ):
        for route in ROUTES:
            answer = client.get(route)
            assert answer.status_code == 401, route
            assert "Basic" in answer.headers["www-authenticate"]
        assert client.post("/gradio_api/queue/join", json={}).status_code == 401
        assert client.get("/api/health").status_code == 200
        assert client.get("/config", auth=("me", KEY)).status_code == 200
        assert client.get("/api/queue", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
