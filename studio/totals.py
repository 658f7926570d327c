"""Totals: how much there is in the library, counted by reading."""

from typing import Any

from peewee import Database, fn

from studio.entry import Totals
from studio.schema import ImageRow, ImageTagRow
from studio.sight import Sight

# How many models, tags and sizes are named, the most frequent first.
MOST = 200


def read_totals(database: Database, shown: Sight) -> Totals:
    """How much there is of what is shown, within the caller's connection."""
    count = fn.COUNT(ImageRow.seq)
    by_model = ImageRow.select(ImageRow.model, count, fn.SUM(ImageRow.size)).group_by(ImageRow.model)
    rows = shown.limit(by_model, ImageRow.owner).tuples().execute(database)
    models = sorted(rows, key=lambda row: (-int(row[1]), str(row[0])))
    return Totals(
        images=sum(many for _, many, _ in models),
        bytes=int(sum(size for _, _, size in models)),
        models=[(model, many) for model, many, _ in models[:MOST]],
        tags=[(name, many) for name, many in _tags(shown).tuples().execute(database)],
        sizes=[((width, height), many) for width, height, many in _sizes(shown).tuples().execute(database)],
    )


def _sizes(shown: Sight) -> Any:
    sides, count = (ImageRow.width, ImageRow.height), fn.COUNT(ImageRow.seq)
    by_size = ImageRow.select(*sides, count).group_by(*sides).order_by(count.desc(), *sides).limit(MOST)
    return shown.limit(by_size, ImageRow.owner)


def _tags(shown: Sight) -> Any:
    often = fn.COUNT(ImageTagRow.image_seq)
    by_tag = ImageTagRow.select(fn.MIN(ImageTagRow.name), often).group_by(ImageTagRow.folded)
    if not shown.is_whole:
        by_tag = by_tag.join(ImageRow, on=(ImageRow.seq == ImageTagRow.image_seq))
    return shown.limit(by_tag.order_by(often.desc(), ImageTagRow.folded).limit(MOST), ImageRow.owner)
