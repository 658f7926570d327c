"""Behind a reverse proxy: under a path of its own, with the visitor's name and scheme from trusted ones."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Request, WebSocket
from starlette.responses import StreamingResponse
from websockets.sync.client import connect

from studio.caller import Scope
from tests.api.access_log import Heard
from tests.api.serving import PROMPT, Served, serving
from tests.fakes import FakeClock

KEY = "a-key-of-some-length"
BOTH = pytest.mark.parametrize("prefix", ["", "/studio"], ids=["taken off", "kept"])


@pytest.fixture(scope="module")
def under(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio under /studio with a key, and a socket and a stream beside its own routes."""
    with serving(
        tmp_path_factory.mktemp("under"), root_path="/studio", api_key=KEY, allowed_hosts="studio.example"
    ) as running:

        @running.app.websocket("/socket")
        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(str(websocket.url))
            await websocket.close()

        _add_stream(running)
        running.http.headers["X-Api-Key"] = KEY
        yield running


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that believes its neighbours on this machine, and tells what it made of a request."""
    with serving(tmp_path_factory.mktemp("plain"), allowed_hosts="studio.example") as running:
        _add_mirror(running)
        yield running


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that believes one proxy, which is not on this machine."""
    with serving(
        tmp_path_factory.mktemp("wary"), allowed_hosts="studio.example", trusted_proxies="10.1.2.3"
    ) as running:
        _add_mirror(running)
        yield running


def _first(served: Served) -> None:
    """The newest route comes before the page, which takes every path."""
    routes = served.app.router.routes
    routes.insert(0, routes.pop())


def _add_stream(served: Served) -> None:
    @served.app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["data: 1\n\n"]), media_type="text/event-stream")

    _first(served)


def _add_mirror(served: Served) -> None:
    @served.app.get("/mirror")
    async def mirror(request: Request) -> dict[str, object]:
        told = [name for name in request.headers if name.startswith(("x-forwarded", "forwarded"))]
        host = request.client.host if request.client else None
        return {"url": str(request.url), "client": host, "told": told}

    _first(served)


@BOTH
def test_every_door_is_under_the_path_whether_or_not_the_proxy_takes_it_off(
    under: Served, prefix: str
) -> None:
    for path in ("/", "/api/queue", "/api/docs", "/v1/models", "/sdapi/v1/samplers"):
        assert under.http.get(prefix + path).status_code == 200, path


@BOTH
def test_probes_alone_need_no_key_under_the_path(under: Served, prefix: str) -> None:
    stranger = {"X-Api-Key": "wrong"}
    for path in ("/api/health", "/healthz"):
        assert under.http.get(prefix + path, headers=stranger).status_code == 200, path
    for path in ("/", "/api/queue", "/api/health/", "/x/api/health", "/api/api/health"):
        assert under.http.get(prefix + path, headers=stranger).status_code == 401, path


@BOTH
def test_a_key_is_for_the_same_under_the_path(tmp_path: Path, prefix: str) -> None:
    clock = FakeClock()
    with serving(tmp_path, root_path="/studio", clock=clock) as running:
        secrets = {str(scope): running.studio.key_ring._keys.add(str(scope), scope) for scope in Scope}
        clock.advance(1)

        def ask(name: str, path: str) -> int:
            headers = {"X-Api-Key": secrets[name]}
            return running.http.post(prefix + path, json=PROMPT, headers=headers).status_code

        assert ask("read", "/api/queue/generate") == 403
        assert ask("submit", "/api/queue/generate") == 200
        assert ask("submit", "/api/queue/pause") == 403
        assert ask("admin", "/api/queue/pause") == 200


@BOTH
def test_each_door_tells_the_guards_faults_in_its_own_shape_under_the_path(
    under: Served, prefix: str
) -> None:
    stranger = {"X-Api-Key": "wrong"}
    own = under.http.get(f"{prefix}/api/queue", headers=stranger).json()
    openai = under.http.get(f"{prefix}/v1/models", headers=stranger).json()
    a1111 = under.http.get(f"{prefix}/sdapi/v1/samplers", headers=stranger).json()

    mcp = under.http.post(f"{prefix}/mcp", json={}, headers=stranger).json()
    assert list(own) == ["error"]
    assert list(mcp) == ["jsonrpc", "id", "error"]
    assert openai["error"]["code"] == "invalid_api_key"
    assert {"error", "detail", "body", "errors"} <= set(a1111)


