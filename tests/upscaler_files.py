"""Upscalers as files: networks of the ESRGAN kind with random weights and no block, so quick ones."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.demo.tensor_file import write_tensors

_FEATURES = 64


def write_upscaler(path: Path, scale: int) -> Path:
    """A network that makes noise of a picture, `scale` (1, 2 or 4) times as large; its path."""
    convolutions = {"conv_first": (_FEATURES, 3), "conv_body": (_FEATURES, _FEATURES)}
    if scale >= 2:
        convolutions["conv_up1"] = (_FEATURES, _FEATURES)
    if scale == 4:
        convolutions["conv_up2"] = (_FEATURES, _FEATURES)
    convolutions |= {"conv_hr": (_FEATURES, _FEATURES), "conv_last": (3, _FEATURES)}
    dice = np.random.default_rng(scale)
    tensors: dict[str, npt.NDArray[np.float16]] = {}
    for name, (outputs, inputs) in convolutions.items():
        tensors[f"{name}.weight"] = (dice.normal(size=(outputs, inputs, 3, 3)) * 0.05).astype(np.float16)
        tensors[f"{name}.bias"] = (dice.normal(size=outputs) * 0.05).astype(np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors)
    return path
