"""Whether training computes what the engine computes: the same picture from the same noise, pixel by pixel.

python -m studio.demo.training.compare_engine SD_CLI [--model model.npz] [--size 128] [--steps 8]

Worth a run after every change to the model's code and after an engine update. Both sides use the packed
weights, so what differs is arithmetic. The prompt must consist of known words.
"""

import argparse
import itertools
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.demo.expand import FILES, PACKED, read_packed, write_files
from studio.demo.training.autoencoder import LATENT_CHANNELS, SCALE, Autoencoder
from studio.demo.training.checkpoint import new_transformer
from studio.demo.training.layers import use_float32
from studio.demo.training.noise import normal
from studio.demo.training.server import FLAGS
from studio.demo.training.train_transformer import prompt_rows
from studio.demo.training.transformer import Transformer
from studio.demo.training.vocabulary import Vocabulary

SEED = 42


def noise_levels(steps: int) -> list[float]:
    """The engine's default schedule for this family, from 1 down to 0."""
    times = np.linspace(999, 0, steps) + 1
    return [math.e / (math.e + 1000 / time - 1) for time in times] + [0.0]


def load_packed(path: Path, vocabulary: Vocabulary) -> tuple[Transformer, Autoencoder]:
    """The packed weights in training's own modules, multiplying in float32."""
    weights, _, _, depth = read_packed(path)
    weights["te.emb"] = weights["te.emb"][: len(vocabulary.tokens)]  # without the other spellings
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    transformer, autoencoder = new_transformer(vocabulary, depth), Autoencoder()
    transformer.load_state_dict({name: part for name, part in tensors.items() if not name.startswith("ae.")})
    layers = {name[3:]: part for name, part in tensors.items() if name.startswith("ae.")}
    autoencoder.load_state_dict(autoencoder.state_dict() | layers)
    use_float32(transformer)
    return transformer, autoencoder.eval()


def paint(
    transformer: Transformer,
    autoencoder: Autoencoder,
    vocabulary: Vocabulary,
    prompt: str,
    size: int,
    steps: int,
) -> Tensor:
    """The picture, [size, size, 3] in 0..255, without guidance (cfg 1)."""
    side = size // SCALE
    latents = torch.from_numpy(normal(LATENT_CHANNELS * side * side, SEED))
    latents = latents.reshape(1, LATENT_CHANNELS, side, side)
    levels = noise_levels(steps)
    with torch.no_grad():
        text = transformer.text(*prompt_rows(vocabulary, [prompt]))
        for level, following in itertools.pairwise(levels):
            velocity = transformer(latents, torch.tensor([level]), text)
            latents = latents + (following - level) * velocity
        return autoencoder.decode(latents).clamp(0, 1)[0].permute(1, 2, 0) * 255


def engine_picture(program: Path, folder: Path, prompt: str, size: int, steps: int) -> Tensor:
    """The same by sd-cli with the files in `folder`. Errors: CalledProcessError."""
    models = [part for key, name in FILES.items() for part in (FLAGS[key], str(folder / name))]
    out = folder / "engine.png"
    command = [str(program), *models, "-p", prompt, "-W", str(size), "-H", str(size), "--steps", str(steps)]
    command += ["--cfg-scale", "1", "--seed", str(SEED), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return torch.from_numpy(np.asarray(Image.open(out).convert("RGB")).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare training's arithmetic with the engine's.")
    parser.add_argument("program", type=Path, help="sd-cli")
    parser.add_argument("--model", type=Path, default=PACKED, help="packed weights")
    parser.add_argument("--prompt", default="a red circle on a blue background")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    vocabulary = Vocabulary()
    asked = (options.prompt, options.size, options.steps)
    ours = paint(*load_packed(options.model, vocabulary), vocabulary, *asked)
    with tempfile.TemporaryDirectory() as name:
        write_files(options.model, Path(name))
        theirs = engine_picture(options.program, Path(name), *asked)
    difference = (ours - theirs).abs()
    print(f"largest difference {difference.max():.2f} of 255, mean {difference.mean():.3f}")


if __name__ == "__main__":
    main()
