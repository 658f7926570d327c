"""Checkpoints to model.npz: int8 rows with a float16 scale for large matrices, float16 for the rest.

python -m studio.demo.training.pack dit.pt ae.pt model.npz [--keep FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from studio.demo.tensor_file import Tensor
from studio.demo.training.autoencoder import Autoencoder
from studio.demo.training.checkpoint import (
    load_autoencoder,
    load_transformer,
    save_autoencoder,
    save_transformer,
)
from studio.demo.training.transformer import Transformer
from studio.demo.training.vocabulary import Vocabulary

LARGE = 8192
"""Matrices of so many numbers are stored as int8."""


def flat_weights(transformer: Transformer, autoencoder: Autoencoder) -> dict[str, Tensor]:
    """All weights by name as float32; the autoencoder's with its latent norm folded into the encoder."""
    weights = {name: tensor.detach().float().numpy() for name, tensor in transformer.state_dict().items()}
    for name, tensor in autoencoder.state_dict().items():
        if not name.startswith("bn."):
            weights["ae." + name] = tensor.detach().float().numpy()
    norm = autoencoder.bn
    scale = (1 / np.sqrt(norm.running_var.numpy() + norm.eps)).astype(np.float32)
    mean = norm.running_mean.numpy()
    weights["ae.enc.14.weight"] = weights["ae.enc.14.weight"] * scale[:, None, None, None]
    weights["ae.enc.14.bias"] = (weights["ae.enc.14.bias"] - mean) * scale
    return weights


def quantised(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Int8 rows and the float16 scale of each."""
    largest = np.abs(matrix).max(1, keepdims=True)
    scale = np.maximum(largest / 127, 1e-8).astype(np.float16)
    return np.clip(np.round(matrix / scale.astype(np.float32)), -127, 127).astype(np.int8), scale


def pack(transformer: Transformer, autoencoder: Autoencoder, vocabulary: Vocabulary, path: Path) -> None:
    """Write `path` as studio/demo/expand.py reads it."""
    content: dict[str, Tensor] = {}
    for name, weight in flat_weights(transformer, autoencoder).items():
        if weight.ndim == 2 and weight.size >= LARGE:
            content["q:" + name], content["s:" + name] = quantised(weight)
        else:
            content["h:" + name] = weight.astype(np.float16)
    content["ids"] = np.array(vocabulary.tokens, np.int32)
    content["var"] = np.array(list(vocabulary.variants.items()), np.int32)
    content["cfg"] = np.array([transformer.hidden, len(transformer.blocks)], np.int32)
    np.savez_compressed(path, **content)  # type: ignore[arg-type]  # its allow_pickle is a keyword too


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack checkpoints into the file that ships.")
    parser.add_argument("transformer", type=Path)
    parser.add_argument("autoencoder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--keep", type=Path, help="also write both checkpoints there in float16")
    options = parser.parse_args()
    vocabulary = Vocabulary()
    with torch.no_grad():
        transformer, training = load_transformer(options.transformer, vocabulary)
        autoencoder = load_autoencoder(options.autoencoder)
        pack(transformer, autoencoder, vocabulary, options.out)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        save_transformer(options.keep / "dit.pt", transformer, training, half=True)
        save_autoencoder(options.keep / "ae.pt", autoencoder, half=True)
    print(f"{training}: {options.out} has {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
