"""What a key opens at every door, what it doesn't, and whose a job is."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import WebSocket

from studio.assembly import has_keys, open_keys
from studio.caller import Scope
from studio.errors import ConfigurationError
from studio.keys import Keys
from studio.settings import Settings, read_settings
from tests.api.serving import PROMPT, Served, serving
from tests.fakes import FakeClock

HOUSE = "the-key-of-the-house"
NOWHERE = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def keys_of(served: Served) -> Keys:
    """What the command line changes, past the guard's memory."""
    return served.studio.key_ring._keys


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    """A studio with a key for each scope, {name: secret}; the name is the scope's."""
    clock = FakeClock()
    with serving(tmp_path_factory.mktemp("house"), api_key=HOUSE, clock=clock) as running:

        @running.app.websocket("/socket")
        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()

        secrets = {str(scope): keys_of(running).add(str(scope), scope) for scope in Scope}
        secrets["other"] = keys_of(running).add("other", Scope.SUBMIT)
        clock.advance(1)
        yield running, secrets


@pytest.fixture
def ask(house: tuple[Served, dict[str, str]]) -> Callable[..., httpx.Response]:
    """ask(name of a key, method, path, ...) -> the answer."""
    served, secrets = house

    def call(name: str, method: str, path: str, **more: object) -> httpx.Response:
        return served.http.request(method, path, headers={"X-Api-Key": secrets[name]}, **more)  # type: ignore[arg-type]

    return call


def test_as_soon_as_there_is_a_key_every_request_needs_one_and_is_told_so_within_a_second(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock) as running:
        assert running.http.get("/api/queue").status_code == 200
        secret = keys_of(running).add("ada", Scope.READ)
        clock.advance(1)
        for path in ("/", "/api/queue", "/v1/models", "/sdapi/v1/options", "/metrics", "/api/events"):
            assert running.http.get(path).status_code == 401, path
        for path in ("/healthz", "/readyz", "/api/health"):
            assert running.http.get(path).status_code == 200, path
        headers = {"Authorization": f"Bearer {secret}"}
        assert running.http.get("/api/queue", headers=headers).status_code == 200

        keys_of(running).revoke("ada")
        clock.advance(1)
        assert running.http.get("/api/queue").status_code == 200


def test_a_revoked_key_opens_nothing_within_a_second(tmp_path: Path) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock, api_key=HOUSE) as running:
        headers = {"X-Api-Key": keys_of(running).add("ada", Scope.ADMIN)}
        clock.advance(1)
        assert running.http.get("/api/queue", headers=headers).status_code == 200
        keys_of(running).revoke("ada")
        clock.advance(1)
        assert running.http.get("/api/queue", headers=headers).status_code == 401


def test_a_key_is_taken_in_three_ways(house: tuple[Served, dict[str, str]]) -> None:
    served, secrets = house
    secret = secrets["read"]
    basic = base64.b64encode(f"anybody:{secret}".encode()).decode()
    for name, value in (
        ("Authorization", f"Bearer {secret}"), ("X-Api-Key", secret), ("Authorization", f"Basic {basic}")
    ):  # fmt: skip
        assert served.http.get("/", headers={name: value}).status_code == 200


