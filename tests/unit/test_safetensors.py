"""Files that call themselves safetensors: only what adds up is given to the engine."""

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import safetensors
from studio.demo.tensor_file import write_tensors
from studio.errors import InvalidRequest
from studio.extras import Lora
from studio.loras import USUAL_FOLDER, LoraFile, check_loras, is_walkable, list_loras, lora_folder
from studio.model import Model, ModelFiles


def header(entries: Any, room: int = 64) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + bytes(room)


def tensor(kind: Any = "F32", shape: Any = (4, 4), offsets: Any = (0, 64)) -> dict[str, Any]:
    return {"a.weight": {"dtype": kind, "shape": shape, "data_offsets": offsets}}


def test_what_the_reference_writer_makes_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.zeros((3, 5), np.float16), "y": np.zeros(7, np.float32)})
    assert safetensors.fault(path) is None
    path.write_bytes(header({"__metadata__": {"rank": "4"}} | tensor()))
    assert safetensors.fault(path) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is 0 bytes long"),
        (b"12345678", "cut off"),
        (b"<!doctype html><title>404</title>", "does not begin with the header"),
        (b"version https://git-lfs.github.com/spec/v1", "does not begin with the header"),
        (header(tensor())[:100], "cut off|outside of the file"),
        (struct.pack("<Q", 2**63) + b"{}" * 50, "does not begin"),
        (header(b"{" * 50), "not JSON"),
        (header(b"[" * 200_000 + b"]" * 200_000), "not JSON"),
        (header([1]), "not a JSON object"),
        (header({}), "does not begin|holds no weights"),
        (header({"__metadata__": {}}), "holds no weights"),
        (header({"a": 1}), "nothing that makes sense"),
        (header({"a": {}}), "type of numbers"),
        (header(tensor(kind="Q4_0")), "type of numbers the engine does not know: 'Q4_0'"),
        (header(tensor(kind=["F32"])), "type of numbers"),
        (header(tensor(shape=None)), "a shape that is none"),
        (header(tensor(shape=[4, -4])), "a shape that is none"),
        (header(tensor(shape=[1] * 6)), "a shape that is none"),
        (header(tensor(shape=[4, 4.0])), "a shape that is none"),
        (header(tensor(offsets=[0])), "no place in the file"),
        (header(tensor(offsets=[0, 2**60])), "no place in the file"),
        (header(tensor(offsets=[0, 65])), "outside of the file: 0 to 65 of 64 bytes"),
        (header(tensor(offsets=[64, 0])), "outside of the file"),
        (header(tensor(kind="F16")), "64 bytes, but its shape .* of F16 needs another number"),
    ],
)
def test_damaged_files_are_told_apart_from_sound_ones_with_the_reason(
    tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    fault = safetensors.fault(path)
    assert fault is not None and re.search(why, fault), fault


def test_a_file_that_is_gone_is_a_fault_too(tmp_path: Path) -> None:
    assert "can't be read" in (safetensors.fault(tmp_path / "gone.safetensors") or "")


# -- the folder --------------------------------------------------------------------------------------


def a_model(folder: Path, **files: str) -> Model:
    return Model(id="m", name="M", files=ModelFiles(model="m.gguf", **files), folder=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The usual folder of a model in tmp_path, with two files."""
    loras = tmp_path / USUAL_FOLDER
    (loras / "deep" / "er").mkdir(parents=True)
    for name in ("ink.safetensors", "deep/er/<b>wörd.SafeTensors"):
        write_tensors(loras / name, {"x": np.zeros(4, np.float32)})
    return loras


def test_loras_are_listed_by_their_path_below_the_folder_and_nothing_else_is(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "old.ckpt").write_text("x")
    (folder / "gone.safetensors").symlink_to("nowhere")
    (folder / "linked").symlink_to("/usr")
    assert [file.name for file in list_loras(folder)] == [
        "deep/er/<b>wörd.SafeTensors",
        "ink.safetensors",
    ]
    assert list_loras(folder)[1] == LoraFile("ink.safetensors", (folder / "ink.safetensors").stat().st_size)
    assert list_loras(folder / "missing") == []


def test_a_model_may_name_its_own_folder(tmp_path: Path) -> None:
    assert lora_folder(a_model(tmp_path)) == tmp_path / "models" / "loras"
    assert lora_folder(a_model(tmp_path, lora_dir="own")) == tmp_path / "own"


@pytest.mark.parametrize(
    "name", ["nope.safetensors", "../ink.safetensors", "/etc/passwd", "ink", "INK.safetensors"]
)
def test_a_lora_that_is_not_there_is_refused_with_those_that_are(folder: Path, name: str) -> None:
    model = a_model(folder.parents[1])
    with pytest.raises(InvalidRequest, match=r"loras: no LoRA .* known: deep/er/.*, ink.safetensors"):
        check_loras([Lora(name=name)], model)
    check_loras([Lora(name="ink.safetensors"), Lora(name="deep/er/<b>wörd.SafeTensors")], model)


def test_a_damaged_lora_is_refused_by_name(folder: Path) -> None:
    (folder / "ink.safetensors").write_bytes(b"<html>")
    with pytest.raises(InvalidRequest, match=r"loras: the file 'ink.safetensors' .* download it again"):
        check_loras([Lora(name="ink.safetensors")], a_model(folder.parents[1]))


def test_folders_the_engine_would_choke_on_are_noticed(folder: Path) -> None:
    assert is_walkable(folder)
    assert is_walkable(folder / "missing")
    assert not is_walkable(folder / "ink.safetensors" / "below")
