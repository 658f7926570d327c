"""Catalog: models.yml and what was added to it, checked as a whole, and asked by id or alias.

Every fault is collected and named by its path in the file (`models.sdxl.defaults.steps: ...`), so one look
at the message is enough to repair the file.
"""

import difflib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from studio.effect import Effect
from studio.engine_options import CatalogValues, EngineOptions, refusal
from studio.errors import ConfigurationError, Conflict, UnknownModel
from studio.model import (
    Capabilities,
    Model,
    ModelDefaults,
    ModelFiles,
    ModelLimits,
)
from studio.plain_yaml import read_mapping
from studio.source import Source, SourceFile

SHOWN = 80

_TOP_KEYS = ("default", "models")
_ADDED_KEYS = ("models",)
_OWN_FIELDS = ("id", "folder")
_SECTIONS: Mapping[str, type[CatalogValues]] = MappingProxyType(
    {
        "files": ModelFiles,
        "defaults": ModelDefaults,
        "limits": ModelLimits,
        "capabilities": Capabilities,
        "engine": EngineOptions,
    }
)
_LEADING_KEY = re.compile(r"[a-z_]+(\.\w+)*: ")


class Catalog(BaseModel):
    """The models of this studio, in the order of models.yml. `default` is the id of one of them.

    Thread-safe: an added model comes with a new mapping, so that nobody's loop over the old one breaks.
    """

    model_config = ConfigDict(extra="forbid")

    default: str
    models: dict[str, Model]
    _changing: Any = PrivateAttr(default_factory=threading.Lock)
    _look: Callable[[], None] | None = PrivateAttr(default=None)

    def add(self, model: Model) -> bool:
        """Have one more entry from now on; whether it is new: the same one once more changes nothing.

        Errors: Conflict if an id or alias of it is taken.
        """
        with self._changing:
            if self.models.get(model.id) == model:
                return False
            known = {name for each in self.models.values() for name in (each.id, *each.aliases)}
            for name in (model.id, *model.aliases):
                if name in known:
                    raise Conflict(f"There is a model {name!r} already.")
            self.models = {**self.models, model.id: model}
            return True

    def watch(self, look: Callable[[], None]) -> None:
        """From now on have `look` add what came from elsewhere, whenever somebody asks for that."""
        self._look = look

    def look(self) -> None:
        """Notice the entries that came from elsewhere; for who wants to see all of them."""
        if self._look is not None:
            self._look()

    def model(self, id_or_alias: str) -> Model:
        """The entry of that id or alias, however new. Errors: UnknownModel, listing the known ids."""
        entry = self._named(id_or_alias)
        if entry is None:
            self.look()
            entry = self._named(id_or_alias)
        if entry is None:
            raise UnknownModel(
                f"no model {_shown(id_or_alias)} in models.yml; known: {', '.join(self.models)}"
            )
        return entry

    def name_of(self, model_id: str) -> str:
        """What people call the model; its id if it has left models.yml."""
        entry = self.models.get(model_id)
        return model_id if entry is None else entry.name

    def _named(self, id_or_alias: str) -> Model | None:
        entry = self.models.get(id_or_alias)
        if entry is None:
            entry = next((model for model in self.models.values() if id_or_alias in model.aliases), None)
        return entry


def load_catalog(path: Path) -> Catalog:
    """The catalogue in that file and in what was added beside it (`additions`).

    Errors: ConfigurationError holding every fault, each with its file and its path in there.
    """
    contents = {path.name: read_mapping(path, _TOP_KEYS)}
    for file in additions(path):
        contents[f"{file.parent.name}/{file.name}"] = read_mapping(file, _ADDED_KEYS)
    faults: list[str] = []
    models: dict[str, Model] = {}
    entries: dict[Any, Any] = {}
    for name, content in contents.items():
        known = _TOP_KEYS if name == path.name else _ADDED_KEYS
        found, given, wrong = _checked_entries(content, known, path, entries)
        models |= {model_id: model for model_id, model in found.items() if model_id not in models}
        entries = {**given, **entries}
        faults += [f"{name}: {fault}" for fault in wrong]
    default = contents[path.name].get("default")
    whole = [*_name_clashes(entries), *_default_faults(default, contents[path.name].get("models"))]
    faults += [f"{path.name}: {fault}" for fault in whole]
    if faults:
        raise ConfigurationError(faults)
    assert isinstance(default, str)
    return Catalog(default=default, models=models)


def load_addition(file: Path, path: Path) -> list[Model]:
    """The entries of one of the files beside that catalogue. Errors: ConfigurationError, as load_catalog."""
    models, _, faults = _checked_entries(read_mapping(file, _ADDED_KEYS), _ADDED_KEYS, path, {})
    if faults:
        raise ConfigurationError([f"{file.parent.name}/{file.name}: {fault}" for fault in faults])
    return list(models.values())


