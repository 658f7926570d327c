"""Where everybody sees their own only: what others made is not there, at any door."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.owned import SECRET, Belongings, People, Person, belongings, final_of, shared
from tests.api.serving import PROMPT, picture_file, png

NOWHERE = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
NO_INPUT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with shared(tmp_path_factory.mktemp("shared")) as people:
        yield people


@pytest.fixture(scope="module")
def hers(people: People) -> Belongings:
    """What Ada has made; Bob made one picture, and so did the house."""
    made = belongings(people.ada)
    people.bob.post("/api/generate", json=PROMPT)
    people.house.post("/api/generate", json={"prompt": "the house"})
    return made


def owners(rows: list[dict[str, Any]]) -> set[str | None]:
    return {row.get("owner") for row in rows}


def tool(person: Person, name: str, **arguments: Any) -> dict[str, Any]:
    """What a tool of the door for agents answers."""
    call = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments},
    }  # fmt: skip
    headers = person.headers | {"Accept": "application/json, text/event-stream"}
    answer = person.http.post("/mcp", json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if line.startswith("data: {")]
    said = json.loads(lines[-1].removeprefix("data: ")) if lines else answer.json()
    result: dict[str, Any] = said["result"]
    return result


def test_lists_counts_and_totals_are_of_ones_own(people: People, hers: Belongings) -> None:
    for person, name, many in ((people.ada, "ada", 4), (people.bob, "bob", 1)):
        answer = person.ask("GET", "/api/queue")
        assert owners(answer.json()["jobs"]) == {name}
        assert answer.headers["X-Total-Count"] == str(many) == str(len(answer.json()["jobs"]))
        assert answer.json()["stats"] == person.get("/api/queue/stats")
        assert answer.json()["stats"]["completed"] == many
        assert person.ask("GET", "/api/queue?status=completed&limit=1").headers["X-Total-Count"] == str(many)
        made = person.ask("GET", "/api/generations")
        assert (owners(made.json()), made.headers["X-Total-Count"]) == ({name}, str(many))
        library = person.get("/api/library")
        assert (owners(library["items"]), library["total"]) == ({name}, many)
        assert person.get("/api/library/stats")["images"] == many
    everything = people.house.get("/api/library")
    assert (owners(everything["items"]), everything["total"]) == ({"ada", "bob", None}, 6)
    assert people.house.get("/api/queue/stats")["completed"] == 6


def test_searching_filters_and_tags_find_nothing_of_others(people: People, hers: Belongings) -> None:
    for query in ("q=lighthouse", "tag=tag%20of%20ada", "favourite=1", "type=edit", "q=li"):
        assert people.bob.get(f"/api/library?{query}")["total"] == 0, query
        assert people.bob.get(f"/api/generations?{query}") == [], query
        assert people.ada.get(f"/api/library?{query}")["total"] > 0, query
    assert people.bob.get("/api/library/stats")["tags"] == []
    assert people.bob.get("/api/library/stats")["inputs_bytes"] == 0
    assert [tag["name"] for tag in people.ada.get("/api/library/stats")["tags"]] == ["tag of ada"]
    assert people.ada.get("/api/library/stats")["inputs_bytes"] > 0


def test_what_others_made_is_told_as_what_was_never_there(people: People, hers: Belongings) -> None:
    for path, its_id, nobody in (
        ("/api/queue/{}", hers.job, NOWHERE), ("/api/queue/{}/attempts", hers.job, NOWHERE),
        ("/api/queue/{}/webhooks", hers.job, NOWHERE), ("/api/queue/{}/request", hers.job, NOWHERE),
        ("/api/generations/{}", hers.generation, NOWHERE), ("/api/images/{}", hers.image, NOWHERE),
        ("/api/images/{}?thumb=64", hers.image, NOWHERE), ("/api/images/{}/info", hers.image, NOWHERE),
        ("/api/grids/{}", hers.grid, NOWHERE), ("/api/grids/{}/sheet", hers.grid, NOWHERE),
        ("/api/inputs/{}", hers.picture, NO_INPUT), ("/api/inputs/{}?thumb=64", hers.mask, NO_INPUT),
        ("/api/images.zip?ids={}", hers.image, NOWHERE), ("/api/events?job={}", hers.job, NOWHERE),
    ):  # fmt: skip
        if "events" not in path:
            assert people.ada.ask("GET", path.format(its_id)).status_code == 200, path
        refused = people.bob.ask("GET", path.format(its_id))
        unknown = people.bob.ask("GET", path.format(nobody))
        assert refused.status_code == unknown.status_code == 404, path
        assert refused.text.replace(its_id, nobody) == unknown.text, path


def test_others_jobs_and_grids_can_be_neither_cancelled_nor_repeated(
    people: People, hers: Belongings
) -> None:
    for method, path in (
        ("DELETE", f"/api/queue/{hers.job}"), ("POST", f"/api/queue/{hers.job}/retry"),
        ("POST", f"/api/grids/{hers.grid}/cancel"), ("POST", f"/api/generations/{hers.generation}/replay"),
        ("GET", f"/api/generations/{hers.generation}/replay/{hers.replay}"),
    ):  # fmt: skip
        assert people.bob.ask(method, path).status_code == 404, path
    assert people.bob.post("/api/queue/cancel", json={"ids": [hers.job]})["cancelled"] == []


def test_naming_an_input_of_others_neither_shows_it_nor_tells_that_it_is_there(
    people: People, hers: Belongings
) -> None:
    def told(picture: str) -> list[tuple[int, str]]:
        job = {"type": "variation", "image": picture, "strength": 0.1}
        asked = (
            ("/api/queue/batch", {"jobs": [job]}), ("/api/queue/batch", {"jobs": [job, job]}),
            ("/api/grids", {"params": job, "axes": [{"parameter": "seed", "values": [1]}]}),
            ("/api/queue/upscale", {"input_image": picture, "method": "lanczos"}),
        )  # fmt: skip
        answers = [people.bob.ask("POST", path, json=body) for path, body in asked]
        answers.append(people.bob.ask("POST", "/api/inputs/from-image", json={"image_id": hers.image}))
        return [(answer.status_code, answer.text.replace(picture, "")) for answer in answers]

    assert {status for status, _ in told(hers.picture)} <= {400, 404}
    assert told(hers.picture) == told(NO_INPUT)
    for name in ("edit", "vary"):
        said = tool(people.bob, name, image=hers.picture, prompt="x")
        assert said["isError"], said
        assert "is not stored here" in json.dumps(said)
    png_of_hers = people.ada.ask("GET", f"/api/images/{hers.image}").content
    read = people.bob.ask("POST", "/api/import", files={"image": picture_file(png_of_hers)}).json()
    assert "input_image" not in read["params"] and "mask" not in read["params"]
    assert (
        "input_image"
        in people.ada.ask("POST", "/api/import", files={"image": picture_file(png_of_hers)}).json()["params"]
    )


def test_who_brings_the_same_picture_has_it_as_well(people: People, hers: Belongings) -> None:
    sent = {"image": picture_file(png(128, 128, color="navy"))}
    assert people.ada.post("/api/inputs", files=sent)["id"] == hers.picture
    with_it = png(40, 40, color="olive")
    hidden = people.ada.post("/api/inputs", files={"image": picture_file(with_it)})["id"]
    assert people.bob.ask("GET", f"/api/inputs/{hidden}").status_code == 404
    assert people.bob.post("/api/inputs", files={"image": picture_file(with_it)})["id"] == hidden
    assert people.bob.ask("GET", f"/api/inputs/{hidden}").status_code == 200


def test_an_archive_has_ones_own_pictures_only(people: People, hers: Belongings) -> None:
    own = people.bob.get("/api/library")["items"][0]["id"]
    answer = people.bob.ask("GET", f"/api/images.zip?ids={own},{hers.image}")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert sorted(names) == sorted([f"{own}.json", f"{own}.png"])


def test_the_list_of_grids_is_of_ones_own(people: People, hers: Belongings) -> None:
    assert people.bob.get("/api/grids") == []
    assert people.bob.ask("GET", "/api/grids").headers["X-Total-Count"] == "0"
    (grid,) = people.ada.get("/api/grids")
    assert (grid["id"], grid["owner"], grid["counts"]["completed"]) == (hers.grid, "ada", 2)


def test_agents_see_what_their_key_sees(people: People, hers: Belongings) -> None:
    found = tool(people.bob, "search_history", q="lighthouse")
    assert found["structuredContent"]["total"] == 0
    for name, arguments in (
        ("job_status", {"job_id": hers.job}), ("get_picture", {"image_id": hers.image}),
        ("wait_for_job", {"job_id": hers.job}), ("cancel_job", {"job_id": hers.job}),
        ("vary", {"image": hers.image}),
    ):  # fmt: skip
        said = tool(people.bob, name, **arguments)
        assert said["isError"], name
        assert "has the id" in json.dumps(said), name
    assert tool(people.ada, "job_status", job_id=hers.job)["structuredContent"]["prompt"] == SECRET


def test_openai_and_a1111_give_each_their_own(people: People, hers: Belongings) -> None:
    answer = people.ada.post("/v1/images/generations", json=PROMPT | {"response_format": "url"})
    path = "/" + answer["data"][0]["url"].partition("//")[2].partition("/")[2]
    assert people.ada.ask("GET", path).status_code == 200
    assert people.bob.ask("GET", path).status_code == 404

    made = people.bob.post("/sdapi/v1/txt2img", json=PROMPT | {"steps": 2})
    assert base64.b64decode(made["images"][0]).startswith(b"\x89PNG")
    assert people.bob.get("/sdapi/v1/progress")["textinfo"] is None


def test_what_the_engine_printed_and_the_meters_are_for_admins(people: People, hers: Belongings) -> None:
    assert people.bob.get("/api/models/demo")["log_tail"] == ""
    assert people.bob.ask("GET", "/metrics").status_code == 403
    assert people.house.ask("GET", "/metrics").status_code == 200


def test_a_running_job_of_somebody_else_is_nowhere(tmp_path: Path) -> None:
    with shared(tmp_path) as people:
        people.served.engine.hold()
        running = people.ada.post("/api/queue/generate", json={"prompt": SECRET})["job_id"]
        people.served.engine.wait_until_sampling()
        waiting = people.ada.post("/api/queue/generate", json={"prompt": SECRET})["job_id"]
        own = people.bob.post("/api/queue/generate", json=PROMPT)["job_id"]

        (job,) = people.bob.get("/api/queue")["jobs"]
        assert (job["id"], job["status"]) == (own, "pending")
        assert people.bob.get("/api/queue/stats") | {"pending": 0} == dict.fromkeys(
            ("pending", "processing", "completed", "failed", "cancelled"), 0
        )
        assert people.bob.ask("DELETE", f"/api/queue/{running}").status_code == 404
        assert people.bob.post("/api/queue/cancel", json={"ids": [running, waiting]})["cancelled"] == []
        assert people.bob.get("/sdapi/v1/progress")["textinfo"] is None
        people.served.engine.release()
        for job_id in (running, waiting, own):
            final_of(people.served.studio, job_id)


def test_without_owners_everybody_sees_everything(tmp_path: Path) -> None:
    with shared(tmp_path, owners=False) as people:
        hers = belongings(people.ada)
        assert people.bob.get(f"/api/queue/{hers.job}")["owner"] == "ada"
        assert people.bob.ask("GET", f"/api/images/{hers.image}").status_code == 200
        assert people.bob.ask("GET", f"/api/inputs/{hers.picture}").status_code == 200
        assert people.bob.get("/api/queue/stats")["completed"] == 4
        assert people.bob.get(f"/api/grids/{hers.grid}")["owner"] == "ada"


@pytest.mark.parametrize(("on", "status"), [(False, 403), (True, 404)])
def test_a_grid_is_cancelled_by_whoever_made_it_and_by_admins(tmp_path: Path, on: bool, status: int) -> None:
    with shared(tmp_path, owners=on) as people:
        people.house.post("/api/queue/pause")
        axes = [{"parameter": "seed", "values": [1, 2]}]
        grids = [people.ada.post("/api/grids", json={"params": PROMPT, "axes": axes})["id"] for _ in "ab"]

        for grid in grids:
            assert people.bob.ask("POST", f"/api/grids/{grid}/cancel").status_code == status
        assert people.ada.get("/api/queue/stats")["pending"] == 4
        assert len(people.ada.post(f"/api/grids/{grids[0]}/cancel")["cancelled"]) == 2
        assert len(people.house.post(f"/api/grids/{grids[1]}/cancel")["cancelled"]) == 2
