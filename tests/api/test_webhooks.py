"""Webhooks by REST: every way to ask for one, what the receiver gets, and what is refused."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from studio.caller import Caller, Scope, asking
from studio.errors import BadResult
from tests.api.hooked import over, secret, webhooks, webhooks_once
from tests.api.listening import Listener
from tests.api.serving import PROMPT, Served, picture_file, serving
from tests.builders import a_params
from tests.receiver import Receiver, receiving

EDIT = {"prompt": "a blue square"}
AXES = [{"parameter": "steps", "values": [2, 4]}]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("studio"), webhook_hosts="127.0.0.1") as running:
        yield running


def stored_input(served: Served) -> str:
    """The id of an input."""
    answer = served.api.post("/inputs", files={"image": picture_file()})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def mask_file() -> tuple[str, bytes, str]:
    out = io.BytesIO()
    Image.new("L", (96, 64), 255).save(out, "PNG")
    return picture_file(out.getvalue())


Ask = Callable[[Served, str], httpx.Response]
WAYS: dict[str, tuple[Ask, int]] = {
    "generate": (lambda s, hook: s.api.post("/generate", json=PROMPT | {"webhook": hook}), 1),
    "edit": (
        lambda s, hook: s.api.post("/edit", data=EDIT | {"webhook": hook}, files={"image": picture_file()}),
        1,
    ),
    "variation": (
        lambda s, hook: s.api.post("/variation", data={"webhook": hook}, files={"image": picture_file()}),
        1,
    ),
    "upscale": (
        lambda s, hook: s.api.post(
            "/upscale", data={"method": "lanczos", "webhook": hook}, files={"image": picture_file()}
        ),
        1,
    ),
    "queue/generate": (lambda s, hook: s.api.post("/queue/generate", json=PROMPT | {"webhook": hook}), 1),
    "queue/edit": (
        lambda s, hook: s.api.post(
            "/queue/edit", data=EDIT | {"webhook": hook}, files={"image": picture_file(), "mask": mask_file()}
        ),
        1,
    ),
    "queue/variation": (
        lambda s, hook: s.api.post(
            "/queue/variation", data={"webhook": hook}, files={"image": picture_file()}
        ),
        1,
    ),
    "queue/upscale": (
        lambda s, hook: s.api.post(
            "/queue/upscale",
            json={"method": "lanczos", "input_image": stored_input(s), "webhook": hook},
        ),
        1,
    ),
    "queue/batch": (
        lambda s, hook: s.api.post("/queue/batch", json={"jobs": [PROMPT, PROMPT], "webhook": hook}),
        2,
    ),
    "grids": (
        lambda s, hook: s.api.post("/grids", json={"params": PROMPT, "axes": AXES, "webhook": hook}),
        2,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_make_a_job_tells_its_webhook(served: Served, receiver: Receiver, way: str) -> None:
    ask, jobs = WAYS[way]

    answer = ask(served, receiver.address())

    assert answer.status_code == 200, answer.text
    came = receiver.wait(jobs)
    assert [told.json["event"] for told in came] == ["job_completed"] * jobs
    assert len({told.json["job"]["id"] for told in came}) == jobs
    assert all(told.path == "/hook?token=s3cret" for told in came)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_make_a_job_refuses_a_private_receiver_that_nobody_named(
    served: Served, way: str
) -> None:
    stored_input(served)
    inputs = served.studio.settings.outputs / "inputs"
    for path in inputs.iterdir():
        path.unlink()
    before = served.api.get("/queue/stats").json()

    answer = WAYS[way][0](served, "http://192.168.1.5:8123/hook")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("webhook: http://192.168.1.5:8123 is refused")
    assert "--webhook-hosts" in answer.json()["error"]
    assert served.api.get("/queue/stats").json() == before
    # What a form brings is not kept; that way here names a picture that was stored before.
    assert way == "queue/upscale" or list(inputs.iterdir()) == []


@pytest.mark.parametrize("hook", ["", "nonsense", "x" * 2001, 7, ["https://a.example/"], "https://a b/"])
def test_what_is_no_address_is_refused_by_the_fields_name(served: Served, hook: Any) -> None:
    answer = served.api.post("/queue/generate", json=PROMPT | {"webhook": hook})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("webhook: ")


def test_the_receiver_gets_the_job_as_the_api_shows_it_signed(served: Served, receiver: Receiver) -> None:
    job_id = served.submit(webhook=receiver.address(), n=2)

    (told,) = receiver.wait(1)
    (webhook,) = webhooks_once(served, job_id, over)

    job = served.job(job_id)
    assert told.json == {
        "event": "job_completed", "delivery": webhook["id"], "time": job["completed_at"], "job": job,
    }  # fmt: skip
    assert len(job["image_ids"]) == 2
    assert told.headers["x-studio-event"] == "job_completed"
    assert told.headers["x-studio-delivery"] == webhook["id"]
    assert told.headers["content-type"] == "application/json"
    assert told.is_signed_with(secret(served))
    assert not told.is_signed_with(secret(served, "ada"))
    assert not told.is_signed_with("")


def test_a_failed_and_a_cancelled_job_are_told_of_too(served: Served, receiver: Receiver) -> None:
    served.engine.faults.append(BadResult("It came out black."))
    failed = served.submit(webhook=receiver.address())
    receiver.wait(1)
    served.engine.hold()
    running = served.submit(webhook=receiver.address())
    waiting = served.submit(webhook=receiver.address())
    served.engine.wait_until_sampling()
    assert served.api.delete(f"/queue/{waiting}").status_code == 200
    receiver.wait(2)
    assert served.api.delete(f"/queue/{running}").status_code == 200
    came = receiver.wait(3)
    served.engine.release()

    assert [(told.json["event"], told.json["job"]["id"]) for told in came] == [
        ("job_failed", failed), ("job_cancelled", waiting), ("job_cancelled", running),
    ]  # fmt: skip
    assert came[0].json["job"]["error"] == "It came out black."


def test_how_far_the_telling_is_can_be_looked_up(served: Served, receiver: Receiver) -> None:
    served.engine.hold()
    receiver.hold()
    job_id = served.submit(webhook=receiver.address())
    (planned,) = webhooks(served, job_id)
    served.engine.release()
    receiver.wait(1)
    (waiting,) = webhooks(served, job_id)
    receiver.release()
    (delivered,) = webhooks_once(served, job_id, over)

    assert planned == {
        "id": None, "source": "job", "origin": f"http://{receiver.host}", "state": "planned", "tries": 0,
        "error": None, "next_try_at": None, "ended_at": None,
    }  # fmt: skip
    assert (waiting["state"], waiting["tries"]) == ("waiting", 0)
    assert (delivered["state"], delivered["tries"], delivered["error"]) == ("delivered", 1, None)
    assert delivered["ended_at"] is not None
    assert webhooks(served, served.submit()) == []
    assert served.api.get("/queue/nobody/webhooks").status_code == 404


def test_a_name_that_means_this_machine_is_given_up_when_it_is_looked_up(served: Served) -> None:
    job_id = served.submit(webhook="https://localhost/hook?token=s3cret")

    (webhook,) = webhooks_once(served, job_id, over)

    assert (webhook["state"], webhook["tries"], webhook["origin"]) == ("given_up", 1, "https://localhost")
    assert webhook["error"].startswith("https://localhost is refused: its host is not on the public internet")


def test_the_key_and_the_request_are_told_with_the_keys_secret(tmp_path: Path, receiver: Receiver) -> None:
    with serving(tmp_path, webhook_hosts=receiver.host) as own:
        key = own.studio.key_ring._keys.add("ada", Scope.SUBMIT, webhook=receiver.address("/of-the-key"))
        body = PROMPT | {"webhook": receiver.address("/of-the-request")}
        with asking(Caller("ada", Scope.SUBMIT)):
            job_id = own.studio.submit(a_params(), webhook=receiver.address("/of-the-request")).id
        came = receiver.wait(2)
        told = webhooks_once(own, job_id, over, headers={"X-Api-Key": key})
        again = own.api.post("/generate", json=body, headers={"X-Api-Key": key})
        assert again.status_code == 200, again.text
        receiver.wait(4)

        assert sorted(each.path for each in came) == ["/of-the-key", "/of-the-request"]
        assert all(each.is_signed_with(secret(own, "ada")) for each in came)
        assert [each["source"] for each in told] == ["job", "key"]
        assert len({each.json["delivery"] for each in came}) == 2


def test_a_key_is_told_of_its_jobs_by_whichever_door_they_came(tmp_path: Path, receiver: Receiver) -> None:
    with serving(tmp_path, webhook_hosts=receiver.host) as own:
        key = own.studio.key_ring._keys.add("ada", Scope.SUBMIT, webhook=receiver.address())
        headers = {"Authorization": f"Bearer {key}"}
        for path in ("/api/generate", "/v1/images/generations", "/sdapi/v1/txt2img"):
            answer = own.http.post(path, json=PROMPT, headers=headers)
            assert answer.status_code == 200, answer.text

        came = receiver.wait(3)

    assert [told.json["job"]["owner"] for told in came] == ["ada"] * 3


def test_the_same_request_with_another_webhook_is_another_request(served: Served, receiver: Receiver) -> None:
    def ask(key: str, hook: str | None, path: str = "/queue/generate", body: Any = PROMPT) -> httpx.Response:
        more = {} if hook is None else {"webhook": hook}
        return served.api.post(path, json=body | more, headers={"Idempotency-Key": key})

    hook = receiver.address()
    first = ask("told", hook)
    assert ask("told", hook).json()["job_id"] == first.json()["job_id"]
    assert ask("told", None).status_code == 409
    assert ask("told", receiver.address("/other")).status_code == 409
    assert ask("untold", None).status_code == 200
    assert ask("untold", hook).status_code == 409
    many = {"jobs": [PROMPT, PROMPT]}
    grid = {"params": PROMPT, "axes": AXES}
    upscale = {"method": "lanczos", "input_image": stored_input(served)}
    for path, body in (("/queue/batch", many), ("/grids", grid), ("/queue/upscale", upscale)):
        assert ask(path, hook, path, body).status_code == 200
        assert ask(path, hook, path, body).status_code == 200
        assert ask(path, None, path, body).status_code == 409


def test_trying_again_tells_the_same_webhook_and_a_replay_tells_nobody(
    served: Served, receiver: Receiver
) -> None:
    job_id = served.submit(webhook=receiver.address())
    made = served.final(job_id)
    receiver.wait(1)

    again = served.api.post(f"/queue/{job_id}/retry").json()["job_id"]
    replay = served.api.post(f"/generations/{made['generation_id']}/replay").json()["job_id"]

    assert [told.json["job"]["id"] for told in receiver.wait(2)] == [job_id, again]
    served.final(replay)
    assert webhooks(served, replay) == []


def test_what_belongs_to_a_key_is_told_to_nobody_elses_receiver_when_somebody_else_tries_it_again(
    served: Served, receiver: Receiver
) -> None:
    with asking(Caller("ada", Scope.SUBMIT)):
        job_id = served.studio.submit(a_params(), webhook=receiver.address()).id
    served.final(job_id)

    again = served.api.post(f"/queue/{job_id}/retry").json()["job_id"]

    served.final(again)
    assert webhooks(served, again) == []


def test_addresses_and_secrets_are_not_in_the_log(
    served: Served, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="studio")
    webhooks_once(served, served.submit(webhook=receiver.address()), over)
    webhooks_once(served, served.submit(webhook="https://localhost/path-of-mine?token=s3cret"), over)

    lines = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("studio"))
    assert f"to http://{receiver.host}, try 1: delivered" in lines
    for hidden in ("s3cret", "/hook", "path-of-mine", secret(served)):
        assert hidden not in lines


def test_the_telling_is_an_event(served: Served, receiver: Receiver) -> None:
    with served.api.stream("GET", "/events") as response:
        listener = Listener(response)
        listener.until("state")
        job_id = served.submit(webhook=receiver.address())
        told = listener.until("webhooks_changed")[-1]

    assert told.payload == {"job_id": job_id}
    assert webhooks(served, job_id)[0]["state"] == "delivered"


def test_the_job_itself_does_not_show_its_webhook(served: Served, receiver: Receiver) -> None:
    job_id = served.submit(webhook=receiver.address())
    served.final(job_id)
    for path in (f"/queue/{job_id}", f"/queue/{job_id}/request", f"/queue/{job_id}/webhooks"):
        assert "s3cret" not in json.dumps(served.api.get(path).json())
    assert "s3cret" not in repr(served.studio.job(job_id))
