"""Replays: what was made once is made again by the same recipe, and the pixels are compared."""

from dataclasses import dataclass

from PIL import ImageChops

from studio import pictures
from studio.errors import InvalidImage, NotFound
from studio.gallery import Gallery
from studio.job import Generation, Image, Job, JobStatus
from studio.made_with import MadeWith, differences
from studio.queue_control import QueueControl
from studio.records import Records
from studio.store import JobStore, is_id
from studio.witness import Witness


@dataclass(frozen=True)
class Match:
    """A picture and the one that was made again; None where it isn't there (yet, or any more).

    `difference` is the largest of any channel of any pixel, 0..255; None for pictures of different sizes.
    """

    index: int
    image_id: str
    again_id: str | None = None
    equal: bool | None = None
    difference: int | None = None


@dataclass(frozen=True)
class Replay:
    """A job that repeats a generation, and how its pictures compare, by those the generation still has."""

    job: Job
    matches: tuple[Match, ...]
    differs: list[str] | None
    """What made it that was another then, in sentences; None while, or where, that isn't known."""

    @property
    def equal(self) -> bool | None:
        """Whether all pictures are; None while that can't be said."""
        known = [match.equal for match in self.matches]
        return False if False in known else None if None in known else True


class Replays:
    """Repeats generations. Thread-safe; owner: the studio, reached as `Studio.replays`.

    A replay is a job whose parent is the generation's job: nothing else needs to be stored about it.
    """

    def __init__(
        self, queue: QueueControl, store: JobStore, records: Records, gallery: Gallery, witness: Witness
    ) -> None:
        self._queue = queue
        self._store = store
        self._records = records
        self._gallery = gallery
        self._witness = witness

    def start(self, generation_id: str, *, idempotency_key: str | None = None) -> Job:
        """A new job with the recipe of the generation. Errors: as QueueControl.replay; NotFound."""
        return self._queue.replay(self._generation(generation_id).job_id, idempotency_key=idempotency_key)

    def look(self, generation_id: str, job_id: str) -> Replay:
        """The replay as it is now. Errors: NotFound, also for a job that repeats something else."""
        made = self._generation(generation_id)
        job = self._store.get(job_id) if is_id(job_id) else None
        if job is None or job.parent_id != made.job_id:
            raise NotFound(f"No replay of generation {generation_id} has the id {job_id[:64]!r}.")
        if job.status is not JobStatus.COMPLETED or job.generation_id is None:
            return Replay(job, tuple(self._match(image, None) for image in made.images), None)
        second = self._records.generation(job.generation_id)
        again = {image.index: image for image in second.images}
        matches = tuple(self._match(image, again.get(image.index)) for image in made.images)
        return Replay(job, matches, _differs(made, second.made_with))

    def expected(self, generation_id: str) -> list[str] | None:
        """What is another now than when it was made, in sentences; None if nobody wrote down what made it.

        Empty: the same pixels are to be expected. Errors: NotFound.
        """
        made = self._generation(generation_id)
        return _differs(made, self._witness.of(made.recipe))

    def _generation(self, generation_id: str) -> Generation:
        if not is_id(generation_id):
            raise NotFound(f"No generation has the id {generation_id[:64]!r}.")
        return self._records.generation(generation_id)

    def _match(self, first: Image, second: Image | None) -> Match:
        if second is None:
            return Match(first.index, first.id)
        try:
            one, other = (
                pictures.read_stored(self._gallery.image_path(image.path).read_bytes()).convert("RGBA")
                for image in (first, second)
            )
        except (NotFound, InvalidImage, OSError):  # a file that went, or was damaged, meanwhile
            return Match(first.index, first.id, second.id)
        if one.size != other.size:
            return Match(first.index, first.id, second.id, equal=False)
        extremes = ImageChops.difference(one, other).getextrema()
        largest = max(int(highest) for _, highest in extremes)  # type: ignore[misc]  # one pair a channel
        return Match(first.index, first.id, second.id, equal=largest == 0, difference=largest)


def _differs(made: Generation, now: MadeWith | None) -> list[str] | None:
    return None if made.made_with is None or now is None else differences(made.made_with, now)
