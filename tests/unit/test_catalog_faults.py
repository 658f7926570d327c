"""models.yml -> Catalog: every kind of fault is told at once, by its path, with what is allowed."""

from pathlib import Path

import pytest
import yaml

from studio.catalog import load_catalog
from studio.engine_options import EngineOptions, flags_of, refusal
from studio.errors import ConfigurationError
from studio.plain_yaml import MAX_BYTES

MINIMAL = """\
default: small
models:
  small:
    name: Small
    files: {model: weights/small.gguf}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "models.yml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(write(folder, text))
    return [fault.removeprefix("models.yml: ") for fault in caught.value.faults]


def with_entry(**entry: object) -> str:
    """A catalogue of one sound entry with some keys replaced."""
    sound: dict[str, object] = {"name": "Small", "files": {"model": "small.gguf"}}
    return yaml.safe_dump({"default": "small", "models": {"small": {**sound, **entry}}}, sort_keys=False)


def test_all_faults_of_all_entries_are_told_at_once_each_by_its_path(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        """\
default: nothing
extra: 1
models:
  sdxl:
    name: XL
    files: {model: xl.gguf}
    defaults: {steps: 500, sampler: eulr}
  two:
    files: {model: two.gguf}
    engine: {listen-port: 80}
""",
    )
    paths = [fault.split(": ")[0] for fault in faults]
    assert paths == [
        "extra",
        "models.sdxl.defaults.steps",
        "models.sdxl.defaults.sampler",
        "models.two.name",
        "models.two.engine.listen-port",
        "default",
    ]
    assert "100" in faults[1] and "500" in faults[1]
    assert "euler_a" in faults[2]


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        ({"name": 5}, "name", "not 5"),
        ({"name": ""}, "name", "at least 1"),
        ({"nmae": "x"}, "nmae", "did you mean name?"),
        ({"id": "other"}, "id", "the id is 'small'"),
        ({"folder": "/"}, "folder", "not a key"),
        ({"files": {}}, "files", "`diffusion_model`"),
        ({"files": None}, "files", "not None"),
        ({"files": {"vae": "v.gguf"}}, "files", "needs `model`"),
        ({"files": {"model": "m.ckpt"}}, "files.model", "sd-cli -M convert"),
        ({"files": {"model": "m"}}, "files.model", ".safetensors"),
        ({"files": {"model": ""}}, "files.model", "not a path"),
        ({"files": {"model": "a\nb.gguf"}}, "files.model", "not a path"),
        ({"files": {"model": "https://x/m.gguf"}}, "files.model", "source"),
        ({"files": {"model": "~root/m.gguf"}}, "files.model", "~/"),
        ({"files": {"model": "m.gguf", "upscale_model": "e.bin"}}, "files.upscale_model", ".pth"),
        ({"builtin": "demo"}, "files", "brings its own"),
        ({"builtin": "other"}, "builtin", "'demo'"),
        ({"aliases": ["small"]}, "aliases.0", "already names small"),
        ({"aliases": ["a/b"]}, "aliases.0", "letters"),
        ({"aliases": ["running"]}, "aliases.0", "/api/models/running"),
        ({"aliases": "x"}, "aliases", "tuple"),
        ({"defaults": {"size": "512"}}, "defaults.size", "WIDTHxHEIGHT"),
        ({"defaults": {"size": "32x512"}}, "defaults.size", "64 to 4096"),
        ({"defaults": {"size": "2048x2048"}}, "defaults.size", "limits.max_pixels"),
        ({"defaults": {"steps": "20"}}, "defaults.steps", "integer"),
        ({"defaults": {"steps": True}}, "defaults.steps", "integer"),
        ({"defaults": {"steps": 0}}, "defaults.steps", "not 0"),
        ({"defaults": {"cfg_scale": float("nan")}}, "defaults.cfg_scale", "nan"),
        ({"defaults": {"scheduler": "karras", "steps": 1}}, "defaults.steps", "at least 2"),
        ({"defaults": {"negative_prompt": "a\x00b"}}, "defaults.negative_prompt", "U+0000"),
        ({"limits": {"multiple": 12}}, "limits.multiple", "not 12"),
        ({"limits": {"max_n": 11}}, "limits.max_n", "not 11"),
        ({"limits": {"max_pixels": 10**9}}, "limits.max_pixels", "16777216"),
        ({"capabilities": {"video": True}}, "capabilities.video", "references"),
        ({"quality": {"best": {}}}, "quality.best", "'standard'"),
        ({"quality": {"low": {"steps": 2, "steps_scale": 0.5}}}, "quality.low", "exclude"),
        ({"style": {"vivid": {"cfg": 3.0}}}, "style.vivid.cfg", "cfg_scale"),
        ({"engine": {"threads": 0}}, "engine.threads", "not 0"),
        ({"engine": {"type": "q9"}}, "engine.type", "q8_0"),
        ({"engine": {"vae_tile_size": "32"}}, "engine.vae_tile_size", "'32'"),
        ({"engine": {"tensor_type_rules": "vae=f17"}}, "engine.tensor_type_rules", "f17"),
        ({"engine": {"tensor_type_rules": "--listen-ip=f16"}}, "engine.tensor_type_rules", "pattern=type"),
        ({"engine": {"tensor_type_rules": "(=f16"}}, "engine.tensor_type_rules", "regular expression"),
        ({"engine": {"diffusion-fa": True}}, "engine.diffusion-fa", "did you mean diffusion_fa?"),
        ({"engine": {"stall_seconds": 0}}, "engine.stall_seconds", "greater than 0"),
        ({"ttl": -1}, "ttl", "not -1"),
        ({"examples": ["x" * 5000]}, "examples.0", "5000"),
        ({"source": {"repo": "nobody", "files": {}}}, "source.repo", "nobody"),
        ({"source": {"repo": "a/b", "files": {"vae": "v.gguf"}}}, "source.files.vae", "no files.vae"),
        ({"source": {"repo": "a/b", "files": {"model": "../m.gguf"}}}, "source.files.model", "inside"),
        ({"source": {"repo": "a/b", "files": {"model": {"path": "m", "sha": ""}}}},
         "source.files.model.sha", "sha256"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_path_and_says_what_is_allowed(
    tmp_path: Path, entry: dict[str, object], path: str, words: str
) -> None:
    faults = faults_of(tmp_path, with_entry(**entry))
    assert len(faults) == 1, faults
    assert faults[0].startswith(f"models.small.{path}: ")
    assert words in faults[0]


def test_several_rules_broken_by_one_entry_are_all_told(tmp_path: Path) -> None:
    source = {"repo": "a/b", "files": {"vae": "v.gguf", "tae": "t.gguf"}}
    faults = faults_of(tmp_path, with_entry(files={}, source=source, defaults={"size": "4096x4096"}))
    assert [fault.split(": ")[0].removeprefix("models.small.") for fault in faults] == [
        "files", "defaults.size", "source.files.vae", "source.files.tae",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "option",
    [
        "listen_ip", "listen-ip", "--listen-ip", "-l", "listen_port", "serve_html_path", "lora_apply_mode",
        "lora_model_dir", "embd_dir", "hires_upscalers_dir", "model", "vae", "verbose", "color", "init_img",
        "mask", "control_image", "control_video", "pm_id_images_dir", "ref_image", "prompt", "seed", "width",
        "steps", "sampling_method", "cache_option", "scm_mask", "sigmas", "eta", "h", "help",
    ],
)  # fmt: skip
def test_a_dangerous_flag_is_refused_by_name_and_path(tmp_path: Path, option: str) -> None:
    (fault,) = faults_of(tmp_path, with_entry(engine={option: "anything"}))
    assert fault.startswith(f"models.small.engine.{option}: sd-server's {option} is not for models.yml: ")


def test_no_allowed_option_is_also_refused() -> None:
    assert [name for name in EngineOptions.model_fields if refusal(name) is not None] == []


def test_no_allowed_flag_belongs_to_the_studio() -> None:
    own = {"--listen-ip", "--listen-port", "--serve-html-path", "--lora-apply-mode", "--lora-model-dir"}
    assert own.isdisjoint(flags_of(EngineOptions).values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping with the keys default, models"),
        ("- 1\n", "must be a mapping"),
        ("models: {}\ndefault: x\n", "models: must be a mapping of at least one id"),
        ("default: x\n", "models: must be a mapping"),
        ("default: [\n", "line 2, column 1"),
        ("default: a\n\tmodels: b\n", "line 2, column 1"),
        ("default: !!python/object/apply:os.system [ls]\n", "line 1, column 10"),
        (MINIMAL.replace("default: small\n", ""), "default: is missing"),
        (MINIMAL.replace("default: small", "default: other"), "default: 'other' is no id under `models`"),
        (MINIMAL.replace("default: small", "default: 1"), "default: 1 is no id"),
        (MINIMAL.replace("  small:", "  5:"), "models.5: the id must be text; put it in quotes"),
        (MINIMAL.replace("  small:", "  running:"), "models.running: 'running': is taken"),
        (MINIMAL.replace("  small:", "  a b:"), "models.a b: 'a b': is not made of"),
        (MINIMAL + "  other: words\n", "models.other: must be a mapping with at least `name` and `files`"),
        (MINIMAL + "    name: Again\n", "models.small.name: given twice, on lines 4 and 6"),
        (MINIMAL + "default: small\n", "default: given twice, on lines 1 and 6"),
        (MINIMAL + "    aliases: [{a: 1, a: 2}]\n", "models.small.aliases.0.a: given twice"),
        (MINIMAL + "    description: &x words\n", "line 6, column 18: anchors (&) and aliases (*)"),
        (MINIMAL + "    description: *x\n", "line 6, column 18: anchors (&) and aliases (*)"),
        (MINIMAL + "    description: " + "[" * 5000 + "\n", "nested deeper than 20 levels"),
        (MINIMAL + "    ttl: " + "9" * 5000 + "\n", "is not valid YAML"),
        (MINIMAL + "    description: \x07\n", "is not valid YAML"),
        ("#" * (MAX_BYTES + 1), f"is {MAX_BYTES + 1} bytes long; the limit is {MAX_BYTES}"),
    ],
)
def test_a_file_that_is_no_catalogue_is_one_clear_fault(tmp_path: Path, text: str, words: str) -> None:
    assert words in "\n".join(faults_of(tmp_path, text))


def test_growing_aliases_are_refused_before_they_grow(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    (fault,) = faults_of(tmp_path, "\n".join(lines))
    assert fault.startswith("line 1, column 4: anchors")


def test_an_alias_of_two_entries_names_both(tmp_path: Path) -> None:
    text = MINIMAL + (
        "    aliases: [tiny]\n  other: {name: Other, files: {model: o.gguf}, aliases: [tiny]}\n"
    )
    assert faults_of(tmp_path, text) == ["models.other.aliases.0: 'tiny' already names small"]


def test_an_absent_file_is_a_fault_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file; --models names another"):
        load_catalog(tmp_path / "none.yml")


def test_a_folder_or_a_binary_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_catalog(tmp_path)
    path = tmp_path / "models.yml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_catalog(path)


def test_a_very_long_value_is_shortened_in_its_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, with_entry(defaults={"size": "9" * 10_000}))
    assert len(fault) < 300
