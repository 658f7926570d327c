"""Presets: named sets of parameters that people keep for later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import EXCLUDED, Database, IntegrityError, fn

from studio.clock import Clock
from studio.database import first_row
from studio.errors import Conflict, InvalidRequest, NotFound
from studio.labels import folded, to_label
from studio.partial_params import check_partial
from studio.reader import Reader
from studio.schema import PresetRow
from studio.writer import Writer

MAX_NAME = 100
# They are listed all at once.
MAX_PRESETS = 1000
# In an address these two mean folders.
_NO_NAMES = (".", "..")


@dataclass(frozen=True)
class Preset:
    """Fields of GenerationParams under a name. `updated_at`: seconds since the epoch."""

    name: str
    params: dict[str, Any]
    updated_at: float


class Presets:
    """The presets in the database; names that differ in case only are one. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run

    def all(self) -> list[Preset]:
        """Every preset, by name; at most MAX_PRESETS."""
        rows = self._read(lambda: list(PresetRow.select().dicts().execute(self._database)))
        # Sorted here: databases differ in how they sort letters.
        return [_to_preset(row) for row in sorted(rows, key=lambda row: str(row["folded"]))]

    def get(self, name: str) -> Preset:
        """The preset of that name. Errors: NotFound."""
        return self._read(lambda: self._get(name))

    def save(self, name: str, params: Mapping[str, Any]) -> Preset:
        """A new preset, or the one of that name with these parameters instead.

        Errors: InvalidRequest for the name; pydantic's ValidationError for the parameters; Conflict if there
        are too many presets.
        """
        label = _checked_name(name)
        text = json.dumps(check_partial(params))
        columns = {"name": label, "params": text, "updated_at": self._clock.now()}

        def change() -> Preset:
            kept = {column: EXCLUDED[column] for column in columns}
            insert = PresetRow.insert(folded=folded(label), **columns)
            insert.on_conflict(conflict_target=[PresetRow.folded], update=kept).execute(self._database)
            count = PresetRow.select(fn.COUNT(PresetRow.folded)).tuples()
            if first_row(count, self._database)[0] > MAX_PRESETS:
                raise Conflict(f"There are {MAX_PRESETS} presets already; delete one to save another.")
            return self._get(label)

        return self._writer.run(change)

    def rename(self, name: str, new_name: str) -> Preset:
        """The preset under its new name. Errors: NotFound; InvalidRequest; Conflict if the name is taken."""
        label = _checked_name(new_name)
        taken = Conflict(f"Another preset is called {label!r}; choose another name, or delete that one.")

        def change() -> Preset:
            preset = self._get(name)
            key, new_key = folded(preset.name), folded(label)
            if new_key != key and self._row(label) is not None:
                raise taken
            renamed = PresetRow.update(folded=new_key, name=label, updated_at=self._clock.now())
            renamed.where(PresetRow.folded == key).execute(self._database)
            return self._get(label)

        try:
            return self._writer.run(change)
        except IntegrityError:  # another connection took the name since we looked
            raise taken from None

    def delete(self, name: str) -> None:
        """Forget the preset. Errors: NotFound."""

        def change() -> None:
            gone = PresetRow.delete().where(PresetRow.folded == folded(self._get(name).name))
            gone.execute(self._database)

        self._writer.run(change)

    def _get(self, name: str) -> Preset:
        row = self._row(name)
        if row is None:
            raise NotFound(f"No preset is called {name[:MAX_NAME]!r}.")
        return _to_preset(row)

    def _row(self, name: str) -> Any:
        try:
            key = folded(_checked_name(name))
        except InvalidRequest:
            return None  # no preset can have that name
        return first_row(PresetRow.select().where(PresetRow.folded == key).dicts(), self._database)


def _to_preset(row: Mapping[str, Any]) -> Preset:
    return Preset(name=row["name"], params=json.loads(row["params"]), updated_at=row["updated_at"])


def _checked_name(name: str) -> str:
    try:
        label = to_label(name, longest=MAX_NAME)
    except ValueError as fault:
        raise InvalidRequest(f"{name[:MAX_NAME]!r} {fault}", field="name") from None
    if label in _NO_NAMES:
        raise InvalidRequest(f"{label!r} can't be part of an address; choose another", field="name")
    return label
