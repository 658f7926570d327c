"""Library: every query about pictures as a collection: finding, counting, marking, and taking out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from peewee import Database

from studio.clock import Clock
from studio.database import first_row
from studio.entry import Entry, Listing, Removal, Totals
from studio.errors import InvalidRequest, NotFound
from studio.filters import EVERYTHING, Filter, Order
from studio.job import Image
from studio.labels import folded, to_label
from studio.reader import Reader
from studio.recipe import Recipe
from studio.rows import to_image
from studio.schema import EVERY_COLUMN, GenerationRow, ImageRow, ImageTagRow, JobRow
from studio.sight import Sight, sight
from studio.store import is_id
from studio.tally import GENERATIONS, tally, tally_deleted
from studio.totals import read_totals
from studio.writer import Writer

MAX_TAGS = 32
MAX_TAG = 50
# Pictures of one query or one change: everybody else's changes wait for ours.
BATCH = 200


class Library:
    """The pictures in the database, as a collection. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run

    # -- finding -------------------------------------------------------------------------------------

    def page(
        self, wanted: Filter, *, limit: int, order: Order = Order.NEWEST, before: str | None = None
    ) -> Listing:
        """At most `limit` pictures after the cursor `before`; what arrives meanwhile moves nothing.

        Errors: InvalidRequest for a cursor that is none, or that belongs to the other order.
        """
        matches = wanted.matches(self._database)
        query = matches.page(order, limit + 1, before)

        def read() -> Listing:
            rows = list(query.dicts().execute(self._database))
            total = int(first_row(matches.count.tuples(), self._database)[0])
            shown = rows[:limit]
            following = order.cursor(shown[-1]["seq"]) if len(rows) > limit else None
            return Listing(self._entries(shown), following, total)

        return self._read(read)

    def entry(self, image_id: str) -> Entry:
        """One picture. Errors: NotFound."""
        shown = sight()
        return self._read(lambda: self._entry(image_id, shown))

    def entries(self, ids: Iterable[str]) -> list[Entry]:
        """These pictures, in this order; unknown ids and repetitions are left out."""
        wanted, shown = list(filter(is_id, dict.fromkeys(ids))), sight()

        def read() -> list[Entry]:
            found: dict[str, Entry] = {}
            for batch in _batches(wanted):
                query = ImageRow.select(EVERY_COLUMN).where(ImageRow.id.in_(batch))
                rows = shown.limit(query, ImageRow.owner).dicts().execute(self._database)
                entries = self._entries(list(rows))
                found |= {entry.image.id: entry for entry in entries}
            return [found[image_id] for image_id in wanted if image_id in found]

        return self._read(read)

    def totals(self) -> Totals:
        """Counted at each call, by reading every row: for a page of statistics, not for every request."""
        shown = sight()
        return self._read(lambda: read_totals(self._database, shown))

    def _entry(self, image_id: str, shown: Sight) -> Entry:
        if not is_id(image_id):
            raise NotFound(f"No image has the id {image_id[:64]!r}.")
        query = shown.limit(ImageRow.select(EVERY_COLUMN).where(ImageRow.id == image_id), ImageRow.owner)
        found = self._entries(list(query.dicts().execute(self._database)))
        if not found:
            raise NotFound(f"No image has the id {image_id!r}.")
        return found[0]

    def _entries(self, rows: Sequence[Any]) -> list[Entry]:
        """The pictures of these rows, in their order."""
        columns = (GenerationRow.id, GenerationRow.job_id, GenerationRow.recipe, GenerationRow.owner)
        made = GenerationRow.select(*columns).where(
            GenerationRow.id.in_({row["generation_id"] for row in rows})
        )
        sources = {
            generation_id: (job_id, Recipe.model_validate_json(recipe), owner)
            for generation_id, job_id, recipe, owner in made.tuples().execute(self._database)
        }
        said = ImageTagRow.select(ImageTagRow.image_seq, ImageTagRow.folded, ImageTagRow.name)
        said = said.where(ImageTagRow.image_seq.in_([row["seq"] for row in rows]))
        tags: dict[int, list[str]] = {}
        # Sorted here: databases differ in how they sort letters.
        for seq, _, name in sorted(said.tuples().execute(self._database)):
            tags.setdefault(seq, []).append(name)
        return [
            Entry(
                image=to_image(row),
                recipe=sources[row["generation_id"]][1],
                job_id=sources[row["generation_id"]][0],
                created_at=row["created_at"],
                favourite=bool(row["favourite"]),
                tags=tuple(tags.get(row["seq"], ())),
                owner=sources[row["generation_id"]][2],
            )
            for row in rows
            # Between the two queries somebody may have deleted it.
            if row["generation_id"] in sources
        ]

    # -- marking -------------------------------------------------------------------------------------

    def mark(
        self, image_id: str, *, favourite: bool | None = None, tags: Sequence[str] | None = None
    ) -> Entry:
        """The picture with what is given replaced; tags that differ in case only are one.

        Errors: NotFound; InvalidRequest for more than MAX_TAGS, an empty or too long one, or a control in it.
        """
        names, shown = None if tags is None else _checked_tags(tags), sight()

        def change() -> Entry:
            self._entry(image_id, shown)
            if favourite is not None:
                marked = ImageRow.update(favourite=favourite).where(ImageRow.id == image_id)
                marked.execute(self._database)
            if names is not None:
                self._replace_tags(image_id, names)
            return self._entry(image_id, shown)

        return self._writer.run(change)

    def _replace_tags(self, image_id: str, names: dict[str, str]) -> None:
        # The picture's row is held: of two people who tag it at once the second one waits.
        held = ImageRow.update(favourite=ImageRow.favourite).where(ImageRow.id == image_id)
        held.execute(self._database)
        row = first_row(ImageRow.select(ImageRow.seq).where(ImageRow.id == image_id).tuples(), self._database)
        if row is None:
            return
        (seq,) = row
        ImageTagRow.delete().where(ImageTagRow.image_seq == seq).execute(self._database)
        if names:
            rows = [{"image_seq": seq, "folded": key, "name": name} for key, name in names.items()]
            ImageTagRow.insert_many(rows).on_conflict(action="nothing").execute(self._database)

    # -- taking out ----------------------------------------------------------------------------------

    def delete(self, ids: Iterable[str], *, even_favourites: bool = False) -> Removal:
        """Forget pictures, and each generation whose last one goes; the caller removes the files next.

        Unknown ids are left out: they are gone already. A batch is one transaction: a crash in between
        leaves the later ones.
        """
        gone, shown = Removal([], [], []), sight()
        for batch in _batches(sorted(filter(is_id, set(ids)))):
            some = self._writer.run(partial(self._delete, batch, even_favourites, shown))
            gone.images.extend(some.images)
            gone.generations.extend(some.generations)
            gone.protected.extend(some.protected)
        return gone

    def _delete(self, ids: Sequence[str], even_favourites: bool, shown: Sight) -> Removal:
        chosen = ImageRow.id.in_(ids)
        if not shown.is_whole:
            chosen &= ImageRow.owner == shown.owner
        doomed = chosen if even_favourites else chosen & ~ImageRow.favourite
        # What RETURNING tells was really deleted by us: of two who delete the same, one counts it.
        deleted = ImageRow.delete().where(doomed).returning(*_IMAGE_COLUMNS).dicts().execute(self._database)
        images = [to_image(row) for row in deleted]
        kept = ImageRow.select(ImageRow.id).where(chosen).order_by(ImageRow.id).tuples()
        protected = [image_id for (image_id,) in kept.execute(self._database)]
        empty = self._shrink(Counter(image.generation_id for image in images))
        tally_deleted(self._database, [image.size for image in images])
        return Removal(images, empty, protected)

    def _shrink(self, fewer: Counter[str]) -> list[str]:
        """Take that many pictures from each generation; the ids of those that are empty and so gone."""
        now = self._clock.now()
        for many in sorted(set(fewer.values())):
            touched = sorted(generation_id for generation_id in fewer if fewer[generation_id] == many)
            GenerationRow.update(image_count=GenerationRow.image_count - many, updated_at=now).where(
                GenerationRow.id.in_(touched)
            ).execute(self._database)
        is_empty = GenerationRow.id.in_(sorted(fewer)) & (GenerationRow.image_count <= 0)
        deleted = GenerationRow.delete().where(is_empty).returning(GenerationRow.id).tuples()
        empty = [generation_id for (generation_id,) in deleted.execute(self._database)]
        if empty:
            JobRow.update(generation_id=None, revision=JobRow.revision + 1, updated_at=now).where(
                JobRow.generation_id.in_(empty)
            ).execute(self._database)
            tally(self._database, GENERATIONS, -len(empty))
        return empty

    def of_generations(self, wanted: Filter) -> list[tuple[Image, bool]]:
        """(picture, is a favourite) for all pictures of the generations that have a wanted one.

        Errors: InvalidRequest for too many words.
        """
        query = ImageRow.select(*_IMAGE_COLUMNS, ImageRow.favourite).order_by(ImageRow.seq)
        query = sight().limit(query, ImageRow.owner)
        if wanted != EVERYTHING:
            made = wanted.matches(self._database).rows.select(ImageRow.generation_id)
            query = query.where(ImageRow.generation_id.in_(made))
        rows = self._read(lambda: list(query.dicts().execute(self._database)))
        return [(to_image(row), bool(row["favourite"])) for row in rows]

    def dispensable(
        self, *, model: str | None = None, created_before: float | None = None, keep_bytes: int | None = None
    ) -> list[tuple[str, int]]:
        """(id, bytes) of the pictures to which every rule applies, oldest first; never a favourite.

        With `keep_bytes` the newest pictures (of that model), favourites included, are kept as long as they
        fit into that many bytes together.
        """
        query = ImageRow.select(ImageRow.id, ImageRow.size, ImageRow.created_at, ImageRow.favourite)
        query = sight().limit(query, ImageRow.owner).order_by(ImageRow.seq.desc())
        if model is not None:
            query = query.where(ImageRow.model == model)
        rows = self._read(lambda: list(query.tuples().execute(self._database)))
        # Favourites stay whatever happens, so the others share what they leave.
        room = None if keep_bytes is None else keep_bytes - sum(size for _, size, _, loved in rows if loved)
        found: list[tuple[str, int]] = []
        for image_id, size, created_at, loved in rows:
            if loved:
                continue
            if room is not None and size <= room:
                room -= size
                continue
            # The first that doesn't fit ends it: an older, smaller one isn't worth more than this one.
            room = None if room is None else -1
            if created_before is None or created_at < created_before:
                found.append((image_id, size))
        return found[::-1]


_IMAGE_COLUMNS = (
    ImageRow.id, ImageRow.generation_id, ImageRow.position, ImageRow.path, ImageRow.mime_type, ImageRow.width,
    ImageRow.height, ImageRow.size, ImageRow.sha256, ImageRow.seed, ImageRow.revised_prompt, ImageRow.owner,
)  # fmt: skip


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def _checked_tags(tags: Sequence[str]) -> dict[str, str]:
    """{as compared: as typed}. Errors: InvalidRequest."""
    names: dict[str, str] = {}
    for tag in tags:
        try:
            name = to_label(tag, longest=MAX_TAG)
        except ValueError as fault:
            raise InvalidRequest(f"{tag[:MAX_TAG]!r} {fault}", field="tags") from None
        names.setdefault(folded(name), name)
    if len(names) > MAX_TAGS:
        raise InvalidRequest(f"{len(names)} tags; a picture has at most {MAX_TAGS}", field="tags")
    return names
