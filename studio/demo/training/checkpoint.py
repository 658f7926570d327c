"""Trained weights on disk, to train on from or to pack: ae.pt and dit.pt."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from studio.demo.training.autoencoder import Autoencoder
from studio.demo.training.text_encoder import TextEncoder
from studio.demo.training.transformer import Transformer
from studio.demo.training.vocabulary import Vocabulary

CHECKPOINTS = Path(__file__).with_name("checkpoints")


@dataclass(frozen=True)
class Training:
    """How far a transformer was trained in its last stage."""

    steps: int
    samples: int


def new_transformer(vocabulary: Vocabulary, depth: int = 6) -> Transformer:
    """An untrained transformer with the text encoder inside."""
    return Transformer(TextEncoder(len(vocabulary.tokens)), depth=depth)


def load_transformer(path: Path, vocabulary: Vocabulary) -> tuple[Transformer, Training]:
    """The averaged weights of a checkpoint, in float32 on the CPU."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    model = new_transformer(vocabulary, content["depth"])
    model.load_state_dict(content["ema"])
    return model, Training(content["step"], content["seen"])


def save_transformer(path: Path, model: Transformer, training: Training, half: bool = False) -> None:
    """`half` stores float16, half the size, for keeping."""
    content = {
        "ema": _weights(model, half),
        "step": training.steps,
        "seen": training.samples,
        "depth": len(model.blocks),
    }
    torch.save(content, path)


def load_autoencoder(path: Path) -> Autoencoder:
    """A trained autoencoder, ready to encode and decode, in float32 on the CPU."""
    model = Autoencoder()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    model.eval().to(memory_format=torch.channels_last)
    return model


def save_autoencoder(path: Path, model: Autoencoder, half: bool = False) -> None:
    """`half` stores float16, half the size, for keeping."""
    torch.save(_weights(model, half), path)


def _weights(model: nn.Module, half: bool) -> dict[str, torch.Tensor]:
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    if half:
        weights = {
            name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()
        }
    return weights
