"""Puts finished jobs with real picture files into a studio's outputs: something for a history to show.

For a studio that isn't running yet: its database is brought to this version's schema on the way.
"""

import hashlib
import io
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from peewee import Database
from PIL import Image, ImageDraw

from bench.seed_rows import Columns, Finished, finished_job, insert, store
from studio.database import migrate, open_database
from studio.labels import folded
from studio.params import JobType
from studio.recipe import Recipe
from studio.rows import listed_columns
from studio.schema import ImageRow, ImageTagRow

_DRAWN = (JobType.GENERATE, JobType.EDIT, JobType.VARIATION)
_BATCH = 2000
_WORDS = ("red", "blue", "quiet", "castle", "river", "of glass", "at night", "in oil", "a fox", "the sea")
_SIZES = ((256, 256), (384, 256), (256, 384))
_DISTINCT = 60
_MINUTES_APART = 10


@dataclass(frozen=True)
class Made:
    """A picture to be there, made at `created_at` (seconds since the epoch); `png` is its file."""

    prompt: str
    created_at: float
    png: bytes
    model: str = "demo"
    type: JobType = JobType.GENERATE
    seed: int = 1
    negative_prompt: str = ""
    favourite: bool = False
    tags: tuple[str, ...] = ()


def drawing(number: int, size: tuple[int, int]) -> bytes:
    """A PNG of discs; the same number gives the same picture."""
    chance = random.Random(number)
    image = Image.new("RGB", size, _colour(chance))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, radius = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(8, size[0] // 2)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(chance))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)


def many(count: int, *, until: float, model: str = "demo") -> Iterator[Made]:
    """So many pictures, the last one made at `until`, ten minutes apart; a few distinct files for all."""
    chance = random.Random(count)
    files = [drawing(number, _SIZES[number % len(_SIZES)]) for number in range(_DISTINCT)]
    for number in range(count):
        yield Made(
            prompt=f"picture {number}, {' '.join(chance.choices(_WORDS, k=12))}",
            created_at=until - (count - 1 - number) * _MINUTES_APART * 60,
            png=files[number % _DISTINCT],
            model=model,
            type=_DRAWN[number % len(_DRAWN)],
            seed=number,
            favourite=number % 40 == 0,
            tags=("kept",) if number % 25 == 0 else (),
        )


def seed_pictures(outputs: Path, pictures: Iterable[Made]) -> list[str]:
    """Store them, in this order; their ids. Files with the same content are links to one."""
    folder = outputs / "images" / "seeded"
    folder.mkdir(parents=True, exist_ok=True)
    database = open_database(str(outputs / "studio.db"))
    migrate(database)
    ids: list[str] = []
    chance = random.Random(0)
    with database.connection_context():
        for batch in _batches(pictures):
            finished = [_finished(made, chance) for made in batch]
            for made, rows in zip(batch, finished, strict=True):
                assert rows.image is not None
                ids.append(rows.image["id"])
                _write(folder, rows.image["id"], made.png)
            store(database, finished)
            _tag(database, batch, ids[-len(batch) :])
    return ids


def _batches(pictures: Iterable[Made]) -> Iterator[Sequence[Made]]:
    batch: list[Made] = []
    for made in pictures:
        batch.append(made)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _finished(made: Made, chance: random.Random) -> Finished:
    width, height = Image.open(io.BytesIO(made.png)).size
    recipe = Recipe(
        type=made.type, model=made.model, prompt=made.prompt, sent_prompt=made.prompt,
        negative_prompt=made.negative_prompt, width=width, height=height, n=1, seed=made.seed, steps=8,
        cfg_scale=2, sampler="euler", scheduler="discrete",
    )  # fmt: skip
    rows = finished_job(0, made.created_at, chance)
    assert rows.generation is not None and rows.image is not None
    written: Columns = {"model": recipe.model, "recipe": recipe.model_dump_json()}
    picture: Columns = {
        "path": f"images/seeded/{rows.image['id']}.png", "width": width, "height": height,
        "size": len(made.png), "sha256": hashlib.sha256(made.png).hexdigest(), "seed": made.seed,
        "favourite": made.favourite, **listed_columns(recipe, made.created_at),
    }  # fmt: skip
    return Finished(rows.job | written, rows.attempt, rows.generation | written, rows.image | picture)


def _write(folder: Path, image_id: str, png: bytes) -> None:
    first = folder / f"{hashlib.sha256(png).hexdigest()}.content"
    if not first.exists():
        first.write_bytes(png)
    os.link(first, folder / f"{image_id}.png")


def _tag(database: Database, batch: Sequence[Made], ids: Sequence[str]) -> None:
    tags = {image_id: made.tags for image_id, made in zip(ids, batch, strict=True) if made.tags}
    found = ImageRow.select(ImageRow.seq, ImageRow.id).where(ImageRow.id.in_(list(tags)))
    rows = [
        {"image_seq": seq, "folded": folded(tag), "name": tag}
        for seq, image_id in found.tuples().execute(database)
        for tag in tags[image_id]
    ]
    insert(database, ImageTagRow, rows)
