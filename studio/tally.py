"""Tally: how many rows there are, and their bytes, kept by the transactions that change them.

A counter is the one row that every such change waits for, so it is changed last, and several always in the
order of their names: two connections can't wait for each other's.
"""

from collections.abc import Collection

from peewee import Database

from studio.database import first_row
from studio.schema import CounterRow

GENERATIONS = "generation"
_IMAGES = "image"
_IMAGE_BYTES = "image_bytes"


def tally(database: Database, name: str, change: int) -> None:
    """Count that many more, or fewer, within the caller's transaction."""
    CounterRow.update(value=CounterRow.value + change).where(CounterRow.name == name).execute(database)


def tally_added(database: Database, sizes: Collection[int]) -> None:
    """Count pictures of so many bytes each that the caller's transaction stores."""
    tally(database, _IMAGES, len(sizes))
    tally(database, _IMAGE_BYTES, sum(sizes))


def tally_deleted(database: Database, sizes: Collection[int]) -> None:
    """Count pictures of so many bytes each that the caller's transaction really deleted itself."""
    if sizes:
        tally(database, _IMAGES, -len(sizes))
        tally(database, _IMAGE_BYTES, -sum(sizes))


def picture_totals(database: Database) -> tuple[int, int]:
    """(pictures, bytes of their files), within the caller's connection."""
    query = CounterRow.select(CounterRow.value).where(CounterRow.name == _IMAGES).tuples()
    sizes = CounterRow.select(CounterRow.value).where(CounterRow.name == _IMAGE_BYTES).tuples()
    return int(first_row(query, database)[0]), int(first_row(sizes, database)[0])
