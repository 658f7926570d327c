"""Entries: what the library tells about pictures, one by one, in lists, and counted."""

from dataclasses import dataclass

from studio.job import Image
from studio.recipe import Recipe


@dataclass(frozen=True)
class Entry:
    """A picture, what made it, and what people said about it. `created_at`: seconds since the epoch."""

    image: Image
    recipe: Recipe
    """the whole job's: `image.seed` is the picture's own"""
    job_id: str
    created_at: float
    favourite: bool
    tags: tuple[str, ...]
    owner: str | None = None
    """as its job's"""


@dataclass(frozen=True)
class Listing:
    """A slice of a list: `next` is the cursor of the one after it, `total` counts what the filter matches."""

    entries: list[Entry]
    next: str | None
    total: int


@dataclass(frozen=True)
class Removal:
    """What was taken out, for whoever removes the files, and what stayed because it is a favourite."""

    images: list[Image]
    generations: list[str]
    protected: list[str]


@dataclass(frozen=True)
class Totals:
    """How much there is: bytes of the pictures' files, and (what, how many), the most frequent first."""

    images: int
    bytes: int
    models: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    sizes: list[tuple[tuple[int, int], int]]
