"""Finding and deleting generations by what their pictures are; favourites stay."""

from typing import Any

import pytest

from tests.api.serving import Served


def made(own: Served, **body: Any) -> str:
    return str(own.generation(**body)["id"])


def mark(own: Served, generation_id: str, index: int = 0, **marks: Any) -> str:
    """The id of one picture of it, marked."""
    pictures = own.api.get(f"/generations/{generation_id}/images").json()
    assert own.api.patch(f"/images/{pictures[index]['id']}", json=marks).status_code == 200
    return str(pictures[index]["id"])


def listed(own: Served, **query: Any) -> list[str]:
    """The ids of what matches; the header must agree."""
    answer = own.api.get("/generations", params=query)
    assert answer.status_code == 200, answer.text
    ids = [generation["id"] for generation in answer.json()]
    assert answer.headers["x-total-count"] == str(len(ids))
    return ids


def clear(own: Served, **query: Any) -> dict[str, Any]:
    answer = own.api.delete("/generations", params=query)
    assert answer.status_code == 200, answer.text
    cleared: dict[str, Any] = answer.json()
    return cleared


def test_generations_are_found_by_what_their_pictures_are(own: Served) -> None:
    cat = made(own, prompt="a Cat on a sofa", n=2)
    dog = made(own, prompt="a dog on a sofa", model="generator")
    fox = made(own, prompt="ein Fuchs 100%")
    mark(own, cat, 1, favourite=True)
    mark(own, dog, tags=["To print"])

    assert listed(own) == [fox, dog, cat]
    assert listed(own, q="SOFA") == [dog, cat]
    assert listed(own, q="sofa cat") == [cat]
    assert listed(own, q="0%") == [fox]
    assert listed(own, model="generator") == [dog]
    assert listed(own, type="edit") == []
    assert listed(own, favourite=True) == [cat]
    assert listed(own, favourite=False) == [fox, dog, cat]
    assert listed(own, tag="to PRINT") == [dog]
    assert listed(own, **{"from": own.studio.clock.now() + 60}) == []
    assert listed(own, to=own.studio.clock.now() + 60, q="a", model="demo") == [cat]
    page = own.api.get("/generations", params={"q": "sofa", "limit": 1, "offset": 1})
    assert ([each["id"] for each in page.json()], page.headers["x-total-count"]) == ([cat], "2")


@pytest.mark.parametrize(
    "query",
    [
        "type=nonsense",
        "favourite=perhaps",
        "from=x",
        "to=-1",
        "size=big",
        "q=" + "+".join("abcdefghijklmnopq"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(served: Served, query: str) -> None:
    for method in ("GET", "DELETE"):
        answer = served.api.request(method, f"/generations?{query}")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(query.partition("=")[0])


def test_deleting_needs_a_filter_or_the_word_all(own: Served) -> None:
    kept = made(own)

    for query in ("", "?force=true", "?q=", "?all=false"):
        answer = own.api.delete(f"/generations{query}")
        assert (answer.status_code, answer.json()) == (
            400, {"error": "name what to delete, or say all=true"},
        )  # fmt: skip
    assert own.api.delete("/generations?modle=demo").json()["error"].startswith("modle: unknown field")
    assert listed(own) == [kept]


def test_a_dry_run_counts_what_would_go_and_deletes_nothing(own: Served) -> None:
    two, one = made(own, n=2), made(own)
    mark(own, two, favourite=True)

    counted = clear(own, all=True, dry_run=True)
    forced = clear(own, all=True, dry_run=True, force=True)

    assert {name: counted[name] for name in ("dry_run", "generations", "images", "protected")} == {
        "dry_run": True, "generations": 1, "images": 2, "protected": 1,
    }  # fmt: skip
    assert (forced["generations"], forced["images"], forced["protected"]) == (2, 3, 0)
    assert listed(own) == [one, two]
    assert clear(own, all=True) == counted | {"dry_run": False}
    assert listed(own) == [two]


def test_all_pictures_of_a_match_go_with_their_files_and_favourites_stay(own: Served) -> None:
    job = own.final(own.submit(prompt="a cat", n=3))
    loved = mark(own, job["generation_id"], 1, favourite=True)
    dog = made(own, prompt="a dog")
    paths = {
        image["id"]: own.studio.settings.outputs / image["file_path"]
        for image in own.api.get(f"/generations/{job['generation_id']}/images").json()
    }

    cleared = clear(own, q="cat")

    assert (cleared["generations"], cleared["images"], cleared["protected"]) == (0, 2, 1)
    assert {image_id for image_id, path in paths.items() if path.exists()} == {loved}
    assert listed(own) == [dog, job["generation_id"]]
    assert own.job(job["id"])["image_ids"] == [loved]
    assert clear(own, q="cat", force=True)["generations"] == 1
    assert listed(own) == [dog]
    assert own.job(job["id"])["generation_id"] is None
