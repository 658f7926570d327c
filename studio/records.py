"""Records: every query about what was made — generations, their pictures, and how fast models were."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from peewee import Database

from studio.clock import Clock
from studio.errors import NotFound
from studio.job import Generation, Image
from studio.rows import to_generation, to_image
from studio.schema import CounterRow, GenerationRow, ImageRow, JobRow, SpeedRow
from studio.store import Page
from studio.writer import Writer

T = TypeVar("T")

# Weight of the newest observation in a model's speed: a handful of jobs forgets a busy machine.
NEWEST = 0.3


class Records:
    """What completed jobs left behind. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock

    def page(self, *, limit: int, offset: int) -> Page[Generation]:
        """Generations without their pictures, newest first."""

        def read() -> Page[Generation]:
            query = GenerationRow.select().order_by(GenerationRow.seq.desc()).limit(limit).offset(offset)
            rows = [to_generation(row) for row in query.dicts().execute(self._database)]
            counter = CounterRow.select(CounterRow.value).where(CounterRow.name == "generation").tuples()
            return Page(rows, int(next(iter(counter.execute(self._database)))[0]))

        return self._read(read)

    def generation(self, generation_id: str) -> Generation:
        """A generation with its pictures in order. Errors: NotFound."""

        def read() -> Generation:
            query = GenerationRow.select().where(GenerationRow.id == generation_id).dicts()
            row = next(iter(query.execute(self._database)), None)
            if row is None:
                raise NotFound(f"No generation has the id {generation_id!r}.")
            return to_generation(row, self._images(generation_id))

        return self._read(read)

    def image(self, image_id: str) -> Image:
        """One picture. Errors: NotFound."""

        def read() -> Image:
            query = ImageRow.select().where(ImageRow.id == image_id).dicts()
            row = next(iter(query.execute(self._database)), None)
            if row is None:
                raise NotFound(f"No image has the id {image_id!r}.")
            return to_image(row)

        return self._read(read)

    def known_images(self, ids: Sequence[str]) -> set[str]:
        """Which of these pictures have a row."""
        query = ImageRow.select(ImageRow.id).where(ImageRow.id.in_(ids)).tuples()
        return self._read(lambda: {image_id for (image_id,) in query.execute(self._database)})

    def delete(self, generation_id: str) -> list[Image]:
        """Forget a generation; its pictures, whose files the caller removes next. Errors: NotFound."""

        def change() -> list[Image]:
            images = self._images(generation_id)
            ImageRow.delete().where(ImageRow.generation_id == generation_id).execute(self._database)
            gone = GenerationRow.delete().where(GenerationRow.id == generation_id).execute(self._database)
            if not gone:
                raise NotFound(f"No generation has the id {generation_id!r}.")
            CounterRow.update(value=CounterRow.value - 1).where(CounterRow.name == "generation").execute(
                self._database
            )
            JobRow.update(
                generation_id=None, revision=JobRow.revision + 1, updated_at=self._clock.now()
            ).where(JobRow.generation_id == generation_id).execute(self._database)
            return images

        return self._writer.run(change)

    def speed(self, model_id: str) -> tuple[float, float] | None:
        """(seconds per megapixel and step, fixed seconds per picture) of a model lately, or None."""
        query = SpeedRow.select(SpeedRow.per_megapixel_step, SpeedRow.fixed).where(SpeedRow.model == model_id)
        return self._read(lambda: next(iter(query.tuples().execute(self._database)), None))

    def note_speed(self, model_id: str, per_megapixel_step: float, fixed: float) -> None:
        """Blend a new observation into the model's speed."""

        def change() -> None:
            query = SpeedRow.select(SpeedRow.per_megapixel_step, SpeedRow.fixed).where(
                SpeedRow.model == model_id
            )
            before = next(iter(query.tuples().execute(self._database)), None)
            if before is None:
                SpeedRow.insert(model=model_id, per_megapixel_step=per_megapixel_step, fixed=fixed).execute(
                    self._database
                )
                return
            SpeedRow.update(
                per_megapixel_step=before[0] + NEWEST * (per_megapixel_step - before[0]),
                fixed=before[1] + NEWEST * (fixed - before[1]),
            ).where(SpeedRow.model == model_id).execute(self._database)

        self._writer.run(change)

    def _images(self, generation_id: str) -> list[Image]:
        query = ImageRow.select().where(ImageRow.generation_id == generation_id).order_by(ImageRow.position)
        return [to_image(row) for row in query.dicts().execute(self._database)]

    def _read(self, query: Callable[[], T]) -> T:
        with self._database.connection_context():
            return query()
