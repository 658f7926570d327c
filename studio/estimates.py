"""Estimates: how long a job will take, by what its model did lately on this machine."""

from studio.recipe import Recipe
from studio.records import Records


class Estimates:
    """Reads and feeds the speeds kept in the records. Stateless; any thread."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def expected(self, model_id: str, recipe: Recipe) -> float | None:
        """Seconds the recipe's pictures should take, loading left out; None if the model never ran here."""
        speed = self._records.speed(model_id)
        if speed is None:
            return None
        per_megapixel_step, fixed = speed
        work = recipe.steps * _megapixels(recipe) / (1 - recipe.second_pass_share)
        return recipe.n * (fixed + per_megapixel_step * work)

    def note(self, recipe: Recipe, *, seconds_per_step: float | None, took: float) -> None:
        """Remember how fast a job was: `took` seconds in all, sampling and decoding all its pictures."""
        if seconds_per_step is None or recipe.hires is not None or recipe.upscale is not None:
            # The steps of a second pass are slower: the last one says nothing about the first. Those of an
            # upscale are tiles.
            return
        fixed = max(0.0, took / recipe.n - seconds_per_step * recipe.steps)
        self._records.note_speed(recipe.model, seconds_per_step / _megapixels(recipe), fixed)


def _megapixels(recipe: Recipe) -> float:
    return recipe.width * recipe.height / 1e6
