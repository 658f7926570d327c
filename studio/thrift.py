"""Thrift: what a model can do without when memory is short, from the cheapest way to the slowest. Pure."""

from collections.abc import Iterable
from enum import StrEnum

from studio.errors import OutOfMemory
from studio.model import Model
from studio.recipe import Recipe


class Thrift(StrEnum):
    """The rungs of the ladder, lowest first; each is a switch under `engine` in models.yml."""

    VAE_TILING = "vae_tiling"
    """Decoding, which wants most, is done tile by tile: some seconds more, hardly visible."""
    CLIP_ON_CPU = "clip_on_cpu"
    """The text encoders never come onto the graphics card: prompts take longer."""
    OFFLOAD_TO_CPU = "offload_to_cpu"
    """Weights come onto the graphics card only while they are used: every picture takes longer."""

    @property
    def and_below(self) -> frozenset["Thrift"]:
        """This rung and those under it."""
        rungs = list(Thrift)
        return frozenset(rungs[: rungs.index(self) + 1])


_WORDS = {
    Thrift.VAE_TILING: "VAE tiling",
    Thrift.CLIP_ON_CPU: "text encoders on the CPU",
    Thrift.OFFLOAD_TO_CPU: "weights in main memory until they are needed",
}


def thrifty(model: Model, rungs: Iterable[Thrift]) -> Model:
    """The model with these switched on."""
    on = {rung.value: True for rung in rungs}
    return model.model_copy(update={"engine": model.engine.model_copy(update=on)}) if on else model


def next_rung(model: Model, recipe: Recipe | None, on: frozenset[Thrift], lack: OutOfMemory) -> Thrift | None:
    """The lowest rung that may help against `lack` where those of `on` did not; None if none is left.

    `recipe` is None while nothing but the model is wanted.
    """
    left = [rung for rung in changes(model, recipe, Thrift) if rung not in on]
    if lack.while_loading:
        # Nothing is decoded then.
        left = [rung for rung in left if rung is not Thrift.VAE_TILING]
    if not lack.on_card:
        # The others only move things into the memory that ran out.
        left = [rung for rung in left if rung is Thrift.VAE_TILING]
    return left[0] if left else None


def changes(model: Model, recipe: Recipe | None, rungs: Iterable[Thrift]) -> list[Thrift]:
    """Those of `rungs` that change anything, lowest first.

    What the entry has on anyway doesn't, nor does tiling where the person decided on it, either way: the
    job's own word goes before the model's.
    """
    wanted = frozenset(rungs)
    decided = recipe is not None and recipe.vae_tiling is not None
    return [
        rung
        for rung in Thrift
        if rung in wanted
        and not getattr(model.engine, rung.value)
        and not (decided and rung is Thrift.VAE_TILING)
    ]


def in_words(rungs: Iterable[Thrift]) -> str:
    """ "VAE tiling and text encoders on the CPU"; empty for none."""
    *others, last = [_WORDS[rung] for rung in rungs] or [""]
    return f"{', '.join(others)} and {last}" if others else last
