"""Two people's keys of a studio where everybody sees their own only, and what one of them has made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from studio.caller import Scope
from studio.service import Studio
from tests.api.serving import Served, picture_file, png, serving
from tests.fakes import FakeClock

HOUSE = "the-key-of-the-house"
# Words that stand nowhere but in Ada's requests.
SECRET = "lighthouse of ada"


@dataclass
class Person:
    """A key, and requests with it."""

    http: httpx.Client
    studio: Studio
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.secret}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.request(method, path, headers=self.headers, **more)

    def get(self, path: str) -> Any:
        """The answer, which must be one."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **more: Any) -> Any:
        answer = self.ask("POST", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Belongings:
    """The ids of what somebody made."""

    job: str
    generation: str
    image: str
    picture: str
    mask: str
    grid: str
    cell: str
    replay: str
    ids: list[str] = field(default_factory=list)


@dataclass
class People:
    """The house, two people who submit, and the studio they share."""

    served: Served
    house: Person
    ada: Person
    bob: Person


@contextmanager
def people_of(served: Served, clock: FakeClock) -> Iterator[People]:
    """The people of a studio that was opened with `owners` and HOUSE as its key."""
    keys = served.studio.key_ring._keys
    secrets = [keys.add(name, Scope.SUBMIT) for name in ("ada", "bob")]
    clock.advance(1)
    yield People(served, *(Person(served.http, served.studio, secret) for secret in (HOUSE, *secrets)))


@contextmanager
def shared(folder: Path, **changes: Any) -> Iterator[People]:
    """A studio of several people."""
    clock = FakeClock()
    settings: dict[str, Any] = {"api_key": HOUSE, "owners": True} | changes
    with serving(folder, clock=clock, **settings) as served, people_of(served, clock) as people:
        yield people


def belongings(person: Person) -> Belongings:
    """An edit with a mask, a replay of it and a grid, all over; one picture of it is a tagged favourite."""
    studio = person.studio
    picture = person.post("/api/inputs", files={"image": picture_file(png(128, 128, color="navy"))})["id"]
    painted = picture_file(png(128, 128, mode="L", color=255))
    mask = person.post("/api/inputs", files={"image": painted}, data={"kind": "mask"})["id"]
    edit = {"type": "edit", "prompt": SECRET, "image": picture, "mask": mask}
    (queued,) = person.post("/api/queue/batch", json={"jobs": [edit]})["jobs"]
    final_of(studio, queued["job_id"])
    made = studio.job(queued["job_id"])
    generation = made.generation_id or ""
    replay = person.post(f"/api/generations/{generation}/replay")["job_id"]
    final_of(studio, replay)
    axes = [{"parameter": "seed", "values": [1, 2]}]
    grid = person.post("/api/grids", json={"params": {"prompt": SECRET}, "axes": axes})
    for cell in grid["cells"]:
        final_of(studio, cell["job_id"])
    (image,) = made.image_ids
    studio.shelf.mark(image, favourite=True, tags=["tag of ada"])
    again = studio.job(replay)
    ids = [made.id, generation, image, picture, mask, grid["id"], grid["cells"][0]["job_id"], replay]
    ids += [*again.image_ids, again.generation_id or ""]
    return Belongings(made.id, generation, image, picture, mask, grid["id"], ids[6], replay, ids)


def final_of(studio: Studio, job_id: str) -> None:
    """Wait until the job is over."""
    changed = threading.Event()
    with studio.bus.listen(lambda _: changed.set(), job_id):
        while not studio.job(job_id).is_final:
            assert changed.wait(30), f"job {job_id} does not end"
            changed.clear()
