"""What deploy/ offers says the same as the studio: settings, ports, paths and commands."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio.api.access import OPEN_PATHS
from studio.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path.name for path in DEPLOY.iterdir())
# Read where the cache is found, before there are settings.
FURTHER = {"STUDIO_CACHE"}


def _text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def _stages() -> dict[str, list[str]]:
    """{name of a stage of the Dockerfile: its instructions}, each on one line."""
    stages: dict[str, list[str]] = {}
    lines = re.sub(r"\\\n\s*", "", _text("Dockerfile")).splitlines()
    instructions = [line for line in lines if line and not line.startswith("#")]
    name = ""
    for line in instructions:
        begin = re.fullmatch(r"FROM \S+ AS (\w+)", line)
        name = begin[1] if begin else name
        stages.setdefault(name, []).append(line)
    return stages


def _unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(_text("studio.service"))
    return parser


@pytest.mark.parametrize("name", FILES)
def test_every_variable_and_flag_that_is_named_is_a_setting(name: str) -> None:
    known = {f"STUDIO_{field.upper()}" for field in Settings.model_fields} | FURTHER
    flags = {f"--{field.replace('_', '-')}" for field in Settings.model_fields}
    named = set(re.findall(r"\bSTUDIO_[A-Z_]+[A-Z]\b", _text(name)))
    used = {
        flag for line in re.findall(r"app\.py( --.*)", _text(name)) for flag in re.findall(r"--[a-z-]+", line)
    }

    assert named <= known
    assert used <= flags


def test_there_is_something_to_check() -> None:
    assert {"Dockerfile", "Dockerfile.dockerignore", "compose.yml", "nginx.conf", "studio.service"} <= set(
        FILES
    )
    assert {"source", "build", "cpu", "cuda"} == set(_stages())


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_an_image_serves_as_nobody_special_and_keeps_its_things_in_one_volume(name: str) -> None:
    stage = _stages()[name]
    settings = dict(
        word.split("=", 1) for line in stage if line.startswith("ENV ") for word in line.split()[1:]
    )

    assert stage.index("USER studio") < next(i for i, line in enumerate(stage) if line.startswith("CMD "))
    assert not any(line.startswith("USER ") and line != "USER studio" for line in stage)
    assert (settings["STUDIO_HOST"], settings["STUDIO_PORT"]) == ("0.0.0.0", "3000")
    assert f"EXPOSE {settings['STUDIO_PORT']}" in stage
    assert "VOLUME /data" in stage
    assert all(settings[key].startswith("/data/") for key in ("STUDIO_OUTPUTS", "STUDIO_MODELS"))
    assert "STUDIO_API_KEY" not in settings, "a key in an image is everybody's"
    assert settings["STUDIO_BACKEND"] == name


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_a_container_is_asked_for_its_health_where_no_key_is_needed(name: str) -> None:
    (check,) = [line for line in _stages()[name] if line.startswith("HEALTHCHECK ")]
    found = re.search(r"http://127\.0\.0\.1:3000(/[\w/]+)", check)

    assert found is not None
    assert found[1] in OPEN_PATHS


def test_the_image_is_built_from_what_the_project_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    copied = {word for line in _stages()["source"] if line.startswith("COPY ") for word in line.split()[1:-1]}
    packages = {
        pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    modules = {f"{name}.py" for name in project["tool"]["setuptools"]["py-modules"]}
    sent = {line[1:] for line in _text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}

    assert packages | modules | {project["project"]["readme"], "pyproject.toml"} <= copied
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
    assert "postgres" in project["project"]["optional-dependencies"]


def test_the_python_of_the_image_is_one_the_project_runs_on() -> None:
    least = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    versions = [
        tuple(map(int, found)) for found in re.findall(r"FROM python:(\d+)\.(\d+)", _text("Dockerfile"))
    ]

    assert versions
    assert min(versions) >= tuple(map(int, least.removeprefix(">=").split(".")))


def test_compose_offers_both_images_beyond_no_machine_and_with_a_key() -> None:
    compose: dict[str, Any] = yaml.safe_load(_text("compose.yml"))
    services = compose["services"]

    assert [service["build"]["target"] for service in services.values()] == ["cpu", "cuda"]
    for service in services.values():
        assert service["profiles"] == [service["build"]["target"]]
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["ports"] == ["127.0.0.1:3000:3000"]
        assert service["environment"]["STUDIO_API_KEY"].startswith("${STUDIO_API_KEY:?")
        assert service["volumes"] == ["studio:/data"]
        grace = int(service["stop_grace_period"].removesuffix("s"))
        assert grace > Settings.model_fields["stop_seconds"].default
    assert "studio" in compose["volumes"]


def test_the_unit_starts_again_what_may_work_later_and_only_that() -> None:
    from app import EXIT_ALREADY_RUNNING, EXIT_CONFIGURATION

    service = _unit()["Service"]

    assert service["Restart"] == "on-failure"
    prevented = service["RestartPreventExitStatus"].split()
    assert str(EXIT_CONFIGURATION) in prevented
    assert str(EXIT_ALREADY_RUNNING) not in prevented
    assert int(service["TimeoutStopSec"]) > Settings.model_fields["stop_seconds"].default
    assert service["ExecStart"].endswith("/python app.py")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")


def test_the_unit_writes_only_into_folders_it_is_given() -> None:
    text = _text("studio.service")
    paths = re.findall(r"STUDIO_[A-Z]+=(/\S+)", text)

    assert len(paths) == 3
    assert all(path.startswith(("/var/lib/studio", "/var/cache/studio")) for path in paths)
    assert {"StateDirectory=studio", "CacheDirectory=studio"} <= set(text.splitlines())
