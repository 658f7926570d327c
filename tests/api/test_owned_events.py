"""Each hears of their own only: jobs, pictures, counts and the running job, by both kinds of stream."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.api.listening import Listener
from tests.api.owned import SECRET, People, Person, final_of, shared
from tests.api.serving import PROMPT


@contextmanager
def stream(person: Person, query: str = "", **headers: str) -> Iterator[Listener]:
    """An open stream of that person's."""
    path = f"/api/events{query}"
    with person.http.stream("GET", path, headers=person.headers | headers, timeout=30) as response:
        assert response.status_code == 200
        yield Listener(response)


def one_of_each(people: People) -> tuple[str, str]:
    """The jobs that Ada and then Bob had made, over."""
    hers = people.ada.post("/api/queue/generate", json={"prompt": SECRET})["job_id"]
    final_of(people.served.studio, hers)
    his = people.bob.post("/api/queue/generate", json=PROMPT)["job_id"]
    final_of(people.served.studio, his)
    return hers, his


def of_job(job_id: str) -> Callable[[dict[str, Any]], bool]:
    return lambda payload: payload.get("job_id") == job_id


def all_idle(payload: dict[str, Any]) -> bool:
    return bool(payload["running"] is None and payload["counts"]["processing"] == 0)


def test_each_stream_tells_of_ones_own_and_the_houses_tells_of_all(tmp_path: Path) -> None:
    with (
        shared(tmp_path) as people,
        stream(people.ada) as to_ada,
        stream(people.bob) as to_bob,
        stream(people.house) as to_house,
    ):
        for listener in (to_ada, to_bob, to_house):
            listener.until("state")
        hers, his = one_of_each(people)

        heard = to_bob.until("generation_completed")
        heard += to_bob.until("state", all_idle)
        assert hers not in json.dumps([each.payload for each in heard])
        assert SECRET not in json.dumps([each.payload for each in heard])
        states = [each.payload for each in heard if each.name == "state"]
        assert all(state["running"] is None or state["running"]["id"] == his for state in states)
        assert max(state["counts"]["completed"] for state in states) == 1

        assert to_ada.until("generation_completed")[-1].payload["job_id"] == hers
        told = to_house.until("generation_completed", of_job(his))
        assert hers in json.dumps([each.payload for each in told])
        everything = to_house.until("state", all_idle)[-1].payload["counts"]
        assert everything["completed"] == 2


def test_deleting_and_marking_is_told_to_the_owner_and_the_house_alone(tmp_path: Path) -> None:
    with shared(tmp_path) as people:
        hers, his = one_of_each(people)
        made = {job_id: people.served.studio.job(job_id) for job_id in (hers, his)}
        with stream(people.ada) as to_ada, stream(people.bob) as to_bob, stream(people.house) as to_house:
            for listener in (to_ada, to_bob, to_house):
                listener.until("state")
            for job in made.values():
                (image,) = job.image_ids
                people.house.ask("PATCH", f"/api/images/{image}", json={"favourite": True})
                people.house.ask("DELETE", f"/api/generations/{job.generation_id}")

            for listener, job_id, other in ((to_ada, hers, his), (to_bob, his, hers)):
                heard = listener.until("generation_deleted")
                assert heard[-1].payload == {"generation_id": made[job_id].generation_id}
                text = json.dumps([each.payload for each in heard])
                assert made[other].image_ids[0] not in text
            gone = [to_house.until("generation_deleted")[-1].payload["generation_id"] for _ in made]
            assert gone == [made[hers].generation_id, made[his].generation_id]


def test_a_websocket_tells_the_same(tmp_path: Path) -> None:
    with shared(tmp_path) as people:
        url = f"{people.served.base.replace('http', 'ws', 1)}/api/ws"
        with connect(url, additional_headers=people.bob.headers, proxy=None, open_timeout=30) as socket:
            heard = [json.loads(socket.recv(30))]
            hers, his = one_of_each(people)
            while heard[-1]["event"] != "generation_completed":
                heard.append(json.loads(socket.recv(30)))
        assert heard[-1]["data"]["job_id"] == his
        assert hers not in json.dumps(heard)


def test_who_comes_back_starts_over_and_is_told_their_own_counts(tmp_path: Path) -> None:
    with shared(tmp_path) as people, stream(people.house) as keeps_it_awake:
        keeps_it_awake.until("state")
        with stream(people.bob) as first:
            last = first.until("state")[-1].id
        hers, _ = one_of_each(people)
        keeps_it_awake.until("generation_completed", of_job(hers))
        with stream(people.bob, **{"Last-Event-ID": last}) as again:
            state = again.next()
            assert (state.name, state.payload["fresh"]) == ("state", True)
            assert state.payload["counts"]["completed"] == 1
            # And what changes from there on is told.
            one = people.bob.post("/api/queue/generate", json=PROMPT)["job_id"]
            again.until("generation_completed", of_job(one))
            again.until("state", lambda payload: payload["counts"]["completed"] == 2)


def test_the_hub_works_for_the_house_whoever_listened_first(tmp_path: Path) -> None:
    with shared(tmp_path) as people, stream(people.bob) as to_bob:
        to_bob.until("state")
        with stream(people.house) as to_house:
            to_house.until("state")
            done = threading.Event()
            with people.served.studio.bus.listen(lambda _: done.set()):
                hers = people.ada.post("/api/queue/generate", json={"prompt": SECRET})["job_id"]
                assert done.wait(30)
            assert to_house.until("generation_completed")[-1].payload["job_id"] == hers
