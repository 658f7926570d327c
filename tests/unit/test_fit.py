"""How much memory a model is said to need."""

from pathlib import Path
from typing import Any

import pytest

from studio.fit import estimate, working_bytes
from studio.model import Model

MEBI = 2**20


def a_model(**changes: Any) -> Model:
    values = {"id": "small", "folder": Path(), "name": "Small", "files": {"model": "small.safetensors"}}
    return Model.model_validate(values | changes)


def test_weights_and_working_memory_are_weighed_against_what_is_free() -> None:
    model = a_model()
    needed = 2_000 * MEBI + working_bytes(model, 512, 512)

    fit = estimate(model, [("model", 2_000 * MEBI)], needed)

    assert (fit.size, fit.weights, fit.needed, fit.fits) == ("512x512", 2_000 * MEBI, needed, True)
    assert estimate(model, [("model", 2_000 * MEBI)], needed - 1).fits is False


def test_a_missing_file_counts_by_the_size_models_yml_gives_or_nothing_is_said() -> None:
    source = {"repo": "a/b", "files": {"model": {"path": "x.safetensors", "bytes": 7_000}}}

    assert estimate(a_model(source=source), [("model", None)], 0).weights == 7_000
    unknown = estimate(a_model(), [("model", None)], 10**12)
    assert (unknown.weights, unknown.needed, unknown.fits) == (None, None, None)


def test_folders_are_no_weights() -> None:
    model = a_model(files={"model": "small.safetensors", "lora_dir": "loras"})

    assert estimate(model, [("model", 5)], 0).weights == 5


@pytest.mark.parametrize("side", [512, 1024])
def test_the_decoder_decides_and_grows_with_the_pixels(side: int) -> None:
    """1664 MiB for 512x512, four times that for 1024x1024."""
    buffers = 1664 * MEBI * (side // 512) ** 2

    assert buffers <= working_bytes(a_model(), side, side) <= buffers * 1.2


def test_tiles_and_tiny_decoders_need_less() -> None:
    whole = working_bytes(a_model(), 1024, 1024)
    tiled = working_bytes(a_model(engine={"vae_tiling": True}), 1024, 1024)
    tiny = working_bytes(a_model(files={"model": "small.safetensors", "tae": "tae.safetensors"}), 1024, 1024)

    assert tiled < whole / 2
    assert tiny < whole / 2


def test_the_demonstration_model_needs_no_more_than_it_was_seen_to_need() -> None:
    """With a tiny decoder the engine's log says 480 MiB for 512x512."""
    model = a_model(files={}, builtin="demo", defaults={"size": "512x512"})

    fit = estimate(model, [], 10**10)

    assert fit.needed is not None
    assert 480 * MEBI + 76 * MEBI < fit.needed < 1.5 * 480 * MEBI + 250_000_000
