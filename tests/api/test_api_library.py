"""Pictures as a collection over REST: the list, marks, deleting, statistics."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.serving import Served, picture_file, serving

HOSTILE = "<img src=x onerror=alert(1)>"
NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with six pictures that the tests of this file only look at."""
    with serving(tmp_path_factory.mktemp("filled")) as running:
        running.generation(prompt="a red circle", n=3, seed=10)
        running.generation(prompt=HOSTILE, size="128x64", seed=2**62)
        running.generation(prompt="an owl at night", model="generator", steps=4)
        form = {"prompt": "a red owl", "strength": "0.5"}
        answer = running.api.post("/edit", data=form, files={"image": picture_file()})
        assert answer.status_code == 200, answer.text
        yield running


def _listed(served: Served, **query: Any) -> dict[str, Any]:
    answer = served.api.get("/library", params=query)
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


def _prompts(served: Served, **query: Any) -> list[str]:
    return [item["prompt"] for item in _listed(served, **query)["items"]]


def _ids(served: Served) -> list[str]:
    return [item["id"] for item in _listed(served, limit=200)["items"]]


# -- the list ----------------------------------------------------------------------------------------


def test_an_item_tells_everything_a_gallery_shows(filled: Served) -> None:
    listed = _listed(filled, sort="oldest", limit=2)

    assert list(listed) == ["items", "next", "total"]
    assert listed["total"] == 6
    second = listed["items"][1]
    assert {key: second[key] for key in ("index", "width", "height", "seed", "prompt", "model", "type")} == {
        "index": 1, "width": 128, "height": 128, "seed": "11", "prompt": "a red circle", "model": "demo",
        "type": "generate",
    }  # fmt: skip
    assert (second["steps"], second["cfg_scale"], second["negative_prompt"]) == (8, 2.0, "")
    assert (second["sampler"], second["scheduler"]) == ("euler", "discrete")
    assert (second["favourite"], second["tags"], second["revised_prompt"]) == (False, [], None)
    picture = filled.api.get(f"/images/{second['id']}")
    assert (type(second["created_at"]), second["bytes"]) == (int, len(picture.content))
    generation = filled.api.get(f"/generations/{second['generation_id']}").json()
    assert (generation["job_id"], generation["images"][1]["id"]) == (second["job_id"], second["id"])


def test_next_leads_through_all_pictures_in_both_orders(filled: Served) -> None:
    for sort in ("newest", "oldest"):
        whole = [item["id"] for item in _listed(filled, sort=sort)["items"]]
        walked: list[str] = []
        cursor = ""
        while cursor is not None:
            part = _listed(filled, sort=sort, limit=4, before=cursor)
            walked += [item["id"] for item in part["items"]]
            cursor = part["next"]
        assert walked == whole
        assert len(set(walked)) == 6


