"""Presets over REST."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.serving import Served

HOSTILE = "<img src=x onerror=alert(1)>"


def _names(served: Served) -> list[str]:
    return [preset["name"] for preset in served.api.get("/presets").json()]


def test_a_preset_is_saved_read_renamed_and_deleted(own: Served) -> None:
    params = {
        "prompt": HOSTILE,
        "steps": 9,
        "seed": str(2**63 - 1),
        "width": 128,
        "height": 64,
        "style": "vivid",
    }

    saved = own.api.put("/presets/Night sky", json=params)

    assert saved.status_code == 200, saved.text
    assert (list(saved.json()), type(saved.json()["updated_at"])) == (["name", "params", "updated_at"], int)
    assert (saved.json()["name"], saved.json()["params"]) == ("Night sky", params)
    assert own.api.get("/presets/NIGHT%20sky").json() == saved.json()
    assert own.api.get("/presets").json() == [saved.json()]
    renamed = own.api.patch("/presets/night sky", json={"name": HOSTILE})
    assert (renamed.json()["name"], renamed.json()["params"]) == (HOSTILE, params)
    assert own.api.delete(f"/presets/{quote(HOSTILE, safe='')}").json() == {"success": True}
    assert own.api.get("/presets").json() == []


def test_what_was_saved_is_a_request_that_works(own: Served) -> None:
    params = {"prompt": "a red circle", "steps": 9, "seed": str(2**62), "sampler": "euler"}
    kept = own.api.put("/presets/x", json=params).json()["params"]

    generation = own.generation(**kept)

    stored = own.api.get(f"/generations/{generation['id']}").json()
    assert (stored["steps"], stored["seed"]) == (9, str(2**62))


@pytest.mark.parametrize(
    "name", ["a/b", "../../etc", "%", "a?b#c", "é 城市", "a+b", "//x//", "x" * 100, "null"]
)
def test_any_plain_text_is_a_name(served: Served, name: str) -> None:
    path = f"/presets/{quote(name, safe='')}"

    assert served.api.put(path, json={}).json()["name"] == name
    assert served.api.get(path).json()["name"] == name
    assert name in _names(served)
    assert served.api.delete(path).status_code == 200
    assert served.api.get(path).status_code == 404


@pytest.mark.parametrize("name", ["%20", "a%00b", "x" * 101, "%E2%80%AE", "%2e%2e", "%2e"])
def test_a_name_that_is_no_plain_text_is_refused(served: Served, name: str) -> None:
    # As raw bytes: clients tidy such addresses up.
    request = f"PUT /api/presets/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

    answer = served.raw((request + body).encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":' in answer
    assert _names(served) == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"steps": 0}, "steps"), ({"steps": 101}, "steps"), ({"sampler": "magic"}, "sampler"),
        ({"size": "1x1"}, "size"), ({"input_image": "ab" * 32}, "input_image"), ({"mask": "ab" * 32}, "mask"),
        ({"seed": -1}, "seed"), ({"prompt": "\x07"}, "prompt"), ({"cfg_scale": "x"}, "cfg_scale"),
        ([], ""), ("x", ""), (None, ""),
    ],
)  # fmt: skip
def test_parameters_that_no_request_could_have_are_refused_by_name(
    served: Served, params: Any, field: str
) -> None:
    answer = served.api.put("/presets/wrong", json=params)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(f"{field}: " if field else "The body")
    assert _names(served) == []


def test_a_name_that_is_taken_is_a_conflict(own: Served) -> None:
    own.api.put("/presets/fox", json={"steps": 8})
    own.api.put("/presets/Wolf", json={"steps": 9})

    answer = own.api.patch("/presets/fox", json={"name": "WOLF"})

    assert answer.status_code == 409
    assert "WOLF" in answer.json()["error"]
    assert _names(own) == ["fox", "Wolf"]
    for body in ({}, {"name": 1}, {"name": ""}, {"title": "x"}):
        assert own.api.patch("/presets/fox", json=body).status_code == 400


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_an_unknown_preset_is_404(served: Served, method: str) -> None:
    body = {"json": {"name": "x"}} if method == "PATCH" else {}

    answer = served.api.request(method, "/presets/nobody", **body)  # type: ignore[arg-type]

    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]


def test_a_query_means_nothing_here_and_is_refused(served: Served) -> None:
    assert served.api.get("/presets?limit=5").status_code == 400
