"""The demonstration model: expanded whole or not at all, and with the tensors the engine asks for."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.demo.examples import PROMPTS
from studio.demo.expand import MANIFEST, PACKED, demo_files, read_packed
from studio.demo.tensor_file import Tensor, read_header, write_tensors
from studio.demo.training.canvas import Canvas
from studio.demo.training.checks import shape_prompts
from studio.demo.training.colours import COLOURS
from studio.demo.training.recognition import BASIC_SHAPES, ShapeJudge, look
from studio.demo.training.shapes import SHAPES, Spot
from studio.demo.training.vocabulary import Vocabulary
from studio.errors import EngineUnavailable


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Expanded once for the tests that only look."""
    return demo_files(tmp_path_factory.mktemp("cache"))


def digests(files: dict[str, Path]) -> dict[str, str]:
    return {key: hashlib.sha256(file.read_bytes()).hexdigest() for key, file in files.items()}


def test_the_folder_is_named_after_the_packed_weights(files: dict[str, Path]) -> None:
    version = hashlib.sha256(PACKED.read_bytes()).hexdigest()[:16]
    assert {key: file.relative_to(file.parents[2]).as_posix() for key, file in files.items()} == {
        "diffusion_model": f"demo-model/{version}/diffusion.safetensors",
        "llm": f"demo-model/{version}/llm.safetensors",
        "tae": f"demo-model/{version}/tae.safetensors",
    }


def test_a_second_call_leaves_whole_files_alone(files: dict[str, Path]) -> None:
    before = {key: (file.stat().st_ino, file.stat().st_mtime_ns) for key, file in files.items()}
    assert demo_files(files["llm"].parents[2]) == files
    assert {key: (file.stat().st_ino, file.stat().st_mtime_ns) for key, file in files.items()} == before


def test_two_expansions_give_the_same_bytes(files: dict[str, Path], tmp_path: Path) -> None:
    assert digests(demo_files(tmp_path)) == digests(files)


def test_a_truncated_file_is_expanded_again(tmp_path: Path) -> None:
    files = demo_files(tmp_path)
    whole = digests(files)
    with files["tae"].open("r+b") as file:
        file.truncate(1000)
    assert digests(demo_files(tmp_path)) == whole


