"""Where a painted part lies, and that everything else stays exactly what it was."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.extras import Extend
from studio.framing import Box, Frame, Size, around, extended, extended_mask, whole
from studio.params import Fit

WAYS: tuple[Fit, ...] = ("crop", "pad", "stretch")
HOW = st.sampled_from(WAYS)
SIDES = st.integers(1, 200)
SIZES = st.tuples(SIDES, SIDES)
VIEWS = st.tuples(st.integers(64, 160), st.integers(64, 160))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    shape = (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@st.composite
def areas(draw: st.DrawFn, canvas: Size) -> Box:
    left, upper = draw(st.integers(0, canvas[0] - 1)), draw(st.integers(0, canvas[1] - 1))
    return left, upper, draw(st.integers(left + 1, canvas[0])), draw(st.integers(upper + 1, canvas[1]))


@st.composite
def frames(draw: st.DrawFn) -> tuple[Box, int, Frame]:
    """(painted area, padding, the frame around it)."""
    canvas, view = draw(SIZES), draw(VIEWS)
    area, padding = draw(areas(canvas)), draw(st.integers(0, 64))
    return area, padding, around(area, padding, canvas, view, draw(HOW))


@settings(deadline=None)
@given(frames())
def test_the_region_holds_the_area_and_its_padding_and_lies_inside_the_canvas(
    case: tuple[Box, int, Frame],
) -> None:
    area, padding, frame = case
    left, upper, right, lower = frame.region
    assert 0 <= left <= max(0, area[0] - padding) and 0 <= upper <= max(0, area[1] - padding)
    assert min(frame.canvas[0], area[2] + padding) <= right <= frame.canvas[0]
    assert min(frame.canvas[1], area[3] + padding) <= lower <= frame.canvas[1]


@settings(deadline=None)
@given(frames())
def test_the_region_has_the_views_shape_unless_the_canvas_ends(case: tuple[Box, int, Frame]) -> None:
    frame = case[2]
    width, height = frame.region[2] - frame.region[0], frame.region[3] - frame.region[1]
    shape = frame.view[0] / frame.view[1]
    # Both sides are whole pixels: each may be one off.
    too_narrow = width + 1 < (height - 1) * shape
    too_low = height + 1 < (width - 1) / shape
    assert not too_narrow or width == frame.canvas[0]
    assert not too_low or height == frame.canvas[1]


@settings(deadline=None)
@given(frames())
def test_nothing_of_the_region_is_left_out_of_the_view(case: tuple[Box, int, Frame]) -> None:
    """A marker in each corner of the region is still there in the view."""
    frame = case[2]
    canvas = Image.new("RGB", frame.canvas, "black")
    left, upper, right, lower = frame.region
    canvas.paste("white", (left, upper, right, lower))
    view = frame.take(canvas)
    assert view.size == frame.view
    assert np.asarray(view).min() == 255


@settings(deadline=None)
@given(frames(), st.sampled_from([1, 2, 3.5]), st.integers(0, 15))
def test_what_was_painted_comes_back_where_it_was_taken_from(
    case: tuple[Box, int, Frame], scale: float, border: int
) -> None:
    """A picture of four colours, painted as it is and larger, on a sheet with a border."""
    frame = case[2]
    sheet = (frame.view[0] + border, frame.view[1] + border)
    canvas = Image.new("RGB", frame.canvas, (200, 0, 0))
    middle = ((frame.region[0] + frame.region[2]) // 2, (frame.region[1] + frame.region[3]) // 2)
    canvas.paste((0, 200, 0), (middle[0], 0, *frame.canvas))
    page = Image.new("RGB", sheet, "blue")
    page.paste(frame.take(canvas))
    painted = page.resize((round(sheet[0] * scale), round(sheet[1] * scale)), Image.Resampling.BICUBIC)
    region = frame.give_back(painted, sheet)
    assert region.size == (frame.region[2] - frame.region[0], frame.region[3] - frame.region[1])
    wide = region.width // 4
    if wide > 6:
        pixels = np.asarray(region)[:, :, 0].mean(axis=0)
        assert pixels[3:wide].min() > 150
        assert pixels[-wide : -3 if border else None].max() < 50


def test_a_whole_picture_of_the_right_size_is_given_back_untouched() -> None:
    picture = noise(64, 48)
    assert whole((64, 48)).give_back(picture, (64, 48)) is picture
    assert whole((64, 48)).take(picture) is picture
    # After a second pass that made it exactly as large as asked for.
    large = noise(128, 96)
    assert whole((128, 96), (64, 48)).give_back(large, (64, 48)) is large


def test_the_border_up_to_the_next_multiple_is_cut_off_exactly() -> None:
    picture = noise(64, 48)
    assert whole((61, 45)).give_back(picture, (64, 48)) == picture.crop((0, 0, 61, 45))


def test_a_second_pass_that_had_to_round_up_is_brought_to_the_exact_size() -> None:
    # 64x48 times 1.3 is 83x62; the engine gives multiples of 16.
    assert whole((83, 62), (64, 48)).give_back(noise(96, 64), (64, 48)).size == (83, 62)


def test_an_area_in_the_corner_is_seen_with_its_surroundings_on_the_other_side() -> None:
    frame = around((0, 0, 10, 10), 5, (100, 100), (64, 64), "crop")
    assert frame.region == (0, 0, 15, 15)
    assert around((40, 40, 50, 50), 5, (100, 100), (128, 64), "crop").region == (25, 35, 65, 55)


def test_where_the_canvas_is_too_low_the_view_has_a_border_or_is_distorted() -> None:
    padded = around((0, 0, 100, 10), 0, (100, 20), (64, 64), "crop")
    assert padded.region == (0, 0, 100, 20)
    assert padded.inner == (0, 25, 64, 38)
    assert around((0, 0, 100, 10), 0, (100, 20), (64, 64), "stretch").inner == (0, 0, 64, 64)


EXTENSIONS = st.builds(Extend, **{side: st.integers(0, 80) for side in ("left", "top", "right", "bottom")})


@settings(deadline=None)
@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), EXTENSIONS, st.integers(0, 12))
def test_a_grown_picture_keeps_every_pixel_and_its_mask_repaints_exactly_the_new_ground(
    size: Size, extend: Extend, overlap: int
) -> None:
    picture = noise(*size)
    grown, mask = extended(picture, extend), extended_mask(None, size, extend)
    assert grown.size == mask.size == extend.of(*size)
    inside = (extend.left, extend.top, extend.left + size[0], extend.top + size[1])
    assert grown.crop(inside) == picture
    assert mask.crop(inside).getextrema() == (0, 0)
    assert np.count_nonzero(np.asarray(mask)) == grown.width * grown.height - size[0] * size[1]
    wider = extended_mask(None, size, extend, overlap=overlap)
    assert (np.asarray(wider) >= np.asarray(mask)).all()
    if not extend.grows:
        assert wider.getextrema() == (0, 0)


def test_a_painted_mask_is_part_of_the_grown_one() -> None:
    painted = Image.new("L", (20, 10), 0)
    painted.paste(255, (5, 5, 8, 8))
    mask = extended_mask(painted, (20, 10), Extend(left=4, top=2))
    assert mask.crop((4, 2, 24, 12)) == painted


def test_the_engine_may_reach_a_little_into_the_picture_on_sides_that_grow_only() -> None:
    mask = np.asarray(extended_mask(None, (40, 40), Extend(right=10), overlap=8))
    assert (mask[:, :32] == 0).all() and (mask[:, 32:] == 255).all()


def test_a_grown_pictures_new_ground_continues_its_colours() -> None:
    picture = Image.new("RGB", (32, 32), (10, 120, 240))
    assert extended(picture, Extend(left=64, bottom=3)).getcolors() == [(96 * 35, (10, 120, 240))]
