"""What the painter hands over is checked: the browser is not trusted."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.errors import InvalidImage, InvalidRequest, StudioError
from ui.mask import MAX_MASK_CHARACTERS, Extension, Painting, read_mask, read_painting

ID = "0f" * 32


def address(image: Image.Image, kind: str = "PNG") -> str:
    """`image` as the data address the painter would send."""
    output = io.BytesIO()
    image.save(output, kind)
    return "data:image/png;base64," + base64.b64encode(output.getvalue()).decode()


def painted(width: int = 40, height: int = 30, mode: str = "1") -> Image.Image:
    mask = Image.new(mode, (width, height))
    mask.paste(mask.getpixel((0, 0)) if mode == "P" else "white", (10, 5, 20, 25))
    return mask


def value(**changes: Any) -> dict[str, Any]:
    whole = {
        "image": {"id": ID, "width": 40, "height": 30},
        "mask": address(painted()),
        "painted": 0.17,
        "feather": 6,
        "extend": {"left": 64, "top": 0, "right": 0, "bottom": 8},
    }
    return {**whole, **changes}


def test_a_whole_value_becomes_a_painting() -> None:
    painting = read_painting(value())

    assert isinstance(painting, Painting)
    assert (painting.image_id, painting.width, painting.height) == (ID, 40, 30)
    assert (painting.feather, painting.extend) == (6, Extension(left=64, bottom=8))
    assert painting.mask is not None
    stored = Image.open(io.BytesIO(painting.mask))
    assert (stored.format, stored.mode, stored.size) == ("PNG", "L", (40, 30))
    assert stored.getbbox() == (10, 5, 20, 25)
    assert set(np.unique(np.asarray(stored))) == {0, 255}


@pytest.mark.parametrize("nothing", [None, "", {}, {"image": None, "mask": None}, 7, []])
def test_without_a_picture_there_is_no_painting(nothing: object) -> None:
    assert read_painting(nothing) is None


def test_a_picture_that_python_just_opened_counts_before_the_browser_answered() -> None:
    painting = read_painting({"open": {"id": ID, "width": 40, "height": 30}})

    assert painting == Painting(ID, 40, 30, mask=None, feather=0, extend=Extension())


def test_a_picture_that_is_still_being_opened_is_told_to_be_waited_for() -> None:
    with pytest.raises(InvalidRequest, match="still being opened"):
        read_painting(value(waiting=True))


def test_a_mask_without_a_painted_pixel_is_no_mask() -> None:
    assert read_mask(address(Image.new("1", (40, 30))), (40, 30)) is None
    assert read_mask(None, (40, 30)) is None


def test_grey_becomes_hard_black_and_white_at_the_middle() -> None:
    ramp = Image.linear_gradient("L")
    mask = read_mask(address(ramp), (256, 256))

    assert mask is not None
    assert (np.asarray(Image.open(io.BytesIO(mask))) == np.where(np.asarray(ramp) >= 128, 255, 0)).all()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (7, "PNG as text"),
        ("hello", "PNG as text"),
        (address(painted(mode="RGB"), "JPEG").replace("png", "jpeg"), "PNG as text"),
        (address(painted(mode="RGB"), "JPEG"), "must be a PNG"),
        ("data:image/png;base64,@@@", "not valid base64"),
        ("data:image/png;base64,é", "not valid base64"),
        ("data:image/png;base64,", "must be a PNG"),
        ("data:image/png;base64," + "A" * MAX_MASK_CHARACTERS, "the limit is 8388608"),
        (address(painted())[:-40], "can't be decoded"),
        (address(painted(41, 30)), "41x30 pixels, its picture 40x30"),
        (address(Image.new("RGBA", (40, 30), (255, 255, 255, 90))), "transparent"),
    ],
)
def test_a_bad_mask_is_refused_with_the_reason(mask: object, words: str) -> None:
    with pytest.raises(InvalidImage, match=words) as refusal:
        read_mask(mask, (40, 30))
    assert refusal.value.field == "mask"


@pytest.mark.parametrize(
    "changes",
    [
        {"image": {"id": "../../etc/passwd", "width": 40, "height": 30}},
        {"image": {"id": ID.upper(), "width": 40, "height": 30}},
        {"image": {"id": ID, "width": 0, "height": 30}},
        {"image": {"id": ID, "width": "40", "height": 30}},
        {"image": "picture"},
        {"feather": -1},
        {"feather": 257},
        {"feather": True},
        {"extend": {"left": 7}},
        {"extend": {"left": 4096}},
        {"extend": [8, 8, 8, 8]},
    ],
)
def test_a_bad_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        read_painting(value(**changes))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(image=json_like, mask=json_like, feather=json_like, extend=json_like)
def test_any_json_is_read_or_refused_and_nothing_else(
    image: object, mask: object, feather: object, extend: object
) -> None:
    whole = {"image": image, "mask": mask, "feather": feather, "extend": extend}
    picture = {"id": ID, "width": 40, "height": 30}
    for each in (whole, {**whole, "image": picture}):
        try:
            read_painting(each)
        except StudioError as refusal:
            assert refusal.message
