"""Training pictures as the autoencoder sees them, encoded once and kept in a folder."""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.demo.training import pictures
from studio.demo.training.autoencoder import LATENT_CHANNELS, SCALE, Autoencoder

BATCH = 64


def as_tensor(images: Sequence[Image.Image], device: torch.device) -> Tensor:
    """RGB pictures of one size as floats 0..1, [batch, 3, height, width]."""
    stack = torch.from_numpy(np.stack([np.asarray(image) for image in images])).to(device)
    return (stack.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)


def latents(
    autoencoder: Autoencoder, size: int, count: int, seed: int, scene_share: float, folder: Path
) -> tuple[Tensor, list[str]]:
    """`count` latents of `size` x `size` pictures as float16 on the CPU, and their captions.

    They depend on the arguments only, so a file of an earlier run in `folder` is used if there is one.
    """
    file = folder / f"latents-{_fingerprint(autoencoder)}-{size}-{count}-{seed}-{scene_share}.pt"
    if file.exists():
        stored, captions = torch.load(file, weights_only=True)
        return stored, list(captions)
    rng = random.Random(seed)
    device = next(autoencoder.parameters()).device
    side = size // SCALE
    encoded = torch.empty(count, LATENT_CHANNELS, side, side, dtype=torch.float16)
    captions = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, count, BATCH):
            drawn = [pictures.draw(rng, size, scene_share) for _ in range(min(BATCH, count - start))]
            captions += [caption for caption, _ in drawn]
            batch = autoencoder.encode(as_tensor([image for _, image in drawn], device))
            encoded[start : start + len(drawn)] = batch.half().cpu()
    folder.mkdir(parents=True, exist_ok=True)
    torch.save((encoded, captions), file)
    return encoded, captions


def _fingerprint(autoencoder: Autoencoder) -> str:
    digest = hashlib.sha256()
    for tensor in autoencoder.state_dict().values():
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
