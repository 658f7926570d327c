"""A walk over every path there is, by the application's own list, with every id of somebody else's."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from studio.caller import Scope
from tests.api.owned import HOUSE, SECRET, Belongings, Person, belongings
from tests.ui.route_list import AN_ID, paths_of
from tests.ui.studio_page import Served, serve_page

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READING = ("GET",)
# They go on until somebody hangs up, and have tests of their own.
STREAMS = ("text/event-stream",)


@dataclass
class Walk:
    """What was seen on the way: {method and path: (status, body)}."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def where(self, marks: list[bytes]) -> dict[str, bytes]:
        """{method and path that answered with 200: the first of the marks in it}."""
        found = {}
        for asked, (status, body) in self.answers.items():
            seen = [mark for mark in marks if mark in body]
            if status < 300 and seen:
                found[asked] = seen[0]
        return found


@dataclass
class Walked:
    """A studio of two people, and what one of them has."""

    served: Served
    ada: Person
    bob: Person
    hers: Belongings
    marks: list[bytes]

    def walk(self, person: Person, methods: tuple[str, ...]) -> Walk:
        """Every path with each of her ids as each of its parameters."""
        walk = Walk()
        paths = {
            path or "/" for an_id in self.hers.ids for path in paths_of(self.served.app.routes, an_id=an_id)
        }
        with httpx.Client(
            base_url=self.served.base, headers=person.headers, timeout=30, trust_env=False
        ) as client:
            for path in sorted(paths):
                for method in methods:
                    with client.stream(method, path) as answer:
                        is_stream = answer.headers.get("content-type", "").startswith(STREAMS)
                        body = b"" if is_stream and answer.is_success else answer.read()
                        walk.answers[f"{method} {path}"] = answer.status_code, body
        return walk


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """Ada has one of everything; Bob has a key."""
    folder = tmp_path_factory.mktemp("walked")
    with ExitStack() as stack, serve_page(folder, api_key=HOUSE, owners=True) as served:
        keys = served.studio.key_ring._keys
        secrets = [keys.add(name, Scope.SUBMIT) for name in ("ada", "bob")]
        served.studio.key_ring._read_at = float("-inf")
        client = stack.enter_context(httpx.Client(base_url=served.base, timeout=30, trust_env=False))
        ada, bob = (Person(client, served.studio, secret) for secret in secrets)
        hers = belongings(ada)
        files = [served.studio.image_file(served.studio.image(hers.image))]
        files += [served.studio.inputs.file(hers.picture), served.studio.inputs.file(hers.mask)]
        # The pixels of a picture stand at the end of its file.
        pixels = [path.read_bytes()[-64:] for path in files]
        marks = [SECRET.encode(), b"tag of ada", *pixels, *(each.encode() for each in hers.ids)]
        yield Walked(served, ada, bob, hers, marks)


def test_nobody_gets_what_is_somebody_elses_by_any_method_on_any_path(walked: Walked) -> None:
    before = walked.walk(walked.ada, READING)

    his = walked.walk(walked.bob, METHODS)

    assert his.where(walked.marks) == {}
    # Nor a word of it where something is refused, but for the id that was asked for.
    assert not [
        asked for asked, (_, body) in his.answers.items() if SECRET.encode() in body or b"tag of ada" in body
    ]
    assert {status for status, _ in his.answers.values() if status >= 500} == set()
    # Nothing of hers is changed either.
    after = walked.walk(walked.ada, READING)
    assert before.where(walked.marks) == after.where(walked.marks)


def test_the_same_walk_with_her_own_key_finds_all_of_it(walked: Walked) -> None:
    found = walked.walk(walked.ada, READING).where(walked.marks)

    hers = walked.hers
    for path in (
        "/api/queue", f"/api/queue/{hers.job}", f"/api/queue/{hers.job}/request", "/api/generations",
        f"/api/generations/{hers.generation}", f"/api/images/{hers.image}",
        f"/api/images/{hers.image}/info", f"/api/inputs/{hers.picture}", f"/api/inputs/{hers.mask}",
        "/api/library", "/api/library/stats", "/api/grids", f"/api/grids/{hers.grid}",
        f"/api/grids/{hers.grid}/cells.csv",
    ):  # fmt: skip
        assert f"GET {path}" in found, path


def test_an_id_of_others_is_answered_as_one_that_nobody_has(walked: Walked) -> None:
    templates = [
        (path, other)
        for path, other in zip(
            paths_of(walked.served.app.routes, an_id=walked.hers.job),
            paths_of(walked.served.app.routes, an_id=AN_ID),
            strict=True,
        )
        if path != other and path.startswith("/api/")
    ]
    assert len(templates) > 20
    for path, other in templates:
        for method in ("GET", "POST", "DELETE"):
            answers = [walked.bob.ask(method, asked) for asked in (path, other)]
            assert answers[0].status_code == answers[1].status_code, (method, path)
            texts = [answers[0].text.replace(walked.hers.job, AN_ID), answers[1].text]
            assert texts[0] == texts[1], (method, path)


def carried(walked: Walked, person: Person) -> str:
    """What the page's own function answers that fills txt2img with the settings of her picture."""
    with httpx.Client(
        base_url=walked.served.base, headers=person.headers, timeout=30, trust_env=False
    ) as client:
        config = client.get("/config").json()
        (courier,) = [
            each["id"] for each in config["components"] if each["props"].get("elem_id") == "courier"
        ]
        (function,) = [
            each["id"] for each in config["dependencies"] if [courier, "select"] in each["targets"]
        ]
        session = f"session-of-{person.headers['X-Api-Key'][-8:]}"
        chosen = {"tab": "txt2img", "image_id": walked.hers.image}
        body = {"data": [], "event_data": chosen, "fn_index": function, "session_hash": session}
        joined = client.post("/gradio_api/queue/join", json={**body, "trigger_id": courier})
        assert joined.status_code == 200, joined.text
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
            return next(line for line in answer.iter_lines() if "process_completed" in line)


def test_a_function_of_the_page_tells_nobody_of_somebody_elses_picture(walked: Walked) -> None:
    assert SECRET in carried(walked, walked.ada)
    theirs = carried(walked, walked.bob)
    assert SECRET not in theirs
    assert f"No image has the id '{walked.hers.image}'" in theirs