def _checked_entries(
    content: Mapping[Any, Any], known: Sequence[str], path: Path, taken: Mapping[Any, Any]
) -> tuple[dict[str, Model], Mapping[Any, Any], list[str]]:
    """({id: entry}, all that is there under `models`, faults) of one file; `taken` are the ids of others."""
    faults = [f"{key}: unknown key; known: {', '.join(known)}" for key in content if key not in known]
    given = content.get("models")
    if not isinstance(given, dict) or not given:
        return {}, {}, [*faults, "models: must be a mapping of at least one id to its entry"]
    models: dict[str, Model] = {}
    for key, entry in given.items():
        model, wrong = checked_entry(key, entry, path.absolute().parent)
        faults += wrong if key not in taken else [f"models.{key}: another file has that id already"]
        if model is not None:
            models[model.id] = model
    return models, given, faults


def additions(path: Path) -> list[Path]:
    """The files with entries beside that catalogue: models.d/*.yml beside models.yml, in order of names."""
    return sorted(path.with_suffix(".d").glob("*.yml"))


def checked_entry(name: object, entry: object, folder: Path) -> tuple[Model | None, list[str]]:
    """The checked entry, or None and its faults."""
    here = f"models.{name}"
    if not isinstance(name, str):
        return None, [f"{here}: the id must be text; put it in quotes"]
    if not isinstance(entry, dict):
        return None, [f"{here}: must be a mapping with at least `name` and `files`"]
    faults = [
        f"{here}.{key}: not a key of an entry; the id is {name!r}" for key in _OWN_FIELDS if key in entry
    ]
    try:
        model = Model.model_validate({**entry, "id": name, "folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            faults += _faults(here, detail)
        return None, faults
    return model, faults


def _faults(here: str, detail: ErrorDetails) -> Iterator[str]:
    """One sentence for each thing wrong: its path, what is wrong and the value that is."""
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    path = ".".join([here] if location == ["id"] else [here, *location])
    value = detail["input"]
    if detail["type"] == "extra_forbidden":
        yield f"{path}: {_unknown_key(location)}"
    elif detail["type"] == "missing":
        yield f"{path}: is missing"
    elif detail["type"] != "value_error":
        yield f"{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}, not {_shown(value)}"
    elif not isinstance(value, dict):
        yield f"{path}: {_shown(value)}: {detail['ctx']['error']}"
    else:
        for sentence in str(detail["ctx"]["error"]).split("\n"):
            # A rule over several keys names the key at fault itself.
            yield f"{path}.{sentence}" if _LEADING_KEY.match(sentence) else f"{path}: {sentence}"


def _unknown_key(location: list[str]) -> str:
    """Why the key at the end of `location` is not taken, and what to write instead."""
    *parents, key = location
    if parents == ["engine"]:
        reason = refusal(key)
        if reason is not None:
            return f"sd-server's {key} is not for models.yml: {reason}"
    known = list(_section(parents).model_fields)
    near = difflib.get_close_matches(key.lstrip("-").replace("-", "_"), known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; known: {', '.join(name for name in known if name not in _OWN_FIELDS)}"


def _section(parents: list[str]) -> type[CatalogValues]:
    """The part of an entry whose keys are asked for: `engine`, `quality.high`, `source.files.vae`, ..."""
    if not parents:
        return Model
    if parents[0] in ("quality", "style"):
        return Effect
    if parents[0] == "source":
        return Source if len(parents) == 1 else SourceFile
    return _SECTIONS[parents[0]]


def _name_clashes(entries: Mapping[Any, Any]) -> Iterator[str]:
    """A fault for each alias that is already an id or another entry's alias."""
    owners = {name: name for name in entries if isinstance(name, str)}
    for name, entry in entries.items():
        aliases = entry.get("aliases") if isinstance(entry, dict) else None
        for index, alias in enumerate(aliases if isinstance(aliases, list) else []):
            if not isinstance(alias, str):
                continue
            if alias in owners:
                yield f"models.{name}.aliases.{index}: {_shown(alias)} already names {owners[alias]}"
            owners.setdefault(alias, name)


def _default_faults(default: object, given: object) -> Iterator[str]:
    entries = given if isinstance(given, dict) else {}
    if default is None:
        yield "default: is missing; name the entry used when a request names none"
    elif not isinstance(default, str) or default not in entries:
        known = ", ".join(map(str, entries)) or "none"
        yield f"default: {_shown(default)} is no id under `models`; known: {known}"


def _shown(value: object) -> str:
    """The value as people can recognise it, however long it is."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
