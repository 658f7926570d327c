"""Inputs: pictures and masks that people bring, stored before there is a job that uses them."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from studio import masks, pictures
from studio.errors import InvalidImage
from studio.gallery import Gallery
from studio.holdings import Holdings
from studio.library import Library


@dataclass(frozen=True)
class StoredInput:
    """`id` is the sha256 of the stored PNG; `width` x `height` pixels of the upright picture."""

    id: str
    width: int
    height: int


@dataclass(frozen=True)
class PaintedInput:
    """A stored picture and the mask painted on it: ids, and (width, height) of both in pixels."""

    image: str
    mask: str | None
    size: tuple[int, int]


class Inputs:
    """What is stored here is swept at a start of the studio unless a job came to use it. Any thread."""

    def __init__(self, holdings: Holdings, gallery: Gallery, library: Library) -> None:
        self.holdings = holdings
        self._gallery = gallery
        self._library = library

    def save_picture(self, content: bytes) -> StoredInput:
        """Store an upload, upright and flattened over white. Errors: InvalidImage; TooLarge; StorageFull."""
        return self._save(pictures.flatten(pictures.read_upload(content, field="image")))

    def save_mask(self, content: bytes) -> StoredInput:
        """Store a mask: white, or transparent, repaints. Errors: InvalidImage; TooLarge; StorageFull."""
        return self._save(masks.from_upload(pictures.read_upload(content, field="image")))

    def save_made(self, image_id: str) -> StoredInput:
        """Store a picture that was made here, to start from it. Errors: NotFound; StorageFull."""
        path = self._gallery.image_path(self._library.entry(image_id).image.path)
        return self._save(pictures.flatten(pictures.read_stored(path.read_bytes())))

    def save_painted(self, image_id: str, mask: bytes | None) -> PaintedInput:
        """A picture that is stored, ready for a job, with the mask that was painted on it stored, too.

        The mask is a file as for `save_mask`, of exactly the picture's size. Errors: NotFound if the picture
        is not stored any more; InvalidImage; TooLarge; StorageFull.
        """
        content = self.holdings.open(image_id)
        size = pictures.opened(content, field="image").size
        painted = None
        if mask is not None:
            painted = masks.from_upload(pictures.read_upload(mask, field="mask"))
            if painted.size != size:
                raise InvalidImage(
                    f"the mask has {painted.width}x{painted.height} pixels, its picture {size[0]}x{size[1]}; "
                    "open the picture again and paint once more",
                    field="mask",
                )
        return PaintedInput(
            # Stored once more, it is as young as its mask: a sweep takes neither before the job has them.
            image=self.holdings.save(content),
            mask=None if painted is None else self.holdings.save(pictures.to_png(painted)),
            size=size,
        )

    def save_for_img2img(
        self, content: bytes, mask: bytes | None, *, invert: bool, fill: bool
    ) -> PaintedInput:
        """Store a picture and a mask that are meant as A1111 means them: masks.from_a1111, which see.

        `fill` replaces what is to be repainted by the colours around it. Errors: InvalidImage naming
        `init_images` or `mask`; TooLarge; StorageFull.
        """
        picture = pictures.flatten(pictures.read_upload(content, field="init_images"))
        painted = None
        if mask is not None:
            painted = masks.from_a1111(pictures.read_upload(mask, field="mask"), invert=invert)
            if painted.size != picture.size:
                painted = painted.resize(picture.size, Image.Resampling.NEAREST)
            picture = masks.smeared(picture, painted) if fill else picture
        return PaintedInput(
            image=self.holdings.save(pictures.to_png(picture)),
            mask=None if painted is None else self.holdings.save(pictures.to_png(painted)),
            size=picture.size,
        )

    def file(self, input_id: str, edge: int | None = None) -> Path:
        """The stored PNG, or a WEBP of at most `edge` pixels a side. Errors: NotFound; InvalidRequest."""
        if edge is None:
            return self.holdings.path(input_id)
        return self.holdings.thumbnail(input_id, edge)

    def _save(self, image: Image.Image) -> StoredInput:
        return StoredInput(self.holdings.save(pictures.to_png(image)), image.width, image.height)
