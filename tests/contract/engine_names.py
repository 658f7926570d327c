"""Names the engine's contract tests share."""

from collections.abc import Callable
from pathlib import Path

from studio.job import Progress
from studio.recipe import Recipe
from studio.sdserver.engine import SdServerEngine

ROOT = Path(__file__).parents[2]
SCRIPTED_PROGRAM = ROOT / "tests" / "scripted_engine.py"

MakeEngine = Callable[..., SdServerEngine]
MakeRecipe = Callable[..., Recipe]


class Reports:
    """Collects what the engine reports; `when(progress)` may act or raise."""

    def __init__(self, when: Callable[[Progress], None] = lambda progress: None) -> None:
        self.seen: list[Progress] = []
        self._when = when

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        self._when(progress)
