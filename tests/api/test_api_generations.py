"""What was made: generations, records of pictures, and deleting them."""

import pytest

from tests.api.serving import Served

CONTRACT_FIELDS = {
    "id", "type", "model", "prompt", "negative_prompt", "size", "seed", "n", "quality", "style", "created_at",
    "updated_at",
}  # fmt: skip
IMAGE_FIELDS = {
    "id", "generation_id", "index_in_batch", "file_path", "mime_type", "width", "height", "revised_prompt",
    "seed",
}  # fmt: skip
NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def test_generations_are_a_plain_array_newest_first_with_the_total_in_a_header(own: Served) -> None:
    ids = [own.generation(seed=seed, n=1 + seed % 2)["id"] for seed in range(4)]
    answer = own.api.get("/generations")
    assert answer.headers["x-total-count"] == "4"
    assert [generation["id"] for generation in answer.json()] == ids[::-1]
    assert [generation["image_count"] for generation in answer.json()] == [2, 1, 2, 1]
    assert all(set(generation) >= CONTRACT_FIELDS | {"image_count"} for generation in answer.json())
    page = own.api.get("/generations", params={"limit": 2, "offset": 1})
    assert [generation["id"] for generation in page.json()] == ids[2:0:-1]
    assert page.headers["x-total-count"] == "4"
    assert own.api.get("/generations", params={"offset": 10}).json() == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1"])
def test_a_wrong_page_is_refused_by_name(served: Served, query: str) -> None:
    answer = served.api.get(f"/generations?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(query.partition("=")[0])


def test_a_generation_shows_its_pictures_and_no_path_of_this_machine(served: Served) -> None:
    made = served.generation(n=2, seed=40, size="64x96")
    answer = served.api.get(f"/generations/{made['id']}")
    generation = answer.json()
    assert set(generation) >= CONTRACT_FIELDS | {"images"}
    assert (generation["type"], generation["seed"], generation["size"]) == ("generate", "40", "64x96")
    assert [set(image) for image in generation["images"]] == [IMAGE_FIELDS] * 2
    assert [image["index_in_batch"] for image in generation["images"]] == [0, 1]
    assert [image["seed"] for image in generation["images"]] == ["40", "41"]
    first = generation["images"][0]
    assert (first["width"], first["height"], first["mime_type"]) == (64, 96, "image/png")
    assert first["generation_id"] == made["id"]
    assert first["file_path"].startswith("images/")
    assert str(served.studio.settings.outputs) not in answer.text
    assert served.api.get(f"/generations/{made['id']}/images").json() == generation["images"]


def test_deleting_a_generation_removes_its_files_and_its_pictures_are_404(served: Served) -> None:
    made = served.generation()
    image_id = made["data"][0]["id"]
    path = served.api.get(f"/generations/{made['id']}").json()["images"][0]["file_path"]
    # Both were asked for before, so they are remembered.
    assert served.api.get(f"/images/{image_id}").status_code == 200
    assert served.api.get(f"/images/{image_id}", params={"thumb": 64}).status_code == 200
    answer = served.api.delete(f"/generations/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert not (served.studio.settings.outputs / path).exists()
    for gone in (
        f"/images/{image_id}", f"/images/{image_id}?thumb=64", f"/generations/{made['id']}",
        f"/generations/{made['id']}/image", f"/generations/{made['id']}/images",
    ):  # fmt: skip
        assert served.api.get(gone).status_code == 404
    assert served.api.delete(f"/generations/{made['id']}").status_code == 404


def test_the_job_of_a_deleted_generation_stays(served: Served) -> None:
    job = served.final(served.submit())
    served.api.delete(f"/generations/{job['generation_id']}")
    after = served.job(job["id"])
    assert (after["status"], after["generation_id"]) == ("completed", None)


@pytest.mark.parametrize(
    "path", ["/generations/{}", "/generations/{}/image", "/generations/{}/images", "/images/{}"]
)
@pytest.mark.parametrize(
    "id_", [NOBODY, "1", "%2e%2e%2fstudio.db", "%2e%2e", "..%5cstudio.db", "%00", "C:%5cwindows", "a.png"]
)
def test_an_unknown_id_is_404_whatever_it_looks_like(served: Served, path: str, id_: str) -> None:
    answer = served.raw(
        f"GET /api{path.format(id_)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'{"error":' in answer