def test_a_flipped_bit_is_expanded_again(tmp_path: Path) -> None:
    files = demo_files(tmp_path)
    whole = digests(files)
    with files["diffusion_model"].open("r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)[0]
        file.seek(1_000_000)
        file.write(bytes([byte ^ 1]))
    assert digests(demo_files(tmp_path)) == whole


@pytest.mark.parametrize("content", ["", "{", "[]", '{"llm.safetensors": null}'])
def test_a_damaged_manifest_is_not_trusted(tmp_path: Path, content: str) -> None:
    files = demo_files(tmp_path)
    manifest = files["llm"].with_name(MANIFEST)
    manifest.write_text(content, encoding="utf-8")
    demo_files(tmp_path)
    assert set(json.loads(manifest.read_text(encoding="utf-8"))) == {file.name for file in files.values()}


def test_a_half_written_folder_and_older_versions_are_removed(tmp_path: Path) -> None:
    family = tmp_path / "demo-model"
    for leftover in (".partial-killed", "0123456789abcdef"):
        (family / leftover).mkdir(parents=True)
        (family / leftover / "llm.safetensors").write_bytes(b"half")
    folder = demo_files(tmp_path)["llm"].parent
    assert [entry for entry in family.iterdir() if entry.is_dir()] == [folder]


def test_a_killed_expansion_is_never_used(tmp_path: Path, files: dict[str, Path]) -> None:
    # The child dies, as by a power cut, once two of the three files are there.
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "def die_at_the_third_file(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('tae.safetensors'):\n"
        "        os._exit(9)\n"
        "sys.addaudithook(die_at_the_third_file)\n"
        "from studio.demo.expand import demo_files\n"
        "demo_files(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == 9
    left = [entry.name for entry in (tmp_path / "demo-model").iterdir() if entry.is_dir()]
    assert len(left) == 1 and left[0].startswith(".partial-")
    assert digests(demo_files(tmp_path)) == digests(files)


def test_two_processes_at_once_both_get_whole_files(tmp_path: Path, files: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "studio.demo.expand", str(tmp_path)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert answers[0] == answers[1]
    named = dict(line.split(": ", 1) for line in answers[0].splitlines())
    assert digests({key: Path(file) for key, file in named.items()}) == digests(files)
    assert len(list((tmp_path / "demo-model").glob("*/"))) == 1


def test_a_cache_that_is_a_file_is_named_in_the_error(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_bytes(b"")
    with pytest.raises(EngineUnavailable, match="cache"):
        demo_files(cache)


def test_the_files_hold_the_tensors_the_engine_asks_for(files: dict[str, Path]) -> None:
    diffusion, llm, tae = (read_header(files[key]) for key in ("diffusion_model", "llm", "tae"))
    assert (len(diffusion), len(llm), len(tae)) == (181, 13, 134)
    assert diffusion["img_in.weight"]["shape"] == [256, 64]
    assert diffusion["double_blocks.5.img_attn.qkv.weight"]["shape"] == [768, 256]
    assert diffusion["double_blocks.5.txt_mlp.down_proj.weight"]["shape"] == [256, 1024]
    assert diffusion["final_layer.linear.weight"]["shape"] == [64, 256]
    assert llm["model.embed_tokens.weight"]["shape"] == [151936, 128]
    assert llm["model.layers.0.self_attn.q_proj.weight"]["shape"] == [4096, 128]
    assert llm["model.layers.0.self_attn.o_proj.weight"]["shape"] == [128, 4096]
    assert tae["encoder.layers.0.weight"]["shape"] == [64, 3, 3, 3]
    assert tae["decoder.layers.18.weight"]["shape"] == [3, 64, 3, 3]
    assert {tensor["dtype"] for tensor in (diffusion | llm | tae).values()} == {"F16", "F32"}


def test_the_tensors_fill_their_files_without_gaps(files: dict[str, Path]) -> None:
    sizes = {"F16": 2, "F32": 4}
    for file in files.values():
        end = 0
        for tensor in read_header(file).values():
            length = int(np.prod(tensor["shape"])) * sizes[tensor["dtype"]]
            assert tensor["data_offsets"] == [end, end + length]
            end += length
        header_length = int.from_bytes(file.read_bytes()[:8], "little")
        assert header_length % 8 == 0
        assert file.stat().st_size == 8 + header_length + end


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    tensors: dict[str, Tensor] = {
        "a": np.arange(6, dtype=np.float16).reshape(2, 3),
        "b": np.array([0.5], np.float32),
    }
    write_tensors(tmp_path / "x.safetensors", tensors)
    content = (tmp_path / "x.safetensors").read_bytes()
    numbers = content[8 + int.from_bytes(content[:8], "little") :]
    assert np.array_equal(np.frombuffer(numbers[:12], np.float16).reshape(2, 3), tensors["a"])
    assert np.array_equal(np.frombuffer(numbers[12:], np.float32), tensors["b"])


def test_the_padding_token_and_unknown_words_are_zero(files: dict[str, Path]) -> None:
    header = read_header(files["llm"])["model.embed_tokens.weight"]
    content = files["llm"].read_bytes()
    start = 8 + int.from_bytes(content[:8], "little") + header["data_offsets"][0]
    table = np.frombuffer(content, np.float16, 151936 * 128, start).reshape(151936, 128)
    _, tokens, _, _ = read_packed(PACKED)
    trained = set(np.nonzero(table.any(1))[0].tolist())
    assert trained == set(tokens[1:])


def test_the_packed_weights_and_the_vocabulary_agree() -> None:
    vocabulary = Vocabulary()
    weights, tokens, hidden, depth = read_packed(PACKED)
    assert tokens == vocabulary.tokens + list(vocabulary.variants)
    assert weights["te.emb"].shape == (len(tokens), 128)
    assert (hidden, depth) == (256, 6)


def test_every_example_uses_known_words_only() -> None:
    vocabulary = Vocabulary()
    assert {prompt: vocabulary.unknown(prompt) for prompt in PROMPTS} == {prompt: [] for prompt in PROMPTS}


def test_an_unknown_word_is_noticed() -> None:
    assert Vocabulary().unknown("A red dragon, flying") == ["dragon"]


def test_examples_do_not_repeat() -> None:
    assert len(set(PROMPTS)) == len(PROMPTS) >= 16


def test_the_measured_prompts_never_change() -> None:
    # Otherwise the accuracy in the model's README could not be compared with a new measurement.
    prompts = shape_prompts()
    assert len(prompts) == 48
    assert prompts[0] == ("yellow circle, brown background", "circle", "yellow", "brown")
    assert prompts[-1] == ("a orange diamond on a white background", "diamond", "orange", "white")


@pytest.mark.parametrize("name", BASIC_SHAPES)
def test_the_judge_knows_a_clean_shape(name: str) -> None:
    canvas = Canvas(128, COLOURS["yellow"])
    spot = Spot(0.3, 0.6, 0.2, COLOURS["blue"], COLOURS["yellow"])
    SHAPES[name].draw(canvas, spot)
    sight = look(canvas.image)
    assert (sight.ground, sight.figure, ShapeJudge().name(sight.mask)) == ("yellow", "blue", name)


def test_a_flat_picture_has_no_figure() -> None:
    sight = look(Image.new("RGB", (128, 128), (45, 95, 220)))
    assert (sight.ground, sight.figure, sight.centre) == ("blue", None, None)
