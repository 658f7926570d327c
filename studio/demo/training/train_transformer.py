"""Stage 2: the text encoder and the image transformer, by flow matching on the autoencoder's latents.

python -m studio.demo.training.train_transformer OUT.pt --steps 1000 --sizes 128:0.85,256:0.15 \
    --pictures 24000,5000 --batch 32,8 --folder FOLDER [--init dit.pt] ...
"""

import argparse
import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from studio.clock import SystemClock
from studio.demo.training.captions import phrased
from studio.demo.training.checkpoint import (
    CHECKPOINTS,
    Training,
    load_autoencoder,
    load_transformer,
    new_transformer,
    save_transformer,
)
from studio.demo.training.devices import device, launch, processes, rank
from studio.demo.training.latents import latents
from studio.demo.training.optimiser import Optimiser
from studio.demo.training.pictures import SCENE_SHARE
from studio.demo.training.schedule import Schedule, add_length
from studio.demo.training.transformer import Transformer
from studio.demo.training.vocabulary import Vocabulary

EMPTY_SHARE = 0.08
"""Captions left empty, which is what guidance (cfg) compares with."""
REPORT_EVERY, SAVE_EVERY = 50, 250
PICTURES_SEED = 11


@dataclass
class PictureSet:
    """Encoded pictures of one size, handed out in random order, each once per round."""

    size: int
    share: float
    batch: int
    encoded: Tensor
    captions: list[str]
    _order: list[int] = field(default_factory=list)

    def take(self) -> tuple[Tensor, list[str]]:
        """The next batch: latents on this machine's device, and plain captions."""
        if len(self._order) < self.batch:
            self._order = torch.randperm(len(self.captions)).tolist()
        chosen = [self._order.pop() for _ in range(self.batch)]
        return self.encoded[chosen].float().to(device()), [self.captions[index] for index in chosen]


def parse_sizes(text: str) -> list[tuple[int, float]]:
    """`128:0.6,256:0.4` as sizes in pixels with their shares of the steps. Errors: ArgumentTypeError."""
    sizes = []
    for part in text.split(","):
        size, _, share = part.partition(":")
        sizes.append((int(size), float(share or 1)))
        if not 128 <= int(size) <= 512 or int(size) % 16:
            raise argparse.ArgumentTypeError(f"size {size}: multiples of 16 from 128 to 512 are possible")
    return sizes


def parse_counts(text: str) -> list[int]:
    """`24000,5000` as numbers."""
    return [int(part) for part in text.split(",")]


def prompt_rows(vocabulary: Vocabulary, captions: list[str]) -> tuple[Tensor, Tensor]:
    """Rows of the embedding table and which of them are no padding, [batch, length]; one padding at least."""
    prompts = [vocabulary.prefix + vocabulary.rows(caption) + vocabulary.suffix for caption in captions]
    length = max(len(prompt) for prompt in prompts) + 1
    rows = torch.tensor([prompt + [0] * (length - len(prompt)) for prompt in prompts])
    valid = torch.arange(length) < torch.tensor([[len(prompt)] for prompt in prompts])
    return rows.to(device()), valid.to(device())


def flow_loss(model: Transformer, vocabulary: Vocabulary, clean: Tensor, captions: list[str]) -> Tensor:
    """Squared error of the predicted velocity, noise minus data, at random times."""
    noise = torch.randn_like(clean)
    count = len(clean)
    noisy_half = torch.sigmoid(torch.randn(count, device=clean.device) + 0.4)
    uniform = torch.rand(count, device=clean.device)
    time = torch.where(torch.rand(count, device=clean.device) < 0.5, noisy_half, uniform)
    mix = time[:, None, None, None]
    text = model.text(*prompt_rows(vocabulary, captions))
    velocity = model((1 - mix) * clean + mix * noise, time, text)
    return (velocity - (noise - clean)).pow(2).mean()


def picture_sets(options: argparse.Namespace) -> list[PictureSet]:
    """This process's part of the training pictures, one set per size."""
    autoencoder = load_autoencoder(options.autoencoder).to(device())
    sets = []
    for (size, share), count, batch in zip(options.sizes, options.pictures, options.batch, strict=True):
        own = count // processes()
        seed = PICTURES_SEED + rank()
        encoded, captions = latents(autoencoder, size, own, seed, options.scenes, options.folder)
        sets.append(PictureSet(size, share, batch, encoded, captions))
    return sets


