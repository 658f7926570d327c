"""From what a person asks for to what runs: defaults, words of quality and style, size, seed and limits."""

import itertools
import math
from collections.abc import Callable
from typing import TypeVar

from studio.demands import check_demands
from studio.effect import Effect
from studio.errors import InvalidRequest
from studio.extras import Extend, Hires
from studio.model import Model
from studio.params import (
    CONTROL_STRENGTH,
    MAX_PROMPT_BYTES,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    MIN_SIDE,
    SCHEDULERS_OF_TWO_STEPS,
    GenerationParams,
    JobType,
    hires_fault,
)
from studio.recipe import Recipe

MAX_CFG_SCALE = 30.0
# New ground has nothing that could be kept.
EXTEND_STRENGTH = 1.0

# Fields of a request that are a recipe's without any thought.
_TAKEN_AS_ASKED = (
    "quality", "style", "loras", "vae_tiling", "cache", "input_image", "mask", "fit", "mask_feather",
    "inpaint_area", "inpaint_padding", "references", "control_image",
)  # fmt: skip

Value = TypeVar("Value")


def to_recipe(
    params: GenerationParams,
    model: Model,
    *,
    random_seed: Callable[[], int],
    input_size: tuple[int, int] | None,
) -> Recipe:
    """Everything filled in, ready to be stored and run.

    `input_size` is (width, height) in pixels of the picture an edit or variation starts from; without it
    nothing is known about an extension. `random_seed` is asked only if the person named no seed, and may give
    any integer.
    A strength is kept only where it acts: not when generating, not when the input is a reference.
    Errors: InvalidRequest, naming the field and the model's limit.
    """
    check_demands(params, model)
    effects = _effects(params, model)
    extend = params.extend if params.extend is not None and params.extend.grows else None
    width, height = _size(params, model, input_size, extend)
    keeps_a_part = params.mask is not None or extend is not None
    by_reference = model.capabilities.references and params.type is JobType.EDIT and not keeps_a_part
    starts_from_input = params.type is not JobType.GENERATE and not by_reference
    defaults = model.defaults
    strength = _first(params.strength, defaults.strength if extend is None else EXTEND_STRENGTH)
    scheduler = params.scheduler or _last([effect.scheduler for effect in effects]) or defaults.scheduler
    recipe = Recipe(
        type=params.type,
        model=model.id,
        prompt=params.prompt,
        sent_prompt=_sent_prompt(params, effects),
        negative_prompt=_first(params.negative_prompt, defaults.negative_prompt),
        width=width,
        height=height,
        n=params.n,
        seed=params.seed if params.seed is not None else _seed_in_range(random_seed(), params.n),
        steps=_steps(params, model, effects, scheduler),
        cfg_scale=_cfg_scale(params, model, effects),
        sampler=params.sampler or _last([effect.sampler for effect in effects]) or defaults.sampler,
        scheduler=scheduler,
        strength=strength if starts_from_input else None,
        clip_skip=_first(params.clip_skip, defaults.clip_skip),
        distilled_guidance=_first(params.distilled_guidance, defaults.distilled_guidance),
        flow_shift=_first(params.flow_shift, defaults.flow_shift),
        by_reference=by_reference,
        control_strength=_control_strength(params),
        extend=extend,
        **{name: getattr(params, name) for name in _TAKEN_AS_ASKED},
    )
    return recipe if params.hires is None else _with_second_pass(recipe, params.hires, model)


