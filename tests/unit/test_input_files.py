"""Stored inputs as files: found by content, small for lists, counted, and swept with their thumbnails."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import InvalidRequest, NotFound
from studio.gallery import Gallery

OLD = 1_000_000.0


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """A gallery in a folder of the test's own."""
    return Gallery(tmp_path / "outputs")


def _png(color: str, size: tuple[int, int] = (300, 200), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, "PNG")
    return out.getvalue()


def test_an_input_is_found_by_its_content_and_nothing_else_is(gallery: Gallery) -> None:
    input_id = gallery.save_input(_png("red"))

    assert gallery.input_path(input_id).read_bytes() == gallery.open_input(input_id) == _png("red")
    for unknown in ("ab" * 32, "../" + input_id, input_id.upper(), "", input_id + "\n"):
        with pytest.raises(NotFound):
            gallery.input_path(unknown)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_thumbnail_of_an_input_is_made_once_and_keeps_the_shape(gallery: Gallery, mode: str) -> None:
    input_id = gallery.save_input(_png("white", mode=mode))

    path = gallery.input_thumbnail(input_id, 128)

    with Image.open(path) as small:
        assert (small.format, small.size) == ("WEBP", (128, 85))
    before = path.stat().st_mtime_ns
    assert gallery.input_thumbnail(input_id, 128) == path
    assert path.stat().st_mtime_ns == before
    with pytest.raises(InvalidRequest, match="thumb"):
        gallery.input_thumbnail(input_id, 100)
    with pytest.raises(NotFound):
        gallery.input_thumbnail("ab" * 32, 128)


def test_the_bytes_of_all_inputs_are_counted(gallery: Gallery) -> None:
    assert gallery.inputs_bytes() == 0

    pictures = [_png("red"), _png("blue")]
    for picture in [*pictures, pictures[0]]:
        gallery.save_input(picture)

    assert gallery.inputs_bytes() == sum(map(len, pictures))


def test_a_sweep_takes_thumbnails_of_forgotten_inputs_and_leaves_the_others(gallery: Gallery) -> None:
    kept, forgotten = (gallery.save_input(_png(color)) for color in ("red", "blue"))
    thumbnails = {input_id: gallery.input_thumbnail(input_id, 64) for input_id in (kept, forgotten)}
    for path in (path for path in gallery.root.rglob("*") if path.is_file()):
        os.utime(path, (OLD, OLD))

    report = gallery.sweep(lambda _ids: set(), lambda ids: {kept} & set(ids), older_than=OLD + 1)

    assert (report.inputs, report.thumbnails) == (1, 1)
    assert thumbnails[kept].is_file()
    assert not thumbnails[forgotten].exists()
