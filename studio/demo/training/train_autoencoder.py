"""Stage 1: the autoencoder, on 64 px crops of training pictures.

python -m studio.demo.training.train_autoencoder OUT.pt --steps 4000 [--init ae.pt] [--rate 0.7]
"""

import argparse
import math
import random
from pathlib import Path

import torch
from torch import Tensor

from studio.clock import SystemClock
from studio.demo.training import pictures
from studio.demo.training.autoencoder import SCALE, Autoencoder
from studio.demo.training.checkpoint import load_autoencoder, save_autoencoder
from studio.demo.training.devices import device, launch, rank
from studio.demo.training.latents import as_tensor
from studio.demo.training.optimiser import Optimiser
from studio.demo.training.schedule import Schedule, add_length

CROP = 64
SIZES = (128, 128, 128, 256)
SCENE_SHARE = 0.4
NOISE = (0.0, 0.05, 0.1, 0.15)
"""Standard deviations of the noise on latents that the decoder learns to ignore."""
STATISTICS_BATCHES = 60
REPORT_EVERY, SAVE_EVERY = 50, 300


def new_autoencoder() -> Autoencoder:
    """Untrained, with residual blocks close to doing nothing and mid-grey pictures."""
    model = Autoencoder()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("c4.weight"):
                parameter.mul_(0.3)
            if parameter.ndim == 1:
                parameter.zero_()
        model.dec["18"].bias.fill_(0.5)
    model.to(memory_format=torch.channels_last)
    return model


def crops(rng: random.Random, count: int) -> Tensor:
    """Random crops of fresh pictures on this machine's device."""
    images = []
    for _ in range(count):
        size = rng.choice(SIZES)
        _, image = pictures.draw(rng, size, SCENE_SHARE)
        left, top = (rng.randint(0, (size - CROP) // SCALE) * SCALE for _ in "xy")
        images.append(image.crop((left, top, left + CROP, top + CROP)))
    return as_tensor(images, device())


def error_loss(error: Tensor) -> Tensor:
    """Absolute, squared and edge error of pictures 0..1, weighted."""
    across = (error[..., 1:] - error[..., :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 2 * error.pow(2).mean() + 0.5 * (across + down)


def settle_statistics(model: Autoencoder, rng: random.Random, batch: int) -> None:
    """Measure the latents' mean and variance, which packing folds into the encoder."""
    model.bn.momentum = None
    model.bn.reset_running_stats()
    with torch.no_grad():
        for _ in range(STATISTICS_BATCHES):
            model.encode(crops(rng, batch))


def train(options: argparse.Namespace) -> None:
    """One process's part of the training; the first process reports and saves."""
    torch.manual_seed(options.seed)
    model = load_autoencoder(options.init) if options.init else new_autoencoder()
    model = model.to(device()).train()
    model.bn.momentum = 0.02
    torch.manual_seed(options.seed + rank())
    rng = random.Random(options.seed + rank())
    ends = ("enc.0.weight", "dec.18.weight")
    optimiser = Optimiser(
        model.named_parameters(),
        lambda name, parameter: parameter.ndim == 4 and name not in ends,
        muon_rate=0.02 * options.rate,
        adam_rate=2e-3,
        momentum=0.9,
    )
    schedule = Schedule(options.steps, options.minutes, SystemClock())
    squared: list[float] = []
    while (fraction := schedule.fraction()) < 1:
        target = crops(rng, options.batch)
        with torch.autocast(device().type, torch.bfloat16):
            latents = model.encode(target).float()
            result = model.decode(latents + torch.randn_like(latents) * rng.choice(NOISE))
        error = result.float() - target
        optimiser.step(error_loss(error), schedule.rate(fraction, warm_steps=30, decay=0.5))
        schedule.step += 1
        squared.append(float(error.detach().pow(2).mean()))
        if rank() == 0 and schedule.step % REPORT_EVERY == 0:
            decibels = -10 * math.log10(sum(squared) / len(squared))
            print(f"{schedule.seconds:6.0f} s  step {schedule.step}  PSNR {decibels:.2f} dB", flush=True)
            squared = []
        if rank() == 0 and schedule.step % SAVE_EVERY == 0:
            save_autoencoder(options.out, model)
    settle_statistics(model, rng, options.batch)
    if rank() == 0:
        save_autoencoder(options.out, model)
        print(f"done: {schedule.step} steps", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demonstration model's autoencoder.")
    parser.add_argument("out", type=Path)
    add_length(parser)
    parser.add_argument("--init", type=Path, help="train on from this checkpoint")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on the learning rate")
    parser.add_argument("--batch", type=int, default=10, help="crops per step and process")
    parser.add_argument("--seed", type=int, default=0)
    launch(train, parser.parse_args(), port=29511)


if __name__ == "__main__":
    main()
