"""What the official OpenAI client is told when something is wrong: always its own kind of error."""

import json
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from studio.errors import EngineRefused
from tests.api.openai_client import PROMPT, talking_to
from tests.api.serving import MODELS, Served, png, serving
from tests.api.test_api_waiting import Heard


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[OpenAI]:
    with talking_to(served.base) as talking:
        yield talking


def told(error: openai.APIError) -> tuple[str | None, str | None, str | None]:
    """Its type, param and code, having looked at the whole envelope."""
    assert isinstance(error.body, dict)
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.body["message"]
    return error.type, error.param, error.code


@pytest.mark.parametrize(
    ("asked", "param", "code", "words"),
    [
        ({"prompt": " "}, "prompt", "invalid_value", "must not be empty"),
        ({"prompt": "x" * 4001}, "prompt", "invalid_value", "4001 bytes"),
        ({"prompt": openai.omit}, "prompt", "missing_required_parameter", "is required"),
        ({"n": 0}, "n", "invalid_value", "greater than or equal to 1"),
        ({"n": 11}, "n", "invalid_value", "less than or equal to 10"),
        ({"size": "7x7"}, "size", "invalid_value", "64 to 4096"),
        ({"size": "4096x4096"}, "size", "invalid_value", "262144"),
        ({"quality": "xhigh"}, "quality", "invalid_value", "'hd'"),
        ({"style": "loud"}, "style", "invalid_value", "'vivid'"),
        ({"response_format": "file"}, "response_format", "invalid_value", "'b64_json'"),
        ({"output_format": "gif"}, "output_format", "invalid_value", "'webp'"),
        ({"output_format": "jpeg", "output_compression": 101}, "output_compression", "invalid_value", "100"),
        ({"output_compression": 50}, "output_compression", "invalid_value", "jpeg or webp"),
        ({"output_format": "webp", "response_format": "url"}, "output_format", "invalid_value", "PNG"),
        ({"stream": True, "response_format": "url"}, "response_format", "invalid_value", "b64_json"),
        ({"stream": True, "partial_images": 4}, "partial_images", "invalid_value", "3"),
        ({"background": "transparent"}, "background", "invalid_value", "'transparent'"),
        ({"moderation": "high"}, "moderation", "invalid_value", "'low'"),
        ({"complexity": "high"}, "complexity", "unknown_parameter", "unknown"),
        ({"extra_body": {"sparkle": 1}}, "sparkle", "unknown_parameter", "unknown"),
        ({"extra_body": {"sampler": "fast"}}, "sampler", "invalid_value", "euler"),
        ({"extra_headers": {"Idempotency-Key": "x" * 201}}, "Idempotency-Key", "invalid_value", "200"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_limit_and_never_reaches_the_engine(
    served: Served, client: OpenAI, asked: dict[str, Any], param: str, code: str, words: str
) -> None:
    before = len(served.engine.recipes)
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**({"prompt": PROMPT} | asked))
    assert told(caught.value) == ("invalid_request_error", param, code)
    assert words in caught.value.message
    assert len(served.engine.recipes) == before


@pytest.mark.parametrize(
    ("asked", "param", "words"),
    [
        ({"image": [png(), png()]}, "image", "takes one"),
        ({"image": [png()] * 6}, "image", "at most 5"),
        ({"image": b"no picture"}, "image", "not a readable"),
        ({"image": openai.omit}, "image", "is required"),
        ({"mask": png()}, "mask", "fully transparent"),
        ({"mask": png(10, 10, "RGBA", (0, 0, 0, 0))}, "mask", "96x64"),
        ({"mask": png(mode="RGBA", color=(0, 0, 0, 1))}, "mask", "fully transparent"),
        ({"model": "generator"}, "model", "does not edit"),
        ({"input_fidelity": "high"}, "input_fidelity", "unknown"),
        ({"background": "transparent"}, "background", "'transparent'"),
        ({"n": 11}, "n", "10"),
    ],
)
def test_a_wrong_edit_is_refused_by_name(
    served: Served, client: OpenAI, asked: dict[str, Any], param: str, words: str
) -> None:
    before = served.api.get("/queue/stats").json()
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**({"image": png(), "prompt": PROMPT} | asked))
    assert told(caught.value)[:2] == ("invalid_request_error", param)
    assert words in caught.value.message
    assert served.api.get("/queue/stats").json() == before


def test_a_second_picture_that_is_none_is_called_image(tmp_path: Path) -> None:
    models = MODELS.replace("aliases: [small]", "capabilities: {references: true}")
    with serving(tmp_path, models=models) as looking, talking_to(looking.base) as client:
        with pytest.raises(openai.BadRequestError, match="image: not a readable") as caught:
            client.images.edit(image=[png(), b"no picture"], prompt=PROMPT)
        assert caught.value.param == "image"


def test_an_unknown_model_is_openais_404(client: OpenAI) -> None:
    for ask in (
        lambda: client.models.retrieve("stability/none"),
        lambda: client.images.generate(prompt=PROMPT, model="none"),
        lambda: client.images.edit(prompt=PROMPT, model="none", image=png()),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask()
        assert told(caught.value) == ("invalid_request_error", "model", "model_not_found")


def test_a_model_whose_files_are_missing_says_so_once(served: Served) -> None:
    with (
        talking_to(served.base, max_retries=5) as client,
        pytest.raises(openai.ConflictError, match="not-here") as caught,
    ):
        client.images.generate(prompt=PROMPT, model="absent")
    assert told(caught.value) == ("invalid_request_error", None, "model_files_missing")
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_a_full_queue_is_a_rate_limit_that_says_when_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, max_pending=1, start=False) as full, talking_to(full.base) as client:
        full.submit()
        with pytest.raises(openai.RateLimitError) as caught:
            client.images.generate(prompt=PROMPT)
        assert told(caught.value) == ("rate_limit_error", None, "rate_limit_exceeded")
        assert int(caught.value.response.headers["retry-after"]) > 0


def test_a_studio_that_stops_is_an_unavailable_server(tmp_path: Path) -> None:
    with serving(tmp_path) as stopping, talking_to(stopping.base) as client:
        stopping.studio.stop_accepting()
        with pytest.raises(openai.InternalServerError) as caught:
            client.images.generate(prompt=PROMPT)
        assert caught.value.status_code == 503
        assert told(caught.value) == ("server_error", None, "stopping")
        assert int(caught.value.response.headers["retry-after"]) > 0


def test_a_job_that_fails_is_told_and_not_sent_again(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine does not like circles."))
    with (
        talking_to(own.base, max_retries=5) as client,
        pytest.raises(openai.InternalServerError, match="does not like circles") as caught,
    ):
        client.images.generate(prompt=PROMPT)
    assert told(caught.value) == ("server_error", None, "engine_refused")
    assert len(own.engine.recipes) == 1


def test_a_job_that_somebody_cancels_is_a_conflict_and_not_sent_again(own: Served) -> None:
    own.engine.hold()
    with talking_to(own.base, max_retries=5) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.images.generate, prompt=PROMPT)
        own.engine.wait_until_sampling()
        (job,) = own.api.get("/queue").json()["jobs"]
        own.api.delete(f"/queue/{job['id']}")
        own.engine.release()
        with pytest.raises(openai.ConflictError) as caught:
            waiting.result(60)
    assert told(caught.value) == ("invalid_request_error", None, "cancelled")
    assert len(own.api.get("/queue").json()["jobs"]) == 1


def test_another_request_with_the_same_idempotency_key_is_a_conflict(client: OpenAI) -> None:
    headers = {"Idempotency-Key": "order-18"}
    client.images.generate(prompt=PROMPT, extra_headers=headers)
    with pytest.raises(openai.ConflictError) as caught:
        client.images.generate(prompt="another", extra_headers=headers)
    assert told(caught.value) == ("invalid_request_error", None, "idempotency_mismatch")


def test_a_wait_that_is_too_long_names_the_job_which_lives_on(tmp_path: Path) -> None:
    with serving(tmp_path, wait_seconds=1) as patient, talking_to(patient.base, max_retries=5) as client:
        patient.engine.hold()
        with pytest.raises(openai.InternalServerError) as caught:
            client.images.generate(prompt=PROMPT)
        assert caught.value.status_code == 504
        assert told(caught.value) == ("server_error", None, "timeout")
        (job,) = patient.api.get("/queue").json()["jobs"]
        assert job["id"] in caught.value.message
        assert caught.value.response.headers["x-job-id"] == job["id"]
        patient.engine.release()
        assert patient.final(job["id"])["status"] == "completed"


def test_a_client_that_hangs_up_leaves_its_job_to_go_on(own: Served) -> None:
    heard, log = Heard("path=/v1/images/generations status=499"), logging.getLogger("studio.access")
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    own.engine.hold()
    try:
        body = json.dumps({"prompt": PROMPT}).encode()
        with socket.create_connection(own.address) as connection:
            connection.sendall(
                b"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n" + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            )
            own.engine.wait_until_sampling()
        assert heard.event.wait(30), "the server still waits for a client that is gone"
    finally:
        log.removeHandler(heard)
    (job,) = own.api.get("/queue").json()["jobs"]
    own.engine.release()
    assert own.final(job["id"])["status"] == "completed"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/v1/nowhere", b"", 404, "unknown_url"),
        ("GET", "/v1/", b"", 404, "unknown_url"),
        ("POST", "/v1/chat/completions", b"{}", 404, "unknown_url"),
        ("DELETE", "/v1/models", b"", 405, None),
        ("POST", "/v1/images/generations", b"{", 400, "invalid_value"),
        ("POST", "/v1/images/generations", b"[]", 400, "invalid_value"),
        ("POST", "/v1/images/generations", b"[" * 100_000, 400, None),
        ("POST", "/v1/images/generations", b'{"prompt": "\\ud800"}', 400, "invalid_value"),
        ("POST", "/v1/images/generations", b" " * (2**20 + 1), 413, "too_large"),
        ("POST", "/v1/images/edits", b"{}", 400, "invalid_value"),
    ],
)
def test_what_no_client_sends_gets_the_envelope_too(
    served: Served, method: str, path: str, content: bytes, status: int, code: str | None
) -> None:
    answer = served.http.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", code)


def test_the_guard_speaks_the_envelope_under_v1_and_the_studios_shape_elsewhere(tmp_path: Path) -> None:
    with serving(tmp_path, api_key="the-key") as keyed:
        with talking_to(keyed.base) as client, pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
        assert told(caught.value) == ("invalid_request_error", None, "invalid_api_key")
        with talking_to(keyed.base, api_key="the-key") as client:
            assert client.models.list().data
        assert keyed.http.get("/v1").json()["error"]["code"] == "invalid_api_key"
        for path in ("/api/models", "/v10", "/"):
            answer = keyed.http.get(path)
            assert answer.status_code == 401
            assert isinstance(answer.json()["error"], str)
        foreign = keyed.http.get("/v1/models", headers={"Host": "evil.example"})
        assert foreign.status_code == 421
        assert foreign.json()["error"]["type"] == "invalid_request_error"
