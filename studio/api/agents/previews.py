"""Pictures as they are shown to models: small JPEGs whose size is bounded, however many there are."""

import base64
import io

from PIL import Image

from studio import pictures

# Clients refuse results of more than a megabyte; base64 makes four letters of three bytes.
MAX_BYTES = 660_000
_EDGES = (1024, 768, 512, 384, 256, 192, 128)
_QUALITY = 85
MIME_TYPE = "image/jpeg"


def preview(png: bytes, edge: int, count: int) -> str:
    """The picture as a JPEG in base64, its longer side at most `edge` pixels.

    It is smaller where `count` such pictures would be more than a result may hold. Errors: InvalidImage.
    """
    share = MAX_BYTES // max(1, count)
    image = pictures.flatten(pictures.read_stored(png))
    content = b""
    for longest in (edge, *(smaller for smaller in _EDGES if smaller < edge)):
        content = _jpeg(image, longest)
        if len(content) <= share:
            break
    return base64.b64encode(content).decode("ascii")


def _jpeg(image: Image.Image, edge: int) -> bytes:
    small = image.copy()
    small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
