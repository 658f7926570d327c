"""Records: every query about what was made — generations, their pictures, and how fast models were."""

from collections.abc import Sequence
from typing import Any

from peewee import EXCLUDED, Database, fn

from studio.clock import Clock
from studio.database import first_row
from studio.errors import NotFound
from studio.filters import EVERYTHING, Filter
from studio.job import Generation, Image
from studio.reader import Reader
from studio.rows import to_generation, to_image
from studio.schema import EVERY_COLUMN, CounterRow, GenerationRow, ImageRow, JobRow, SpeedRow
from studio.sight import sight
from studio.store import Page
from studio.tally import GENERATIONS, tally, tally_deleted
from studio.writer import Writer

# Weight of the newest observation in a model's speed: a handful of jobs forgets a busy machine.
NEWEST = 0.3


class Records:
    """What completed jobs left behind. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run

    def page(self, *, limit: int, offset: int, wanted: Filter = EVERYTHING) -> Page[Generation]:
        """Generations without their pictures, newest first: those with a picture that is wanted.

        Errors: InvalidRequest for too many words.
        """
        newest = GenerationRow.select(EVERY_COLUMN).order_by(GenerationRow.seq.desc())
        total: Any = CounterRow.select(CounterRow.value).where(CounterRow.name == GENERATIONS)
        shown = sight()
        newest = shown.limit(newest, GenerationRow.owner)
        if not shown.is_whole:
            total = shown.limit(GenerationRow.select(fn.COUNT(GenerationRow.seq)), GenerationRow.owner)
        if wanted != EVERYTHING:
            made = wanted.matches(self._database).rows.select(ImageRow.generation_id)
            newest = newest.where(GenerationRow.id.in_(made))
            total = GenerationRow.select(fn.COUNT(GenerationRow.seq)).where(GenerationRow.id.in_(made))

        def read() -> Page[Generation]:
            rows = newest.limit(limit).offset(offset).dicts().execute(self._database)
            generations = [to_generation(row) for row in rows]
            return Page(generations, int(first_row(total.tuples(), self._database)[0]))

        return self._read(read)

    def generation(self, generation_id: str) -> Generation:
        """A generation with its pictures in order. Errors: NotFound."""
        shown = sight()

        def read() -> Generation:
            query = GenerationRow.select(EVERY_COLUMN).where(GenerationRow.id == generation_id)
            row = first_row(query.dicts(), self._database)
            if row is None or not shown.shows(row["owner"]):
                raise NotFound(f"No generation has the id {generation_id!r}.")
            return to_generation(row, self._images(generation_id))

        return self._read(read)

    def image(self, image_id: str) -> Image:
        """One picture. Errors: NotFound."""
        shown = sight()

        def read() -> Image:
            query = ImageRow.select(EVERY_COLUMN).where(ImageRow.id == image_id)
            row = first_row(query.dicts(), self._database)
            if row is None or not shown.shows(row["owner"]):
                raise NotFound(f"No image has the id {image_id!r}.")
            return to_image(row)

        return self._read(read)

    def known_images(self, ids: Sequence[str]) -> set[str]:
        """Which of these pictures have a row."""
        query = ImageRow.select(ImageRow.id).where(ImageRow.id.in_(ids)).tuples()
        return self._read(lambda: {image_id for (image_id,) in query.execute(self._database)})

    def delete(self, generation_id: str) -> list[Image]:
        """Forget a generation; its pictures, whose files the caller removes next. Errors: NotFound."""
        shown = sight()

        def change() -> list[Image]:
            images = self._delete_images(generation_id)
            gone = GenerationRow.delete().where(GenerationRow.id == generation_id)
            if not shown.limit(gone, GenerationRow.owner).execute(self._database):
                # Which undoes the pictures' going as well.
                raise NotFound(f"No generation has the id {generation_id!r}.")
            JobRow.update(
                generation_id=None, revision=JobRow.revision + 1, updated_at=self._clock.now()
            ).where(JobRow.generation_id == generation_id).execute(self._database)
            tally(self._database, GENERATIONS, -1)
            tally_deleted(self._database, [image.size for image in images])
            return images

        return self._writer.run(change)

    def speed(self, model_id: str) -> tuple[float, float] | None:
        """(seconds per megapixel and step, fixed seconds per picture) of a model lately, or None."""
        query = SpeedRow.select(SpeedRow.per_megapixel_step, SpeedRow.fixed).where(SpeedRow.model == model_id)
        speed: tuple[float, float] | None = self._read(lambda: first_row(query.tuples(), self._database))
        return speed

    def note_speed(self, model_id: str, per_megapixel_step: float, fixed: float) -> None:
        """Blend a new observation into the model's speed."""

        def change() -> None:
            first = SpeedRow.insert(model=model_id, per_megapixel_step=per_megapixel_step, fixed=fixed)
            blend = {
                column: column + NEWEST * (EXCLUDED[column.name] - column)
                for column in (SpeedRow.per_megapixel_step, SpeedRow.fixed)
            }
            first.on_conflict(conflict_target=[SpeedRow.model], update=blend).execute(self._database)

        self._writer.run(change)

    def _delete_images(self, generation_id: str) -> list[Image]:
        """Those that were really deleted by us, in order: of two who delete the same, one counts it."""
        chosen = ImageRow.delete().where(ImageRow.generation_id == generation_id)
        gone = chosen.returning(EVERY_COLUMN).dicts().execute(self._database)
        return sorted((to_image(row) for row in gone), key=lambda image: image.index)

    def _images(self, generation_id: str) -> list[Image]:
        query = (
            ImageRow.select(EVERY_COLUMN)
            .where(ImageRow.generation_id == generation_id)
            .order_by(ImageRow.position)
        )
        return [to_image(row) for row in query.dicts().execute(self._database)]
