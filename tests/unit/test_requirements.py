"""Spaces install from requirements.txt: it says the same as pyproject.toml."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_spaces_install_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == project["dependencies"]
