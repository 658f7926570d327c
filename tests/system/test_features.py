"""LoRAs, painted parts and grown pictures, by REST, with the real engine."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from studio.catalog import load_catalog
from studio.demo.tensor_file import read_header, write_tensors
from studio.sdserver.launch import model_paths
from tests.system.running import ROOT, RunningStudio, running_studio

pytestmark = pytest.mark.engine

Pixels = npt.NDArray[np.int16]

TENSOR = "double_blocks.0.img_attn.qkv"
QUICK: dict[str, Any] = {"prompt": "a red circle on a blue background", "seed": 7, "steps": 3}


@pytest.fixture(scope="module")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio with its own models.yml, and beside it a LoRA that was made for a larger model."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "models.yml").write_bytes((ROOT / "models.yml").read_bytes())
    loras = folder / "models" / "loras"
    loras.mkdir(parents=True)
    files = model_paths(load_catalog(ROOT / "models.yml").model("demo"))
    outputs, inputs = read_header(files["diffusion_model"])[f"{TENSOR}.weight"]["shape"]
    down, up = np.ones((4, 2 * inputs), np.float32), np.ones((2 * outputs, 4), np.float32)
    names = (f"diffusion_model.{TENSOR}.lora_down.weight", f"diffusion_model.{TENSOR}.lora_up.weight")
    write_tensors(loras / "for-a-larger-model.safetensors", dict(zip(names, (down, up), strict=True)))
    flags = ("--models", str(folder / "models.yml"))
    with running_studio(folder / "outputs", engine_binary, *flags) as running:
        yield running


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.int16)


def png(pixels: npt.NDArray[Any]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def edited(studio: RunningStudio, source: Pixels, mask: npt.NDArray[Any] | None, **fields: Any) -> Pixels:
    """The pixels an edit made."""
    files = {"image": ("picture.png", png(source), "image/png")}
    if mask is not None:
        files["mask"] = ("mask.png", png(mask), "image/png")
    data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    with studio.api as api:
        answer = api.post("/edit", files=files, data={"prompt": "a red circle", "steps": "3", **data})
        assert answer.status_code == 200, answer.text
        content = api.get(f"/images/{answer.json()['data'][0]['id']}").content
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int16)


def test_a_lora_that_kills_the_engine_is_named_by_the_job_it_costs_and_by_nothing_else(
    studio: RunningStudio,
) -> None:
    deadly = studio.submit(**QUICK, loras=[{"name": "for-a-larger-model.safetensors"}])
    innocent = studio.submit(**QUICK)
    job = studio.final(deadly)
    assert (job["status"], job["error_code"], job["attempts"]) == ("failed", "engine_crashed", 2)
    assert "for-a-larger-model.safetensors" in job["error"]
    job = studio.final(innocent)
    assert (job["status"], job["attempts"], job["error"]) == ("completed", 1, None)


def test_a_masked_area_of_a_large_picture_is_painted_and_every_other_pixel_stays(
    studio: RunningStudio,
) -> None:
    source, mask = noise(900, 600), np.zeros((600, 900))
    mask[500:560, 820:900] = 255
    made = edited(studio, source, mask, inpaint_area="masked", inpaint_padding=16, strength=1)
    assert made.shape == source.shape
    assert np.array_equal(made[mask == 0], source[mask == 0])
    assert np.abs(made - source)[510:550, 830:890].mean() > 20


def test_a_picture_grows_on_two_sides_and_stays_what_it_was(studio: RunningStudio) -> None:
    source = noise(128, 96)
    made = edited(studio, source, None, extend={"left": 48, "bottom": 32})
    assert made.shape == (128, 176, 3)
    assert np.array_equal(made[:96, 48:], source)
    # The noise's mirror image, blurred, is grey all over; what the model painted is not.
    assert made[:, :40].std() > 10


def test_a_second_pass_makes_a_larger_picture_of_the_same_thing(studio: RunningStudio) -> None:
    with studio.api as api:
        second = {"scale": 1.5, "steps": 2, "denoising_strength": 0.2}
        answer = api.post("/generate", json=QUICK | {"steps": 8, "hires": second})
        assert answer.status_code == 200, answer.text
        content = api.get(f"/images/{answer.json()['data'][0]['id']}").content
    made = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int16)
    assert made.shape == (192, 192, 3)
    corner, centre = made[:16, :16].mean(axis=(0, 1)), made[88:104, 88:104].mean(axis=(0, 1))
    assert corner[2] > corner[0] + 40
    assert centre[0] > centre[2] + 40
