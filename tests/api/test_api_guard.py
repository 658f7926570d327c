"""What stands before everything: names, origins, keys, protective headers, ids and the access log."""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import WebSocket

from studio.store import is_id
from tests.api.serving import PROMPT, Served, serving

KEY = "a-key-of-some-length-é"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a websocket and a path that breaks."""
    with serving(
        tmp_path_factory.mktemp("guarded"), allowed_hosts="studio.example, other.example"
    ) as running:

        @running.app.websocket("/socket")
        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()

        @running.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("the secret of the house")

        yield running


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that asks for a key."""
    with serving(tmp_path_factory.mktemp("keyed"), api_key=KEY) as running:

        @running.app.websocket("/socket")
        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()

        yield running


def status(served: Served, *headers: str, method: str = "GET", path: str = "/api/health") -> int:
    """The status of a request with exactly these headers."""
    lines = [f"{method} {path} HTTP/1.1", *headers, "Content-Length: 0", "Connection: close", "", ""]
    return served.status("\r\n".join(lines).encode())


def handshake(served: Served, *headers: str) -> int:
    """The status of a websocket handshake: 101 is a connection."""
    lines = [
        "GET /socket HTTP/1.1", *headers, "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    return served.status("\r\n".join(lines).encode())


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3000", "LOCALHOST", "127.0.0.1:3000", "[::1]:3000", "192.168.1.5",
     "studio.example", "other.example:8443"],
)  # fmt: skip
def test_the_studio_answers_to_its_own_names_and_to_addresses(guarded: Served, host: str) -> None:
    assert status(guarded, f"Host: {host}") == 200
    assert status(guarded, f"Host: {host}", path="/") == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "studio.example.evil.example",
     "xstudio.example", "evil.hf.space", "rebind.example:3000"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/health", "/", "/nowhere", "/api/docs"])
def test_a_foreign_name_is_421_everywhere(guarded: Served, host: str, path: str) -> None:
    assert status(guarded, f"Host: {host}", path=path) == 421


def test_a_name_admitted_while_it_runs_is_its_own_from_then_on(guarded: Served) -> None:
    host, origin = "Host: tunnel.example", "Origin: https://tunnel.example"
    assert status(guarded, host) == 421

    guarded.app.state.hosts.admit("Tunnel.example")

    assert status(guarded, host) == 200
    assert status(guarded, host, origin, method="POST", path="/api/generate") == 400
    assert status(guarded, host, "Origin: https://evil.example", method="POST", path="/api/generate") == 403
    assert status(guarded, "Host: x.tunnel.example") == 421


@pytest.mark.parametrize(
    "hosts",
    [["Host: localhost", "Host: localhost"], ["Host: localhost", "Host: evil.example"], ["Host: "],
     ["Host: user@localhost"], ["Host: localhost:99999"], ["Host: localhost:x"], ["Host: localhost/path"],
     ["Host: localhost:"], ["Host: [::1"], ["Host: localhost evil"], ["Host: local\xe9"]],
)  # fmt: skip
def test_a_request_without_exactly_one_sound_host_is_400(guarded: Served, hosts: list[str]) -> None:
    assert status(guarded, *hosts) == 400


@pytest.mark.parametrize(
    ("host", "origin"),
    [("localhost:3000", "http://localhost:3000"), ("studio.example", "https://studio.example"),
     ("studio.example:443", "https://studio.example"), ("studio.example", "http://studio.example:80"),
     ("[::1]:3000", "http://[::1]:3000"), ("LOCALHOST:3000", "http://localhost:3000")],
)  # fmt: skip
def test_the_own_origin_is_welcome(guarded: Served, host: str, origin: str) -> None:
    assert status(guarded, f"Host: {host}", f"Origin: {origin}", method="POST", path="/api/generate") == 400
    assert handshake(guarded, f"Host: {host}", f"Origin: {origin}") == 101


FOREIGN = [
    "https://evil.example", "null", "", "http://localhost", "http://localhost:3001", "http://localhost:3000x",
    "http://localhost:3000.evil.example", "http://localhost:3000@evil.example", "http://user@localhost:3000",
    "http://evil.example/http://localhost:3000", "http://localhost:3000/", "http://localhost:03000",
    "http://localhost:", "file://localhost:3000", "localhost:3000", "http://127.0.0.1:3000",
    "http://xlocalhost:3000", "http://localhost:3000#", "http://localhost:3000?", "https://localhost:99999",
]  # fmt: skip


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_may_neither_write_nor_open_a_websocket(guarded: Served, origin: str) -> None:
    headers = ("Host: localhost:3000", f"Origin: {origin}")
    for method in ("POST", "DELETE", "PUT", "PATCH", "OPTIONS"):
        assert status(guarded, *headers, method=method, path="/api/queue/generate") == 403
    assert handshake(guarded, *headers) == 403


def test_two_origins_are_none_of_ours(guarded: Served) -> None:
    own = "Origin: http://localhost:3000"
    assert status(guarded, "Host: localhost:3000", own, own, method="POST", path="/api/generate") == 403


@pytest.mark.parametrize(
    ("site", "expected"), [("cross-site", 403), ("same-site", 403), ("same-origin", 400), ("none", 400)]
)
def test_without_an_origin_the_browsers_own_word_counts(guarded: Served, site: str, expected: int) -> None:
    headers = ("Host: localhost", f"Sec-Fetch-Site: {site}")
    assert status(guarded, *headers, method="POST", path="/api/generate") == expected
    # Following a link from another site is no attack.
    assert status(guarded, *headers, path="/") == 200


