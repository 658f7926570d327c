"""Fit: how much memory a model will need for a picture, and whether this machine has that much to spare.

An estimate. The weights count as large as their files; what the engine works with besides is proportional to
the pixels: the decoder wants most, after the steps are done and their memory is free again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from studio.model import FOLDER_KEYS, Model

# Bytes a pixel of the engine's buffers. With a tiny decoder (`tae`) the engine's log says 480 MiB for
# 512x512. The two others stand for 1664 MiB with the decoder of SD 1.5, SDXL and FLUX and 552 MiB while
# SD 1.5 denoises; they are what is commonly seen, not measured here.
_DECODING = 6656
_DECODING_TINY = 1921
_DENOISING = 2208
# Decoding in tiles takes the memory of one, 32x32 cells of 8 pixels by default.
_TILE_PIXELS = 256 * 256
# The program itself and the text encoder's buffers.
_BASE = 150_000_000
# What the demonstration model expands to.
_BUILTIN_WEIGHTS = 82_000_000


@dataclass(frozen=True)
class Fit:
    """Bytes of memory for one picture of the model's own size."""

    weights: int | None
    """None: a file is missing and nobody knows its size."""
    working: int
    available: int
    """What other programs leave now; the memory of a model that is loaded is not in it."""
    size: str

    @property
    def needed(self) -> int | None:
        """Weights and working memory together."""
        return None if self.weights is None else self.weights + self.working

    @property
    def fits(self) -> bool | None:
        """Whether it should find room; None if that can't be said."""
        return None if self.needed is None else self.needed <= self.available


def estimate(model: Model, sizes: Iterable[tuple[str, int | None]], available: int) -> Fit:
    """For a picture of the model's default size; `sizes` are the bytes of its files, None if missing."""
    return Fit(
        weights=_weights(model, dict(sizes)),
        working=working_bytes(model, model.defaults.width, model.defaults.height),
        available=available,
        size=model.defaults.size,
    )


def working_bytes(model: Model, width: int, height: int) -> int:
    """What the engine needs besides the weights for a picture of that many pixels."""
    decoding = _DECODING_TINY if "tae" in model.files.given or model.builtin is not None else _DECODING
    decoded = min(width * height, _TILE_PIXELS) if model.engine.vae_tiling else width * height
    return _BASE + max(_DENOISING * width * height, decoding * decoded)


def _weights(model: Model, sizes: dict[str, int | None]) -> int | None:
    if model.builtin is not None:
        return _BUILTIN_WEIGHTS
    source = model.source.files if model.source is not None else {}
    total = 0
    for key in model.files.given.keys() - FOLDER_KEYS:
        size = sizes.get(key)
        if size is None and key in source:
            size = source[key].bytes
        if size is None:
            return None
        total += size
    return total
