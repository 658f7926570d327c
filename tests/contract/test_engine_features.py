"""What the engine does besides plain pictures: it does it, and the extremes of every range leave it alive."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.demo.tensor_file import read_header, write_tensors
from studio.engine import Inputs, Picture
from studio.errors import EngineCrashed, EngineRefused
from studio.extras import CACHES_OF_TRANSFORMERS, UPSCALERS
from studio.job import Phase
from studio.loras import list_loras, lora_folder
from studio.model import Model
from studio.offers import offer_of
from studio.params import SAMPLERS, SCHEDULERS, JobType
from studio.sdserver.engine import SdServerEngine
from studio.sdserver.launch import model_paths
from tests.contract.engine_names import MakeRecipe, Reports

pytestmark = pytest.mark.engine

TENSOR = "double_blocks.0.img_attn.qkv"
QUICK: dict[str, Any] = {"steps": 2}
OTHER_KIND = "other kind/wröng <b>.safetensors"


@pytest.fixture(scope="module")
def model(demo_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The demonstration model in a folder of its own, with a LoRA that fits it and one that doesn't."""
    own = demo_model.model_copy(update={"folder": tmp_path_factory.mktemp("studio")})
    (lora_folder(own) / "other kind").mkdir(parents=True)
    shapes = read_header(model_paths(demo_model)["diffusion_model"])
    outputs, inputs = shapes[f"{TENSOR}.weight"]["shape"]
    write_lora(lora_folder(own) / "fits.safetensors", outputs, inputs)
    write_lora(lora_folder(own) / OTHER_KIND, outputs + 8, inputs + 16)
    return own


def write_lora(path: Path, outputs: int, inputs: int) -> None:
    """A LoRA of rank 4 for one matrix of the model, of random numbers."""
    dice = np.random.default_rng(1)
    down, up = dice.normal(size=(4, inputs)), dice.normal(size=(outputs, 4))
    names = (f"diffusion_model.{TENSOR}.lora_down.weight", f"diffusion_model.{TENSOR}.lora_up.weight")
    write_tensors(path, dict(zip(names, (down.astype(np.float32), up.astype(np.float32)), strict=True)))


