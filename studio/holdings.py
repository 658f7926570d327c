"""Holdings: the stored inputs, as whoever asks has them."""

from collections.abc import Sequence
from pathlib import Path

from peewee import Database

from studio.database import first_row
from studio.errors import NotFound
from studio.gallery import Gallery, no_input
from studio.orphans import INPUT_ID
from studio.reader import Reader
from studio.schema import InputOwnerRow, JobReferenceRow, JobRow
from studio.sight import sight
from studio.writer import Writer

# Rows of one change: everybody else's changes wait for ours.
BATCH = 200


class Holdings:
    """Every face takes and gives inputs through here. Thread-safe; owner: assembly.

    Who sees only what is theirs has the inputs they brought and those of their jobs; the others are not
    there for them. The id of an input is no secret: it stands in pictures that are passed on.
    """

    def __init__(self, gallery: Gallery, database: Database, writer: Writer) -> None:
        self._gallery = gallery
        self._database = database
        self._writer = writer
        self._read = Reader(database).run

    def save(self, png: bytes) -> str:
        """Gallery.save_input, which see; whoever asks has it from now on."""
        input_id = self._gallery.save_input(png)
        owner = sight().owner
        if owner is not None and not self._has(owner, input_id):
            row = InputOwnerRow.insert(owner=owner, input_id=input_id).on_conflict(action="nothing")
            self._writer.run(lambda: row.as_rowcount().execute(self._database))
        return input_id

    def open(self, input_id: str) -> bytes:
        """The PNG of a stored input. Errors: NotFound."""
        self._check(input_id)
        return self._gallery.open_input(input_id)

    def path(self, input_id: str) -> Path:
        """The file of a stored input. Errors: NotFound."""
        self._check(input_id)
        return self._gallery.input_path(input_id)

    def thumbnail(self, input_id: str, edge: int) -> Path:
        """Gallery.input_thumbnail, which see. Errors: InvalidRequest; NotFound; StorageFull."""
        self._check(input_id)
        return self._gallery.input_thumbnail(input_id, edge)

    def size(self) -> int:
        """What the inputs take on the disk, in bytes."""
        owner = sight().owner
        if owner is None:
            return self._gallery.inputs_bytes()
        return sum(path.stat().st_size for path in map(self._file, sorted(self._all(owner))) if path)

    def forget_gone(self) -> None:
        """Forget who brought inputs that are stored no more. Errors: those of the database."""
        query = InputOwnerRow.select(InputOwnerRow.input_id).distinct().tuples()
        known = self._read(lambda: [input_id for (input_id,) in query.execute(self._database)])
        gone = [input_id for input_id in known if self._file(input_id) is None]
        for start in range(0, len(gone), BATCH):
            self._forget(gone[start : start + BATCH])

    def _forget(self, ids: Sequence[str]) -> None:
        rows = InputOwnerRow.delete().where(InputOwnerRow.input_id.in_(ids))
        self._writer.run(lambda: rows.execute(self._database))

    def _file(self, input_id: str) -> Path | None:
        try:
            return self._gallery.input_path(input_id)
        except NotFound:
            return None

    def _check(self, input_id: str) -> None:
        """Errors: NotFound, as of an input that isn't stored."""
        owner = sight().owner
        # What is no id at all is told as such by the gallery.
        if owner is None or INPUT_ID.fullmatch(input_id) is None:
            return
        if not self._has(owner, input_id):
            raise no_input(input_id)

    def _has(self, owner: str, input_id: str) -> bool:
        brought = (InputOwnerRow.owner == owner) & (InputOwnerRow.input_id == input_id)
        used = (JobRow.owner == owner) & ((JobRow.input_image == input_id) | (JobRow.mask == input_id))
        seen = (JobRow.owner == owner) & (JobReferenceRow.input_id == input_id)
        queries = (
            InputOwnerRow.select(InputOwnerRow.input_id).where(brought),
            JobRow.select(JobRow.id).where(used),
            JobReferenceRow.select(JobReferenceRow.job_id)
            .join(JobRow, on=(JobRow.id == JobReferenceRow.job_id))
            .where(seen),
        )

        def read() -> bool:
            return any(first_row(query.limit(1).tuples(), self._database) is not None for query in queries)

        return self._read(read)

    def _all(self, owner: str) -> set[str]:
        theirs = JobRow.owner == owner
        queries = (
            InputOwnerRow.select(InputOwnerRow.input_id).where(InputOwnerRow.owner == owner),
            JobRow.select(JobRow.input_image).where(theirs & JobRow.input_image.is_null(False)),
            JobRow.select(JobRow.mask).where(theirs & JobRow.mask.is_null(False)),
            JobReferenceRow.select(JobReferenceRow.input_id)
            .join(JobRow, on=(JobRow.id == JobReferenceRow.job_id))
            .where(theirs),
        )

        def read() -> set[str]:
            return {
                input_id
                for query in queries
                for (input_id,) in query.distinct().tuples().execute(self._database)
            }

        return self._read(read)
