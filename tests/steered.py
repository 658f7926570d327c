"""A model with a control net for the fake engine, which looks at no files."""

from pathlib import Path

# An entry of models.yml.
STEERED = """
  steered:
    name: Follows a map
    files: {model: weights/unet.safetensors, control_net: weights/net.safetensors}
    defaults: {size: 128x128, steps: 5}
"""


def add_weights(folder: Path) -> None:
    """Put the entry's files, which are empty, beside its models.yml."""
    (folder / "weights").mkdir()
    for name in ("unet", "net"):
        (folder / "weights" / f"{name}.safetensors").touch()
