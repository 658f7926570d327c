"""Pictures made larger by REST with the engine's own program: drawings, uploads, and a broken network."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.system.running import ROOT, RunningStudio, running_studio
from tests.upscaler_files import write_upscaler

pytestmark = pytest.mark.engine

QUICK: dict[str, Any] = {
    "prompt": "a red circle on a blue background",
    "seed": 7,
    "steps": 3,
    "size": "64x64",
}


@pytest.fixture(scope="module")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio with a network, and a file that only looks like one."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "models.yml").write_bytes((ROOT / "models.yml").read_bytes())
    upscalers = folder / "models" / "upscalers"
    write_upscaler(upscalers / "x2.safetensors", 2)
    (upscalers / "hollow.gguf").write_bytes(b"GGUF conv_first.weight conv_last.weight conv_up1.weight")
    with running_studio(folder / "outputs", engine_binary, "--models", str(folder / "models.yml")) as running:
        yield running


def test_a_drawing_is_made_larger_by_the_engine_and_the_model_stays(studio: RunningStudio) -> None:
    with studio.api as api:
        drawn = api.post("/generate", json=QUICK).json()["data"][0]["id"]
        answer = api.post("/upscale", json={"image_id": drawn, "method": "x2.safetensors", "factor": 3})
        assert answer.status_code == 200, answer.text
        larger = answer.json()["data"][0]["id"]
        picture = Image.open(io.BytesIO(api.get(f"/images/{larger}").content))
        info = api.get(f"/images/{larger}/info").json()
        running = [model["id"] for model in api.get("/models/running").json()]

    assert picture.size == (192, 192)
    assert (info["prompt"], info["upscale"]["factor"]) == (QUICK["prompt"], 3)
    assert "Postprocess upscaler: x2.safetensors" in info["parameters"]
    assert running == ["demo"]


def test_the_same_upscale_gives_the_same_pixels(studio: RunningStudio) -> None:
    def enlarged() -> bytes:
        content = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").resize((40, 30)).save(content, "PNG")
        files = {"image": ("picture.png", content.getvalue(), "image/png")}
        answer = api.post("/upscale", files=files, data={"method": "x2.safetensors"})
        assert answer.status_code == 200, answer.text
        made = api.get(f"/images/{answer.json()['data'][0]['id']}").content
        picture = Image.open(io.BytesIO(made))
        assert picture.size == (80, 60)
        return picture.tobytes()

    with studio.api as api:
        assert enlarged() == enlarged()


def test_a_network_that_the_engine_can_not_read_fails_the_job_and_nothing_else(studio: RunningStudio) -> None:
    content = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(content, "PNG")
    files = {"image": ("picture.png", content.getvalue(), "image/png")}
    with studio.api as api:
        failed = api.post("/upscale", files=files, data={"method": "hollow.gguf"})
        plain = api.post("/upscale", files=files, data={"method": "lanczos"})

    assert failed.status_code == 500
    assert failed.json()["error"].startswith("The engine ")
    assert plain.status_code == 200
