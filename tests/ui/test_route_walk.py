"""A walk over every path there is, by the application's own list: what opens without a key, and with one."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from studio.caller import Scope
from tests.ui.route_list import paths_of
from tests.ui.studio_page import Served, serve_page

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
READING = ("GET", "HEAD", "OPTIONS")
CLOSED = (401, 403, 404, 405)
# What the documentation says is open.
OPEN = {(method, path) for method in ("GET", "HEAD") for path in ("/healthz", "/readyz", "/api/health")}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with its page that asks for a key."""
    with serve_page(tmp_path_factory.mktemp("walked"), api_key="the-key-of-the-house") as running:
        yield running


@pytest.fixture(scope="module")
def paths(keyed: Served) -> list[str]:
    """Every path of the application."""
    return sorted({path or "/" for path in paths_of(keyed.app.routes)})


def statuses(served: Served, paths: list[str], methods: tuple[str, ...], key: str = "") -> dict[str, int]:
    """{method and path: status}; of streams, without waiting for their end."""
    found = {}
    headers = {"X-Api-Key": key} if key else {}
    with httpx.Client(base_url=served.base, headers=headers, timeout=30, trust_env=False) as client:
        for path in paths:
            for method in methods:
                with client.stream(method, path) as answer:
                    found[f"{method} {path}"] = answer.status_code
    return found


def handshake(served: Served, path: str, key: str = "") -> int:
    """The status of a websocket handshake."""
    address = urlsplit(served.base)
    lines = [
        f"GET {path} HTTP/1.1", "Host: localhost", f"X-Api-Key: {key}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        "", "",
    ]  # fmt: skip
    with (
        socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection,
        connection.makefile("rb") as answer,
    ):
        connection.sendall("\r\n".join(lines).encode())
        return int(answer.readline().split(b" ", 2)[1])


def files_of(folder: Path) -> dict[str, int]:
    """{path: size} of everything that is stored, but for the database's own."""
    return {
        str(path): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("studio.")
    }


def test_the_list_has_the_doors_and_gradios_own_routes(paths: list[str]) -> None:
    for path in (
        "/", "/metrics", "/api/queue", "/api/events", "/v1/models", "/sdapi/v1/txt2img", "/mcp",
        "/gradio_api/queue/join", "/gradio_api/upload", "/config", "/api/docs",
    ):  # fmt: skip
        assert path in paths, path
    assert any(path.startswith("/gradio_api/file=") for path in paths)
    assert any(path.startswith("/studio-assets/") for path in paths)
    assert len(paths) > 100


def test_without_a_key_nothing_opens_but_what_is_documented(keyed: Served, paths: list[str]) -> None:
    found = statuses(keyed, paths, METHODS)
    opened = {asked for asked, status in found.items() if status not in CLOSED}
    assert opened == {f"{method} {path}" for method, path in OPEN}


def test_without_a_key_no_websocket_opens(keyed: Served, paths: list[str]) -> None:
    assert {handshake(keyed, path) for path in paths} <= set(CLOSED)


def test_a_read_key_opens_the_websocket_that_only_tells_and_no_other(keyed: Served, paths: list[str]) -> None:
    secret = keyed.studio.key_ring._keys.add("listener", Scope.READ)
    keyed.studio.key_ring._read_at = float("-inf")
    assert {path for path in paths if handshake(keyed, path, secret) not in CLOSED} == {"/api/ws"}


def test_a_read_key_changes_nothing_by_any_method_on_any_path(keyed: Served, paths: list[str]) -> None:
    secret = keyed.studio.key_ring._keys.add("reader", Scope.READ)
    keyed.studio.key_ring._read_at = float("-inf")
    before = files_of(keyed.studio.settings.outputs), keyed.studio.counts(), keyed.studio.presets.all()

    writing = statuses(keyed, paths, tuple(set(METHODS) - set(READING)), secret)
    reading = statuses(keyed, paths, READING, secret)

    assert {asked for asked, status in writing.items() if status not in CLOSED} == set()
    assert reading["GET /api/queue"] == reading["GET /"] == reading["GET /api/events"] == 200
    assert {asked for asked, status in reading.items() if status >= 500} == set()
    after = files_of(keyed.studio.settings.outputs), keyed.studio.counts(), keyed.studio.presets.all()
    assert before == after
