"""Filters: which pictures a list shows, in which order, from where; and how that is said to the database."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from peewee import SQL, Database, SqliteDatabase

from studio.errors import InvalidRequest
from studio.labels import folded
from studio.params import JobType
from studio.schema import ImageRow, ImageTagRow

MAX_WORDS = 16
# A trigram index knows no shorter words.
_TRIGRAM = 3
_CURSOR = re.compile(r"(newest|oldest)-([0-9]{1,18})")
# What no prompt holds and no database takes: controls and lone surrogates.
_NEVER_STORED = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Order(StrEnum):
    """Which pictures come first. Within a generation too: the newest is the last one of it."""

    NEWEST = "newest"
    OLDEST = "oldest"

    @property
    def sorting(self) -> Any:
        """The order of the rows."""
        return ImageRow.seq.desc() if self is Order.NEWEST else ImageRow.seq.asc()

    def cursor(self, seq: int) -> str:
        """The text that continues a list after the picture of that row."""
        return f"{self}-{seq}"

    def after(self, cursor: str) -> Any:
        """The condition that continues the list. Errors: InvalidRequest for a cursor not of this order."""
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidRequest(f"{cursor[:40]!r} is no `next` of an earlier answer", field="before")
        if match[1] != self:
            raise InvalidRequest(
                f"it continues a list sorted by {match[1]}; this one is sorted by {self}", field="before"
            )
        seq = int(match[2])
        return ImageRow.seq < seq if self is Order.NEWEST else ImageRow.seq > seq


@dataclass(frozen=True)
class Filter:
    """Which pictures are meant: those to which everything given applies.

    `words`: each must occur in the prompt, anywhere, without regard to case. Times are seconds since the
    epoch, `created_from` included, `created_to` not; `size` is (width, height) in pixels.
    """

    words: str = ""
    model: str | None = None
    type: JobType | None = None
    created_from: float | None = None
    created_to: float | None = None
    size: tuple[int, int] | None = None
    favourite: bool | None = None
    tag: str | None = None

    def conditions(self, database: Database) -> list[Any]:
        """What a query's WHERE needs; at least one. Errors: InvalidRequest for too many words."""
        conditions: list[Any] = [SQL("1 = 1")]
        if self.model is not None:
            conditions.append(ImageRow.model == _plain(self.model))
        if self.type is not None:
            conditions.append(ImageRow.type == str(self.type))
        if self.created_from is not None:
            conditions.append(ImageRow.created_at >= self.created_from)
        if self.created_to is not None:
            conditions.append(ImageRow.created_at < self.created_to)
        if self.size is not None:
            width, height = self.size
            conditions += [ImageRow.width == width, ImageRow.height == height]
        if self.favourite is not None:
            # The bare column, not a comparison: only so SQLite sees that the index of favourites fits.
            conditions.append(ImageRow.favourite if self.favourite else ~ImageRow.favourite)
        if self.tag is not None:
            wanted = ImageTagRow.folded == folded(_plain(self.tag).strip())
            conditions.append(ImageRow.seq.in_(ImageTagRow.select(ImageTagRow.image_seq).where(wanted)))
        return conditions + self._of_words(database)

    def _of_words(self, database: Database) -> list[Any]:
        words = list(dict.fromkeys(folded(_plain(self.words)).split()))
        if len(words) > MAX_WORDS:
            raise InvalidRequest(f"{len(words)} words; the limit is {MAX_WORDS}", field="q")
        has_index = isinstance(database, SqliteDatabase)
        indexed = [word for word in words if has_index and len(word) >= _TRIGRAM]
        # PostgreSQL uses its trigram index for these by itself, where it has one.
        conditions: list[Any] = [ImageRow.search_text.contains(word) for word in words if word not in indexed]
        if indexed:
            match = " ".join('"' + word.replace('"', '""') + '"' for word in indexed)
            found = SQL("(SELECT rowid FROM image_search WHERE image_search MATCH ?)", [match])
            conditions.append(ImageRow.seq.in_(found))
        return conditions


def _plain(text: str) -> str:
    return _NEVER_STORED.sub(" ", text)
