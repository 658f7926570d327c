"""Enlarging a picture by Pillow, by the method somebody chose; nothing is ever chosen for them."""

from collections.abc import Collection, Mapping
from typing import Any

from PIL import Image

from studio.errors import InvalidRequest
from studio.pictures import MAX_INPUT_PIXELS, placement
from studio.upscaling import MAX_FACTOR

NONE = "None"
"""A1111's word for leaving the picture as it is."""

_METHODS: Mapping[str, Image.Resampling] = {
    "Lanczos": Image.Resampling.LANCZOS,
    "Nearest": Image.Resampling.NEAREST,
}
UPSCALING = (NONE, *_METHODS)


def check_upscaler(name: str, networks: Collection[str], *, field: str) -> None:
    """Errors: InvalidRequest for one that is neither ours nor among these networks."""
    if name not in UPSCALING and name not in networks:
        known = ", ".join([*UPSCALING, *networks])
        raise InvalidRequest(f"no upscaler {name!r:.80} here; known: {known}", field=field)


def asked_of_network(
    image: Image.Image, factor: float, target: tuple[int, int] | None, *, crop: bool
) -> dict[str, Any]:
    """What A1111's fields mean to a job, as fields of UpscaleParams; without a `target` the factor counts.

    Errors: InvalidRequest for more than the studio does.
    """
    if target is not None:
        factor = max(target[0] / image.width, target[1] / image.height)
    if not 1 <= factor <= MAX_FACTOR:
        raise InvalidRequest(
            f"{factor:.3g} times as large; a network makes pictures 1 to {MAX_FACTOR:g} times as large",
            field="upscaling_resize" if target is None else "upscaling_resize_w",
        )
    if target is not None and crop:
        return {"width": target[0], "height": target[1]}
    return {"factor": factor}


def by_factor(image: Image.Image, factor: float, upscaler: str) -> Image.Image:
    """Both sides times `factor`. Errors: InvalidRequest for a result over the limit of pixels."""
    if upscaler == NONE:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    _check(size, "upscaling_resize")
    return image.resize(size, _METHODS[upscaler])


def to_size(image: Image.Image, size: tuple[int, int], upscaler: str, *, crop: bool) -> Image.Image:
    """Just covering `size` in pixels; with `crop` cut to it, evenly on both sides. Errors: InvalidRequest."""
    if upscaler == NONE:
        return image
    if crop:
        _check(size, "upscaling_resize_w")
        return image.resize(size, _METHODS[upscaler], box=placement(image.size, size, "crop").box)
    factor = max(size[0] / image.width, size[1] / image.height)
    covering = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    _check(covering, "upscaling_resize_w")
    return image.resize(covering, _METHODS[upscaler])


def blended(first: Image.Image, second: Image.Image, share: float) -> Image.Image:
    """`share`, 0 to 1, of the second in the first; the second is brought to the first's size."""
    if second.size != first.size:
        second = second.resize(first.size, Image.Resampling.LANCZOS)
    return Image.blend(first, second, share)


def _check(size: tuple[int, int], field: str) -> None:
    if size[0] * size[1] > MAX_INPUT_PIXELS:
        raise InvalidRequest(
            f"the picture would become {size[0]}x{size[1]}; the limit is {MAX_INPUT_PIXELS} pixels "
            "(for example 4096x4096)",
            field=field,
        )
