"""Additions: entries that the studio writes, one file each in models.d beside models.yml."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints

from studio import files, weights
from studio.addresses import Addresses
from studio.catalog import Catalog, checked_entry
from studio.errors import Conflict, InvalidRequest
from studio.model import Model, ModelId
from studio.source import DOWNLOADABLE, Sha256, Url
from studio.transfer import check_room

# Beside models.yml; the shipped entries have their files there, too.
FOLDER = "models"

FileKey = Literal[
    "model", "diffusion_model", "high_noise_diffusion_model", "vae", "tae", "clip_l", "clip_g", "clip_vision",
    "t5xxl", "llm", "llm_vision", "control_net", "photo_maker",
]  # fmt: skip


class NewModel(BaseModel):
    """What somebody says of a model that models.yml doesn't have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ModelId
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """None: the id."""
    key: FileKey = "model"
    """What its file is: `model` for a complete checkpoint."""


class Additions:
    """Writes entries and has the catalogue know them at once. Any thread."""

    def __init__(self, path: Path, catalog: Catalog, addresses: Addresses) -> None:
        """`path` is the catalogue's file."""
        self._folder = path.absolute().parent
        self._place = path.with_suffix(".d")
        self._catalog = catalog
        self._addresses = addresses

    def from_url(self, new: NewModel, url: Url, sha256: Sha256) -> Model:
        """An entry whose file is to be downloaded. Errors: InvalidRequest; Conflict; StorageFull."""
        self._addresses.check(url)
        suffix = Path(urlsplit(url).path).suffix.lower()
        source = {"source": {"files": {new.key: {"url": url, "sha256": sha256}}}}
        return self._add(new, f"{FOLDER}/{new.id}/{new.key}{suffix}", source)

    def adopt(self, new: NewModel, file: Path) -> Model:
        """An entry for a file of this machine, which is linked or else copied into the folder of models.

        Errors: InvalidRequest; Conflict; StorageFull; DownloadFailed without room for a copy.
        """
        suffix = file.suffix.lower()
        if suffix not in DOWNLOADABLE:
            raise InvalidRequest(f"is not one of {', '.join(DOWNLOADABLE)}", field="file")
        wrong = weights.fault(file, suffix)
        if wrong is not None:
            raise InvalidRequest(f"{file.name} {wrong}", field="file")
        given = f"{FOLDER}/{new.id}/{new.key}{suffix}"
        self._check_free(new)
        target = self._folder / given
        if target.exists():
            raise Conflict(f"There is a file {given} already.")
        try:
            files.make_folder(target.parent)
            _link_or_copy(file.resolve(), target)
        except OSError as error:
            raise files.refused(error, target) from error
        return self._add(new, given, {})

    def _check_free(self, new: NewModel) -> None:
        if new.id in self._catalog.models or any(
            new.id in model.aliases for model in self._catalog.models.values()
        ):
            raise Conflict(f"There is a model {new.id!r} already.")

    def _add(self, new: NewModel, given: str, more: Mapping[str, object]) -> Model:
        self._check_free(new)
        entry = {"name": new.name or new.id, "files": {new.key: given}, **more}
        model, faults = checked_entry(new.id, entry, self._folder)
        if model is None:
            raise InvalidRequest("; ".join(fault.removeprefix(f"models.{new.id}.") for fault in faults))
        text = yaml.safe_dump({"models": {new.id: entry}}, sort_keys=False, allow_unicode=True)
        files.write_all([(self._place / f"{new.id}.yml", text.encode())])
        self._catalog.add(model)
        return model


def _link_or_copy(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another disk, or one without links
        check_room(target, file.stat().st_size)
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(file, temporary)
        temporary.replace(target)
