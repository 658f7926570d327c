"""Entries beside models.yml, and what a source of files may say."""

from pathlib import Path

import pytest

from studio.catalog import load_catalog
from studio.errors import ConfigurationError, Conflict

MAIN = """\
default: small
models:
  small: {name: Small, files: {model: weights/small.gguf}, aliases: [tiny]}
"""
HEX = "5e" * 32


def write(folder: Path, **additions: str) -> Path:
    """models.yml with these files in models.d."""
    path = folder / "models.yml"
    path.write_text(MAIN)
    (folder / "models.d").mkdir(exist_ok=True)
    for name, text in additions.items():
        (folder / "models.d" / f"{name}.yml").write_text(text)
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(path)
    return caught.value.faults


def entry(model_id: str, source: str = "{}") -> str:
    more = "" if source == "{}" else f", source: {source}"
    return f"models:\n  {model_id}: {{name: New, files: {{model: models/new.gguf}}{more}}}\n"


def test_added_entries_come_after_those_of_models_yml_and_their_paths_start_there(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, b=entry("second"), a=entry("first")))

    assert list(catalog.models) == ["small", "first", "second"]
    assert catalog.model("first").paths() == {"model": tmp_path / "models" / "new.gguf"}


def test_every_fault_names_its_file(tmp_path: Path) -> None:
    path = write(
        tmp_path, a=entry("small"), b="default: small\nmodels: {}\n", c=entry("new").replace("name", "nmae")
    )

    told = faults(path)

    assert "models.d/a.yml: models.small: another file has that id already" in told
    assert "models.d/b.yml: default: unknown key; known: models" in told
    assert "models.d/b.yml: models: must be a mapping of at least one id to its entry" in told
    assert any(fault.startswith("models.d/c.yml: models.new.nmae: unknown key") for fault in told)


def test_an_alias_of_another_file_is_taken(tmp_path: Path) -> None:
    assert any("'tiny' already names" in fault for fault in faults(write(tmp_path, a=entry("tiny"))))


def test_an_entry_joins_a_loaded_catalogue_under_a_free_name_only(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path))
    before = catalog.models
    new = load_catalog(write(tmp_path, a=entry("new"))).model("new")

    assert catalog.add(new)

    assert list(catalog.models) == ["small", "new"]
    assert list(before) == ["small"]
    assert not catalog.add(new.model_copy())
    for changed in ({"id": "small"}, {"id": "tiny"}, {"name": "Another one"}):
        with pytest.raises(Conflict, match="already"):
            catalog.add(new.model_copy(update=changed))
    assert list(catalog.models) == ["small", "new"]


@pytest.mark.parametrize(
    "source",
    [
        "{repo: a/b, files: {model: x/new.gguf}}",
        "{files: {model: {repo: a/b, path: new.safetensors, sha256: HEX, bytes: 7}}}",
        "{files: {model: {url: 'https://a.example/new.gguf?x=1', sha256: HEX}}}",
    ],
)
def test_a_source_is_a_repository_or_an_address(tmp_path: Path, source: str) -> None:
    model = load_catalog(write(tmp_path, a=entry("new", source.replace("HEX", HEX)))).model("new")

    assert model.source is not None
    assert list(model.source.files) == ["model"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{files: {model: new.gguf}}", "files.model: needs a `repo`, here or in `source`"),
        ("{repo: a/b, files: {model: {}}}", "say either `path`, inside a repository, or `url`"),
        ("{repo: a/b, files: {model: {path: a.gguf, url: 'https://a/b.gguf', sha256: HEX}}}", "say either"),
        ("{files: {model: {url: 'https://a.example/b.gguf'}}}", "sha256: is needed with `url`"),
        ("{files: {model: {url: 'https://a.example/b.gguf', sha256: HEX, repo: a/b}}}", "no meaning beside"),
        ("{files: {model: {url: 'https://u:p@a.example/b.gguf', sha256: HEX}}}", "holds a name or password"),
        ("{files: {model: {url: 'https://a.example/b.zip', sha256: HEX}}}", "names no file that ends in"),
        (
            "{files: {model: {url: 'https://a.example/b c.gguf', sha256: HEX}}}",
            "blanks or control characters",
        ),
        ("{repo: a/b, files: {model: pickled.ckpt}}", "is no file that ends in .safetensors or .gguf"),
        ("{repo: a/b, files: {model: ../other.gguf}}", "is not a path inside a repository"),
        ("{repo: a/b, files: {vae: vae.gguf}}", "there is no files.vae"),
    ],
)
def test_a_source_that_can_not_be_used_is_told(tmp_path: Path, source: str, sentence: str) -> None:
    told = faults(write(tmp_path, a=entry("new", source.replace("HEX", HEX))))

    assert len(told) == 1
    assert told[0].startswith("models.d/a.yml: models.new.source")
    assert sentence in told[0]
