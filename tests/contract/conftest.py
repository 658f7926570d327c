"""Engines for the contract tests: the real sd-server with the demonstration model, and the scripted one."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.catalog import load_catalog
from studio.clock import SystemClock
from studio.model import Model, ModelFiles
from studio.params import JobType
from studio.recipe import Recipe
from studio.sdserver.engine import SdServerEngine
from tests.contract.engine_names import ROOT, SCRIPTED_PROGRAM, MakeEngine, MakeRecipe


@pytest.fixture(scope="session")
def demo_model() -> Model:
    """The model that works out of the box."""
    return load_catalog(ROOT / "models.yml").model("demo")


@pytest.fixture
def scripted_model() -> Model:
    """A model that the scripted engine doesn't look at."""
    return Model(id="scripted", name="Scripted", files=ModelFiles(model="no.safetensors"))


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[MakeEngine]:
    """make_engine(binary, stall_seconds=..., ...) -> an engine that is closed after the test."""
    made: list[SdServerEngine] = []

    def make(binary: Path, stall_seconds: float = 120.0, **options: Any) -> SdServerEngine:
        folder = tmp_path / f"runtime-{len(made)}"
        folder.mkdir()
        made.append(SdServerEngine(lambda: binary, SystemClock(), folder, stall_seconds, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def scripted_engine(make_engine: MakeEngine, scripted_binary: Path) -> MakeEngine:
    """scripted_engine(start={...}, ...) -> an engine whose program is tests/scripted_engine.py."""

    def make(start: dict[str, object] | None = None, **options: Any) -> SdServerEngine:
        environment = {"SCRIPTED_START": json.dumps(start or {})}
        return make_engine(scripted_binary, environment=environment, **options)

    return make


@pytest.fixture
def scripted_binary(tmp_path: Path) -> Path:
    """The scripted engine as one executable file."""
    program = tmp_path / "sd-server"
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(SCRIPTED_PROGRAM))} "$@"\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def recipe() -> MakeRecipe:
    """recipe(prompt, **fields) -> a small, quick recipe of the demonstration model."""

    def make(prompt: str | dict[str, object] = "a red circle on a blue background", **fields: Any) -> Recipe:
        text = prompt if isinstance(prompt, str) else json.dumps(prompt)
        usual: dict[str, Any] = {
            "type": JobType.GENERATE,
            "model": "demo",
            "prompt": text,
            "sent_prompt": text,
            "width": 64,
            "height": 64,
            "n": 1,
            "seed": 7,
            "steps": 4,
            "cfg_scale": 2.0,
            "sampler": "euler",
            "scheduler": "discrete",
        }
        return Recipe(**(usual | fields))

    return make


@pytest.fixture(scope="module")
def warm(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdServerEngine]:
    """One engine for all tests that leave it running."""
    engine = SdServerEngine(lambda: engine_binary, SystemClock(), tmp_path_factory.mktemp("runtime"))
    yield engine
    engine.close()
