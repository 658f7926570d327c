"""Catalog: models.yml read, checked as a whole, and asked by id or alias.

Every fault is collected and named by its path in the file (`models.sdxl.defaults.steps: ...`), so one look
at the message is enough to repair the file.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from studio.effect import Effect
from studio.engine_options import CatalogValues, EngineOptions, refusal
from studio.errors import ConfigurationError, UnknownModel
from studio.model import (
    Capabilities,
    Model,
    ModelDefaults,
    ModelFiles,
    ModelLimits,
    Source,
    SourceFile,
)

# Far more than a long catalogue needs, and far less than would trouble the parser.
MAX_BYTES = 1_000_000
MAX_DEPTH = 20
SHOWN = 80

_TOP_KEYS = ("default", "models")
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
    """The models of this studio, in the order of models.yml. `default` is the id of one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: str
    models: dict[str, Model]

    def model(self, id_or_alias: str) -> Model:
        """The entry of that id or alias. Errors: UnknownModel, listing the known ids."""
        entry = self.models.get(id_or_alias)
        if entry is None:
            entry = next((model for model in self.models.values() if id_or_alias in model.aliases), None)
        if entry is None:
            raise UnknownModel(
                f"no model {_shown(id_or_alias)} in models.yml; known: {', '.join(self.models)}"
            )
        return entry


def load_catalog(path: Path) -> Catalog:
    """The catalogue in that file. Errors: ConfigurationError holding every fault, each with its path."""
    content = _parsed(path)
    faults = [f"{key}: unknown key; known: {', '.join(_TOP_KEYS)}" for key in content if key not in _TOP_KEYS]
    entries = content.get("models")
    if not isinstance(entries, dict) or not entries:
        faults.append("models: must be a mapping of at least one id to its entry")
        entries = {}
    models: dict[str, Model] = {}
    for name, entry in entries.items():
        model, found = _model(name, entry, path.absolute().parent)
        faults += found
        if model is not None:
            models[model.id] = model
    faults += _name_clashes(entries)
    faults += _default_faults(content.get("default"), entries)
    if faults:
        raise ConfigurationError([f"{path.name}: {fault}" for fault in faults])
    return Catalog(default=content["default"], models=models)


def _parsed(path: Path) -> dict[Any, Any]:
    """The file as plain values: no anchors, no duplicate keys, no surprises of size or depth."""
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= MAX_BYTES else ""
    except FileNotFoundError:
        raise ConfigurationError([f"{path}: no such file; --models names another"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: can't be read: {error}"]) from None
    if size > MAX_BYTES:
        raise ConfigurationError([f"{path.name}: is {size} bytes long; the limit is {MAX_BYTES}"])
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
        faults = list(_duplicates(node, "")) if node is not None else []
        content = yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise ConfigurationError([f"{path.name}: {where}: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError([f"{path.name}: is not valid YAML: {error}"]) from None
    if faults:
        raise ConfigurationError([f"{path.name}: {fault}" for fault in faults])
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path.name}: must be a mapping with the keys {', '.join(_TOP_KEYS)}"])
    return content


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without anchors and aliases (a few lines of them can grow to gigabytes); bounded depth."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="anchors (&) and aliases (*) are not used here; write the value out, or quote it",
                problem_mark=event.start_mark,
            )
        if self._depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _duplicates(node: yaml.Node, path: str) -> Iterator[str]:
    """A fault for each key given twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, f"{path}.{index}".lstrip("."))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            here = f"{path}.{name}".lstrip(".")
            line = key.start_mark.line + 1
            if name in lines:
                yield f"{here}: given twice, on lines {lines[name]} and {line}"
            lines.setdefault(name, line)
            yield from _duplicates(value, here)


def _model(name: object, entry: object, folder: Path) -> tuple[Model | None, list[str]]:
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


def _default_faults(default: object, entries: Mapping[Any, Any]) -> Iterator[str]:
    if default is None:
        yield "default: is missing; name the entry used when a request names none"
    elif not isinstance(default, str) or default not in entries:
        known = ", ".join(map(str, entries)) or "none"
        yield f"default: {_shown(default)} is no id under `models`; known: {known}"


def _shown(value: object) -> str:
    """The value as people can recognise it, however long it is."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