def noise(width: int, height: int, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def one(pictures: list[Picture]) -> bytes:
    (picture,) = pictures
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.size == (picture.width, picture.height)
    return picture.png


def test_the_engine_says_that_it_has_what_is_offered(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    warm.load(model, Reports())
    features = warm.status.features
    assert features is not None
    offer = offer_of(model, features)
    assert offer == offer_of(model, None)
    assert (offer.upscalers, offer.samplers, offer.schedulers) == (UPSCALERS, SAMPLERS, SCHEDULERS)
    assert offer.loras and offer.vae_tiling and offer.caches == CACHES_OF_TRANSFORMERS
    assert {"ref_images", "init_image", "mask_image", "control_image"} <= set(features.abilities)


# -- the second pass ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hires", "side"),
    [
        ({"scale": 4, "steps": 1}, 256),
        ({"scale": 1, "steps": 2}, 64),
        ({"scale": 1.3, "steps": 2}, 96),  # 83, and then the next multiple of 16
        ({"steps": 1, "denoising_strength": 0.01}, 128),
        ({"steps": 1, "denoising_strength": 1}, 128),
        ({"steps": 0, "denoising_strength": 1, "upscaler": "Lanczos"}, 128),
        ({"steps": 2, "upscaler": "Nearest"}, 128),
        ({"steps": 2, "upscaler": "Latent (bicubic antialiased)"}, 128),
    ],
)
def test_a_second_pass_gives_the_larger_size_and_its_extremes_leave_the_engine_alive(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe, hires: dict[str, Any], side: int
) -> None:
    warm.load(model, Reports())
    before = warm.status.pid
    (picture,) = warm.generate(model, recipe(hires=hires, **QUICK), Inputs(), Reports())
    assert (picture.width, picture.height) == (side, side)
    assert Image.open(io.BytesIO(picture.png)).size == (side, side)
    assert warm.status.pid == before


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_no_scheduler_dies_of_the_shortest_or_longest_schedule_it_may_have(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe, scheduler: str
) -> None:
    warm.load(model, Reports())
    before = warm.status.pid
    long = 1000 if scheduler in ("gits", "ays") else 300
    for hires in (
        {"scale": 1, "steps": 2, "denoising_strength": 1},
        {"scale": 1, "steps": 3, "denoising_strength": max(0.01, 3 / long)},
    ):
        warm.generate(model, recipe(scheduler=scheduler, hires=hires, **QUICK), Inputs(), Reports())
    assert warm.status.pid == before


def test_the_steps_of_both_passes_are_counted_and_the_fraction_never_falls(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    warm.load(model, Reports())
    reports = Reports()
    hires = {"steps": 3, "scale": 2, "denoising_strength": 0.5}
    warm.generate(model, recipe(n=2, hires=hires, steps=4), Inputs(), reports)
    fractions = [progress.fraction for progress in reports.seen]
    assert fractions == sorted(fractions)
    sampled = [p for p in reports.seen if p.phase is Phase.SAMPLING and p.step]
    assert {p.image for p in sampled} == {1, 2}
    # The second pass is three quarters of the work.
    first_pass = [p.fraction for p in sampled if p.fraction < 0.35]
    second_pass = [p.fraction for p in sampled if p.fraction > 0.4]
    assert first_pass and second_pass


def test_an_edit_of_a_part_can_have_a_second_pass(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    mask = io.BytesIO()
    plane = Image.new("L", (64, 64), 0)
    plane.paste(255, (16, 16, 48, 48))
    plane.save(mask, "PNG")
    edit = recipe(
        type=JobType.EDIT, input_image="0" * 64, mask="1" * 64, strength=0.01, hires={"steps": 1}, **QUICK
    )
    (picture,) = warm.generate(model, edit, Inputs(noise(64, 64), mask.getvalue()), Reports())
    assert (picture.width, picture.height) == (128, 128)


# -- tiles, caches, references -----------------------------------------------------------------------


def test_a_large_picture_decoded_in_tiles_is_nearly_the_same(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    sizes: dict[str, Any] = {"width": 272, "height": 64, "steps": 1}
    plain, tiled = (
        one(warm.generate(model, recipe(vae_tiling=tiling, **sizes), Inputs(), Reports()))
        for tiling in (False, True)
    )
    assert plain != tiled
    planes = [np.asarray(Image.open(io.BytesIO(png)), dtype=np.int16) for png in (plain, tiled)]
    assert np.abs(planes[0] - planes[1]).mean() < 12


@pytest.mark.parametrize("cache", [*CACHES_OF_TRANSFORMERS, "ucache"])
def test_every_cache_makes_a_picture_at_any_number_of_steps(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe, cache: str
) -> None:
    warm.load(model, Reports())
    before = warm.status.pid
    for steps in (1, 10):
        warm.generate(model, recipe(cache=cache, steps=steps), Inputs(), Reports())
    again = {"steps": 2, "scale": 1}
    warm.generate(model, recipe(cache=cache, hires=again, **QUICK), Inputs(), Reports())
    assert warm.status.pid == before


def test_four_references_of_any_size_beside_the_picture_leave_the_engine_alive(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    warm.load(model, Reports())
    before = warm.status.pid
    references = (noise(64, 64), noise(16, 1), noise(1, 16), noise(301, 77))
    inputs = Inputs(noise(64, 64), references=references)
    for by_reference in (True, False):
        edit = recipe(
            type=JobType.EDIT, input_image="0" * 64, by_reference=by_reference, references=["1" * 64] * 4,
            strength=None if by_reference else 0.5, **QUICK,
        )  # fmt: skip
        one(warm.generate(model, edit, inputs, Reports()))
    assert warm.status.pid == before


# -- LoRAs -------------------------------------------------------------------------------------------


def test_a_lora_changes_the_picture_by_its_weight_and_leaves_no_trace_in_the_model(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    def made(*loras: tuple[str, float]) -> bytes:
        asked = recipe(loras=[{"name": name, "weight": weight} for name, weight in loras], **QUICK)
        return one(warm.generate(model, asked, Inputs(), Reports()))

    warm.load(model, Reports())
    before, plain = warm.status.pid, made()
    with_lora = made(("fits.safetensors", 1))
    assert with_lora != plain
    assert made(("fits.safetensors", -4)) not in (plain, with_lora)
    assert made(("fits.safetensors", 0)) == plain
    assert made(("fits.safetensors", 1)) == with_lora
    assert made() == plain
    assert warm.status.pid == before


def test_the_engine_finds_the_same_loras_as_we_do(warm: SdServerEngine, model: Model) -> None:
    warm.load(model, Reports())
    features = warm.status.features
    assert features is not None
    ours = [file.name for file in list_loras(lora_folder(model))]
    assert ours == ["fits.safetensors", OTHER_KIND]
    assert list(features.loras) == [Path(name).stem for name in ours]


def test_a_lora_tag_in_a_prompt_is_text(warm: SdServerEngine, model: Model, recipe: MakeRecipe) -> None:
    tag = "<lora:fits:1><lora:fits.safetensors:1>"
    one(warm.generate(model, recipe(f"a red circle {tag}", **QUICK), Inputs(), Reports()))
    assert "LoRA" not in warm.log_tail
    one(warm.generate(model, recipe(loras=[{"name": "fits.safetensors"}], **QUICK), Inputs(), Reports()))
    assert "LoRA" in warm.log_tail


def test_a_lora_of_another_kind_of_model_ends_the_engine_by_name_and_the_next_job_works(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    asked = recipe(loras=[{"name": "fits.safetensors"}, {"name": OTHER_KIND}], **QUICK)
    with pytest.raises(EngineCrashed, match=r"LoRAs.*'fits.safetensors', 'other kind/wröng <b>.safetensors'"):
        warm.generate(model, asked, Inputs(), Reports())
    one(warm.generate(model, recipe(**QUICK), Inputs(), Reports()))


def test_a_lora_that_is_not_there_is_refused_and_the_engine_stays(
    warm: SdServerEngine, model: Model, recipe: MakeRecipe
) -> None:
    warm.load(model, Reports())
    before = warm.status.pid
    for name in ("gone.safetensors", "../fits.safetensors", "/etc/passwd", "fits"):
        with pytest.raises(EngineRefused, match="lora"):
            warm.generate(model, recipe(loras=[{"name": name}], **QUICK), Inputs(), Reports())
    assert warm.status.pid == before
