"""Sight: which rows whoever asks gets to see. Storage asks for it, so that no face can forget to."""

from dataclasses import dataclass
from typing import Any

from studio.caller import Caller, asker


@dataclass(frozen=True)
class Sight:
    """What is shown: everything, or one owner's only. What is not shown is as if it were not there."""

    owner: str | None = None
    """None: everything."""

    @property
    def is_whole(self) -> bool:
        """Whether everything is shown."""
        return self.owner is None

    def shows(self, owner: str | None) -> bool:
        """Whether what belongs to this owner is shown."""
        return self.owner is None or owner == self.owner

    def limit(self, query: Any, owner_column: Any) -> Any:
        """The query, for the rows that are shown; unchanged if all are."""
        return query if self.owner is None else query.where(owner_column == self.owner)


WHOLE = Sight()
"""What admins see, and the studio itself."""


def sight_of(caller: Caller) -> Sight:
    """What that caller sees."""
    return Sight((caller.name or "") if caller.is_confined else None)


def sight() -> Sight:
    """What whoever asks sees.

    To be taken before a change is handed to the writer: its thread works for the house, which sees all.
    """
    return sight_of(asker())
