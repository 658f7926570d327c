"""Ladder: has the engine work with ever less memory until it finds room, and remembers what it took."""

import hashlib
import json
import logging
from collections.abc import Callable
from typing import TypeVar

from studio.engine import Engine, EngineState, Inputs, Picture, Report
from studio.errors import OutOfMemory, StudioError
from studio.job import Phase, Progress
from studio.memory_levels import MemoryLevels, Need
from studio.model import FOLDER_KEYS, Model
from studio.recipe import Recipe
from studio.recipes import result_size
from studio.thrift import Thrift, changes, in_words, next_rung, thrifty

log = logging.getLogger(__name__)

T = TypeVar("T")
Begin = Callable[[str | None], None]
"""Called before every try with the sentence that tells how it differs from what the entry says, or None."""

_ALLOW_TILING = "let this job use VAE tiling, or use a smaller picture or a smaller or more quantised model"


class Ladder:
    """Owner: the worker, in whose thread everything runs."""

    def __init__(self, engine: Engine, levels: MemoryLevels) -> None:
        self._engine = engine
        self._levels = levels
        self._loaded: tuple[str, frozenset[Thrift]] = ("", frozenset())

    def load(self, model: Model, report: Report) -> None:
        """As the engine's. Errors: the same; OutOfMemory only if nothing helped."""
        self._climb(
            model, None, lambda leaner: self._engine.load(leaner, report), report, begin=lambda _: None
        )

    def generate(
        self, model: Model, recipe: Recipe, inputs: Inputs, report: Report, begin: Begin
    ) -> list[Picture]:
        """As the engine's. Errors: the same; OutOfMemory only if nothing helped."""

        def work(leaner: Model) -> list[Picture]:
            return self._engine.generate(leaner, recipe, inputs, report)

        return self._climb(model, recipe, work, report, begin)

    def _climb(
        self,
        model: Model,
        recipe: Recipe | None,
        work: Callable[[Model], T],
        report: Report,
        begin: Begin,
    ) -> T:
        alone, need = _needs(model, recipe)
        known = self._levels.rung(need)
        on = (known.and_below if known is not None else frozenset()) | self._kept(model)
        learned: dict[Need, Thrift] = {}
        while True:
            switched = changes(model, recipe, on)
            begin(_note(switched, before=not learned))
            try:
                done = work(thrifty(model, on))
            except OutOfMemory as lack:
                rung = next_rung(model, recipe, on, lack)
                if rung is None:
                    raise _given_up(lack, switched, recipe) from None
                log.warning("%s ran out of memory (%s); trying %s", model.id, lack.said, rung)
                on |= rung.and_below
                learned[alone if lack.while_loading else need] = rung
                # Whoever wants the work to end has a say before it begins anew.
                report(Progress(Phase.LOADING))
            else:
                self._loaded = (model.id, on)
                self._remember(learned)
                return done

    def _kept(self, model: Model) -> frozenset[Thrift]:
        """What the model was loaded with and has on while it stays: changing it means loading it anew."""
        name, on = self._loaded
        status = self._engine.status
        if name != model.id or status.model != model.id or status.state is not EngineState.READY:
            return frozenset()
        return on - {Thrift.VAE_TILING}

    def _remember(self, learned: dict[Need, Thrift]) -> None:
        for need, rung in learned.items():
            try:
                self._levels.remember(need, rung)
            except StudioError as error:  # the pictures are worth more
                log.warning("what %s needs could not be remembered: %s", need.model, error)


def _needs(model: Model, recipe: Recipe | None) -> tuple[Need, Need]:
    """(of the model alone, of the work with it)."""
    alone = Need(model.id, _fingerprint(model), 0)
    if recipe is None:
        return alone, alone
    width, height = result_size(recipe, model)
    return alone, Need(model.id, alone.fingerprint, width * height, recipe.vae_tiling is False)


def _fingerprint(model: Model) -> str:
    """Changes when the entry names other files or options, or a file became another one."""
    sizes = {key: _size(model, key) for key in model.files.given if key not in FOLDER_KEYS}
    said = [model.files.given, sizes, model.engine.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _size(model: Model, key: str) -> int | None:
    try:
        return model.paths()[key].stat().st_size
    except OSError:  # gone meanwhile, which the engine will say
        return None


def _note(switched: list[Thrift], *, before: bool) -> str | None:
    """What the person should know of the way a job is done; `before`: it was known from earlier work."""
    if not switched:
        return None
    when, were = " before" if before else "", "was" if switched == [Thrift.VAE_TILING] else "were"
    return f"There was too little memory{when}, so {in_words(switched)} {were} switched on."


def _given_up(lack: OutOfMemory, switched: list[Thrift], recipe: Recipe | None) -> OutOfMemory:
    is_forbidden = recipe is not None and recipe.vae_tiling is False and not lack.while_loading
    return OutOfMemory(
        lack.said,
        on_card=lack.on_card,
        while_loading=lack.while_loading,
        tried=in_words(switched),
        advice=_ALLOW_TILING if is_forbidden else "",
    )
