"""Additions: entries that the studio writes, one file each in models.d beside models.yml."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints

from studio import files, weights
from studio.addresses import Addresses
from studio.catalog import Catalog, checked_entry
from studio.errors import Conflict, InvalidRequest
from studio.model import Model, ModelId
from studio.source import DOWNLOADABLE, Source, SourceFile
from studio.transfer import check_room

# Beside models.yml; the shipped entries have their files there, too.
FOLDER = "models"

FileKey = Literal[
    "model", "diffusion_model", "high_noise_diffusion_model", "vae", "tae", "clip_l", "clip_g", "clip_vision",
    "t5xxl", "llm", "llm_vision", "control_net", "photo_maker",
]  # fmt: skip


# What one entry may take over from another: how its models are run and what may be asked of them.
_TRAITS = {"defaults", "limits", "capabilities", "quality", "style", "engine", "ttl", "allow_flat"}
# Either of them holds what draws, so a new one takes the place of both.
_DRAWING = {"model", "diffusion_model"}


class NewModel(BaseModel):
    """What somebody says of a model that models.yml doesn't have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ModelId
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """None: the id."""
    like: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """Id or alias of a model of the same kind: its defaults, limits, capabilities and engine options hold for
    the new one as well, and so do those of its files that the new one doesn't bring."""


class Additions:
    """Writes entries and has the catalogue know them at once. Any thread."""

    def __init__(self, path: Path, catalog: Catalog, addresses: Addresses) -> None:
        """`path` is the catalogue's file."""
        self._folder = path.absolute().parent
        self._place = path.with_suffix(".d")
        self._catalog = catalog
        self._addresses = addresses

    def from_source(self, new: NewModel, source: Source) -> Model:
        """An entry whose files are to be downloaded.

        Errors: InvalidRequest; UnknownModel if `like` is none; Conflict; StorageFull.
        """
        given = {}
        for key, file in source.files.items():
            if key not in get_args(FileKey):
                known = ", ".join(get_args(FileKey))
                raise InvalidRequest(
                    f"is no file that is downloaded; known: {known}", field=f"source.files.{key}"
                )
            if file.url is not None:
                self._addresses.check(file.url)
            given[key] = f"{FOLDER}/{new.id}/{key}{_suffix_of(file)}"
        return self._add(new, given, source)

    def adopt(self, new: NewModel, key: FileKey, file: Path) -> Model:
        """An entry for a file of this machine, which is linked or else copied into the folder of models.

        `key` tells what it is. Errors: InvalidRequest; UnknownModel if `like` is none; Conflict; StorageFull;
        DownloadFailed without room for a copy.
        """
        suffix = file.suffix.lower()
        if suffix not in DOWNLOADABLE:
            raise InvalidRequest(f"is not one of {', '.join(DOWNLOADABLE)}", field="file")
        wrong = weights.fault(file, suffix)
        if wrong is not None:
            raise InvalidRequest(f"{file.name} {wrong}", field="file")
        given = f"{FOLDER}/{new.id}/{key}{suffix}"
        self._check_new(new)
        target = self._folder / given
        if target.exists():
            raise Conflict(f"There is a file {given} already.")
        try:
            files.make_folder(target.parent)
            _link_or_copy(file.resolve(), target)
        except OSError as error:
            raise files.refused(error, target) from error
        return self._add(new, {key: given})

    def _check_new(self, new: NewModel) -> None:
        self._catalog.look()
        if new.like is not None:
            self._catalog.model(new.like)
        if new.id in self._catalog.models or any(
            new.id in model.aliases for model in self._catalog.models.values()
        ):
            raise Conflict(f"There is a model {new.id!r} already.")

    def _add(self, new: NewModel, given: Mapping[str, str], source: Source | None = None) -> Model:
        self._check_new(new)
        like = None if new.like is None else self._catalog.model(new.like)
        entry = _entry(new, given, source, like)
        model, faults = checked_entry(new.id, entry, self._folder)
        if model is None:
            raise InvalidRequest("; ".join(fault.removeprefix(f"models.{new.id}.") for fault in faults))
        text = yaml.safe_dump({"models": {new.id: entry}}, sort_keys=False, allow_unicode=True)
        files.write_all([(self._place / f"{new.id}.yml", text.encode())])
        self._catalog.add(model)
        return model


def _entry(
    new: NewModel, given: Mapping[str, str], source: Source | None, like: Model | None
) -> dict[str, Any]:
    """The entry as models.yml would have it."""
    traits = {} if like is None else like.model_dump(mode="json", include=_TRAITS, exclude_defaults=True)
    taken = {} if like is None else like.files.given
    shared = {
        key: path
        for key, path in taken.items()
        if key not in given and not (key in _DRAWING and _DRAWING & given.keys())
    }
    entry = {"name": new.name or new.id, **traits, "files": {**shared, **given}}
    places = {} if like is None or like.source is None else _places(like.source, shared)
    if source is not None:
        # One revision holds for a whole source.
        same = like is not None and like.source is not None and like.source.revision == source.revision
        written = source.model_dump(mode="json", exclude_defaults=True)
        entry["source"] = {**written, "files": {**(places if same else {}), **written["files"]}}
    elif like is not None and like.source is not None and places:
        entry["source"] = {"revision": like.source.revision, "files": places}
    return entry


def _places(source: Source, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Where those of the files come from, each by itself."""
    return {
        key: {**file.model_dump(mode="json", exclude_none=True), **_repo(source, file)}
        for key, file in source.files.items()
        if key in wanted
    }


def _repo(source: Source, file: SourceFile) -> dict[str, str]:
    repo = source.repo_of(file)
    return {} if repo is None else {"repo": repo}


def _suffix_of(file: SourceFile) -> str:
    path = urlsplit(file.url).path if file.url is not None else file.path or ""
    return PurePosixPath(path).suffix.lower()


def _link_or_copy(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another disk, or one without links
        check_room(target, file.stat().st_size)
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(file, temporary)
        temporary.replace(target)
