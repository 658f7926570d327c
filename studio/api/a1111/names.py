"""Names as A1111 spells them, and what they are here: samplers, schedulers, models."""

import re

from studio.a1111_text import sampling
from studio.catalog import Catalog
from studio.errors import InvalidRequest, UnknownModel
from studio.params import SAMPLERS, SCHEDULERS
from studio.recipe_text import SAMPLER_NAMES, SCHEDULER_NAMES

AUTOMATIC = "automatic"
"""The scheduler that is the model's own choice."""

# "name.safetensors [0123456789]" is how A1111 titles a checkpoint.
_HASH = re.compile(r"\s*\[[0-9a-f]{6,64}\]$")
_SUFFIX = re.compile(r"\.(safetensors|gguf|ckpt)$", re.IGNORECASE)


def scheduler_name(scheduler: str) -> str:
    """A1111's short name of one of our schedulers: align_your_steps."""
    return SCHEDULER_NAMES[scheduler].lower().replace(" ", "_")


def to_sampling(sampler: str | None, scheduler: str | None) -> dict[str, str]:
    """`sampler` and `scheduler` as GenerationParams has them; what is not said is left to the model.

    Errors: InvalidRequest listing the known names.
    """
    asked_sampler, asked_scheduler = (sampler or "").strip(), (scheduler or "").strip()
    if asked_scheduler.lower() == AUTOMATIC:
        asked_scheduler = ""
    found = sampling(asked_sampler, asked_scheduler)
    if asked_sampler and "sampler" not in found:
        known = ", ".join(SAMPLER_NAMES[name] for name in SAMPLERS)
        raise InvalidRequest(f"no sampler is called {sampler!r:.80}; known: {known}", field="sampler_name")
    if asked_scheduler and "scheduler" not in sampling("", asked_scheduler):
        known = ", ".join(["Automatic", *(SCHEDULER_NAMES[name] for name in SCHEDULERS)])
        raise InvalidRequest(f"no scheduler is called {scheduler!r:.80}; known: {known}", field="scheduler")
    return found


def to_model(catalog: Catalog, name: str) -> str:
    """The id of the model that goes by this title, id, alias or name; case, suffix and hash don't count.

    Errors: InvalidRequest listing the known ids.
    """
    plain = _SUFFIX.sub("", _HASH.sub("", name.strip()))
    for wanted in (name, plain):
        try:
            return catalog.model(wanted).id
        except UnknownModel:
            continue
    for model in catalog.models.values():
        if plain.casefold() in (known.casefold() for known in (model.id, model.name, *model.aliases)):
            return model.id
    raise InvalidRequest(
        f"no model {name!r:.80} here; known: {', '.join(catalog.models)}", field="sd_model_checkpoint"
    )
