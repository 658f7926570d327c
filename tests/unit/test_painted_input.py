"""A mask painted on a stored picture: stored with it, if it fits and there is anything to store."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from studio.database import open_database
from studio.errors import InvalidImage, InvalidRequest, NotFound
from studio.gallery import Gallery
from studio.holdings import Holdings
from studio.inputs import Inputs
from studio.library import Library
from studio.writer import PooledWriter
from ui.components.references import read_references

ID = "0f" * 32


def png(size: tuple[int, int], box: tuple[int, int, int, int] | None = None) -> bytes:
    """A black picture with a white box."""
    image = Image.new("L", size)
    if box is not None:
        image.paste(255, box)
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    # Nothing here asks the database: the house has every input, and what is stored lies in files.
    library: Library = object.__new__(Library)
    database = open_database(str(tmp_path / "never-opened.db"))
    gallery, unused = Gallery(tmp_path), PooledWriter(database)
    return Inputs(Holdings(gallery, database, unused), gallery, library)


def test_the_mask_is_stored_with_its_picture_and_both_are_named(inputs: Inputs) -> None:
    stored = inputs.save_picture(png((40, 30)))

    painted = inputs.save_painted(stored.id, png((40, 30), (10, 5, 20, 25)))

    assert (painted.image, painted.size) == (stored.id, (40, 30))
    assert painted.mask is not None
    mask = Image.open(inputs.file(painted.mask))
    assert (mask.mode, mask.size, mask.getbbox()) == ("L", (40, 30), (10, 5, 20, 25))


def test_without_a_mask_only_the_picture_is_named(inputs: Inputs) -> None:
    stored = inputs.save_picture(png((40, 30)))

    assert inputs.save_painted(stored.id, None).mask is None


def test_a_mask_of_another_size_is_refused_and_not_stored(inputs: Inputs, tmp_path: Path) -> None:
    stored = inputs.save_picture(png((40, 30)))

    with pytest.raises(InvalidImage, match="mask: the mask has 30x40 pixels, its picture 40x30"):
        inputs.save_painted(stored.id, png((30, 40), (1, 1, 9, 9)))
    assert len(list(tmp_path.glob("inputs/*.png"))) == 1


def test_a_picture_that_is_gone_is_not_found(inputs: Inputs) -> None:
    with pytest.raises(NotFound):
        inputs.save_painted(ID, None)


def test_a_picture_about_to_be_used_is_young_again(inputs: Inputs) -> None:
    stored = inputs.save_picture(png((40, 30)))
    os.utime(inputs.file(stored.id), (1, 1))

    inputs.save_painted(stored.id, None)

    assert inputs.file(stored.id).stat().st_mtime > 1_000_000


def test_reference_pictures_are_read_by_their_ids() -> None:
    assert read_references(None) == read_references("") == read_references([]) == ()
    assert read_references([{"id": ID, "width": 1, "height": 1}, {"id": "ab" * 32}]) == (ID, "ab" * 32)


@pytest.mark.parametrize(
    "value", ["text", 7, {"id": ID}, [ID], [{"id": "../../etc/passwd"}], [{"id": None}], [{"id": ID}] * 5]
)
def test_what_no_element_makes_is_refused_as_references(value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_references(value)
    assert refused.value.field == "references"
