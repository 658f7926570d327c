"""Offers: what may be asked of a model besides words and size, so that nobody is shown what does nothing."""

from dataclasses import dataclass

from studio.engine import EngineFeatures
from studio.extras import CACHES_OF_TRANSFORMERS, CACHES_OF_UNETS, MAX_REFERENCES, UPSCALERS
from studio.model import Model
from studio.params import SAMPLERS, SCHEDULERS


@dataclass(frozen=True)
class Offer:
    """What a model takes. Lists are empty, numbers 0 and words False where it lacks something."""

    samplers: tuple[str, ...]
    schedulers: tuple[str, ...]
    loras: bool
    upscalers: tuple[str, ...]
    """For the second pass; without any there is no second pass."""
    vae_tiling: bool
    caches: tuple[str, ...]
    references: int
    """How many pictures besides the one that is edited."""
    masks: bool
    """Edits of a part: by a mask, of the masked area alone, or by growing."""
    control: bool
    """A control picture, which a control net follows."""
    clip_skip: bool
    distilled_guidance: bool
    flow_shift: bool


def acting(model: Model) -> dict[str, bool]:
    """Which of the rarer settings act on this model: clip_skip, distilled_guidance, flow_shift.

    The kind of a model shows in its files: CLIP alone reads prompts for UNets, CLIP-L with T5 for FLUX.1, and
    a diffusion part of its own is a flow model. What models.yml gives a default is offered in any case.
    """
    given, defaults = model.files.given.keys(), model.defaults
    reads_by_clip = bool(given & {"model", "clip_l", "clip_g"}) and not given & {"t5xxl", "llm"}
    is_flux = {"clip_l", "t5xxl"} <= given and "clip_g" not in given
    return {
        "clip_skip": reads_by_clip or defaults.clip_skip is not None,
        "distilled_guidance": is_flux or defaults.distilled_guidance is not None,
        "flow_shift": "diffusion_model" in given or defaults.flow_shift is not None,
    }


def offer_of(model: Model, engine: EngineFeatures | None) -> Offer:
    """By its entry in models.yml and, while the model is in memory, by the engine's own word."""
    can = set(engine.abilities) if engine is not None and engine.abilities else None
    caches = CACHES_OF_TRANSFORMERS if model.is_transformer else CACHES_OF_UNETS
    looks = model.capabilities.references and _has(can, "ref_images")
    return Offer(
        samplers=_known(SAMPLERS, engine.samplers if engine is not None else ()),
        schedulers=_known(SCHEDULERS, engine.schedulers if engine is not None else ()),
        loras=_has(can, "lora"),
        upscalers=_known(UPSCALERS, engine.upscalers if engine is not None else ())
        if _has(can, "hires")
        else (),
        vae_tiling=_has(can, "vae_tiling"),
        caches=caches if _has(can, "cache") else (),
        references=MAX_REFERENCES if looks else 0,
        masks=model.capabilities.edit and _has(can, "mask_image"),
        control=model.takes_control and _has(can, "control_image"),
        **acting(model),
    )


def _has(can: set[str] | None, ability: str) -> bool:
    """An engine that isn't running, or says nothing of itself, is taken for one that has everything."""
    return can is None or ability in can


def _known(ours: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...]:
    """Those of our words that the engine knows, too; all of them if it says nothing."""
    return tuple(word for word in ours if word in said) if said else ours
