"""Brings a studio's database to a number of finished jobs, so that the lists have something to list.

python bench/seed_rows.py 100000 --database outputs/studio.db

97 % are completed, with a generation of one picture each (rows only: there are no files), 2 % failed, 1 %
cancelled. The studio may be running: rows go in by thousands in a transaction, the counters with them.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from peewee import Database, Model

from studio.database import migrate, open_database
from studio.job import AttemptOutcome, JobStatus
from studio.params import JobType
from studio.recipe import Recipe
from studio.rows import listed_columns
from studio.schema import AttemptRow, CounterRow, GenerationRow, ImageRow, JobRow
from studio.store import new_id

_ROWS_PER_TRANSACTION = 5000
_MODELS = ("stub-a", "stub-b")
_FINAL = tuple(status for status in JobStatus if status.is_final)
_WORDS = ("red", "blue", "quiet", "castle", "river", "of glass", "at night", "in oil", "a fox", "the sea")
_SECONDS_PER_JOB = 1.0
_WORKER = "seed"

Columns = dict[str, Any]


class Finished(NamedTuple):
    """The rows of one finished job; `generation` and `image` of a completed one only."""

    job: Columns
    attempt: Columns
    generation: Columns | None
    image: Columns | None


def status_of(number: int) -> JobStatus:
    """97 of a hundred completed, 2 failed, 1 cancelled."""
    place = number % 100
    return JobStatus.CANCELLED if place == 99 else JobStatus.FAILED if place >= 97 else JobStatus.COMPLETED


def finished_job(number: int, created_at: float, chance: random.Random) -> Finished:
    """The rows of the job of that number, submitted at that moment (seconds since the epoch)."""
    status = status_of(number)
    recipe = _recipe(number, chance)
    job: Columns = {
        "id": new_id(),
        "status": str(status),
        "model": recipe.model,
        "recipe": recipe.model_dump_json(),
        "created_at": created_at,
        "updated_at": created_at + _SECONDS_PER_JOB,
        "started_at": created_at,
        "completed_at": created_at + _SECONDS_PER_JOB,
        "fraction": 1.0 if status is JobStatus.COMPLETED else 0.5,
        "step": 0,
        "steps": 0,
        "image": 0,
        "images": 0,
        "error": "The engine ended." if status is JobStatus.FAILED else None,
        "error_code": "engine_crashed" if status is JobStatus.FAILED else None,
        "generation_id": new_id() if status is JobStatus.COMPLETED else None,
        "worker": _WORKER,
        "attempt": 1,
        "failures": 0,
        "revision": 3,
    }
    attempt = {
        "job_id": job["id"],
        "number": 1,
        "worker": _WORKER,
        "outcome": str(AttemptOutcome(str(status))),
        "started_at": created_at,
        "ended_at": created_at + _SECONDS_PER_JOB,
        "error": job["error"],
        "log_tail": "",
    }
    if status is not JobStatus.COMPLETED:
        return Finished(job, attempt, None, None)
    return Finished(job, attempt, *_made(job, recipe))


def _recipe(number: int, chance: random.Random) -> Recipe:
    return Recipe(
        type=JobType.GENERATE,
        model=_MODELS[number % len(_MODELS)],
        prompt=f"picture {number}, {' '.join(chance.choices(_WORDS, k=12))}",
        sent_prompt=f"picture {number}",
        width=512,
        height=512,
        n=1,
        seed=number,
        steps=20,
        cfg_scale=7,
        sampler="euler_a",
        scheduler="discrete",
    )


def _made(job: Columns, recipe: Recipe) -> tuple[Columns, Columns]:
    """The rows of a completed job's generation and of its one picture."""
    generation = {
        "id": job["generation_id"],
        "job_id": job["id"],
        "model": recipe.model,
        "recipe": job["recipe"],
        "image_count": 1,
        "created_at": job["completed_at"],
        "updated_at": job["completed_at"],
    }
    image_id = new_id()
    image = {
        "id": image_id,
        "generation_id": job["generation_id"],
        "position": 0,
        "path": f"images/seeded/{image_id}.png",
        "mime_type": "image/png",
        "width": recipe.width,
        "height": recipe.height,
        "size": 450_000,
        "sha256": "0" * 64,
        "seed": recipe.seed,
        **listed_columns(recipe, job["completed_at"]),
    }
    return generation, image


def insert(database: Database, table: type[Model], rows: list[Columns]) -> None:
    """Insert rows with the same columns, far faster than through a query object."""
    if not rows:
        return
    names = ", ".join(rows[0])
    places = ", ".join([database.param] * len(rows[0]))
    sql = f"INSERT INTO {table._meta.table_name} ({names}) VALUES ({places})"
    database.cursor().executemany(sql, [tuple(row.values()) for row in rows])


def store(database: Database, batch: list[Finished]) -> None:
    """All rows of these jobs and what they add to the counters, in one transaction."""
    counts: dict[str, int] = {}
    for finished in batch:
        counts[finished.job["status"]] = counts.get(finished.job["status"], 0) + 1
    generations = [one.generation for one in batch if one.generation is not None]
    counts["generation"] = len(generations)
    images = [one.image for one in batch if one.image is not None]
    counts["image"] = len(images)
    counts["image_bytes"] = sum(image["size"] for image in images)
    with database.atomic():
        # The write comes first: a transaction that reads before it writes may fail as "locked".
        for name, count in sorted(counts.items()):
            changed = CounterRow.update(value=CounterRow.value + count).where(CounterRow.name == name)
            changed.execute(database)
        insert(database, JobRow, [one.job for one in batch])
        insert(database, AttemptRow, [one.attempt for one in batch])
        insert(database, GenerationRow, generations)
        insert(database, ImageRow, images)


def finished_jobs(database: Database) -> int:
    """How many jobs are finished, by the counters."""
    names = [str(status) for status in _FINAL]
    query = CounterRow.select(CounterRow.value).where(CounterRow.name.in_(names)).tuples()
    return sum(int(value) for (value,) in query.execute(database))


def _batches(first: int, end: int) -> Iterator[list[Finished]]:
    chance = random.Random(first)
    begin = time.time() - (end - first) * _SECONDS_PER_JOB
    for start in range(first, end, _ROWS_PER_TRANSACTION):
        numbers = range(start, min(start + _ROWS_PER_TRANSACTION, end))
        yield [finished_job(n, begin + (n - first) * _SECONDS_PER_JOB, chance) for n in numbers]


def main() -> int:
    """Add what is missing; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=int, help="how many finished jobs there shall be")
    parser.add_argument("--database", required=True, help="the SQLite file or the postgresql:// URL")
    options = parser.parse_args()
    database = open_database(options.database)
    migrate(database)
    with database.connection_context():
        have = finished_jobs(database)
        for batch in _batches(have, options.rows):
            store(database, batch)
        print(f"{have} finished jobs before, {finished_jobs(database)} now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