def test_programs_that_are_no_browsers_send_no_origin_and_may_write(guarded: Served) -> None:
    assert guarded.api.post("/queue/generate", json=PROMPT).status_code == 200
    assert handshake(guarded, "Host: localhost") == 101


def test_a_websocket_to_a_foreign_name_is_not_opened(guarded: Served) -> None:
    assert handshake(guarded, "Host: evil.example") == 421


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", f"Bearer {KEY}"), ("authorization", f"bearer {KEY}"), ("X-Api-Key", KEY),
     ("Authorization", basic(KEY))],
)  # fmt: skip
def test_the_key_is_taken_in_three_ways(keyed: Served, name: str, value: str) -> None:
    headers = {name.encode(): value.encode()}
    assert keyed.api.get("/queue", headers=headers).status_code == 200
    assert keyed.http.get("/", headers=headers).status_code == 200
    line = f"{name}: {value}".encode().decode("latin-1")
    request = [
        "GET /socket HTTP/1.1", "Host: localhost", line, "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    assert keyed.status("\r\n".join(request).encode("latin-1")) == 101


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"X-Api-Key": ""}, {"X-Api-Key": KEY[:-1].encode()}, {"X-Api-Key": f"{KEY}x".encode()},
        {"Authorization": "Bearer"}, {"Authorization": "Basic !!!"},
        {"Authorization": basic("")}, {"Authorization": basic("x")},
        {"Authorization": f"Token {KEY}".encode()},
        {"Authorization": "Basic " + base64.b64encode(KEY.encode()).decode()},
        {"Cookie": f"key={KEY}".encode()},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/", "/api/queue", "/api/docs", "/api/openapi.json", "/api/health/", "/api//health"]
)
def test_without_the_key_everything_is_401_and_says_how(
    keyed: Served, headers: dict[str, str], path: str
) -> None:
    answer = keyed.http.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert list(answer.json()) == ["error"]
    assert KEY not in answer.text


def test_without_the_key_there_is_no_websocket_but_there_is_health(keyed: Served) -> None:
    assert handshake(keyed, "Host: localhost") == 401
    assert keyed.api.get("/health").status_code == 200
    assert keyed.api.head("/health").status_code == 200
    assert keyed.api.post("/health").status_code == 401


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/nowhere", "/nowhere", "/broken", "/api/docs"])
def test_every_answer_carries_the_protective_headers(guarded: Served, path: str) -> None:
    headers = guarded.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert is_id(headers["x-request-id"])
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("abc-123", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("-x", False), ("a\tb", False),
     ("<script>", False), ("", False)],
)  # fmt: skip
def test_a_plain_request_id_is_kept_and_another_is_replaced(
    guarded: Served, sent: str, is_kept: bool
) -> None:
    given = guarded.api.get("/health", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert (given == sent) is is_kept
    assert is_kept or is_id(given)


def test_what_nobody_thought_of_is_500_without_internals_and_logged_once(
    guarded: Served, caplog: pytest.LogCaptureFixture
) -> None:
    answer = guarded.http.get("/broken", headers={"X-Request-Id": "the-broken-one"})
    assert answer.status_code == 500
    assert list(answer.json()) == ["error"]
    assert "the-broken-one" in answer.json()["error"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    # The answer is on its way before the log is written: the next one comes after it.
    guarded.api.get("/health")
    told = [record for record in caplog.records if record.exc_info]
    assert [record.name for record in told] == ["studio.api.guard"]
    assert "the-broken-one" in told[0].getMessage()


def test_a_request_is_one_line_of_the_access_log_without_prompts_or_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(tmp_path, api_key=KEY) as running:
        headers = {b"X-Api-Key": KEY.encode(), b"X-Request-Id": b"r-1"}
        answer = running.api.post(
            "/generate?token=canary-query", json={"prompt": "canary-prompt"}, headers=headers
        )
        assert answer.status_code == 200
        running.api.get("/nowhere/%0d%0aevil", headers={"X-Request-Id": "r-2"})
    lines = [record.getMessage() for record in caplog.records if record.name == "studio.access"]
    first, second = (next(line for line in lines if f"request_id=r-{number}" in line) for number in (1, 2))
    assert first.startswith("method=POST path=/api/generate status=200 ms=")
    assert second.startswith("method=GET path=/api/nowhere/%0D%0Aevil status=401 ms=")
    for record in caplog.records:
        for canary in ("canary-prompt", "canary-query", KEY):
            assert canary not in record.getMessage() or record.name.startswith(("httpx", "httpcore"))


def test_a_public_studio_on_a_space_answers_to_its_name_and_shows_in_its_frame(tmp_path: Path) -> None:
    with serving(tmp_path, host="0.0.0.0", public=True) as space:
        answer = space.http.get("/", headers={"Host": "somebody-studio.hf.space"})
        assert answer.status_code == 200
        assert "x-frame-options" not in answer.headers
        health = space.api.get("/health", headers={"Host": "somebody-studio.hf.space"})
        assert "https://huggingface.co" in health.headers["content-security-policy"]
        assert space.api.get("/health", headers={"Host": "evil.example"}).status_code == 421
