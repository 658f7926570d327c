"""Masks whose holes are to be painted: only what is fully transparent counts."""

import pytest
from PIL import Image

from studio import masks
from studio.errors import InvalidImage


def row(*alphas: int) -> Image.Image:
    """A picture of one row, white, with these alphas."""
    image = Image.new("RGBA", (len(alphas), 1), "white")
    image.putalpha(Image.frombytes("L", image.size, bytes(alphas)))
    return image


def test_only_full_transparency_repaints() -> None:
    mask = masks.from_hole(row(0, 1, 127, 255), (4, 1))
    assert mask.mode == "L"
    assert list(mask.tobytes()) == [255, 0, 0, 0]


@pytest.mark.parametrize("image", [row(1, 255), Image.new("RGB", (2, 1), "white")])
def test_a_mask_without_a_hole_is_refused(image: Image.Image) -> None:
    with pytest.raises(InvalidImage, match="mask: nothing in it is fully transparent"):
        masks.from_hole(image, (2, 1))


def test_a_mask_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(InvalidImage, match="mask: is 2x1 pixels, the picture is 3x1"):
        masks.from_hole(row(0, 0), (3, 1))
