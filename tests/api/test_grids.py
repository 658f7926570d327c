"""Grids over REST: all cells or none, partial results, sheet and table, cancelling and deleting."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.errors import EngineRefused
from tests.api.listening import listening
from tests.api.serving import PROMPT, Served, picture_file, serving

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
AXES = [
    {"parameter": "seed", "values": [1, 2, 3]},
    {"parameter": "cfg_scale", "values": [1.5, 3]},
]


def new_grid(own: Served, axes: list[dict[str, Any]] = AXES, **more: Any) -> dict[str, Any]:
    """A new grid, as the answer tells it."""
    answer = own.api.post("/grids", json={"params": PROMPT, "axes": axes} | more)
    assert answer.status_code == 200, answer.text
    grid: dict[str, Any] = answer.json()
    return grid


def look(own: Served, grid: dict[str, Any]) -> dict[str, Any]:
    answer = own.api.get(f"/grids/{grid['id']}")
    assert answer.status_code == 200, answer.text
    now: dict[str, Any] = answer.json()
    return now


def done(own: Served, grid: dict[str, Any]) -> dict[str, Any]:
    """The grid once all of its jobs are over."""
    for cell in grid["cells"]:
        own.final(cell["job_id"])
    return look(own, grid)


def sheet(own: Served, grid: dict[str, Any]) -> Image.Image:
    answer = own.api.get(f"/grids/{grid['id']}/sheet")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    return Image.open(io.BytesIO(answer.content))


def stored_sheets(own: Served) -> list[Path]:
    return sorted((own.studio.settings.outputs / "sheets").glob("*"))


def test_a_grid_makes_every_combination_with_one_seed_for_all(own: Served) -> None:
    axes = [{"parameter": "cfg_scale", "values": [1, 2]}, {"parameter": "steps", "values": [3, 4, 5]}]

    grid = done(own, new_grid(own, axes, title="  two by   three "))

    assert (grid["title"], grid["total"], grid["done"]) == ("two by three", 6, True)
    assert grid["counts"]["completed"] == 6
    assert [(cell["x"], cell["y"], cell["z"]) for cell in grid["cells"]] == [
        (x, y, 0) for y in range(3) for x in range(2)
    ]
    made = [own.job(cell["job_id"]) for cell in grid["cells"]]
    assert [(job["cfg_scale"], job["steps"]) for job in made] == [(x, y) for y in (3, 4, 5) for x in (1, 2)]
    assert {job["seed"] for job in made} == {grid["params"]["seed"]}
    assert {job["batch_id"] for job in made} == {grid["id"]}
    assert all(len(cell["image_ids"]) == 1 for cell in grid["cells"])


def test_jobs_of_one_model_run_one_after_another(own: Served) -> None:
    axes = [
        {"parameter": "model", "values": ["demo", "generator"]},
        {"parameter": "seed", "values": [1, 2]},
    ]

    grid = done(own, new_grid(own, axes))

    assert [recipe.model for recipe in own.engine.recipes] == ["demo", "demo", "generator", "generator"]
    assert [own.job(cell["job_id"])["model"] for cell in grid["cells"]] == ["demo", "generator"] * 2


def test_prompts_are_an_axis_and_edits_have_grids(own: Served) -> None:
    prompts = [{"parameter": "prompt", "values": ["a cat", "a dog"]}]
    assert own.api.post("/grids", json={"params": {}, "axes": prompts}).status_code == 200
    picture = own.api.post("/inputs", files={"image": picture_file()}).json()["id"]
    edit = {"type": "edit", "prompt": "blue", "image": picture}
    answer = own.api.post(
        "/grids", json={"params": edit, "axes": [{"parameter": "strength", "values": [0.2, 1]}]}
    )

    grid = done(own, answer.json())

    assert [own.job(cell["job_id"])["strength"] for cell in grid["cells"]] == [0.2, 1]
    assert {own.job(cell["job_id"])["source_image_id"] for cell in grid["cells"]} == {picture}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"axes": [{"parameter": "steps", "values": [4, 0]}]}, "axes.0.values.1: steps '0': "),
        ({"axes": [AXES[0], {"parameter": "size", "values": ["64x64", "2048x2048"]}]},
         "axes.1.values.1: size '2048x2048': 2048x2048 is 4194304 pixels"),
        ({"axes": [{"parameter": "model", "values": ["demo", "nobody"]}]},
         "axes.0.values.1: model 'nobody': no model 'nobody'"),
        ({"axes": [{"parameter": "sampling", "values": [1]}]}, "axes.0.parameter: can't be varied"),
        ({"axes": []}, "axes: "), ({"axes": AXES * 2}, "axes: "),
        ({"axes": [{"parameter": "seed"}]}, "axes.0.values"),
        ({"axes": [{"parameter": "seed", "values": list(range(200))}, AXES[1]]},
         "axes: 400 cells; the limit is 200"),
        ({"params": PROMPT | {"steps": 0}}, "params.steps: "),
        ({"params": {}}, "params.prompt: must not be empty"),
        ({"params": PROMPT | {"size": "2048x2048"}}, "params.size: 2048x2048 is"),
        ({"params": PROMPT | {"type": "variation", "image": "0" * 64}}, "params.image: the input picture"),
        ({"params": PROMPT | {"loras": [{"name": "none.safetensors", "weight": 1}]}}, "params.loras"),
        ({"title": "x" * 101}, "title: "), ({"title": "a\x00b"}, "title: "),
        ({"cells": 3}, "cells: unknown field"),
    ],
)  # fmt: skip
def test_a_wrong_grid_is_refused_by_name_and_nothing_is_stored(
    served: Served, body: dict[str, Any], says: str
) -> None:
    before = served.api.get("/queue/stats").json()

    answer = served.api.post("/grids", json={"params": PROMPT, "axes": AXES} | body)

    assert (answer.status_code, answer.json()["error"][: len(says)]) == (400, says)
    assert served.api.get("/queue/stats").json() == before
    assert served.api.get("/grids").json() == []


def test_one_key_makes_one_grid(own: Served) -> None:
    own.api.post("/queue/pause")
    body, key = {"params": PROMPT, "axes": AXES}, {"Idempotency-Key": "grid"}

    first, second = (own.api.post("/grids", json=body, headers=key).json() for _ in range(2))

    assert first == second
    assert own.api.get("/queue/stats").json()["pending"] == 6
    assert own.api.post("/grids", json=body | {"title": "x"}, headers=key).status_code == 409


def test_without_room_for_all_cells_there_is_no_grid(tmp_path: Path) -> None:
    with serving(tmp_path, max_pending=5) as own:
        own.api.post("/queue/pause")

        answer = own.api.post("/grids", json={"params": PROMPT, "axes": AXES})

        assert answer.status_code == 429
        assert own.api.get("/grids").json() == []


def test_partial_results_show_and_what_is_missing_is_an_empty_frame(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine says no."))
    grid = new_grid(own, [{"parameter": "seed", "values": [1, 2, 3]}])
    own.final(grid["cells"][1]["job_id"])
    own.api.post(f"/grids/{grid['id']}/cancel")

    now = done(own, grid)

    assert [cell["status"] for cell in now["cells"]][:2] == ["failed", "completed"]
    assert now["cells"][0]["error"] == "The engine says no."
    picture = sheet(own, grid)
    # Three cells of 128x128 side by side, the labels above: the first is the empty frame.
    assert picture.size == (2 * 16 + 3 * 128 + 2 * 8, 2 * 16 + 22 * 3 + 8 + 128)
    middle = picture.height - 16 - 32
    assert picture.getpixel((16 + 64, middle)) == (236, 236, 236)
    assert picture.getpixel((16 + 136 + 64, middle)) != (236, 236, 236)


def test_the_sheet_of_a_complete_grid_is_stored_once(own: Served) -> None:
    own.engine.hold()
    grid = new_grid(own)
    sheet(own, grid)
    assert stored_sheets(own) == []
    own.engine.release()
    done(own, grid)

    first = own.api.get(f"/grids/{grid['id']}/sheet")
    (stored,) = stored_sheets(own)
    again = own.api.get(f"/grids/{grid['id']}/sheet", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert stored.read_bytes() == first.content
    written = stored.stat().st_mtime_ns
    assert own.api.get(f"/grids/{grid['id']}/sheet").content == first.content
    assert stored.stat().st_mtime_ns == written


def test_a_cell_tried_again_fills_the_sheet_anew(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine says no."))
    grid = new_grid(own, [{"parameter": "seed", "values": [1, 2]}])
    failed = done(own, grid)["cells"][0]
    before = sheet(own, grid).tobytes()

    again = own.api.post(f"/queue/{failed['job_id']}/retry").json()
    own.final(again["job_id"])

    now = look(own, grid)
    assert (now["cells"][0]["job_id"], now["counts"]["completed"]) == (again["job_id"], 2)
    assert sheet(own, grid).tobytes() != before
    assert len(stored_sheets(own)) == 1


def test_three_axes_make_layers_and_long_values_stay_in_their_place(own: Served) -> None:
    axes = [
        {"parameter": "prompt", "values": ["a 🦊 " + "very " * 200 + "small fox", "<b>&amp;"]},
        {"parameter": "seed", "values": [1, 2]},
        {"parameter": "steps", "values": [2, 3]},
    ]

    grid = done(own, new_grid(own, axes, title="layers"))

    width, height = sheet(own, grid).size
    assert width == 2 * 16 + 180 + 2 * 128 + 8
    assert height == 2 * 16 + 44 + 2 * (22 * 4 + 8 + 2 * (128 + 8)) - 8


def test_the_table_has_a_line_for_each_cell_and_no_formulas(own: Served) -> None:
    axes = [{"parameter": "prompt", "values": ["=1+1", 'a "quoted", thing\nof two lines']}, AXES[1]]
    grid = done(own, new_grid(own, axes))

    answer = own.api.get(f"/grids/{grid['id']}/cells.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["prompt"] for row in rows] == ["'=1+1", 'a "quoted", thing\nof two lines'] * 2
    assert [(row["x"], row["y"], row["cfg_scale"]) for row in rows] == [
        ("0", "0", "1.5"), ("1", "0", "1.5"), ("0", "1", "3"), ("1", "1", "3"),
    ]  # fmt: skip
    assert [row["image_ids"] for row in rows] == [cell["image_ids"][0] for cell in grid["cells"]]
    assert {row["seed"] for row in rows} == {grid["params"]["seed"]}


def test_cancelling_a_grid_stops_what_is_left_of_it(own: Served) -> None:
    own.engine.hold()
    grid, other = new_grid(own), own.submit()
    own.engine.wait_until_sampling()

    cancelled = own.api.post(f"/grids/{grid['id']}/cancel").json()["cancelled"]
    own.engine.release()

    assert sorted(cancelled) == sorted(cell["job_id"] for cell in grid["cells"])
    assert done(own, grid)["counts"]["cancelled"] == 6
    assert own.final(other)["status"] == "completed"


def test_a_deleted_grid_leaves_its_pictures_unless_told_otherwise(own: Served) -> None:
    kept, gone = (done(own, new_grid(own, [AXES[1]])) for _ in range(2))
    pictures = [cell["image_ids"][0] for cell in gone["cells"]]
    own.api.patch(f"/images/{pictures[0]}", json={"favourite": True})
    sheet(own, gone)

    first = own.api.delete(f"/grids/{kept['id']}").json()
    second = own.api.delete(f"/grids/{gone['id']}", params={"pictures": "true"}).json()

    assert first == {"success": True, "deleted": 0, "protected": []}
    assert second == {"success": True, "deleted": 1, "protected": [pictures[0]]}
    assert own.api.get(f"/images/{kept['cells'][0]['image_ids'][0]}").status_code == 200
    assert [own.api.get(f"/images/{picture}").status_code for picture in pictures] == [200, 404]
    assert own.job(kept["cells"][0]["job_id"])["batch_id"] is None
    assert (own.api.get("/grids").json(), stored_sheets(own)) == ([], [])


def test_deleting_a_grid_that_runs_cancels_it(own: Served) -> None:
    own.engine.hold()
    grid = new_grid(own)
    own.engine.wait_until_sampling()

    assert own.api.delete(f"/grids/{grid['id']}").status_code == 200

    own.engine.release()
    assert {own.final(cell["job_id"])["status"] for cell in grid["cells"]} == {"cancelled"}


@pytest.mark.parametrize("grid_id", [NOBODY, "1", "%00", NOBODY.upper(), "é"])
@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/sheet"), ("GET", "/cells.csv")],
)
def test_an_unknown_grid_is_404(served: Served, method: str, tail: str, grid_id: str) -> None:
    answer = served.api.request(method, f"/grids/{grid_id}{tail}")

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_grids_are_listed_newest_first_a_part_at_a_time(own: Served) -> None:
    own.api.post("/queue/pause")
    ids = [new_grid(own, [AXES[1]])["id"] for _ in range(3)]

    answer = own.api.get("/grids", params={"limit": 2, "offset": 1})

    assert [grid["id"] for grid in answer.json()] == ids[1::-1]
    assert answer.headers["x-total-count"] == "3"
    assert (answer.json()[0]["counts"]["pending"], answer.json()[0]["done"]) == (2, False)
    assert own.api.get("/grids", params={"limit": 101}).status_code == 400
    assert own.api.get("/grids", params={"page": 2}).status_code == 400


def test_a_crash_between_row_and_sheet_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as own:
        grid = done(own, new_grid(own, [AXES[1]]))
        sheet(own, grid)
        (kept,) = stored_sheets(own)
        (kept.parent / f"{NOBODY}-{'0' * 32}.png").write_bytes(b"left behind")
        own.studio.grids.sweep()

        assert stored_sheets(own) == [kept]


def test_listeners_hear_of_grids(own: Served) -> None:
    with listening(own.base) as stream:
        stream.until("state")
        own.api.post("/queue/pause")
        grid = new_grid(own, [AXES[1]])

        assert stream.until("grids_changed")[-1].payload == {"ids": [grid["id"]]}