def engine_size(size: tuple[int, int], model: Model) -> tuple[int, int]:
    """(width, height) the engine is asked for: each side rounded up to the model's multiple."""
    multiple = model.limits.multiple
    width, height = size
    return -(-width // multiple) * multiple, -(-height // multiple) * multiple


def result_size(recipe: Recipe, model: Model) -> tuple[int, int]:
    """(width, height) of the pictures the engine makes: after the second pass, if there is one."""
    size = engine_size((recipe.width, recipe.height), model)
    return size if recipe.hires is None else engine_size(recipe.hires.enlarged(*size), model)


def size_like(input_size: tuple[int, int], model: Model) -> tuple[int, int]:
    """(width, height) of the model's default area and the input's shape, within the model's limits.

    Both sides are multiples of the model's multiple, each within 64..4096. Only where the limits leave no
    choice (an input many times longer than wide) the shape is given up.
    """
    multiple, max_pixels = model.limits.multiple, model.limits.max_pixels
    lowest, highest = max(MIN_SIDE, multiple), MAX_SIDE // multiple * multiple
    shape = max(input_size) / min(input_size)
    area = model.defaults.width * model.defaults.height
    short = max(lowest, min(math.sqrt(area / shape), highest / shape))
    long = max(lowest, min(short * shape, highest, max_pixels / short))
    candidates = [
        (short_side, long_side)
        for short_side, long_side in itertools.product(_around(short, multiple), _around(long, multiple))
        if lowest <= short_side <= long_side <= highest and short_side * long_side <= max_pixels
    ]
    # Of the multiples around the ideal, the nearest shape; of equal shapes, the nearest area.
    best = min(
        candidates,
        key=lambda sides: (abs(math.log(sides[1] / sides[0] / shape)), abs(sides[0] * sides[1] - area)),
    )
    return best if input_size[0] < input_size[1] else (best[1], best[0])


def _around(side: float, multiple: int) -> tuple[int, int]:
    below = int(side // multiple) * multiple
    return below, below + multiple


def _size(
    params: GenerationParams, model: Model, input_size: tuple[int, int] | None, extend: Extend | None
) -> tuple[int, int]:
    """(width, height) of what is painted, which may be a part of the picture only."""
    asked = None if params.width is None or params.height is None else (params.width, params.height)
    if extend is not None and input_size is not None:
        grown = _grown(extend, input_size, model, is_painted=params.inpaint_area == "whole")
        if params.inpaint_area == "whole":
            if asked not in (None, grown):
                raise InvalidRequest(
                    f"the picture becomes {grown[0]}x{grown[1]} by growing; leave size out, "
                    "or use inpaint_area masked",
                    field="size",
                )
            return grown
    if asked is None:
        if params.inpaint_area == "masked" or params.type is JobType.GENERATE or input_size is None:
            return model.defaults.width, model.defaults.height
        return size_like(input_size, model)
    # The asked size counts, not the multiple it is generated at: nobody should have to know that one.
    pixels = asked[0] * asked[1]
    if pixels > model.limits.max_pixels:
        raise InvalidRequest(
            f"{asked[0]}x{asked[1]} is {pixels} pixels; "
            f"the model {model.id!r} takes at most {model.limits.max_pixels}",
            field="size",
        )
    return asked


def _grown(extend: Extend, input_size: tuple[int, int], model: Model, *, is_painted: bool) -> tuple[int, int]:
    """(width, height) of the whole picture once it has grown; `is_painted`: all of it in one go.

    Errors: InvalidRequest with a way out.
    """
    width, height = size = extend.of(*input_size)
    if width * height > MAX_SIDE**2:
        raise InvalidRequest(
            f"the picture becomes {width}x{height}, {width * height} pixels; the limit is {MAX_SIDE**2}",
            field="extend",
        )
    most = model.limits.max_pixels
    if is_painted and (width * height > most or max(size) > MAX_SIDE or min(size) < MIN_SIDE):
        raise InvalidRequest(
            f"the picture becomes {width}x{height}, {width * height} pixels; the model {model.id!r} takes at "
            f"most {most}, each side {MIN_SIDE} to {MAX_SIDE}: grow less, make the picture smaller, or use "
            "inpaint_area masked",
            field="extend",
        )
    return size


def _with_second_pass(recipe: Recipe, asked: Hires, model: Model) -> Recipe:
    """The recipe with a second pass as large as the model can do. Errors: InvalidRequest."""
    width, height = recipe.width, recipe.height
    largest = min(math.sqrt(model.limits.max_pixels / (width * height)), MAX_SIDE / max(width, height))
    scale = min(asked.scale, max(1.0, math.floor(largest * 10_000) / 10_000))
    hires = asked.model_copy(update={"scale": scale})
    fault = hires_fault(hires, recipe.scheduler, recipe.first_pass_steps)
    if fault is not None:
        field, _, sentence = fault.partition(": ")
        raise InvalidRequest(sentence, field=field)
    return recipe.model_copy(update={"hires": hires})


def _effects(params: GenerationParams, model: Model) -> list[Effect]:
    effects = []
    if params.quality is not None:
        effects.append(model.quality_effect(params.quality))
    if params.style is not None:
        effects.append(model.style_effect(params.style))
    return effects


def _control_strength(params: GenerationParams) -> float | None:
    """Kept only where it acts."""
    return None if params.control_image is None else _first(params.control_strength, CONTROL_STRENGTH)


def _steps(params: GenerationParams, model: Model, effects: list[Effect], scheduler: str) -> int:
    fewest = 2 if scheduler in SCHEDULERS_OF_TWO_STEPS else 1
    if params.steps is not None:
        if params.steps < fewest:
            raise InvalidRequest(f"the scheduler {scheduler} needs at least {fewest}", field="steps")
        return params.steps
    steps = float(model.defaults.steps)
    for effect in effects:
        steps = steps * _first(effect.steps_scale, 1.0) if effect.steps is None else effect.steps
    return min(max(fewest, math.floor(steps + 0.5)), MAX_STEPS)


def _cfg_scale(params: GenerationParams, model: Model, effects: list[Effect]) -> float:
    if params.cfg_scale is not None:
        return params.cfg_scale
    scale = model.defaults.cfg_scale
    for effect in effects:
        if effect.cfg_scale is not None:
            scale = effect.cfg_scale
        elif effect.cfg_scale_factor is not None and scale > 1:
            scale = min(max(1.0, round(scale * effect.cfg_scale_factor, 3)), MAX_CFG_SCALE)
    return scale


def _sent_prompt(params: GenerationParams, effects: list[Effect]) -> str:
    words = [effect.prompt_suffix for effect in effects if effect.prompt_suffix]
    if not words:
        return params.prompt
    sent = ", ".join([params.prompt, *words] if params.prompt.strip() else words)
    excess = len(sent.encode()) - MAX_PROMPT_BYTES
    if excess > 0:
        raise InvalidRequest(
            f"with the words of quality and style it is {excess} bytes over the limit of {MAX_PROMPT_BYTES}; "
            "shorten it or leave style out",
            field="prompt",
        )
    return sent


def _seed_in_range(seed: int, n: int) -> int:
    """Picture i uses seed + i, so the last of n must still be a seed."""
    return seed % (MAX_SEED - n + 2)


def _first(asked: Value | None, default: Value) -> Value:
    return default if asked is None else asked


def _last(words: list[str | None]) -> str | None:
    """The last one that says something."""
    return next((word for word in reversed(words) if word is not None), None)