SUBMITTING = [
    ("POST", "/api/queue/generate"), ("POST", "/api/generate"), ("POST", "/api/queue/edit"),
    ("POST", "/api/inputs"), ("POST", "/api/import"), ("POST", "/api/queue/cancel"),
    ("DELETE", f"/api/queue/{NOWHERE}"), ("POST", f"/api/queue/{NOWHERE}/retry"),
    ("POST", "/v1/images/generations"), ("POST", "/v1/images/edits"), ("POST", "/sdapi/v1/txt2img"),
    ("POST", "/sdapi/v1/options"), ("POST", "/api/images.zip"), ("POST", "/api/queue/batch"),
    ("PATCH", f"/api/images/{NOWHERE}"), ("POST", "/api/images/delete"),
    ("DELETE", f"/api/generations/{NOWHERE}"),
]  # fmt: skip
ADMINISTERING = [
    ("POST", "/api/queue/pause"), ("POST", "/api/queue/resume"), ("POST", f"/api/queue/{NOWHERE}/move"),
    ("DELETE", "/api/generations"), ("POST", "/api/library/clean"),
    ("PUT", "/api/presets/x"), ("DELETE", "/api/presets/x"),
    ("POST", "/api/models/demo/stop"), ("POST", "/sdapi/v1/unload-checkpoint"), ("POST", "/api/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), SUBMITTING + ADMINISTERING)
def test_a_read_key_changes_nothing(ask: Callable[..., httpx.Response], method: str, path: str) -> None:
    assert ask("read", method, path).status_code == 403


@pytest.mark.parametrize(("method", "path"), SUBMITTING)
def test_a_submit_key_may_ask_for_work(ask: Callable[..., httpx.Response], method: str, path: str) -> None:
    # Each of these requests is empty or about nothing, and answered by its route.
    assert ask("submit", method, path).status_code in (200, 400, 404, 413, 422)


@pytest.mark.parametrize(("method", "path"), ADMINISTERING)
def test_only_an_admin_key_looks_after_the_studio(
    ask: Callable[..., httpx.Response], method: str, path: str
) -> None:
    assert ask("submit", method, path).status_code == 403
    assert ask("admin", method, path).status_code not in (401, 403)


def test_every_door_refuses_in_its_own_shape(ask: Callable[..., httpx.Response]) -> None:
    assert list(ask("read", "POST", "/api/generate").json()) == ["error"]
    envelope = ask("read", "POST", "/v1/images/generations").json()["error"]
    assert envelope["type"] == "invalid_request_error"
    assert "needs one for submit" in envelope["message"]
    assert ask("read", "POST", "/sdapi/v1/txt2img").json()["error"] == "Forbidden"


def test_a_websocket_needs_a_key_with_which_one_may_speak(house: tuple[Served, dict[str, str]]) -> None:
    served, secrets = house

    def handshake(*headers: str, path: str = "/socket") -> int:
        lines = [
            f"GET {path} HTTP/1.1", "Host: localhost", *headers, "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
        ]  # fmt: skip
        return served.status("\r\n".join(lines).encode())

    assert handshake() == 401
    assert handshake(f"X-Api-Key: {secrets['read']}") == 403
    assert handshake(f"X-Api-Key: {secrets['submit']}") == 101
    # Of the events nobody hears what the client says.
    assert handshake(path="/api/ws") == 401
    assert handshake(f"X-Api-Key: {secrets['read']}", path="/api/ws") == 101


def test_a_job_bears_the_name_of_its_key_whichever_door_it_came_by(
    house: tuple[Served, dict[str, str]], ask: Callable[..., httpx.Response]
) -> None:
    served, _ = house
    made = ask("submit", "POST", "/api/generate", json=PROMPT).json()["id"]
    ask("other", "POST", "/v1/images/generations", json=PROMPT)
    ask("submit", "POST", "/sdapi/v1/txt2img", json=PROMPT | {"steps": 2})
    served.http.post("/api/generate", json=PROMPT, headers={"X-Api-Key": HOUSE})
    batch = ask("other", "POST", "/api/queue/batch", json={"jobs": [PROMPT, PROMPT]})
    assert batch.status_code == 200

    jobs = ask("read", "GET", "/api/queue").json()["jobs"][::-1]

    assert [job.get("owner") for job in jobs[-6:]] == ["submit", "other", "submit", None, "other", "other"]
    assert "owner" not in jobs[-3]
    assert ask("read", "GET", f"/api/generations/{made}").json()["owner"] == "submit"


def test_the_same_idempotency_key_of_two_callers_stands_for_two_jobs(
    house: tuple[Served, dict[str, str]],
) -> None:
    served, secrets = house

    def job_of(secret: str) -> str:
        headers = {"X-Api-Key": secret, "Idempotency-Key": "order 1"}
        return str(served.http.post("/api/queue/generate", json=PROMPT, headers=headers).json()["job_id"])

    callers = (secrets["submit"], secrets["other"], HOUSE)
    first = [job_of(secret) for secret in callers]

    assert len(set(first)) == 3
    assert [job_of(secret) for secret in callers] == first


def test_the_jobs_of_others_can_be_neither_cancelled_nor_retried_but_by_an_admin(
    house: tuple[Served, dict[str, str]], ask: Callable[..., httpx.Response]
) -> None:
    served, _ = house
    served.engine.hold()
    running = ask("submit", "POST", "/api/queue/generate", json=PROMPT).json()["job_id"]
    served.engine.wait_until_sampling()
    waiting = ask("submit", "POST", "/api/queue/generate", json=PROMPT).json()["job_id"]

    for job_id in (running, waiting):
        refused = ask("other", "DELETE", f"/api/queue/{job_id}")
        assert refused.status_code == 403
        assert "belongs to somebody else" in refused.json()["error"]
        assert ask("other", "POST", "/api/queue/cancel", json={"ids": [job_id]}).json()["cancelled"] == []
    assert ask("other", "POST", "/api/queue/cancel", json={"all": True}).status_code in (200, 400)
    assert ask("read", "GET", f"/api/queue/{waiting}").json()["status"] == "pending"

    assert ask("submit", "DELETE", f"/api/queue/{waiting}").status_code == 200
    assert ask("admin", "DELETE", f"/api/queue/{running}").status_code == 200
    served.engine.release()
    assert ask("other", "POST", f"/api/queue/{waiting}/retry").status_code == 403
    again = ask("admin", "POST", f"/api/queue/{waiting}/retry").json()["job_id"]
    assert ask("read", "GET", f"/api/queue/{again}").json()["owner"] == "admin"


def test_a_key_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock) as running:
        headers = {"X-Api-Key": keys_of(running).add("ada", Scope.SUBMIT, per_minute=2)}
        clock.advance(1)
        codes = [running.http.get("/api/queue", headers=headers).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        for path in ("/api/queue", "/v1/models", "/sdapi/v1/options"):
            refused = running.http.get(path, headers=headers)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        assert running.http.get("/v1/models", headers=headers).json()["error"]["type"] == "rate_limit_error"
        clock.advance(30)
        assert running.http.get("/api/queue", headers=headers).status_code == 200


def test_a_key_with_too_many_waiting_jobs_gets_429_at_every_door(tmp_path: Path) -> None:
    clock = FakeClock()
    with serving(tmp_path, clock=clock) as running:
        headers = {"X-Api-Key": keys_of(running).add("ada", Scope.SUBMIT, most_pending=1)}
        clock.advance(1)
        running.engine.hold()
        first = running.http.post("/api/queue/generate", json=PROMPT, headers=headers)
        assert first.status_code == 200
        running.engine.wait_until_sampling()
        assert running.http.post("/api/queue/generate", json=PROMPT, headers=headers).status_code == 200
        for path in ("/api/queue/generate", "/v1/images/generations", "/sdapi/v1/txt2img"):
            refused = running.http.post(path, json=PROMPT, headers=headers)
            assert refused.status_code == 429, path
            assert int(refused.headers["retry-after"]) > 0


def test_a_key_is_told_what_it_is_for(ask: Callable[..., httpx.Response]) -> None:
    for name, scope in (("read", "read"), ("submit", "submit"), ("other", "submit")):
        told = ask(name, "GET", "/api/caller").json()
        assert told == {"name": name, "scope": scope, "own_only": False}
    assert ask("admin", "GET", "/api/caller").json()["scope"] == "admin"


def test_a_submit_key_marks_and_deletes_what_it_made_and_nothing_else(
    house: tuple[Served, dict[str, str]], ask: Callable[..., httpx.Response]
) -> None:
    served, _ = house
    mine, theirs = (ask(name, "POST", "/api/generate", json=PROMPT).json() for name in ("submit", "other"))
    my_image, their_image = mine["data"][0]["id"], theirs["data"][0]["id"]

    assert ask("submit", "PATCH", f"/api/images/{my_image}", json={"favourite": True}).status_code == 200
    refused = [
        ask("submit", "PATCH", f"/api/images/{their_image}", json={"tags": ["mine"]}),
        ask("submit", "POST", "/api/images/delete", json={"ids": [my_image, their_image], "force": True}),
        ask("submit", "DELETE", f"/api/generations/{theirs['id']}"),
    ]

    for answer in refused:
        assert answer.status_code == 403, answer.text
        assert "belongs to somebody else" in answer.json()["error"]
    assert served.studio.shelf.entry(their_image).tags == ()
    assert served.studio.shelf.entry(my_image).favourite is True
    assert ask("submit", "DELETE", f"/api/generations/{mine['id']}").status_code == 200
    again = ask("submit", "POST", "/api/generate", json=PROMPT).json()["data"][0]["id"]
    assert ask("submit", "POST", "/api/images/delete", json={"ids": [again]}).status_code == 200
    assert ask("submit", "GET", f"/api/images/{again}").status_code == 404
    assert ask("admin", "DELETE", f"/api/generations/{theirs['id']}").status_code == 200


@pytest.mark.parametrize("changes", [{"host": "0.0.0.0"}, {"share": True}])
def test_beyond_this_machine_a_studio_starts_with_a_key_in_its_database(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    (tmp_path / "models.yml").write_text("models: {}")
    values = {"outputs": tmp_path / "outputs", "models": tmp_path / "models.yml", **changes}
    with pytest.raises(ConfigurationError, match="keys add NAME"):
        read_settings(values, has_keys=has_keys)
    assert not (tmp_path / "outputs").exists()
    with open_keys(Settings(outputs=tmp_path / "outputs")) as keys:
        keys.add("ada")
    assert read_settings(values, has_keys=has_keys).outputs == tmp_path / "outputs"
    with open_keys(Settings(outputs=tmp_path / "outputs")) as keys:
        keys.revoke("ada")
    with pytest.raises(ConfigurationError, match="keys add NAME"):
        read_settings(values, has_keys=has_keys)


def test_an_exposed_studio_whose_last_key_was_revoked_lets_nobody_in(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_keys(Settings(outputs=tmp_path / "outputs")) as keys:
        keys.add("ada")
    with serving(tmp_path, clock=clock, host="0.0.0.0", has_keys=has_keys) as running:
        keys_of(running).revoke("ada")
        clock.advance(1)
        assert running.http.get("/api/queue").status_code == 401


def test_the_door_for_agents_knows_whose_call_it_is(
    house: tuple[Served, dict[str, str]], ask: Callable[..., httpx.Response]
) -> None:
    served, secrets = house
    call = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "generate", "arguments": {"prompt": "a green square"}},
    }  # fmt: skip
    headers = {"Accept": "application/json, text/event-stream"}
    assert served.http.post("/mcp", json=call, headers=headers).status_code == 401
    assert (
        served.http.post("/mcp", json=call, headers=headers | {"X-Api-Key": secrets["read"]}).status_code
        == 403
    )
    answer = served.http.post("/mcp", json=call, headers=headers | {"X-Api-Key": secrets["other"]})
    assert answer.status_code == 200, answer.text
    job = ask("read", "GET", "/api/queue").json()["jobs"][0]
    assert (job["prompt"], job["owner"]) == ("a green square", "other")
