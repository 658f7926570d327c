"""GenerationParams + Model -> Recipe: what is filled in, what wins over what, what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.catalog import load_catalog
from studio.effect import Effect
from studio.errors import InvalidRequest
from studio.model import Capabilities, Model, ModelDefaults, ModelFiles, ModelLimits
from studio.params import MAX_PROMPT_BYTES, MAX_SEED, GenerationParams, JobType
from studio.recipe import Recipe
from studio.recipes import engine_size, to_recipe

INPUT = "a" * 64
MASK = "b" * 64
SHIPPED = load_catalog(Path(__file__).parents[2] / "models.yml")


def model(**entry: object) -> Model:
    return Model.model_validate({"id": "m", "name": "M", "files": ModelFiles(model="m.gguf"), **entry})


def params(type_: JobType = JobType.GENERATE, **asked: object) -> GenerationParams:
    image = {} if type_ is JobType.GENERATE else {"input_image": INPUT}
    return GenerationParams.model_validate({"type": type_, "model": "m", "prompt": "a cat", **image, **asked})


def recipe(
    asked: GenerationParams, of: Model, *, seed: int = 7, input_size: tuple[int, int] | None = None
) -> Recipe:
    return to_recipe(asked, of, random_seed=lambda: seed, input_size=input_size)


# --- defaults ---------------------------------------------------------------------------------------------


def test_what_a_person_leaves_out_comes_from_the_model() -> None:
    defaults = ModelDefaults(
        size="640x384", steps=12, cfg_scale=3.5, sampler="heun", scheduler="karras", negative_prompt="fog",
        distilled_guidance=2.5, flow_shift=3.0, clip_skip=2,
    )  # fmt: skip
    made = recipe(params(), model(defaults=defaults))
    assert (made.width, made.height, made.steps, made.cfg_scale) == (640, 384, 12, 3.5)
    assert (made.sampler, made.scheduler, made.negative_prompt) == ("heun", "karras", "fog")
    assert (made.distilled_guidance, made.flow_shift, made.clip_skip) == (2.5, 3.0, 2)
    assert (made.n, made.seed, made.model, made.sent_prompt, made.revised_prompt) == (
        1,
        7,
        "m",
        "a cat",
        None,
    )


def test_what_a_person_says_wins_even_if_it_is_zero_or_empty() -> None:
    defaults = ModelDefaults(negative_prompt="fog", distilled_guidance=2.5, flow_shift=3.0, strength=0.5)
    asked = params(
        JobType.VARIATION, width=256, height=320, steps=3, cfg_scale=0, sampler="lcm", scheduler="simple",
        negative_prompt="", distilled_guidance=0, flow_shift=0, clip_skip=1, strength=0, seed=0, n=2,
    )  # fmt: skip
    made = recipe(asked, model(defaults=defaults), input_size=(100, 100))
    assert (made.width, made.height, made.steps, made.cfg_scale, made.seed, made.n) == (256, 320, 3, 0, 0, 2)
    assert (made.sampler, made.scheduler, made.negative_prompt, made.clip_skip) == ("lcm", "simple", "", 1)
    assert (made.distilled_guidance, made.flow_shift, made.strength) == (0, 0, 0)


def test_an_alias_becomes_the_id_in_the_recipe() -> None:
    assert recipe(params(model="nickname"), model(aliases=["nickname"])).model == "m"


def test_strength_is_kept_only_where_it_acts() -> None:
    editor = model(capabilities=Capabilities(references=True))
    assert recipe(params(strength=0.4), model()).strength is None
    assert recipe(params(JobType.EDIT), model()).strength == 0.75
    assert recipe(params(JobType.EDIT, strength=0.4), editor).strength is None
    assert recipe(params(JobType.EDIT, strength=0.4, mask=MASK), editor).strength == 0.4


def test_the_input_the_mask_and_how_to_fit_them_are_carried_over() -> None:
    made = recipe(params(JobType.EDIT, mask=MASK, fit="pad", mask_feather=0), model())
    assert (made.input_image, made.mask, made.fit, made.mask_feather) == (INPUT, MASK, "pad", 0)


@pytest.mark.parametrize(
    ("references", "type_", "mask", "expected"),
    [
        (True, JobType.EDIT, None, True),
        (True, JobType.EDIT, MASK, False),
        (True, JobType.VARIATION, None, False),
        (False, JobType.EDIT, None, False),
    ],
)
def test_only_an_edit_without_a_mask_goes_by_reference(
    references: bool, type_: JobType, mask: str | None, expected: bool
) -> None:
    asked = params(type_, mask=mask)
    assert recipe(asked, model(capabilities=Capabilities(references=references))).by_reference is expected


# --- seeds ------------------------------------------------------------------------------------------------


def test_a_named_seed_is_used_and_nobody_rolls_dice() -> None:
    def never() -> int:
        raise AssertionError("asked for a random seed")

    assert to_recipe(params(seed=0), model(), random_seed=never, input_size=None).seed == 0


@given(seed=st.integers(min_value=-(2**70), max_value=2**70), n=st.integers(1, 10))
def test_a_random_seed_leaves_room_for_every_picture(seed: int, n: int) -> None:
    made = recipe(params(n=n), model(), seed=seed)
    assert made.seed >= 0 and made.seed + made.n - 1 <= MAX_SEED


def test_a_random_seed_in_range_is_taken_as_it_is() -> None:
    assert recipe(params(n=10), model(), seed=MAX_SEED - 9).seed == MAX_SEED - 9


# --- quality and style ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "steps"), [("auto", 20), ("standard", 20), ("medium", 20), ("low", 10), ("high", 30), ("hd", 40)]
)
def test_quality_changes_the_steps(word: str, steps: int) -> None:
    made = recipe(params(quality=word), model())
    assert (made.steps, made.cfg_scale, made.sent_prompt, made.quality) == (steps, 7.0, "a cat", word)


@pytest.mark.parametrize(("word", "cfg"), [("vivid", 8.75), ("natural", 5.6)])
def test_style_changes_guidance_and_adds_words(word: str, cfg: float) -> None:
    made = recipe(params(style=word), model())
    assert (made.steps, made.cfg_scale, made.style) == (20, cfg, word)
    assert made.sent_prompt.startswith("a cat, ")
    assert made.revised_prompt == made.sent_prompt
    assert made.prompt == "a cat"


def test_every_word_of_quality_and_style_gives_a_sound_recipe_for_every_shipped_model() -> None:
    for entry in SHIPPED.models.values():
        type_ = JobType.GENERATE if entry.capabilities.generate else JobType.EDIT
        for quality in ("auto", "high", "medium", "low", "hd", "standard"):
            for style in ("vivid", "natural"):
                made = recipe(params(type_, quality=quality, style=style), entry, input_size=(640, 480))
                assert 1 <= made.steps <= 100
                assert (made.cfg_scale == 1) == (entry.defaults.cfg_scale == 1), (entry.id, style)


def test_the_demonstration_model_gets_no_words_it_does_not_know() -> None:
    made = recipe(params(style="vivid", quality="hd"), SHIPPED.model("demo"))
    assert (made.sent_prompt, made.cfg_scale, made.steps) == ("a cat", 3.0, 16)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_style_never_moves_a_distilled_model_off_its_guidance(scale: float) -> None:
    of = model(defaults=ModelDefaults(cfg_scale=scale))
    assert recipe(params(style="vivid"), of).cfg_scale == scale
    assert recipe(params(style="natural"), of).cfg_scale == scale


def test_style_never_brings_guidance_below_one_or_over_its_range() -> None:
    assert recipe(params(style="natural"), model(defaults=ModelDefaults(cfg_scale=1.1))).cfg_scale == 1
    assert recipe(params(style="vivid"), model(defaults=ModelDefaults(cfg_scale=29))).cfg_scale == 30


def test_steps_and_guidance_a_person_names_win_over_the_words() -> None:
    made = recipe(params(quality="hd", style="vivid", steps=5, cfg_scale=2), model())
    assert (made.steps, made.cfg_scale) == (5, 2)


def test_scaled_steps_stay_within_one_and_a_hundred() -> None:
    assert recipe(params(quality="low"), model(defaults=ModelDefaults(steps=1))).steps == 1
    assert recipe(params(quality="hd"), model(defaults=ModelDefaults(steps=80))).steps == 100
    assert recipe(params(quality="low"), model(defaults=ModelDefaults(steps=3))).steps == 2


def test_a_word_may_set_values_outright() -> None:
    of = model(
        quality={"hd": Effect(steps=33, cfg_scale=4, sampler="heun", scheduler="karras", prompt_suffix="8k")},
        style={"vivid": Effect(cfg_scale_factor=2.0, sampler="dpm2")},
    )
    made = recipe(params(quality="hd", style="vivid"), of)
    assert (made.steps, made.cfg_scale, made.sampler, made.scheduler) == (33, 8.0, "dpm2", "karras")
    assert made.sent_prompt == "a cat, 8k"
    assert recipe(params(quality="hd", sampler="lcm", scheduler="simple"), of).sampler == "lcm"


def test_words_alone_are_the_prompt_of_a_variation_without_one() -> None:
    made = recipe(params(JobType.VARIATION, prompt="", style="natural"), model())
    assert made.sent_prompt == "natural colors, soft light"


def test_a_prompt_the_style_makes_too_long_is_refused_with_the_excess() -> None:
    prompt = "é" * (MAX_PROMPT_BYTES // 2)
    assert recipe(params(prompt=prompt), model()).sent_prompt == prompt
    with pytest.raises(InvalidRequest, match=rf"bytes over the limit of {MAX_PROMPT_BYTES}") as caught:
        recipe(params(prompt=prompt, style="vivid"), model())
    assert caught.value.field == "prompt"


def test_few_steps_a_word_asks_for_are_raised_to_what_the_scheduler_needs() -> None:
    of = model(defaults=ModelDefaults(steps=2, scheduler="karras"))
    assert recipe(params(quality="low"), of).steps == 2
    assert recipe(params(quality="low", scheduler="discrete"), of).steps == 1


def test_one_step_a_person_asks_for_is_refused_if_the_scheduler_needs_two() -> None:
    with pytest.raises(InvalidRequest, match="the scheduler gits needs at least 2") as caught:
        recipe(params(steps=1, scheduler="gits"), model())
    assert caught.value.field == "steps"


# --- limits -----------------------------------------------------------------------------------------------


def test_a_job_the_model_does_not_do_is_refused_by_name() -> None:
    of = model(capabilities=Capabilities(generate=False, edit=False, variation=False))
    for type_, words in {
        JobType.GENERATE: "'m' does not make pictures from a prompt alone",
        JobType.EDIT: "'m' does not edit pictures",
        JobType.VARIATION: "'m' does not do variations",
    }.items():
        with pytest.raises(InvalidRequest, match=words) as caught:
            recipe(params(type_), of)
        assert caught.value.field == "model"


def test_more_pictures_than_the_model_makes_are_refused() -> None:
    of = model(limits=ModelLimits(max_n=3))
    assert recipe(params(n=3), of).n == 3
    with pytest.raises(InvalidRequest, match="n: 4 pictures; the model 'm' makes at most 3"):
        recipe(params(n=4), of)


def test_a_size_over_the_models_pixels_is_refused_and_one_at_the_limit_is_not() -> None:
    of = model(limits=ModelLimits(max_pixels=512 * 512))
    assert recipe(params(width=1024, height=256), of).size == "1024x256"
    with pytest.raises(InvalidRequest, match=r"size: 513x512 is 262656 pixels; .* at most 262144"):
        recipe(params(width=513, height=512), of)


def test_an_odd_size_is_kept_for_the_picture_and_rounded_up_for_the_engine() -> None:
    made = recipe(params(width=500, height=321), model())
    assert made.size == "500x321"
    assert engine_size((made.width, made.height), model()) == (512, 384)
    assert engine_size((500, 321), model(limits=ModelLimits(multiple=16))) == (512, 336)
    assert engine_size((512, 64), model()) == (512, 64)


# --- every shipped model ---------------------------------------------------------------------------------


@given(
    type_=st.sampled_from([each for each in JobType if each is not JobType.UPSCALE]),
    quality=st.sampled_from([None, "auto", "high", "low", "hd"]),
    style=st.sampled_from([None, "vivid", "natural"]),
    n=st.integers(1, 10),
    input_size=st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
    entry=st.sampled_from(list(SHIPPED.models.values())),
)
def test_a_request_the_shipped_model_offers_always_becomes_a_recipe(
    type_: JobType,
    quality: str | None,
    style: str | None,
    n: int,
    input_size: tuple[int, int],
    entry: Model,
) -> None:
    asked = params(type_, quality=quality, style=style, n=n)
    if not entry.capabilities.does(type_):
        with pytest.raises(InvalidRequest):
            recipe(asked, entry, input_size=input_size)
        return
    made = recipe(asked, entry, input_size=input_size)
    assert made.width * made.height <= entry.limits.max_pixels
    assert made.model == entry.id
