"""What made a picture, and what of it is another now."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio import weights
from studio.catalog import Catalog, load_catalog
from studio.errors import EngineUnavailable
from studio.made_with import MadeWith, UsedFile, differences
from studio.params import JobType
from studio.sdserver.install import engine_version
from studio.upscalers import LANCZOS, Upscalers
from studio.witness import Witness
from tests.builders import a_recipe
from tests.hub import some_weights

SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"
CATALOGUE = """
default: mine
models:
  mine: {name: Mine, files: {model: weights/mine.safetensors, vae: weights/vae.safetensors}}
"""


def used(role: str = "model", name: str = "a", size: int = 7, sample: str = "5e") -> UsedFile:
    return UsedFile(role=role, name=name, bytes=size, sample=sample)


def made(*files: UsedFile, **changes: Any) -> MadeWith:
    said = {"studio": "1", "engine": "0.4.7", "engine_sample": "ab", "files": files} | changes
    return MadeWith.model_validate(said)


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (made(used()), made(used()), []),
        (made(), made(studio="2"), ["The studio's version is 2; it was 1"]),
        (made(), made(engine="0.5"), ["The engine's version is 0.5; it was 0.4.7"]),
        (made(), made(engine_sample="cd"), ["The engine is another build of the same version"]),
        (made(), made(engine=None, engine_sample=None), []),
        (made(used()), made(used(name="b")), []),
        (made(used()), made(used(name="b", sample="6f")), ["model: b is another file than a was"]),
        (made(used()), made(used(size=8, sample="6f")), ["model: a changed; it has 8 bytes and had 7"]),
        (made(used("vae")), made(), ["vae: a is not there any more"]),
        (made(), made(used("vae")), ["vae: a was not there then"]),
        (
            made(used("lora", "a"), used("lora", "b")),
            made(used("lora", "b", sample="6f")),
            ["lora: a is not there any more", "lora: b changed; it has 7 bytes and had 7"],
        ),
    ],
)
def test_what_is_another_is_named(then: MadeWith, now: MadeWith, said: list[str]) -> None:
    assert differences(then, now) == said


def test_it_is_read_as_it_was_written() -> None:
    there = made(used(), used("lora", "\u2603.safetensors"))

    assert MadeWith.model_validate_json(there.model_dump_json()) == there


@pytest.mark.parametrize("size", [0, 1, 100, 2**16, 2**20, 5_000_001])
def test_a_sample_knows_other_content_of_the_same_size_and_more_of_it(tmp_path: Path, size: int) -> None:
    path, content = tmp_path / "file", os.urandom(size)
    path.write_bytes(content)
    sample = weights.sample(path)
    assert weights.sample(path) == sample

    for changed in (content + b"x", content[1:] + b"x" if content else b"y", bytes(size) + b""):
        path.write_bytes(changed)
        assert (weights.sample(path) == sample) == (changed == content)


def test_a_change_at_the_very_end_of_a_large_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(5_000_000))
    sample = weights.sample(path)
    path.write_bytes(bytes(4_999_999) + b"x")

    assert weights.sample(path) != sample


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "weights").mkdir()
    for seed, name in enumerate(("mine", "vae")):
        (tmp_path / "weights" / f"{name}.safetensors").write_bytes(some_weights(tmp_path, seed=seed))
    (tmp_path / "models.yml").write_text(CATALOGUE)
    return load_catalog(tmp_path / "models.yml")


def witness_of(
    catalog: Catalog,
    folder: Path,
    program: Callable[[], Path] | None = None,
    version_of: Callable[[Path], str] = engine_version,
) -> Witness:
    upscalers = Upscalers(catalog, folder)
    return Witness(catalog, upscalers, studio="1", program=program, version_of=version_of)


def test_a_changed_file_is_looked_at_again_and_one_that_is_gone_left_out(
    catalog: Catalog, tmp_path: Path
) -> None:
    witness, recipe = witness_of(catalog, tmp_path), a_recipe(model="mine")
    first = witness.of(recipe)
    assert [(file.role, file.name) for file in first.files] == [
        ("model", "mine.safetensors"), ("vae", "vae.safetensors"),
    ]  # fmt: skip
    assert witness.of(recipe) == first
    path = tmp_path / "weights" / "mine.safetensors"
    path.write_bytes(some_weights(tmp_path, seed=9))
    (tmp_path / "weights" / "vae.safetensors").unlink()

    now = witness.of(recipe)

    assert [(file.role, file.sample) for file in now.files] == [("model", weights.sample(path))]
    assert now.files[0].sample != first.files[0].sample


def test_the_engine_tells_its_version_once(catalog: Catalog, tmp_path: Path) -> None:
    program = tmp_path / "sd-server"
    program.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\nexec {sys.executable} {SCRIPTED} $*\n")
    program.chmod(0o755)
    witness = witness_of(catalog, tmp_path, lambda: program)

    told = [witness.of(a_recipe(model="mine")) for _ in range(3)]

    assert {(each.engine, each.engine_sample) for each in told} == {("scripted", weights.sample(program))}
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_an_engine_that_can_not_be_asked_is_left_open(catalog: Catalog, tmp_path: Path) -> None:
    def refuse(_: Path) -> str:
        raise EngineUnavailable("no")

    def not_yet() -> Path:
        raise RuntimeError("the engine is not ready yet")

    (tmp_path / "sd-server").write_text("")
    for witness in (
        witness_of(catalog, tmp_path, lambda: tmp_path / "sd-server", refuse),
        witness_of(catalog, tmp_path, lambda: tmp_path / "gone"),
        witness_of(catalog, tmp_path, not_yet),
    ):
        told = witness.of(a_recipe(model="mine"))
        assert (told.engine, told.engine_sample, len(told.files)) == (None, None, 2)


def test_lanczos_needs_neither_engine_nor_files_and_a_lost_model_has_none(
    catalog: Catalog, tmp_path: Path
) -> None:
    witness = witness_of(catalog, tmp_path)
    upscale = {"method": LANCZOS, "factor": 2, "source_width": 64, "source_height": 64}
    larger = a_recipe(model="mine", type=JobType.UPSCALE, input_image="5e" * 32, upscale=upscale)

    assert witness.of(larger) == MadeWith(studio="1", engine=None, engine_sample=None)
    assert witness.of(a_recipe(model="lost")).files == ()
