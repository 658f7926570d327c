"""Model -> command line of sd-server, checked against the help text of the engine the studio builds."""

from pathlib import Path

import pytest

from studio.catalog import load_catalog
from studio.engine_options import EngineOptions, flags_of
from studio.errors import EngineUnavailable
from studio.model import Model, ModelFiles
from studio.sdserver.command import default_threads, parse_help, to_argv

HELP = (Path(__file__).parent / "sd_server_help.txt").read_text(encoding="utf-8")
KNOWN = parse_help(HELP)
SHIPPED = load_catalog(Path(__file__).parents[2] / "models.yml")
BINARY = Path("/engine/sd-server")


def model(**entry: object) -> Model:
    return Model.model_validate(
        {"id": "m", "name": "M", "folder": Path("/studio"), "files": ModelFiles(model="m.gguf"), **entry}
    )


def argv_of(of: Model, paths: dict[str, Path] | None = None, known: frozenset[str] = KNOWN) -> list[str]:
    return to_argv(
        BINARY,
        of,
        of.paths() if paths is None else paths,
        port=41234,
        lora_dir=Path("/work folder/loras"),
        nonce_page=Path("/work folder/page.html"),
        known_flags=known,
        threads=3,
    )


def value_of(argv: list[str], flag: str) -> str:
    assert argv.count(flag) == 1
    return argv[argv.index(flag) + 1]


def test_the_help_text_is_read_flag_by_flag() -> None:
    assert {
        "--listen-ip",
        "--model",
        "--clip_l",
        "--t5xxl",
        "--type",
        "--hires",
        "--vae-tiling",
        "--tae",
    } <= KNOWN
    assert len(KNOWN) == sum(line.startswith("  -") for line in HELP.splitlines())


def test_a_flag_only_mentioned_in_a_description_is_not_known() -> None:
    assert parse_help("  -t, --threads <int>      see --cores\n        also --more\nand --none") == {
        "--threads"
    }
    assert parse_help("") == frozenset()


def test_the_studios_own_flags_are_always_there() -> None:
    argv = argv_of(model())
    assert argv[0] == "/engine/sd-server"
    assert value_of(argv, "--listen-ip") == "127.0.0.1"
    assert value_of(argv, "--listen-port") == "41234"
    assert value_of(argv, "--serve-html-path") == "/work folder/page.html"
    assert value_of(argv, "--lora-apply-mode") == "at_runtime"
    assert value_of(argv, "--lora-model-dir") == "/work folder/loras"
    assert value_of(argv, "--threads") == "3"
    assert value_of(argv, "--model") == "/studio/m.gguf"


def test_what_the_entry_says_wins_over_the_studios_choice() -> None:
    argv = argv_of(
        model(files=ModelFiles(model="m.gguf", lora_dir="loras"), engine=EngineOptions(threads=12))
    )
    assert value_of(argv, "--lora-model-dir") == "/studio/loras"
    assert value_of(argv, "--threads") == "12"


def test_a_builtin_model_gets_the_files_it_brought() -> None:
    argv = argv_of(
        SHIPPED.model("demo"), {"diffusion_model": Path("/c/d.safetensors"), "tae": Path("/c/t.gguf")}
    )
    assert value_of(argv, "--diffusion-model") == "/c/d.safetensors"
    assert value_of(argv, "--tae") == "/c/t.gguf"
    assert "--model" not in argv


def test_every_key_of_files_and_engine_is_a_flag_of_the_engine() -> None:
    assert flags_of(ModelFiles).keys() == ModelFiles.model_fields.keys()
    assert flags_of(EngineOptions).keys() == EngineOptions.model_fields.keys() - {"stall_seconds"}
    assert {*flags_of(ModelFiles).values(), *flags_of(EngineOptions).values()} <= KNOWN


@pytest.mark.parametrize("name", [name for name in SHIPPED.models if name != "demo"])
def test_every_shipped_entry_is_a_command_the_engine_understands(name: str) -> None:
    argv = argv_of(SHIPPED.model(name))
    switches = {flag for flag in argv[1:] if flag.startswith("--")}
    assert switches <= KNOWN
    for key, path in SHIPPED.model(name).paths().items():
        assert path.is_absolute()
        assert value_of(argv, flags_of(ModelFiles)[key]) == str(path)


def test_all_options_together_become_their_flags() -> None:
    options = EngineOptions(
        diffusion_fa=True, vae_tiling=True, vae_tile_size="32x32", max_vram=0.0, type="q8_0",
        tensor_type_rules=r"^vae\.=f16", rng="cpu", prediction="v", chroma_t5_mask_pad=0, circularx=True,
    )  # fmt: skip
    argv = argv_of(model(engine=options))
    assert value_of(argv, "--vae-tile-size") == "32x32"
    assert value_of(argv, "--max-vram") == "0.0"
    assert value_of(argv, "--type") == "q8_0"
    assert value_of(argv, "--tensor-type-rules") == r"^vae\.=f16"
    assert value_of(argv, "--rng") == "cpu"
    assert value_of(argv, "--prediction") == "v"
    assert value_of(argv, "--chroma-t5-mask-pad") == "0"
    assert {"--diffusion-fa", "--vae-tiling", "--circularx"} <= set(argv)
    assert "--fa" not in argv and "--circular" not in argv


def test_an_option_this_engine_lacks_is_named_with_its_place() -> None:
    newer = KNOWN - {"--chroma-disable-dit-mask"}
    with pytest.raises(EngineUnavailable) as caught:
        argv_of(SHIPPED.model("chroma"), known=newer)
    assert "models.chroma.engine.chroma_disable_dit_mask" in caught.value.message
    assert "--chroma-disable-dit-mask" in caught.value.message
    assert "/engine/sd-server" in caught.value.message
    assert argv_of(SHIPPED.model("sd15"), known=newer)


def test_a_file_this_engine_has_no_flag_for_is_named_with_its_place() -> None:
    with pytest.raises(EngineUnavailable, match=r"models\.flux2-klein\.files\.llm "):
        argv_of(SHIPPED.model("flux2-klein"), known=KNOWN - {"--llm"})


@pytest.mark.parametrize(
    "flag", ["--listen-ip", "--listen-port", "--serve-html-path", "--lora-apply-mode", "--lora-model-dir"]
)
def test_an_engine_without_a_flag_the_studio_needs_is_refused(flag: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"{flag}, which the studio needs"):
        argv_of(model(), known=KNOWN - {flag})


@pytest.mark.parametrize(("cores", "threads"), [(0, 1), (1, 1), (2, 1), (3, 2), (16, 15)])
def test_one_core_stays_free_for_the_studio(cores: int, threads: int) -> None:
    assert default_threads(cores) == threads
