"""Upscalers: the networks that make pictures larger, found as files, known by the names of their weights."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio import safetensors
from studio.catalog import Catalog
from studio.errors import InvalidRequest
from studio.model import UPSCALER_SUFFIXES

LANCZOS = "lanczos"
"""The method that needs no network."""

# Beside models.yml, for everybody.
USUAL_FOLDER = Path("models", "upscalers")
# All formats name their weights near the beginning; the largest network of this kind has 100 kB of names.
_HEAD_BYTES = 2 * 2**20
# The weights by which the engine tells the two spellings of this kind of network and how far each enlarges,
# the largest first.
_SPELLINGS = (
    (b"conv_first.weight", ((b"conv_up2.weight", 4), (b"conv_up1.weight", 2), (b"conv_last.weight", 1))),
    (b"model.0.weight", ((b"model.10.weight", 4), (b"model.7.weight", 2), (b"model.4.weight", 1))),
)
_SHOWN = 20


@dataclass(frozen=True)
class Upscaler:
    """A network: `name` is what a request says, `scale` how many times larger both sides become."""

    name: str
    path: Path
    scale: int
    size: int


class Upscalers:
    """Looks for networks anew each time: files come and go. Stateless; any thread."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        """`folder` is that of models.yml."""
        self._catalog = catalog
        self._folder = folder

    def all(self) -> list[Upscaler]:
        """Those the engine can read, by name: below models/upscalers, and those that models.yml names."""
        found = (_read(name, path) for name, path in self._files().items())
        return sorted((each for each in found if isinstance(each, Upscaler)), key=lambda each: each.name)

    def get(self, name: str) -> Upscaler:
        """Errors: InvalidRequest for one that isn't there, naming those that are, or that is not usable."""
        path = self._files().get(name)
        if path is None:
            known = [LANCZOS, *(each.name for each in self.all())]
            some = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
            raise InvalidRequest(f"no upscaler {name!r:.120}; known: {some}", field="method")
        read = _read(name, path)
        if isinstance(read, str):
            raise InvalidRequest(f"the file {name!r:.120} {read}", field="method")
        return read

    def _files(self) -> dict[str, Path]:
        """{name: path}; of equal names the first one counts."""
        files: dict[str, Path] = {}
        folders = [self._folder / USUAL_FOLDER]
        for model in self._catalog.models.values():
            paths = model.paths()
            if "upscale_model" in paths:
                files.setdefault(paths["upscale_model"].name, paths["upscale_model"])
            if "upscalers_dir" in paths:
                folders.append(paths["upscalers_dir"])
        for folder in folders:
            for path in _walk(folder):
                files.setdefault(path.relative_to(folder).as_posix(), path)
        return files


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.suffix.lower() in UPSCALER_SUFFIXES and _is_text(name):
                yield path


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _read(name: str, path: Path) -> Upscaler | str:
    """The network in a file, or why there is none, as the end of a sentence."""
    fault = safetensors.fault(path) if path.suffix.lower() in (".safetensors", ".sft") else None
    if fault is not None:
        return f"{fault}; download it again"
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    scale = _scale(head)
    if scale is None:
        return "holds no network of the ESRGAN kind (RRDBNet), the only one the engine can use"
    return Upscaler(name, path, scale, size)


def _scale(head: bytes) -> int | None:
    for mark, scales in _SPELLINGS:
        if mark in head:
            return next((scale for weight, scale in scales if weight in head), None)
    return None
