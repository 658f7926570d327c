"""Pictures that a tool is given, by id or in base64, stored as inputs of a job."""

import re
from dataclasses import dataclass, replace

from studio.api.agents.bodies import EditArguments, UpscaleArguments, VaryArguments
from studio.api.base64_pictures import from_base64
from studio.errors import InvalidImage
from studio.service import Studio
from studio.store import is_id

_INPUT_ID = re.compile(r"[0-9a-f]{64}")
# No picture is that short in base64: it was meant as an id.
_SHORTEST = 80


@dataclass(frozen=True)
class Stored:
    """Ids of stored inputs; `size` is (width, height) of the picture in pixels."""

    image: str
    size: tuple[int, int]
    mask: str | None = None
    references: tuple[str, ...] = ()
    control: str | None = None


def stored(studio: Studio, given: EditArguments | VaryArguments | UpscaleArguments) -> Stored:
    """The pictures of a call, stored. Errors: InvalidImage by field; NotFound; TooLarge; StorageFull."""
    control = None if isinstance(given, UpscaleArguments) else stored_control(studio, given.control_image)
    if not isinstance(given, EditArguments):
        return replace(_picture(studio, given.image, alpha_marks_area=False), control=control)
    picture = _picture(studio, given.image, alpha_marks_area=given.mask is None)
    mask = picture.mask if given.mask is None else _mask(studio, given.mask)
    references = [
        studio.upload_reference(_content(studio, text, field="references")) for text in given.references
    ]
    return Stored(picture.image, picture.size, mask, tuple(references), control)


def stored_control(studio: Studio, text: str | None) -> str | None:
    """The control picture of a call, stored. Errors: as `stored`."""
    return None if text is None else studio.upload_control(_content(studio, text, field="control_image"))


def _picture(studio: Studio, text: str, *, alpha_marks_area: bool) -> Stored:
    if is_id(text):
        made = studio.inputs.save_made(text)
        return Stored(made.id, (made.width, made.height))
    if _INPUT_ID.fullmatch(text):
        kept = studio.inputs.save_painted(text, None)
        return Stored(kept.image, kept.size)
    upload = studio.upload(_decoded(text, field="image"), alpha_marks_area=alpha_marks_area)
    return Stored(upload.image, (upload.width, upload.height), upload.mask)


def _mask(studio: Studio, text: str) -> str:
    content = _content(studio, text, field="mask")
    try:
        return studio.inputs.save_mask(content).id
    except InvalidImage as error:
        raise InvalidImage(error.message.removeprefix(f"{error.field}: "), field="mask") from None


def _content(studio: Studio, text: str, *, field: str) -> bytes:
    """The file behind an id, or in the text."""
    if is_id(text):
        return studio.image_file(studio.image(text)).read_bytes()
    if _INPUT_ID.fullmatch(text):
        return studio.inputs.file(text).read_bytes()
    return _decoded(text, field=field)


def _decoded(text: str, *, field: str) -> bytes:
    if len(text) < _SHORTEST and not text.startswith(("http:", "https:", "file:")):
        raise InvalidImage(
            f"{text[:60]!r} is no id of a picture here, and too short for one in base64", field=field
        )
    return from_base64(text, field=field)
