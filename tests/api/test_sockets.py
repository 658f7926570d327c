"""The events over a websocket, by a client that people use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.api.serving import Served, serving

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


@contextmanager
def listening(own: Served, query: str = "", **headers: str) -> Iterator[ClientConnection]:
    url = f"{own.base.replace('http', 'ws', 1)}/api/ws{query}"
    with connect(url, additional_headers=headers, proxy=None, open_timeout=30) as socket:
        yield socket


def until(socket: ClientConnection, event: str) -> list[dict[str, Any]]:
    """Messages up to the first of that event."""
    heard = [json.loads(socket.recv(30))]
    while heard[-1]["event"] != event:
        heard.append(json.loads(socket.recv(30)))
    return heard


def refused(own: Served, query: str = "", **headers: str) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as caught, listening(own, query, **headers):
        pass
    return caught.value


def test_a_job_is_told_from_the_queue_to_its_pictures(own: Served) -> None:
    with listening(own) as socket:
        (state,) = until(socket, "state")
        job_id = own.submit()
        heard = until(socket, "generation_completed")

    assert (state["data"]["fresh"], state["data"]["seq"]) == (True, int(state["id"]))
    jobs = [each for each in heard if each["event"].startswith("job_")]
    assert {each["data"]["job"]["id"] for each in jobs} == {job_id}
    (done,) = [each for each in heard if each["event"] == "job_completed"]
    assert done["data"]["job"] == own.job(job_id)
    assert heard[-1]["data"]["image_ids"] == own.job(job_id)["image_ids"]
    ids = [int(each["id"]) for each in heard]
    assert ids == sorted(ids)


def test_who_comes_back_hears_what_happened_meanwhile(own: Served) -> None:
    with listening(own) as keeps_it_awake, listening(own) as socket:
        last = until(socket, "state")[-1]["id"]
        until(keeps_it_awake, "state")
        socket.close()
        own.api.post("/queue/pause")
        until(keeps_it_awake, "queue_paused")

        with listening(own, f"?last_event_id={last}") as again:
            heard = until(again, "queue_paused")

    assert heard[-1]["data"] == {"paused": True}
    assert not any(each["data"].get("fresh") for each in heard)


def test_one_job_can_be_followed_alone(own: Served) -> None:
    own.api.post("/queue/pause")
    other, wanted = own.submit(), own.submit()
    with listening(own, f"?job={wanted}") as socket:
        state, first = json.loads(socket.recv(30)), json.loads(socket.recv(30))
        own.api.delete(f"/queue/{other}")
        own.api.delete(f"/queue/{wanted}")
        heard = until(socket, "job_cancelled")

    assert (state["event"], first["event"], first["data"]["job"]["id"]) == ("state", "job_updated", wanted)
    assert {each["data"]["job"]["id"] for each in heard} == {wanted}


def test_an_unknown_job_is_404(served: Served) -> None:
    for job_id in (NOBODY, "1", "%00"):
        response = refused(served, f"?job={job_id}").response
        assert (response.status_code, list(json.loads(response.body))) == (404, ["error"])


def test_what_a_client_says_changes_nothing(own: Served) -> None:
    with listening(own) as socket:
        until(socket, "state")
        for message in ("{}", b"\x00\xff", "x" * 100_000):
            socket.send(message)
        own.api.post("/queue/pause")

        assert until(socket, "queue_paused")[-1]["data"] == {"paused": True}


def test_a_studio_that_stops_says_goodbye(tmp_path: Path) -> None:
    with serving(tmp_path) as own, listening(own) as socket:
        until(socket, "state")
        own.studio.stop_accepting()

        with pytest.raises(ConnectionClosed) as caught:
            until(socket, "never")

        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1012, "The studio is shutting down.")
        assert refused(own).response.status_code == 503


def test_the_hub_rests_when_the_last_listener_is_gone(own: Served) -> None:
    (api,) = [route.app for route in own.app.routes if isinstance(route, Mount) and route.path == "/api"]
    assert isinstance(api, FastAPI)
    with listening(own) as socket:
        until(socket, "state")
        assert api.state.hub.is_working

    # Once the server has noticed; a hub that never rests keeps this from ending.
    while api.state.hub.is_working:
        own.api.get("/health")


def test_other_sites_and_strangers_are_kept_out(tmp_path: Path, served: Served) -> None:
    assert refused(served, Origin="http://elsewhere.example").response.status_code == 403
    with serving(tmp_path, api_key="a-key-of-forty-characters-0123456789abcd") as own:
        assert refused(own).response.status_code == 401
        key = {"Authorization": "Bearer a-key-of-forty-characters-0123456789abcd"}
        with listening(own, **key) as socket:
            until(socket, "state")
