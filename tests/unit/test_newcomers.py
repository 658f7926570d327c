"""Entries that come into models.d while a studio runs."""

from pathlib import Path

import pytest

from studio.catalog import Catalog, load_catalog
from studio.errors import UnknownModel
from studio.newcomers import Newcomers

MAIN = (
    "default: small\nmodels:\n  small: {name: Small, files: {model: weights/small.gguf}, aliases: [tiny]}\n"
)


def entry(model_id: str, name: str = "New") -> str:
    files = "files: {model: models/new.gguf}"
    return f"models:\n  {model_id}: {{name: {name}, {files}, aliases: [{model_id}-too]}}\n"


def watched(folder: Path) -> tuple[Catalog, list[str]]:
    """A catalogue that notices newcomers, and the ids it was told of."""
    path = folder / "models.yml"
    path.write_text(MAIN)
    (folder / "models.d").mkdir()
    catalog, told = load_catalog(path), list[str]()
    catalog.watch(Newcomers(path, catalog, told.append).look)
    return catalog, told


def test_who_looks_sees_what_came_and_is_told_of_it_once(tmp_path: Path) -> None:
    catalog, told = watched(tmp_path)
    catalog.look()
    assert list(catalog.models) == ["small"]

    (tmp_path / "models.d" / "new.yml").write_text(entry("new"))
    assert list(catalog.models) == ["small"]
    catalog.look()
    catalog.look()

    assert list(catalog.models) == ["small", "new"]
    assert catalog.models["new"] == load_catalog(tmp_path / "models.yml").models["new"]
    assert told == ["new"]


def test_a_model_that_is_not_known_is_looked_for(tmp_path: Path) -> None:
    catalog, told = watched(tmp_path)
    with pytest.raises(UnknownModel):
        catalog.model("new-too")

    (tmp_path / "models.d" / "new.yml").write_text(entry("new"))

    assert catalog.model("new-too").id == "new"
    assert told == ["new"]


def test_what_is_half_written_is_told_once_and_taken_when_it_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog, told = watched(tmp_path)
    file = tmp_path / "models.d" / "new.yml"
    file.write_text(entry("new")[:-2])
    catalog.look()
    catalog.look()
    assert (told, len(caplog.messages)) == ([], 1)
    assert "models.d: new.yml is left out" in caplog.text

    file.write_text(entry("new"))
    catalog.look()

    assert told == ["new"]


def test_an_entry_whose_name_is_taken_is_left_out_and_the_others_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog, told = watched(tmp_path)
    (tmp_path / "models.d" / "a.yml").write_text(entry("tiny"))
    (tmp_path / "models.d" / "b.yml").write_text(entry("new"))

    catalog.look()

    assert told == ["new"]
    assert "There is a model 'tiny' already" in caplog.text


def test_what_is_changed_or_removed_counts_after_the_next_start(tmp_path: Path) -> None:
    catalog, told = watched(tmp_path)
    file = tmp_path / "models.d" / "new.yml"
    file.write_text(entry("new"))
    catalog.look()

    file.write_text(entry("new", "Renamed"))
    catalog.look()
    file.unlink()
    catalog.look()

    assert catalog.model("new").name == "New"
    assert told == ["new"]
