"""LoRAs: the small weight files beside a model, listed as the engine names them, and checked first."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio import safetensors
from studio.errors import InvalidRequest
from studio.extras import Lora
from studio.model import Model

log = logging.getLogger(__name__)

# Beside models.yml, for models that name no folder of their own.
USUAL_FOLDER = Path("models", "loras")
SUFFIX = ".safetensors"
_SHOWN = 20


@dataclass(frozen=True)
class LoraFile:
    """`name` is the path below the folder, with forward slashes: what a request says. `size` in bytes."""

    name: str
    size: int


def lora_folder(model: Model) -> Path:
    """Where the model's LoRAs lie; the folder may be missing."""
    return model.paths().get("lora_dir", model.folder / USUAL_FOLDER)


def list_loras(folder: Path) -> list[LoraFile]:
    """The LoRA files below the folder, by name; what can't be read is left out, as are linked folders."""
    found = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            name.encode("utf-8")
            found.append(LoraFile(name, path.stat().st_size))
        except (OSError, UnicodeEncodeError):  # gone meanwhile; a name that is no text
            continue
    return sorted(found, key=lambda file: file.name)


def is_walkable(folder: Path) -> bool:
    """Whether the engine can look through the folder: one closed folder in it, and it refuses every job."""

    def refuse(error: OSError) -> None:
        raise error

    try:
        for _ in os.walk(folder, onerror=refuse):
            pass
    except FileNotFoundError:
        return True  # it passes over a folder that isn't there
    except OSError as error:
        log.warning("no LoRAs: %s can't be looked through: %s", folder, error.strerror)
        return False
    return True


def check_loras(loras: Sequence[Lora], model: Model) -> None:
    """Errors: InvalidRequest for one that isn't there, naming those that are, or that must not be loaded."""
    if not loras:
        return
    folder = lora_folder(model)
    known = [file.name for file in list_loras(folder)]
    for lora in loras:
        if lora.name not in known:
            some = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
            raise InvalidRequest(
                f"no LoRA {lora.name!r:.120} for the model {model.id!r}; known: {some or 'none'}",
                field="loras",
            )
        fault = safetensors.fault(folder / lora.name)
        if fault is not None:
            raise InvalidRequest(f"the file {lora.name!r:.120} {fault}; download it again", field="loras")


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if Path(name).suffix.lower() == SUFFIX)
