"""`python app.py models`: listing, downloading, verifying, adding; against a hub of this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.catalog import load_catalog
from studio.models_command import models_command
from tests.hub import Hub, serving_hub, some_weights

NAME = "someone/tiny/weights.safetensors"
CATALOGUE = """\
# A comment that must stay.
default: demo
models:
  demo: {name: Demonstration, builtin: demo}
  tiny:
    name: Tiny
    files: {model: models/tiny.safetensors}
    source: {repo: someone/tiny, files: {model: weights.safetensors}}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the model's file; commands that run now find the catalogue and ask this hub."""
    (tmp_path / "models.yml").write_text(CATALOGUE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("STUDIO_DOWNLOAD_HOSTS", "localhost")
    with serving_hub() as running:
        running.files[NAME] = some_weights(tmp_path)
        monkeypatch.setenv("HF_ENDPOINT", running.base)
        yield running


def run(*argv: str) -> int:
    return models_command(argv)


def test_a_model_is_listed_downloaded_and_verified(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert "tiny  1 missing, 1 to download    Tiny" in capsys.readouterr().out
    assert run("verify", "tiny") == 1
    assert "tiny: models/tiny.safetensors: missing" in capsys.readouterr().out

    assert run("download", "tiny") == 0

    assert "tiny is downloaded" in capsys.readouterr().out
    assert run("verify") == 0
    told = capsys.readouterr().out
    assert f"tiny: models/tiny.safetensors: {len(hub.files[NAME])} bytes, sound" in told
    assert "demo: comes with the studio" in told
    assert run("download", "tiny") == 0
    assert len(hub.transfers()) == 1


def test_a_file_that_changed_since_is_found(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("download", "tiny") == 0
    path = tmp_path / "models" / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert run("verify", "tiny") == 1

    assert f"not {hub.sha256(NAME)}" in capsys.readouterr().out
    path.write_bytes(content[:1000])
    assert run("verify", "tiny") == 1
    assert "outside of the file" in capsys.readouterr().out


def test_a_local_file_is_adopted_and_models_yml_stays_as_it_is(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "My Model_v2.safetensors"
    mine.write_bytes(hub.files[NAME])

    assert run("add", "--file", str(mine), "--name", "Mine: a model") == 0

    assert (tmp_path / "models.yml").read_text() == CATALOGUE
    model = load_catalog(tmp_path / "models.yml").model("My-Model-v2")
    assert (model.name, model.is_downloaded) == ("Mine: a model", True)
    assert model.paths()["model"].samefile(mine)
    assert run("add", "--file", str(mine)) == 1
    assert "There is a model 'My-Model-v2' already" in capsys.readouterr().err


def test_a_file_the_engine_must_not_read_is_not_adopted(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, sentence in (("a.safetensors", "which is no safetensors file"), ("a.ckpt", "is not one of")):
        (tmp_path / name).write_bytes(b"pickle")
        assert run("add", "--file", str(tmp_path / name), "--id", "new") == 1
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "models.d").exists()


def test_a_model_from_an_address_is_added_and_downloaded(hub: Hub, tmp_path: Path) -> None:
    assert run("add", "--url", hub.url(NAME), "--sha256", hub.sha256(NAME), "--id", "found") == 0

    assert load_catalog(tmp_path / "models.yml").model("found").is_downloaded


def test_a_model_of_a_repository_is_added_like_another_one(hub: Hub, tmp_path: Path) -> None:
    hub.files["else/more/deep/new_one.safetensors"] = hub.files[NAME]

    assert run("add", "--repo", "else/more", "--path", "deep/new_one.safetensors", "--like", "tiny") == 0

    model = load_catalog(tmp_path / "models.yml").model("new-one")
    assert model.is_downloaded
    assert list(model.files.given) == ["model"]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("add", "--id", "x"), "give --file, or --url with --sha256"),
        (("add", "--url", "https://a.example/b.gguf"), "give --file, or --url with --sha256"),
        (("add", "--url", "ftp://a/b.gguf", "--sha256", "5e" * 32), "is not an https address"),
        (("add", "--url", "https://a.example/b.gguf", "--sha256", "5e"), "sha256: "),
        (("add", "--repo", "a/b"), "or --repo with --path"),
        (("add", "--repo", "a/b", "--path", "c.ckpt"), "is no file that ends in"),
        (("add", "--repo", "a/b", "--path", "c.gguf", "--file", "d.gguf"), "or --repo with --path"),
        (("add", "--file", "a.gguf", "--id", "no spaces"), "models add: id: "),
        (("download",), "ID"),
        (("list", "--models", "none.yml"), "no such file"),
    ],
)
def test_a_misspelt_command_is_told_and_changes_nothing(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], sentence: str
) -> None:
    assert run(*argv) == 2

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "models.d").exists()


def test_an_unknown_model_and_a_fault_of_the_source_are_told(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("download", "nothing") == 1
    assert "no model 'nothing'" in capsys.readouterr().err
    hub.files.clear()
    assert run("download", "tiny") == 1
    assert "There is no repository someone/tiny" in capsys.readouterr().err


def test_it_is_a_command_of_the_studio(hub: Hub) -> None:
    app = Path(__file__).parents[2] / "app.py"

    done = subprocess.run(
        [sys.executable, str(app), "models", "list"], env=dict(os.environ), capture_output=True, text=True
    )

    assert (done.returncode, "tiny" in done.stdout) == (0, True), done.stderr
