"""The files under outputs/: pictures by day, inputs by content, thumbnails on demand."""

import contextlib
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

# WEBP is not among the formats Pillow registers by itself.
from PIL import Image, WebPImagePlugin

from studio import files, orphans
from studio.errors import InvalidRequest, NotFound
from studio.orphans import IMAGE_ID, INPUT_ID, Known, SweepReport

THUMBNAIL_EDGES = (64, 128, 256, 512, 1024)

# Indistinguishable from the picture at thumbnail size, at about a twentieth of a PNG's bytes.
_THUMBNAIL_QUALITY = 82


@dataclass(frozen=True)
class NewImage:
    """A picture to be saved. `created_at`: seconds since the epoch; its day in UTC names the folder."""

    id: str
    created_at: float
    png: bytes


@dataclass(frozen=True)
class SavedImage:
    """A picture on disk. `path` is relative to outputs/, with forward slashes; `size` in bytes."""

    path: str
    size: int
    sha256: str


class Gallery:
    """Owns images/, inputs/ and thumbs/ under `root`; knows nothing of the database. Any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._images = self.root / "images"
        self._inputs = self.root / "inputs"
        self._thumbnails = self.root / "thumbs"

    def save_image(self, image_id: str, created_at: float, png: bytes) -> SavedImage:
        """Store a picture; when this returns it survives a power cut. Errors: StorageFull."""
        return self.save_many([NewImage(image_id, created_at, png)])[0]

    def save_many(self, images: Sequence[NewImage]) -> list[SavedImage]:
        """Store the pictures, all or none; each folder is synced once. Errors: StorageFull."""
        saved: list[SavedImage] = []
        for image in images:
            day = datetime.fromtimestamp(image.created_at, UTC).strftime("%Y-%m-%d")
            path = f"images/{day}/{_checked_image_id(image.id)}.png"
            saved.append(SavedImage(path, len(image.png), hashlib.sha256(image.png).hexdigest()))
        files.write_all(
            [(self.root / done.path, image.png) for done, image in zip(saved, images, strict=True)]
        )
        return saved

    def image_path(self, relative: str) -> Path:
        """The file of a picture, from the path `save_image` gave. Errors: NotFound, also for any way out."""
        path = self._inside_images(relative)
        if path.is_symlink() or not path.is_file():
            raise NotFound(f"the picture's file {relative!r} is missing under {self.root}")
        return path

    def _inside_images(self, relative: str) -> Path:
        """Where `relative` leads, its last part taken as it is. Errors: NotFound unless in images/."""
        try:
            asked = self.root / PurePosixPath(relative)
            path = asked.parent.resolve() / asked.name
        except (ValueError, OSError, RuntimeError):  # a NUL in a folder's name, a loop of links
            raise NotFound(f"no picture at {relative!r}") from None
        inside = path.is_relative_to(self._images) and path != self._images
        if not inside or ".." in asked.parts or "\0" in relative:
            raise NotFound(f"no picture at {relative!r}")
        return path

    def save_input(self, png: bytes) -> str:
        """The id (sha256) of an input picture or mask, stored once. Errors: StorageFull."""
        input_id = hashlib.sha256(png).hexdigest()
        path = self._inputs / f"{input_id}.png"
        try:
            is_stored = path.stat().st_size == len(png)
            if is_stored:
                # Young again: a sweep must not take it before the new job refers to it.
                os.utime(path)
        except FileNotFoundError:
            is_stored = False
        except OSError as error:
            raise files.refused(error, path) from error
        if not is_stored:
            files.write_all([(path, png)])
        return input_id

    def open_input(self, input_id: str) -> bytes:
        """The PNG of a stored input. Errors: NotFound."""
        try:
            return self.input_path(input_id).read_bytes()
        except OSError:
            raise no_input(input_id) from None

    def input_path(self, input_id: str) -> Path:
        """The file of a stored input. Errors: NotFound."""
        if INPUT_ID.fullmatch(input_id) is None:
            raise NotFound(f"{input_id[:80]!r} is no id of an input picture: 64 digits of 0-9a-f")
        path = self._inputs / f"{input_id}.png"
        if not path.is_file():
            raise no_input(input_id)
        return path

    def inputs_bytes(self) -> int:
        """What the stored inputs take on the disk."""
        total = 0
        with contextlib.suppress(FileNotFoundError), os.scandir(self._inputs) as entries:
            for entry in entries:
                # A file may go while the folder is read.
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
        return total

    def thumbnail(self, image_id: str, relative: str, edge: int) -> Path:
        """A WEBP of the picture whose longer side is `edge` pixels, or the picture's own if that is less.

        Made at the first call and kept; calls at the same time each make one and the last stays.
        Errors: InvalidRequest for an edge not in THUMBNAIL_EDGES; NotFound; StorageFull.
        """
        path = self._thumbnail_path(_checked_image_id(image_id), _checked_edge(edge))
        if not path.is_file():
            files.write_all([(path, _small_webp(self.image_path(relative), edge))])
        return path

    def input_thumbnail(self, input_id: str, edge: int) -> Path:
        """As `thumbnail`, of a stored input. Errors: InvalidRequest; NotFound; StorageFull."""
        source = self.input_path(input_id)
        path = self._thumbnail_path(input_id, _checked_edge(edge))
        if not path.is_file():
            files.write_all([(path, _small_webp(source, edge))])
        return path

    def _thumbnail_path(self, checked_id: str, edge: int) -> Path:
        # The end of a UUID v7 is random, its start is the time: the end spreads evenly over the folders.
        return self._thumbnails / str(edge) / checked_id[-2:] / f"{checked_id}.webp"

    def delete(self, relatives: Iterable[str], image_ids: Iterable[str]) -> None:
        """Remove pictures by path and their thumbnails by id; what is gone already is fine.

        Errors: NotFound, before anything is removed, for a path that leads out of images/; StorageFull.
        """
        paths = [self._inside_images(relative) for relative in relatives]
        for image_id in map(_checked_image_id, image_ids):
            paths += [self._thumbnail_path(image_id, edge) for edge in THUMBNAIL_EDGES]
        for path in paths:
            files.remove(path)

    def sweep(self, known_images: Known, known_inputs: Known, *, older_than: float) -> SweepReport:
        """Remove temporary files, and pictures, thumbnails and inputs that nothing refers to any more.

        Only files last changed before `older_than` (seconds since the epoch): a younger one may be waiting
        for its row. Each `known` gets ids and answers with those still referred to. Errors: StorageFull.
        """
        try:
            return orphans.sweep(
                self._images, self._thumbnails, self._inputs, known_images, known_inputs, older_than
            )
        except OSError as error:
            raise files.refused(error, self._images) from error

    def free_bytes(self) -> int:
        """Room left for the studio where the files lie. Errors: StorageFull if that can't be known."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError as error:
            raise files.refused(error, self._images) from error

    def check_writable(self) -> None:
        """Write, sync and remove a small file in inputs/, made if missing. Errors: StorageFull."""
        probe = self._inputs / "writable-probe"
        files.write_all([(probe, b"probe")])
        files.remove(probe)


def no_input(input_id: str) -> NotFound:
    """What is said of an input that is not there."""
    return NotFound(f"the input picture {input_id} is not stored here; upload it again")


def _checked_edge(edge: int) -> int:
    if edge not in THUMBNAIL_EDGES:
        allowed = ", ".join(str(each) for each in THUMBNAIL_EDGES)
        raise InvalidRequest(f"{edge} is no size of a thumbnail; the sizes are {allowed}", field="thumb")
    return edge


def _checked_image_id(image_id: str) -> str:
    if IMAGE_ID.fullmatch(image_id) is None:
        raise NotFound(f"{image_id!r} is no id of a picture: a UUID in lower case")
    return image_id


def _small_webp(path: Path, edge: int) -> bytes:
    """The picture at `path` as WEBP, no side longer than `edge`; without metadata. Errors: NotFound."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            small = image.convert("RGBA" if image.has_transparency_data else "RGB")
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except (OSError, SyntaxError, ValueError) as error:
        raise NotFound(f"the picture's file {path.name} is missing or damaged: {error}") from None
    output = io.BytesIO()
    small.save(output, WebPImagePlugin.WebPImageFile.format, quality=_THUMBNAIL_QUALITY, method=2)
    return output.getvalue()
