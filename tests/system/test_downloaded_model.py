"""A model from a hub, with dropped connections and a killed studio, makes the pictures it should."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.demo.expand import FILES, demo_files
from tests.hub import Hub, serving_hub
from tests.system.running import RunningStudio, running_studio, until

pytestmark = pytest.mark.engine

ENTRY = """
    name: {name}
    {files}
    defaults: {{size: 128x128, steps: 8, cfg_scale: 2, sampler: euler, scheduler: discrete}}
    limits: {{max_pixels: 262144, multiple: 16}}
"""
SOURCE = """files: {{{paths}}}
    source: {{repo: studio/demo, files: {{{names}}}}}
"""


def catalogue() -> str:
    """The demonstration model twice: as it comes with the studio, and as one that has to be downloaded."""
    paths = ", ".join(f"{key}: models/fetched/{name}" for key, name in FILES.items())
    names = ", ".join(f"{key}: {name}" for key, name in FILES.items())
    fetched = SOURCE.format(paths=paths, names=names)
    return (
        "default: demo\nmodels:\n"
        f"  demo:{ENTRY.format(name='Demonstration', files='builtin: demo')}"
        f"  fetched:{ENTRY.format(name='Fetched', files=fetched)}"
    )


def pixels(studio: RunningStudio, model: str) -> Any:
    """What the model makes of the same words and seed."""
    body = {"model": model, "prompt": "a red circle on a blue background", "seed": 42}
    with studio.api as api:
        made = api.post("/generate", json=body)
        assert made.status_code == 200, made.text
        picture = api.get(f"/images/{made.json()['data'][0]['id']}")
    return np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGB"))


def ended(studio: RunningStudio) -> dict[str, Any]:
    """The only download, once it is at rest."""

    def look() -> dict[str, Any] | None:
        with studio.api as api:
            (row,) = api.get("/models/download").json()
        return row if row["state"] not in ("queued", "running", "checking") else None

    return until(look, 120)


def begin(studio: RunningStudio) -> str:
    with studio.api as api:
        answer = api.post("/models/download", json={"model": "fetched"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The demonstration model's files in a repository."""
    with serving_hub() as running:
        for key, path in demo_files(tmp_path / "expanded").items():
            running.files[f"studio/demo/{FILES[key]}"] = path.read_bytes()
        yield running


def test_it_makes_the_same_pictures_after_two_dropped_connections_and_a_kill(
    hub: Hub, tmp_path: Path, engine_binary: Path
) -> None:
    (tmp_path / "models.yml").write_text(catalogue())
    flags = ("--models", str(tmp_path / "models.yml"))
    env = {"HF_ENDPOINT": hub.base}
    hub.free.clear()
    with running_studio(tmp_path / "outputs", engine_binary, *flags, env=env) as studio:
        download = begin(studio)
        assert hub.halfway.wait(60)
        until(lambda: sum(part.stat().st_size for part in (tmp_path / "models").glob("*/*.part")))
        studio.process.kill()
        studio.process.wait(30)
    (part,) = (tmp_path / "models" / "fetched").glob("*.part")
    kept = part.stat().st_size
    hub.free.set()
    first = len(hub.transfers())
    hub.drops = [3_000_000, 5_000_000]

    with running_studio(tmp_path / "outputs", engine_binary, *flags, env=env) as studio:
        assert ended(studio)["state"] == "interrupted"
        assert begin(studio) == download
        row = ended(studio)

        assert (row["state"], row["error"]) == ("completed", None)
        assert row["total_bytes"] == sum(map(len, hub.files.values()))
        assert hub.transfers()[first].range == f"bytes={kept}-"
        assert len(hub.transfers()) - first == 5  # three files, two drops
        assert np.array_equal(pixels(studio, "fetched"), pixels(studio, "demo"))
