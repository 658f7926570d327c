"""Witness: knows the programs and files that make a picture of a recipe now."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from studio import weights
from studio.catalog import Catalog
from studio.demo.expand import PACKED
from studio.errors import EngineUnavailable, InvalidRequest, UnknownModel
from studio.loras import lora_folder
from studio.made_with import LORA, UPSCALER, MadeWith, UsedFile
from studio.model import FOLDER_KEYS
from studio.recipe import Recipe
from studio.upscalers import LANCZOS, Upscalers

log = logging.getLogger(__name__)

_Stamp = tuple[Path, int, int]


class Witness:
    """Looks at samples of files, once as long as their size and time stay. Any thread."""

    def __init__(
        self,
        catalog: Catalog,
        upscalers: Upscalers,
        *,
        studio: str,
        program: Callable[[], Path] | None,
        version_of: Callable[[Path], str],
    ) -> None:
        """`program` is the engine's, which `version_of` may run; None: the engine is no program."""
        self._catalog = catalog
        self._upscalers = upscalers
        self._studio = studio
        self._program = program
        self._version_of = version_of
        self._samples: dict[_Stamp, str] = {}
        self._versions: dict[_Stamp, str] = {}

    def of(self, recipe: Recipe) -> MadeWith:
        """What would make it now; files that can't be read are left out."""
        if recipe.upscale is not None and recipe.upscale.method == LANCZOS:
            return MadeWith(studio=self._studio, engine=None, engine_sample=None)
        version, sample = self._engine()
        used = (self._used(role, name, path) for role, name, path in self._paths(recipe))
        files = tuple(file for file in used if file is not None)
        return MadeWith(studio=self._studio, engine=version, engine_sample=sample, files=files)

    def _engine(self) -> tuple[str | None, str | None]:
        try:
            program = None if self._program is None else self._program()
            if program is None:
                return None, None
            stamp = _stamp(program)
            if stamp not in self._versions:
                self._versions[stamp] = self._version_of(program)
            return self._versions[stamp], self._sample(stamp)
        except (EngineUnavailable, OSError, RuntimeError) as fault:
            log.warning("which engine made a picture can't be told: %s", fault)
            return None, None

    def _paths(self, recipe: Recipe) -> Iterator[tuple[str, str, Path]]:
        """(role, name, path) of each file."""
        if recipe.upscale is not None:
            try:
                upscaler = self._upscalers.get(recipe.upscale.method)
            except InvalidRequest:  # it went meanwhile
                return
            yield UPSCALER, upscaler.name, upscaler.path
            return
        try:
            model = self._catalog.model(recipe.model)
        except UnknownModel:
            return
        if model.builtin is not None:
            yield "builtin", PACKED.name, PACKED
        for key, path in model.paths().items():
            if key not in FOLDER_KEYS:
                yield key, path.name, path
        for lora in recipe.loras:
            yield LORA, lora.name, lora_folder(model) / lora.name

    def _used(self, role: str, name: str, path: Path) -> UsedFile | None:
        try:
            stamp = _stamp(path)
            return UsedFile(role=role, name=name, bytes=stamp[1], sample=self._sample(stamp))
        except OSError as fault:
            log.warning("which %s made a picture can't be told: %s", role, fault)
            return None

    def _sample(self, stamp: _Stamp) -> str:
        if stamp not in self._samples:
            self._samples[stamp] = weights.sample(stamp[0])
        return self._samples[stamp]


def _stamp(path: Path) -> _Stamp:
    """By which a changed file is noticed. Errors: OSError."""
    about = path.stat()
    return path, about.st_size, about.st_mtime_ns
