"""Making a generation again: the same pixels, others, or none, and what is said of each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.errors import EngineRefused
from studio.png_text import read_texts
from studio.recipe_text import STUDIO_KEY
from tests.api.serving import MODELS, Served, serving
from tests.hub import some_weights

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


MINE = "  mine: {name: Mine, files: {model: weights/mine.safetensors}, limits: {multiple: 16}}\n"


@pytest.fixture
def with_files(tmp_path: Path) -> Iterator[Served]:
    """A studio whose model `mine` and LoRA `ink` are files."""
    for name, seed in (("weights/mine", 1), ("models/loras/ink", 2)):
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(parents=True)
        path.write_bytes(some_weights(path.parent, seed=seed))
    with serving(tmp_path, models=MODELS + MINE) as running:
        yield running


def replayed(own: Served, generation_id: str) -> dict[str, Any]:
    """What is said of a new replay once it is over."""
    answer = own.api.post(f"/generations/{generation_id}/replay")
    assert answer.status_code == 200, answer.text
    own.final(answer.json()["job_id"])
    return look(own, generation_id, answer.json()["job_id"])


def look(own: Served, generation_id: str, job_id: str) -> dict[str, Any]:
    answer = own.api.get(f"/generations/{generation_id}/replay/{job_id}")
    assert answer.status_code == 200, answer.text
    replay: dict[str, Any] = answer.json()
    return replay


def test_the_same_recipe_gives_the_same_pixels(own: Served) -> None:
    made = own.generation(n=2, seed=5)

    replay = replayed(own, made["id"])

    assert (replay["status"], replay["equal"]) == ("completed", True)
    assert [match["image_id"] for match in replay["pictures"]] == [image["id"] for image in made["data"]]
    assert [(match["equal"], match["difference"]) for match in replay["pictures"]] == [(True, 0)] * 2
    assert own.job(replay["job_id"])["image_ids"] == [match["again_id"] for match in replay["pictures"]]
    assert own.engine.recipes[0] == own.engine.recipes[1]


def test_one_other_pixel_is_found_and_named(own: Served) -> None:
    made = own.generation(n=2)
    record = own.api.get(f"/generations/{made['id']}/images").json()[1]
    path = own.studio.settings.outputs / record["file_path"]
    with Image.open(path) as picture:
        changed = picture.convert("RGB")
    red, green, blue = changed.getpixel((3, 4))  # type: ignore[misc]
    changed.putpixel((3, 4), (red, (green + 100) % 256, blue))
    changed.save(path)

    replay = replayed(own, made["id"])

    assert replay["equal"] is False
    assert [match["equal"] for match in replay["pictures"]] == [True, False]
    assert replay["pictures"][1]["difference"] in (100, 156)


def test_until_it_is_done_nothing_is_said_and_a_failure_says_why(own: Served) -> None:
    made = own.generation()
    own.api.post("/queue/pause")
    job_id = own.api.post(f"/generations/{made['id']}/replay").json()["job_id"]

    waiting = look(own, made["id"], job_id)
    own.engine.faults.append(EngineRefused("The engine says no."))
    own.api.post("/queue/resume")
    own.final(job_id)
    failed = look(own, made["id"], job_id)

    assert (waiting["status"], waiting["equal"], waiting["pictures"][0]["again_id"]) == (
        "pending",
        None,
        None,
    )
    assert (failed["status"], failed["equal"], failed["error"]) == ("failed", None, "The engine says no.")


def test_pictures_that_are_gone_are_not_compared(own: Served) -> None:
    made = own.generation(n=2)
    own.api.post("/images/delete", json={"ids": [made["data"][0]["id"]]})

    replay = replayed(own, made["id"])
    own.api.delete(f"/generations/{own.job(replay['job_id'])['generation_id']}")
    after = look(own, made["id"], replay["job_id"])

    assert [(match["index"], match["equal"]) for match in replay["pictures"]] == [(1, True)]
    assert (after["equal"], after["pictures"][0]["again_id"]) == (None, None)


def test_a_replay_outlives_the_studio_and_one_key_makes_one(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "again"}
    with serving(tmp_path) as own:
        made = own.generation()
        own.api.post("/queue/pause")
        first = own.api.post(f"/generations/{made['id']}/replay", headers=key).json()

    with serving(tmp_path) as own:
        assert own.api.post(f"/generations/{made['id']}/replay", headers=key).json() == first
        own.api.post("/queue/resume")
        own.final(first["job_id"])
        assert look(own, made["id"], first["job_id"])["equal"] is True


def test_a_cell_of_a_grid_keeps_its_job(own: Served) -> None:
    body = {"params": {"prompt": "a cat"}, "axes": [{"parameter": "seed", "values": [1]}]}
    grid = own.api.post("/grids", json=body).json()
    cell = own.final(grid["cells"][0]["job_id"])

    replayed(own, cell["generation_id"])

    assert own.api.get(f"/grids/{grid['id']}").json()["cells"][0]["job_id"] == cell["id"]


def test_a_generation_and_its_pictures_tell_what_made_them(with_files: Served) -> None:
    made = with_files.generation(model="mine", size="64x64", loras=[{"name": "ink.safetensors"}])

    said = with_files.api.get(f"/generations/{made['id']}").json()["made_with"]

    files = [(file["role"], file["name"], file["bytes"]) for file in said["files"]]
    size = (with_files.studio.settings.models.parent / "weights" / "mine.safetensors").stat().st_size
    assert files == [("model", "mine.safetensors", size), ("lora", "ink.safetensors", size)]
    png = with_files.api.get(f"/images/{made['data'][0]['id']}").content
    assert json.loads(read_texts(png, field="image")[STUDIO_KEY])["made_with"] == said


def test_nothing_differs_as_long_as_nothing_changed(with_files: Served) -> None:
    made = with_files.generation(model="mine", size="64x64", loras=[{"name": "ink.safetensors"}])

    begun = with_files.api.post(f"/generations/{made['id']}/replay").json()
    with_files.final(begun["job_id"])

    assert begun["differs"] == []
    assert look(with_files, made["id"], begun["job_id"])["differs"] == []


def test_files_that_are_others_now_are_named_before_and_after(with_files: Served) -> None:
    folder = with_files.studio.settings.models.parent
    made = with_files.generation(model="mine", size="64x64", loras=[{"name": "ink.safetensors"}])
    ink = folder / "models" / "loras" / "ink.safetensors"
    ink.write_bytes(some_weights(ink.parent, seed=3))
    weights = folder / "weights" / "mine.safetensors"
    weights.write_bytes(some_weights(weights.parent, seed=1, count=1000))

    with_files.api.post("/queue/pause")
    begun = with_files.api.post(f"/generations/{made['id']}/replay").json()
    waiting = look(with_files, made["id"], begun["job_id"])
    with_files.api.post("/queue/resume")
    with_files.final(begun["job_id"])

    sizes = [len(some_weights(folder, count=count)) for count in (1000, 500_000)]
    assert begun["differs"] == [
        f"model: mine.safetensors changed; it has {sizes[0]} bytes and had {sizes[1]}",
        f"lora: ink.safetensors changed; it has {sizes[1]} bytes and had {sizes[1]}",
    ]
    assert waiting["differs"] is None
    assert look(with_files, made["id"], begun["job_id"])["differs"] == begun["differs"]


@pytest.mark.parametrize("name", [NOBODY, "1", "%00", NOBODY.upper()])
def test_what_is_not_there_is_404(served: Served, name: str) -> None:
    made = served.generation()["id"]
    other = served.submit()
    served.final(other)

    answers = [
        served.api.post(f"/generations/{name}/replay"),
        served.api.get(f"/generations/{name}/replay/{other}"),
        served.api.get(f"/generations/{made}/replay/{name}"),
        served.api.get(f"/generations/{made}/replay/{other}"),
    ]

    assert [(answer.status_code, list(answer.json())) for answer in answers] == [(404, ["error"])] * 4