def choose_set(
    sets: list[PictureSet], rng: random.Random, fraction: float, options: argparse.Namespace
) -> PictureSet:
    """By the shares; late in the run the later sizes get `late_share`. All processes choose alike."""
    shares = [pictures.share for pictures in sets]
    if fraction >= options.late and len(sets) > 1:
        total = sum(shares[1:])
        shares = [1 - options.late_share] + [options.late_share * share / total for share in shares[1:]]
    return rng.choices(sets, shares)[0]


def train(options: argparse.Namespace) -> None:
    """One process's part of the training; the first process averages, reports and saves."""
    torch.manual_seed(options.seed)
    vocabulary = Vocabulary()
    if options.init:
        model, before = load_transformer(options.init, vocabulary)
    else:
        model, before = new_transformer(vocabulary, options.depth), Training(0, 0)
    average = new_transformer(vocabulary, len(model.blocks)).to(device())
    model = model.to(device())
    average.load_state_dict(model.state_dict())
    sets = picture_sets(options)
    torch.manual_seed(1000 * options.seed + rank())
    caption_rng, size_rng = random.Random(1000 * options.seed + rank()), random.Random(options.seed)
    optimiser = Optimiser(
        model.named_parameters(), _is_hidden_matrix, 0.02 * options.rate, 2e-3 * options.rate, decay=0.02
    )
    schedule = Schedule(options.steps, options.minutes, SystemClock())
    samples = before.samples
    losses: dict[int, list[float]] = {}
    while (fraction := schedule.fraction()) < 1:
        pictures = choose_set(sets, size_rng, fraction, options)
        clean, captions = pictures.take()
        wishes = [
            "" if caption_rng.random() < EMPTY_SHARE else phrased(caption_rng, text) for text in captions
        ]
        loss = flow_loss(model, vocabulary, clean, wishes)
        optimiser.step(loss, schedule.rate(fraction, options.warm, options.decay))
        schedule.step += 1
        samples += pictures.batch * processes()
        if rank() == 0:
            _average(average, model, min(options.average, (1 + schedule.step) / (20 + schedule.step)))
        losses.setdefault(pictures.size, []).append(loss.item())
        if rank() == 0 and schedule.step % REPORT_EVERY == 0:
            _report(schedule, samples, losses)
            losses = {}
        if rank() == 0 and schedule.step % SAVE_EVERY == 0:
            save_transformer(options.out, average, Training(before.steps + schedule.step, samples))
    if rank() == 0:
        save_transformer(options.out, average, Training(before.steps + schedule.step, samples))
        _report(schedule, samples, losses)


def _is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    return parameter.ndim == 2 and name.startswith(("blocks.", "te.")) and name != "te.emb"


def _average(average: Transformer, model: Transformer, keep: float) -> None:
    """Move the average towards the model, keeping the share `keep` of it."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)


def _report(schedule: Schedule, samples: int, losses: dict[int, list[float]]) -> None:
    means = "  ".join(f"{size} px: {sum(part) / len(part):.4f}" for size, part in sorted(losses.items()))
    print(f"{schedule.seconds:6.0f} s  step {schedule.step}  samples {samples}  loss {means}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demonstration model's transformer.")
    parser.add_argument("out", type=Path)
    add_length(parser)
    parser.add_argument("--autoencoder", type=Path, default=CHECKPOINTS / "ae.pt")
    parser.add_argument("--init", type=Path, help="train on from this checkpoint")
    parser.add_argument("--sizes", type=parse_sizes, default="128:1", help="size:share, ...; 128..512 px")
    parser.add_argument("--pictures", type=parse_counts, default="40000", help="training pictures per size")
    parser.add_argument("--batch", type=parse_counts, default="24", help="per size, step and process")
    parser.add_argument("--folder", type=Path, required=True, help="where encoded pictures are kept")
    parser.add_argument("--depth", type=int, default=6, help="blocks of a new model")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on the learning rate")
    parser.add_argument("--warm", type=int, default=60, help="steps until the full rate")
    parser.add_argument("--decay", type=float, default=0.35, help="last share of the run, rate falling to 0")
    parser.add_argument("--average", type=float, default=0.997, help="share of the average kept per step")
    parser.add_argument("--late", type=float, default=0.55, help="share of the run after which sizes shift")
    parser.add_argument("--late-share", type=float, default=0.6, help="the later sizes' share from then on")
    parser.add_argument("--scenes", type=float, default=SCENE_SHARE, help="share of scenes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not len(options.sizes) == len(options.pictures) == len(options.batch):
        parser.error("--sizes, --pictures and --batch need equally many entries")
    launch(train, options, port=29517)


if __name__ == "__main__":
    main()
