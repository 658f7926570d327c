"""Intake: uploaded files become stored inputs, upright, flat, and known by what they contain."""

from dataclasses import dataclass

from studio import masks, pictures
from studio.holdings import Holdings


@dataclass(frozen=True)
class Upload:
    """A stored input: ids are sha256 of the stored PNG; `width` x `height` pixels of the upright picture."""

    image: str
    mask: str | None
    width: int
    height: int


class Intake:
    """Takes pictures in. Stateless but for the holdings it adds to; any thread."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def take(
        self, image: bytes, mask: bytes | None, *, alpha_marks_area: bool, holes: bool = False
    ) -> Upload:
        """Store an input picture, and the mask that belongs to it, each once.

        With `alpha_marks_area` and no mask, the transparent part of the picture is the area to repaint. With
        `holes` the mask means what `masks.from_hole` says, else what `masks.from_upload` says.
        Errors: InvalidImage naming `image` or `mask`; TooLarge; StorageFull.
        """
        source = pictures.read_upload(image, field="image")
        painted = None
        if mask is not None:
            read = pictures.read_upload(mask, field="mask")
            painted = masks.from_hole(read, source.size) if holes else masks.from_upload(read)
        elif alpha_marks_area:
            painted = masks.from_alpha(source)
        flat = pictures.flatten(source)
        return Upload(
            image=self._holdings.save(pictures.to_png(flat)),
            mask=None if painted is None else self._holdings.save(pictures.to_png(painted)),
            width=flat.width,
            height=flat.height,
        )

    def take_reference(self, content: bytes) -> str:
        """The id of a picture for a model to look at. Errors: InvalidImage; TooLarge; StorageFull."""
        picture = pictures.flatten(pictures.read_upload(content, field="references"))
        return self._holdings.save(pictures.to_png(pictures.checked_reference(picture)))

    def take_control(self, content: bytes, *, field: str) -> str:
        """The id of a picture for a control net to follow. Errors: InvalidImage; TooLarge; StorageFull."""
        picture = pictures.flatten(pictures.read_upload(content, field=field))
        return self._holdings.save(pictures.to_png(picture))

    def size_of(self, input_id: str) -> tuple[int, int]:
        """(width, height) in pixels of a stored picture. Errors: NotFound."""
        return pictures.opened(self._holdings.open(input_id), field="image").size