@pytest.mark.parametrize(
    ("query", "prompts"),
    [
        ({"q": "RED"}, ["a red owl", *["a red circle"] * 3]),
        ({"q": "owl night"}, ["an owl at night"]),
        ({"q": HOSTILE}, [HOSTILE]),
        ({"q": "nothing has this"}, []),
        ({"model": "generator"}, ["an owl at night"]),
        ({"type": "edit"}, ["a red owl"]),
        ({"size": "128x64"}, [HOSTILE]),
        ({"favourite": "1"}, []),
        ({"tag": "none"}, []),
        ({"to": "1000"}, []),
        ({"from": "4000000000"}, []),
        ({"q": "owl", "from": "1000", "to": "4000000000", "model": "demo"}, ["a red owl"]),
        ({"q": "", "model": "", "type": "", "from": "", "favourite": "", "limit": "1"}, ["a red owl"]),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(filled: Served, query: dict[str, str], prompts: list[str]) -> None:
    assert _prompts(filled, **query) == prompts
    if "limit" not in query:
        assert _listed(filled, **query)["total"] == len(prompts)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("before=1", "before"),
        ("type=magic", "type"), ("from=soon", "from"), ("to=nan", "to"), ("from=-1", "from"),
        ("size=big", "size"), ("favourite=perhaps", "favourite"), ("sort=random", "sort"),
        ("colour=red", "colour"),
        ("q=" + "x+" * 600, "q"), ("q=1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17", "q"),
        ("before=newest-1&sort=oldest", "before"), ("offset=5", "offset"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_by_name(filled: Served, query: str, field: str) -> None:
    answer = filled.api.get(f"/library?{query}")

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(f"{field}: ")


@pytest.mark.parametrize("value", ["%00", "%ff", "%ed%a0%80", "%25", "%27%22%5C", "*", "(", "NEAR"])
@pytest.mark.parametrize("name", ["q", "tag", "model"])
def test_odd_characters_in_a_filter_are_only_characters(filled: Served, name: str, value: str) -> None:
    answer = filled.api.get(f"/library?{name}={value}")

    assert answer.status_code == 200, answer.text


def test_what_people_typed_comes_back_as_plain_json_text(filled: Served) -> None:
    answer = filled.api.get("/library", params={"q": "onerror"})

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (item,) = answer.json()["items"]
    assert item["prompt"] == HOSTILE


def test_info_tells_the_whole_recipe_and_the_text_in_the_file(filled: Served) -> None:
    item = _listed(filled, size="128x64")["items"][0]

    info = filled.api.get(f"/images/{item['id']}/info").json()

    assert {key: info[key] for key in item} == item
    assert info["recipe"]["seed"] == info["seed"] == str(2**62)
    assert info["parameters"].startswith(f"{HOSTILE}\nSteps: 8, Sampler: Euler")
    picture = filled.api.get(f"/images/{item['id']}")
    read = filled.api.post("/import", files={"image": picture_file(picture.content)}).json()
    assert read["text"] == info["parameters"]


def test_statistics_count_pictures_models_and_sizes(filled: Served) -> None:
    stats = filled.api.get("/library/stats").json()

    assert stats["images"] == 6
    assert stats["bytes"] == sum(item["bytes"] for item in _listed(filled)["items"])
    assert stats["inputs_bytes"] > 0
    assert stats["free_bytes"] > 0
    assert stats["models"] == [{"id": "demo", "count": 5}, {"id": "generator", "count": 1}]
    assert {"size": "128x64", "count": 1} in stats["sizes"]
    assert sum(size["count"] for size in stats["sizes"]) == 6


# -- changing ----------------------------------------------------------------------------------------


def test_a_favourite_with_tags_is_found_by_them_and_everybody_hears_of_it(own: Served) -> None:
    made = own.generation(n=2)["data"]
    heard: list[str] = []
    with own.studio.bus.listen(heard.append):
        marks = {"favourite": True, "tags": ["Sea", HOSTILE, "sea"]}
        answer = own.api.patch(f"/images/{made[0]['id']}", json=marks)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["favourite"], answer.json()["tags"]) == (True, [HOSTILE, "Sea"])
    assert [item["id"] for item in _listed(own, favourite=1, tag="SEA")["items"]] == [made[0]["id"]]
    assert _listed(own, favourite=0)["total"] == 1
    assert any(made[0]["id"] in topic for topic in heard)
    assert own.api.get("/library/stats").json()["tags"] == [
        {"name": HOSTILE, "count": 1}, {"name": "Sea", "count": 1},
    ]  # fmt: skip
    unchanged = own.api.patch(f"/images/{made[0]['id']}", json={})
    assert unchanged.json() == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {"favourite": "yes"}, {"favourite": 1}, {"tags": "sea"}, {"tags": [1]}, {"tags": [""]}, {"stars": 5},
        {"tags": ["x" * 51]}, {"tags": ["a\x00"]}, {"tags": [str(n) for n in range(33)]},
        {"tags": ["\u202e"]}, [], "x",
    ],
)  # fmt: skip
def test_wrong_marks_are_refused_and_change_nothing(filled: Served, body: Any) -> None:
    item = _listed(filled)["items"][0]

    answer = filled.api.patch(f"/images/{item['id']}", json=body)

    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert _listed(filled)["items"][0] == item


