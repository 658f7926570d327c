import io
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio import masks, pictures
from studio.errors import InvalidImage
from studio.params import Fit

Plane = npt.NDArray[np.uint8]


def noise(seed: int, width: int, height: int) -> Image.Image:
    shape = (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def a_mask(width: int, height: int, *boxes: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    for box in boxes:
        mask.paste(255, box)
    return mask


def share_of_new(mask: Image.Image, feather: int) -> Plane:
    """How much of a white picture shows over a black one, 0..255."""
    black, white = (Image.new("RGB", mask.size, colour) for colour in ("black", "white"))
    return np.asarray(masks.paste_back(black, white, mask, feather))[..., 0]


@st.composite
def random_masks(draw: st.DrawFn) -> Image.Image:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    scale = draw(st.integers(1, 8))
    coarse = (dice.random((height // scale + 1, width // scale + 1)) < density).astype(np.uint8) * 255
    return Image.fromarray(np.kron(coarse, np.ones((scale, scale), np.uint8))[:height, :width].copy())


# -- reading -----------------------------------------------------------------------------------------


def test_bright_repaints_and_the_threshold_is_128() -> None:
    grey = Image.new("RGB", (4, 1))
    for x, value in enumerate((0, 127, 128, 255)):
        grey.putpixel((x, 0), (value, value, value))
    mask = masks.from_upload(grey)
    assert mask.mode == "L"
    assert list(mask.tobytes()) == [0, 0, 255, 255]


def test_colours_count_by_their_brightness() -> None:
    colours = Image.new("RGB", (3, 1))
    for x, colour in enumerate(((255, 0, 0), (0, 255, 0), (255, 255, 0))):
        colours.putpixel((x, 0), colour)
    assert list(masks.from_upload(colours).tobytes()) == [0, 255, 255]


def test_transparent_repaints_whatever_its_colour() -> None:
    image = Image.new("RGBA", (4, 1))
    for x, (grey, alpha) in enumerate(((255, 0), (0, 127), (255, 128), (0, 255))):
        image.putpixel((x, 0), (grey, grey, grey, alpha))
    assert list(masks.from_upload(image).tobytes()) == [255, 255, 0, 0]


def test_alpha_of_an_input_marks_the_area_and_an_opaque_input_marks_none() -> None:
    image = noise(1, 20, 10).convert("RGBA")
    assert masks.from_alpha(noise(1, 20, 10)) is None
    assert masks.from_alpha(image) is None
    image.paste((9, 9, 9, 0), (5, 2, 9, 8))
    assert masks.from_alpha(image) == a_mask(20, 10, (5, 2, 9, 8))


def test_an_area_marked_by_alpha_survives_upload_as_a_file() -> None:
    image = noise(1, 20, 10).convert("RGBA")
    image.paste((9, 9, 9, 0), (5, 2, 9, 8))
    for form in ("PNG", "WEBP"):
        output = io.BytesIO()
        image.save(output, form, lossless=True)
        read = pictures.read_upload(output.getvalue(), field="image")
        assert masks.from_alpha(read) == a_mask(20, 10, (5, 2, 9, 8))


@pytest.mark.parametrize("image", [Image.new("RGB", (9, 9)), Image.new("RGBA", (9, 9), (0, 0, 0, 200))])
def test_a_mask_with_nothing_painted_is_refused(image: Image.Image) -> None:
    with pytest.raises(InvalidImage, match=r"mask: the mask is all black: nothing would change") as caught:
        masks.from_upload(image)
    assert caught.value.field == "mask"


# -- fitting -----------------------------------------------------------------------------------------

SIDES = st.integers(8, 64)


@settings(deadline=None)
@given(random_masks(), SIDES, SIDES, SIDES, SIDES, st.sampled_from(["crop", "pad", "stretch"]))
def test_a_fitted_mask_has_the_size_and_only_hard_values(
    mask: Image.Image, picture_width: int, picture_height: int, width: int, height: int, how: Fit
) -> None:
    try:
        fitted = masks.fit_mask(mask, (picture_width, picture_height), width, height, how)
    except InvalidImage as error:
        assert "nothing painted is left" in error.message
    else:
        assert (fitted.mode, fitted.size) == ("L", (width, height))
        assert set(fitted.tobytes()) <= {0, 255}
        assert not masks.is_empty(fitted)


@settings(deadline=None)
@given(
    st.integers(20, 99), st.integers(20, 99), st.integers(40, 99), st.integers(40, 99),
    st.sampled_from(["crop", "pad", "stretch"]), st.integers(0, 2**32),
)  # fmt: skip
def test_a_mask_lies_over_its_picture_after_fitting(
    source_width: int, source_height: int, width: int, height: int, how: Fit, seed: int
) -> None:
    """A picture that is white where its mask paints must still be so after both were fitted."""
    dice = np.random.default_rng(seed)
    left, upper = int(dice.integers(0, source_width)), int(dice.integers(0, source_height))
    mask = a_mask(source_width, source_height, (left, upper, source_width, source_height))
    try:
        fitted = masks.fit_mask(mask, mask.size, width, height, how)
    except InvalidImage:
        return  # the painted area was cropped away
    picture = np.asarray(pictures.fit(mask.convert("RGB"), width, height, how))[..., 0]
    painted = np.asarray(fitted) == 255
    place = pictures.placement(mask.size, (width, height), how)
    (x, y), (inner_width, inner_height) = place.offset, place.inner
    inner = np.s_[y : y + inner_height, x : x + inner_width]
    # Pixels whose neighbours in the mask agree are beyond the reach of the picture's filter, unless they
    # are so close to the edge that the filter looks at what was cropped away.
    reach = 2 + math.ceil(3 * max(1.0, width / source_width, height / source_height))
    if min(place.inner) > 2 * reach:
        around = np.lib.stride_tricks.sliding_window_view(painted[inner], (2 * reach + 1, 2 * reach + 1))
        centre = picture[inner][reach:-reach, reach:-reach]
        assert (centre[around.all(axis=(2, 3))] > 200).all()
        assert (centre[~around.any(axis=(2, 3))] < 55).all()
    painted[inner] = True
    assert painted.all()  # the border repaints


def test_a_mask_of_another_size_is_laid_over_the_whole_picture() -> None:
    assert masks.fit_mask(a_mask(10, 10, (5, 0, 10, 10)), (40, 20), 40, 20, "crop") == a_mask(
        40, 20, (20, 0, 40, 20)
    )


def test_the_border_of_a_padded_picture_is_repainted() -> None:
    fitted = masks.fit_mask(a_mask(40, 20, (0, 0, 1, 1)), (40, 20), 40, 40, "pad")
    assert fitted == a_mask(40, 40, (0, 0, 40, 10), (0, 30, 40, 40), (0, 10, 1, 11))


def test_a_painted_area_that_is_cropped_away_is_refused() -> None:
    with pytest.raises(InvalidImage, match=r"mask: nothing painted is left .* 20x20"):
        masks.fit_mask(a_mask(100, 20, (0, 0, 10, 20)), (100, 20), 20, 20, "crop")


# -- pasting back ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(random_masks(), st.integers(0, 40), st.integers(0, 2**32))
def test_kept_pixels_do_not_change_by_one_bit(mask: Image.Image, feather: int, seed: int) -> None:
    original, generated = noise(seed, *mask.size), noise(seed + 1, *mask.size)
    before = original.tobytes()
    joined = np.asarray(masks.paste_back(original, generated, mask, feather))
    kept = np.asarray(mask) == 0
    assert np.array_equal(joined[kept], np.asarray(original)[kept])
    assert original.tobytes() == before
    low = np.minimum(np.asarray(original), np.asarray(generated))
    high = np.maximum(np.asarray(original), np.asarray(generated))
    assert ((joined >= low) & (joined <= high)).all()


@settings(deadline=None)
@given(random_masks(), st.integers(0, 2**32))
def test_without_feather_painted_pixels_are_exactly_the_new_ones(mask: Image.Image, seed: int) -> None:
    original, generated = noise(seed, *mask.size), noise(seed + 1, *mask.size)
    joined = np.asarray(masks.paste_back(original, generated, mask, 0))
    painted = np.asarray(mask) == 255
    assert np.array_equal(joined[painted], np.asarray(generated)[painted])


@settings(deadline=None)
@given(random_masks(), st.integers(1, 12))
def test_the_transition_follows_the_distance_to_the_nearest_kept_pixel(
    mask: Image.Image, feather: int
) -> None:
    painted = np.asarray(mask) == 255
    kept_at, painted_at = np.argwhere(~painted), np.argwhere(painted)
    share = share_of_new(mask, feather)
    if len(painted_at) == 0 or len(kept_at) == 0:
        assert (share == painted * 255).all()
        return
    offsets = painted_at[:, None, :] - kept_at[None, :, :]
    distance = np.sqrt((offsets**2).sum(axis=2)).min(axis=1)
    # Beyond the feather the picture is all new; within, at least as new as a wide area would be there.
    assert (share[painted][distance >= feather + 1] == 255).all()
    assert (share[painted] >= np.floor(255 * np.minimum(1, distance / (feather + 1)))).all()


def test_the_transition_of_a_wide_area_is_even_and_inside_it() -> None:
    share = share_of_new(a_mask(60, 60, (20, 0, 60, 60)), 4)[30]
    assert list(share[18:27]) == [0, 0, 51, 102, 153, 204, 255, 255, 255]


def test_an_area_that_runs_out_of_the_picture_does_not_fade_there() -> None:
    share = share_of_new(a_mask(60, 60, (20, 0, 60, 60)), 8)
    assert (share[:, 59] == 255).all() and (share[0] == share[30]).all()


def test_a_stroke_thinner_than_the_feather_is_still_painted_in_full() -> None:
    for thickness in (1, 2, 3, 5):
        share = share_of_new(a_mask(60, 60, (10, 20, 50, 20 + thickness)), 16)
        assert share[20 + thickness // 2, 30] == 255


def test_a_mask_that_paints_everything_takes_the_new_picture() -> None:
    new = noise(2, 30, 20)
    for feather in (0, 4, 256):
        assert masks.paste_back(noise(1, 30, 20), new, Image.new("L", (30, 20), 255), feather) == new


@pytest.mark.parametrize("invert", [False, True])
def test_a_mask_of_a1111_repaints_what_is_bright_or_the_rest(invert: bool) -> None:
    read = masks.from_a1111(a_mask(20, 10, (0, 0, 5, 10)).convert("RGB"), invert=invert)
    assert np.array_equal(np.asarray(read)[:, :5] == 255, np.full((10, 5), not invert))
    assert np.array_equal(np.asarray(read)[:, 5:] == 255, np.full((10, 15), invert))


def test_a_transparent_mask_of_a1111_repaints_where_it_is_opaque() -> None:
    picture = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 5, 10))
    assert masks.from_a1111(picture, invert=False).getbbox() == (0, 0, 5, 10)


@pytest.mark.parametrize(("colour", "invert", "word"), [(0, False, "black"), (255, True, "white")])
def test_a_mask_of_a1111_that_paints_nothing_is_refused(colour: int, invert: bool, word: str) -> None:
    with pytest.raises(InvalidImage, match=word):
        masks.from_a1111(Image.new("RGB", (8, 8), (colour,) * 3), invert=invert)


def test_what_is_painted_over_is_filled_with_the_nearest_colours_and_the_rest_stays() -> None:
    source, mask = noise(1, 200, 100), a_mask(200, 100, (40, 20, 160, 80))
    source.paste("red", (0, 0, 40, 100))
    source.paste("blue", (160, 0, 200, 100))
    filled, kept = np.asarray(masks.smeared(source, mask)).astype(int), np.asarray(mask) == 0
    assert np.array_equal(filled[kept], np.asarray(source)[kept])
    left, right = filled[50, 41], filled[50, 158]
    assert left[0] > left[2] + 60
    assert right[2] > right[0] + 60


def test_a_picture_that_is_painted_over_as_a_whole_has_no_colours_to_take() -> None:
    filled = masks.smeared(noise(1, 16, 16), Image.new("L", (16, 16), 255))
    assert filled.getextrema() == ((0, 0), (0, 0), (0, 0))
