"""Names the engine's contract tests share."""

from collections.abc import Callable
from pathlib import Path

from studio.params import Recipe
from studio.sdserver.engine import SdServerEngine

ROOT = Path(__file__).parents[2]
SCRIPTED_PROGRAM = ROOT / "tests" / "scripted_engine.py"

MakeEngine = Callable[..., SdServerEngine]
MakeRecipe = Callable[..., Recipe]