@BOTH
def test_the_documentation_asks_for_what_lies_under_the_path(under: Served, prefix: str) -> None:
    page = under.http.get(f"{prefix}/api/docs").text
    document = under.http.get(f"{prefix}/api/openapi.json").json()

    assert "/studio/api/openapi.json" in page
    assert "/studio/api/docs-assets/swagger-ui-bundle.js" in page
    assert document["servers"] == [{"url": "/studio/api"}]
    assert under.http.get(f"{prefix}/api/docs-assets/swagger-ui-bundle.js").status_code == 200


@BOTH
def test_addresses_in_answers_lie_under_the_path(under: Served, prefix: str) -> None:
    headers = {"Host": "studio.example", "X-Forwarded-Proto": "https"}
    made = under.http.post(f"{prefix}/v1/images/generations", json=PROMPT, headers=headers)
    url = made.json()["data"][0]["url"]

    assert url.startswith("https://studio.example/studio/api/images/")
    assert under.http.get(url.removeprefix("https://studio.example")).content.startswith(b"\x89PNG")


@BOTH
def test_a_websocket_is_opened_under_the_path(under: Served, prefix: str) -> None:
    visitor = {"X-Forwarded-Host": "studio.example", "X-Api-Key": KEY, "X-Forwarded-Proto": "https"}
    address = f"{under.base.replace('http', 'ws', 1)}{prefix}/socket"
    with connect(address, additional_headers=visitor, proxy=None) as socket:
        assert socket.recv(30) == "wss://studio.example/studio/socket"


def test_the_path_without_its_slash_leads_to_the_page(under: Served) -> None:
    answer = under.http.get("/studio?tab=queue")

    assert (answer.status_code, answer.headers["location"]) == (308, "/studio/?tab=queue")


@pytest.mark.parametrize("path", ["/studios/api/health", "/studioapi/health", "/studio/studio/api/queue"])
def test_a_path_that_only_looks_like_it_is_not_there(under: Served, path: str) -> None:
    assert under.http.get(path).status_code == 404


def test_the_log_tells_the_path_without_what_comes_before(under: Served) -> None:
    log = logging.getLogger("studio.access")
    level = log.level
    log.setLevel(logging.INFO)
    try:
        for path in ("/api/queue/stats", "/v1/models"):
            heard = Heard(f" path={path} ")
            log.addHandler(heard)
            under.http.get(f"/studio{path}")
            assert heard.event.wait(30), path  # written after the answer
            log.removeHandler(heard)
    finally:
        log.setLevel(level)


def test_every_stream_asks_proxies_not_to_hold_it_back(under: Served) -> None:
    assert under.http.get("/studio/stream").headers["x-accel-buffering"] == "no"
    assert "x-accel-buffering" not in under.http.get("/studio/api/queue").headers


FORWARDED = {
    "X-Forwarded-Host": "studio.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Port": "8443", "Forwarded": "host=evil.example",
}  # fmt: skip


def test_a_trusted_proxys_word_about_the_visitor_counts(plain: Served) -> None:
    seen = plain.http.get("/mirror", headers=FORWARDED).json()

    assert seen == {"url": "https://studio.example/mirror", "client": "203.0.113.9", "told": []}


def test_nobody_else_is_believed_and_nothing_inside_reads_it(wary: Served) -> None:
    seen = wary.http.get("/mirror", headers=FORWARDED).json()

    assert seen == {"url": f"{wary.base}/mirror", "client": "127.0.0.1", "told": []}


def test_the_first_of_several_proxies_saw_the_visitor(plain: Served) -> None:
    seen = plain.http.get("/mirror", headers={"X-Forwarded-Host": "studio.example, inner.example"}).json()

    assert seen["url"] == "http://studio.example/mirror"


@pytest.mark.parametrize("told", ["evil.example", "user@studio.example", "studio.example:x", "/", "é"])
def test_a_forwarded_name_that_is_not_ours_is_refused(plain: Served, told: str) -> None:
    answer = plain.http.get("/mirror", headers={"X-Forwarded-Host": told.encode("latin-1")})

    assert answer.status_code in (400, 421)


def test_a_name_that_was_made_to_lead_here_is_not_covered_by_a_forwarded_one(plain: Served) -> None:
    headers = {"Host": "rebound.example", "X-Forwarded-Host": "localhost"}

    assert plain.http.get("/mirror", headers=headers).status_code == 421


def test_a_page_behind_a_proxy_writes_from_its_own_origin_only(plain: Served) -> None:
    def write(origin: str) -> int:
        headers = FORWARDED | {"Origin": origin}
        return plain.http.post("/api/queue/generate", json=PROMPT, headers=headers).status_code

    assert write("https://studio.example") == 200
    assert write("https://evil.example") == 403
    assert write(plain.base) == 403
