"""A grid on the real engine outlives the death of the studio and ends with one sheet."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.system.running import RunningStudio, engines_of, running_studio, until

pytestmark = pytest.mark.engine

GRID: dict[str, Any] = {
    "title": "seed by cfg",
    "params": {"prompt": "a red circle on a blue background", "steps": 6},
    "axes": [
        {"parameter": "seed", "values": [1, 2, 3]},
        {"parameter": "cfg_scale", "values": [1, 2, 5]},
    ],
}


def look(studio: RunningStudio, grid_id: str) -> dict[str, Any]:
    with studio.api as api:
        answer = api.get(f"/grids/{grid_id}")
    assert answer.status_code == 200, answer.text
    grid: dict[str, Any] = answer.json()
    return grid


def test_a_grid_survives_kill_9_in_the_middle_and_ends_with_one_sheet(
    tmp_path: Path, engine_binary: Path
) -> None:
    outputs = tmp_path / "outputs"
    with running_studio(outputs, engine_binary) as studio:
        with studio.api as api:
            answer = api.post("/grids", json=GRID)
        assert answer.status_code == 200, answer.text
        grid_id = answer.json()["id"]
        until(lambda: look(studio, grid_id)["counts"]["completed"] >= 3)
        before = look(studio, grid_id)
        assert not before["done"]
        studio.process.kill()
        studio.process.wait(10)
    until(lambda: not engines_of(outputs), 10)

    with running_studio(outputs, engine_binary) as studio:
        until(lambda: look(studio, grid_id)["done"], 120)
        grid = look(studio, grid_id)
        with studio.api as api:
            sheet = api.get(f"/grids/{grid_id}/sheet").content
            table = api.get(f"/grids/{grid_id}/cells.csv").text
            made = api.get("/generations").json()
        assert studio.stop() == 0

    assert grid["counts"]["completed"] == 9
    assert [cell["job_id"] for cell in grid["cells"]] == [cell["job_id"] for cell in before["cells"]]
    finished = [cell for cell in before["cells"] if cell["status"] == "completed"]
    assert [
        cell for cell in grid["cells"] if cell["job_id"] in {each["job_id"] for each in finished}
    ] == finished
    assert len(made) == 9
    assert len(list((outputs / "images").rglob("*.png"))) == 9
    (stored,) = (outputs / "sheets").iterdir()
    assert stored.read_bytes() == sheet
    assert len(table.splitlines()) == 10
    pixels = np.asarray(Image.open(io.BytesIO(sheet)))
    cells = [
        pixels[-16 - 128 - row * 136 :, 16 + 180 + column * 136 :][:128, :128]
        for row in range(3)
        for column in range(3)
    ]
    assert len({cell.tobytes() for cell in cells}) == 9
    assert all(cell.std() > 10 for cell in cells)