@pytest.mark.parametrize("image_id", [NOBODY, "1", "%00", "..%2f..", NOBODY.upper(), "é"])
def test_an_unknown_picture_is_404(filled: Served, image_id: str) -> None:
    for answer in (
        filled.api.get(f"/images/{image_id}/info"),
        filled.api.patch(f"/images/{image_id}", json={"favourite": True}),
    ):
        assert answer.status_code == 404
        assert list(answer.json()) == ["error"]


def test_deleting_spares_favourites_and_takes_files_and_empty_generations(own: Served) -> None:
    made = own.generation(n=2)
    first, second = (picture["id"] for picture in made["data"])
    own.api.get(f"/images/{first}?thumb=64")
    own.api.patch(f"/images/{second}", json={"favourite": True})

    answer = own.api.post("/images/delete", json={"ids": [first, second, NOBODY, "not an id"]})

    assert answer.json() == {"deleted": 1, "protected": [second]}
    assert own.api.get(f"/images/{first}").status_code == 404
    assert own.api.get(f"/images/{first}?thumb=64").status_code == 404
    generation = own.api.get(f"/generations/{made['id']}").json()
    assert [image["id"] for image in generation["images"]] == [second]
    assert own.api.get(f"/generations/{made['id']}/image").status_code == 200

    answer = own.api.post("/images/delete", json={"ids": [second], "force": True})

    assert answer.json() == {"deleted": 1, "protected": []}
    assert own.api.get(f"/generations/{made['id']}").status_code == 404
    assert own.api.get("/generations").headers["x-total-count"] == "0"
    outputs = own.studio.settings.outputs
    assert [path for folder in ("images", "thumbs") for path in (outputs / folder).rglob("*.*")] == []


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": "x"}, {"ids": [1]}, {"ids": ["x"] * 5001}, {"all": True}]
)
def test_a_wrong_choice_is_refused(filled: Served, body: Any) -> None:
    answer = filled.api.post("/images/delete", json=body)

    assert answer.status_code == 400
    assert len(_ids(filled)) == 6


def test_cleaning_counts_first_and_deletes_only_when_told(own: Served) -> None:
    own.generation(n=3)
    newest, middle, oldest = _listed(own)["items"]
    own.api.patch(f"/images/{oldest['id']}", json={"favourite": True})
    rules = {"keep_bytes": oldest["bytes"] + newest["bytes"]}

    counted = own.api.post("/library/clean", json={**rules, "dry_run": True})
    assert counted.json() == {"images": 1, "bytes": middle["bytes"]}
    assert len(_ids(own)) == 3

    cleaned = own.api.post("/library/clean", json={**rules, "dry_run": False})
    assert cleaned.json() == counted.json()
    assert _ids(own) == [newest["id"], oldest["id"]]
    young = own.api.post("/library/clean", json={"older_than_days": 1, "dry_run": False})
    assert young.json() == {"images": 0, "bytes": 0}
    rest = own.api.post("/library/clean", json={"older_than_days": 0, "model": "demo", "dry_run": False})
    assert rest.json()["images"] == 1
    assert _ids(own) == [oldest["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"dry_run": False}, {"older_than_days": 3}, {"older_than_days": -1, "dry_run": True},
        {"keep_bytes": 1.5, "dry_run": True}, {"model": "", "dry_run": True},
        {"keep_bytes": 2**63, "dry_run": True}, {"older_than_days": 3, "dry_run": 0},
        {"rule": 1, "dry_run": True},
    ],
)  # fmt: skip
def test_wrong_rules_are_refused(filled: Served, body: Any) -> None:
    answer = filled.api.post("/library/clean", json=body)

    assert answer.status_code == 400, answer.text
    assert len(_ids(filled)) == 6
