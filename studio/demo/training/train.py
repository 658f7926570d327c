"""All stages from nothing to a packed model, with fixed seeds and steps.

python -m studio.demo.training.train WORK_FOLDER [--short]

Runs are repeatable on one type of machine (bfloat16 differs a little between processors). The default is the
schedule the model should get; --short comes close to what the shipped one had.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def run(program: str, *arguments: object) -> None:
    """One stage as a process of its own. Errors: CalledProcessError."""
    command = [sys.executable, "-m", f"studio.demo.training.{program}", *map(str, arguments)]
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def short(work: Path) -> None:
    """About 275,000 samples: an hour and a half on two processor cores."""
    first, autoencoder, mixed, plain, out = (
        work / name for name in ("ae-1.pt", "ae.pt", "dit-1.pt", "dit-2.pt", "dit.pt")
    )
    run("train_autoencoder", first, "--steps", 756)
    run("train_autoencoder", autoencoder, "--steps", 1044, "--init", first, "--rate", 0.7)
    shared = ("--autoencoder", autoencoder, "--folder", work)
    run(
        "train_transformer", mixed, "--steps", 1000, "--sizes", "128:0.85,256:0.15",
        "--pictures", "24000,5000", "--batch", "32,8", *shared,
    )  # fmt: skip
    run(
        "train_transformer", plain, "--steps", 1150, "--init", mixed, "--pictures", 18000,
        "--seed", 5, "--average", 0.985, "--decay", 0.65, *shared,
    )  # fmt: skip
    run(
        "train_transformer", out, "--steps", 3393, "--init", plain, "--pictures", 32000,
        "--seed", 9, "--average", 0.99, "--decay", 0.55, *shared,
    )  # fmt: skip


def full(work: Path) -> None:
    """Twice the samples and more, with 256 px pictures to the end; meant for a GPU or a free night."""
    autoencoder, mixed, out = (work / name for name in ("ae.pt", "dit-1.pt", "dit.pt"))
    run("train_autoencoder", autoencoder, "--steps", 4000)
    shared = ("--autoencoder", autoencoder, "--folder", work, "--pictures", "60000,12000", "--batch", "32,8")
    run("train_transformer", mixed, "--steps", 6000, "--sizes", "128:0.85,256:0.15", "--decay", 0.3, *shared)
    run(
        "train_transformer", out, "--steps", 4000, "--init", mixed, "--sizes", "128:0.3,256:0.7",
        "--late", 2, "--seed", 5, *shared,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demonstration model from nothing.")
    parser.add_argument("work", type=Path, help="folder for checkpoints and encoded pictures")
    parser.add_argument("--short", action="store_true", help="close to what the shipped model had")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    (short if options.short else full)(options.work)
    run("pack", options.work / "dit.pt", options.work / "ae.pt", options.work / "model.npz")


if __name__ == "__main__":
    main()
