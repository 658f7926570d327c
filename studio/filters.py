"""Filters: which pictures a list shows, in which order, from where; and how that is said to the database."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from peewee import Database, Expression, SqliteDatabase, fn

from studio.errors import InvalidRequest
from studio.labels import folded
from studio.params import JobType
from studio.schema import ImageRow, ImageSearchRow, ImageTagRow
from studio.sight import sight

MAX_WORDS = 16
# A trigram index knows no shorter words.
_TRIGRAM = 3
_CURSOR = re.compile(r"(newest|oldest)-([0-9]{1,18})")
# What no prompt holds and no database takes: controls and lone surrogates.
_NEVER_STORED = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# What LIKE takes for signs of its own.
_LIKE_SIGNS = re.compile(r"[\\%_]")
_ESCAPED = r"\\\g<0>"


class Order(StrEnum):
    """Which pictures come first. Within a generation too: the newest is the last one of it."""

    NEWEST = "newest"
    OLDEST = "oldest"

    def cursor(self, seq: int) -> str:
        """The text that continues a list after the picture of that row."""
        return f"{self}-{seq}"

    def place_of(self, cursor: str) -> int:
        """The row a list stopped at. Errors: InvalidRequest for a cursor not of this order."""
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidRequest(f"{cursor[:40]!r} is no `next` of an earlier answer", field="before")
        if match[1] != self:
            raise InvalidRequest(
                f"it continues a list sorted by {match[1]}; this one is sorted by {self}", field="before"
            )
        return int(match[2])


class Matches(NamedTuple):
    """What a filter finds, as queries that are yet to be run."""

    rows: Any
    """of ImageRow, all columns, unsorted"""
    count: Any
    """of one number"""
    place: Any
    """the column by which `rows` is sorted and continued at no cost; equal to ImageRow.seq"""

    def page(self, order: Order, limit: int, before: str | None) -> Any:
        """The first `limit` rows, or those after a cursor. Errors: InvalidRequest for a wrong cursor."""
        is_newest = order is Order.NEWEST
        rows = self.rows.order_by(self.place.desc() if is_newest else self.place.asc()).limit(limit)
        if before is None:
            return rows
        seq = order.place_of(before)
        return rows.where(self.place < seq if is_newest else self.place > seq)


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

    def matches(self, database: Database) -> Matches:
        """The queries of this filter, for whoever asks. Errors: InvalidRequest for too many words."""
        words = list(dict.fromkeys(folded(_plain(self.words)).split()))
        if len(words) > MAX_WORDS:
            raise InvalidRequest(f"{len(words)} words; the limit is {MAX_WORDS}", field="q")
        has_index = isinstance(database, SqliteDatabase)
        indexed = [word for word in words if has_index and len(word) >= _TRIGRAM]
        conditions = self._conditions()
        conditions += [_holds(word, has_index) for word in words if word not in indexed]
        rows: Any = ImageRow.select()
        count: Any = ImageRow.select(fn.COUNT(ImageRow.seq))
        place: Any = ImageRow.seq
        if indexed:
            # Measured on 20,000 pictures: joined, a page takes 0.4 ms; as "seq IN (SELECT ...)" up to 6 ms.
            place = ImageSearchRow.rowid
            match = Expression(ImageSearchRow.image_search, "MATCH", _phrases(indexed))
            rows = rows.join(ImageSearchRow, on=(place == ImageRow.seq)).where(match)
            count = count.join(ImageSearchRow, on=(place == ImageRow.seq)).where(match)
            if not conditions:
                count = ImageSearchRow.select(fn.COUNT(place)).where(match)
        if conditions:
            rows, count = rows.where(*conditions), count.where(*conditions)
        return Matches(rows, count, place)

    def _conditions(self) -> list[Any]:
        """All but the words; and that the picture is shown to whoever asks."""
        shown = sight()
        conditions: list[Any] = [] if shown.is_whole else [ImageRow.owner == shown.owner]
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
        return conditions


EVERYTHING = Filter()
"""The filter that lets every picture through."""


def _phrases(words: list[str]) -> str:
    """The words as FTS5 wants them: each a string that must occur."""
    return " ".join('"' + word.replace('"', '""') + '"' for word in words)


def _holds(word: str, on_sqlite: bool) -> Any:
    """The condition that the prompt has this word, by reading it."""
    if on_sqlite:
        return fn.INSTR(ImageRow.search_text, word) > 0
    # PostgreSQL uses its trigram index for LIKE by itself, where it has one.
    return Expression(ImageRow.search_text, "LIKE", f"%{_LIKE_SIGNS.sub(_ESCAPED, word)}%")


def _plain(text: str) -> str:
    return _NEVER_STORED.sub(" ", text)
