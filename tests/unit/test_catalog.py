"""models.yml -> Catalog: the shipped file, asking for models, their files on disk."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from studio.catalog import load_catalog
from studio.engine_options import EngineOptions
from studio.errors import UnknownModel
from studio.model import Model, ModelFiles
from studio.params import JobType

SHIPPED = Path(__file__).parents[2] / "models.yml"

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


def with_entry(**entry: object) -> str:
    """A catalogue of one sound entry with some keys replaced."""
    sound: dict[str, object] = {"name": "Small", "files": {"model": "small.gguf"}}
    return yaml.safe_dump({"default": "small", "models": {"small": {**sound, **entry}}}, sort_keys=False)


# --- the shipped file -------------------------------------------------------------------------------------


def test_the_shipped_catalogue_holds_the_models_people_run() -> None:
    catalog = load_catalog(SHIPPED)
    assert catalog.default == "demo"
    assert next(iter(catalog.models)) == "demo"
    assert set(catalog.models) >= {
        "sd15", "sdxl", "sdxl-turbo", "sd3.5-large", "flux-schnell", "flux2-klein", "qwen-image",
        "qwen-image-edit", "z-image-turbo",
    }  # fmt: skip


def test_every_shipped_file_says_where_it_can_be_had() -> None:
    for model in load_catalog(SHIPPED).models.values():
        if model.builtin is None:
            assert model.source is not None, model.id
            assert model.source.files.keys() == model.files.given.keys(), model.id


def test_shipped_entries_that_share_a_file_name_agree_on_its_place() -> None:
    places: dict[str, set[str]] = {}
    for model in load_catalog(SHIPPED).models.values():
        for place in model.files.given.values():
            places.setdefault(Path(place).name, set()).add(place)
    assert [found for found in places.values() if len(found) > 1] == []


def test_the_demonstration_model_is_downloaded_and_names_what_it_is() -> None:
    demo = load_catalog(SHIPPED).model("demo")
    assert (demo.builtin, demo.name, demo.is_downloaded) == ("demo", "Demonstration model", True)
    assert (demo.defaults.size, demo.defaults.steps, demo.defaults.cfg_scale) == ("128x128", 8, 2)
    assert (demo.defaults.sampler, demo.limits.multiple, demo.limits.max_pixels) == ("euler", 16, 512 * 512)
    assert "a red circle on a blue background" in demo.examples


def test_instruction_editors_take_references() -> None:
    catalog = load_catalog(SHIPPED)
    references = {model.id for model in catalog.models.values() if model.capabilities.references}
    assert references == {"flux-kontext", "flux2-klein", "qwen-image-edit"}
    assert not catalog.model("qwen-image-edit").capabilities.does(JobType.GENERATE)


def test_distilled_models_have_a_cfg_scale_of_one() -> None:
    catalog = load_catalog(SHIPPED)
    for name in ("sdxl-turbo", "flux-schnell", "flux2-klein", "z-image-turbo"):
        assert catalog.model(name).defaults.cfg_scale == 1, name


def test_the_comments_of_the_shipped_file_explain_every_key() -> None:
    comments = "\n".join(line for line in SHIPPED.read_text("utf-8").splitlines() if line.startswith("#"))
    fields = [*Model.model_fields, *ModelFiles.model_fields, *EngineOptions.model_fields]
    unexplained = [name for name in fields if name not in ("id", "folder") and f"{name}:" not in comments]
    assert set(unexplained) <= {"circularx", "circulary"}
    assert "circularx, circulary" in comments


def test_the_commented_defaults_are_the_real_ones() -> None:
    comments = SHIPPED.read_text("utf-8")
    model = Model(id="x", name="X", files=ModelFiles(model="x.gguf"))
    for key, value in {
        "size": model.defaults.size,
        "steps": model.defaults.steps,
        "strength": model.defaults.strength,
        "max_pixels": model.limits.max_pixels,
        "max_n": model.limits.max_n,
        "multiple": model.limits.multiple,
        "stall_seconds": model.engine.stall_seconds,
        "ttl": model.ttl,
        "low": f"{{steps_scale: {model.quality_effect('low').steps_scale}}}",
        "high": f"{{steps_scale: {model.quality_effect('high').steps_scale}}}",
        "hd": f"{{steps_scale: {model.quality_effect('hd').steps_scale}}}",
    }.items():
        assert f"{key}: {value} " in comments or f"{key}: {value}\n" in comments, key


# --- asking -----------------------------------------------------------------------------------------------


def test_a_model_is_found_by_id_and_by_alias(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, with_entry(aliases=["tiny", "little"])))
    assert catalog.model("small") is catalog.model("little") is catalog.models["small"]


def test_an_unknown_model_is_answered_with_the_known_ids(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"no model 'smal' in models\.yml; known: small"):
        load_catalog(write(tmp_path, MINIMAL)).model("smal")


def test_missing_files_are_listed_as_the_catalogue_spells_them(tmp_path: Path) -> None:
    text = with_entry(files={"model": "weights/small.gguf", "vae": "vae.safetensors", "lora_dir": "loras"})
    model = load_catalog(write(tmp_path, text)).model("small")
    assert model.missing() == ["weights/small.gguf", "vae.safetensors"]
    assert not model.is_downloaded
    for path in ("weights/small.gguf", "vae.safetensors"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert model.missing() == []  # folders may be absent
    assert model.is_downloaded


def test_relative_paths_start_at_the_catalogue_wherever_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(
        tmp_path, with_entry(files={"model": "a/b.gguf", "vae": "/somewhere/vae.gguf", "tae": "~/tae.gguf"})
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    model = load_catalog(Path("models.yml")).model("small")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert model.paths() == {
        "model": tmp_path / "a/b.gguf",
        "vae": Path("/somewhere/vae.gguf"),
        "tae": tmp_path / "home/tae.gguf",
    }


def test_a_file_behind_a_file_is_missing_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").touch()
    model = load_catalog(write(tmp_path, with_entry(files={"model": "small.gguf/inner.gguf"}))).model("small")
    assert model.missing() == ["small.gguf/inner.gguf"]


def test_left_out_keys_have_the_documented_defaults(tmp_path: Path) -> None:
    model = load_catalog(write(tmp_path, MINIMAL)).model("small")
    assert (model.defaults.width, model.defaults.height) == (512, 512)
    assert (model.defaults.steps, model.defaults.cfg_scale, model.defaults.sampler) == (20, 7.0, "euler_a")
    assert (model.defaults.scheduler, model.defaults.strength) == ("discrete", 0.75)
    assert (model.defaults.distilled_guidance, model.defaults.flow_shift, model.defaults.clip_skip) == (
        None,
    ) * 3
    assert (model.ttl, model.preload, model.allow_flat, model.examples) == (900, False, False, ())


@pytest.mark.parametrize(("written", "meant"), [("0", 0), ("null", None), ("60", 60)])
def test_ttl_zero_and_never_are_different_values(tmp_path: Path, written: str, meant: int | None) -> None:
    assert load_catalog(write(tmp_path, MINIMAL + f"    ttl: {written}\n")).model("small").ttl == meant


def test_a_word_given_in_an_entry_replaces_only_that_word(tmp_path: Path) -> None:
    text = with_entry(quality={"low": {"steps": 3}}, style={"vivid": {"cfg_scale_factor": 2.0}})
    model = load_catalog(write(tmp_path, text)).model("small")
    assert (model.quality_effect("low").steps, model.quality_effect("low").steps_scale) == (3, None)
    assert model.quality_effect("high").steps_scale == 1.5
    assert model.style_effect("vivid").prompt_suffix == ""
    assert model.style_effect("natural").prompt_suffix == "natural colors, soft light"


def test_a_source_file_may_be_a_path_or_say_its_own_repository(tmp_path: Path) -> None:
    digest = "ab" * 32
    source = {
        "repo": "owner/weights",
        "files": {
            "model": "q8/small.gguf",
            "vae": {"repo": "other/vae", "path": "vae.gguf", "sha256": digest},
        },
    }
    text = with_entry(files={"model": "small.gguf", "vae": "vae.gguf"}, source=source)
    found = load_catalog(write(tmp_path, text)).model("small").source
    assert found is not None
    assert (found.repo, found.revision) == ("owner/weights", "main")
    assert (found.files["model"].path, found.files["model"].repo) == ("q8/small.gguf", None)
    assert (found.files["vae"].repo, found.files["vae"].sha256) == ("other/vae", digest)


def test_a_catalogue_can_not_be_changed_afterwards(tmp_path: Path) -> None:
    model = load_catalog(write(tmp_path, MINIMAL)).model("small")
    with pytest.raises(ValidationError, match="frozen"):
        model.ttl = 1  # type: ignore[misc]
