"""The rungs: which help against which lack of memory, and what they are called."""

from typing import Any

import pytest

from studio.errors import OutOfMemory
from studio.model import Model
from studio.sdserver.exits import fault_of_exit, lack_of_memory
from studio.thrift import Thrift, changes, in_words, next_rung, thrifty
from tests.builders import a_recipe

TILING, CLIP, OFFLOAD = Thrift
NONE: frozenset[Thrift] = frozenset()


def a_model(**engine: Any) -> Model:
    return Model.model_validate(
        {"id": "m", "name": "M", "files": {"model": "m.safetensors"}, "engine": engine}
    )


def a_lack(**changes: Any) -> OutOfMemory:
    return OutOfMemory("cudaMalloc failed: out of memory", **changes)


def climbed(model: Model, lack: OutOfMemory, **recipe: Any) -> list[Thrift]:
    """Every rung in the order in which they are tried."""
    on, tried = NONE, []
    while (rung := next_rung(model, a_recipe(**recipe), on, lack)) is not None:
        tried.append(rung)
        on |= rung.and_below
    return tried


def test_the_cheapest_comes_first_and_each_has_those_before_it() -> None:
    assert climbed(a_model(), a_lack()) == [TILING, CLIP, OFFLOAD]
    assert [sorted(rung.and_below, key=list(Thrift).index) for rung in Thrift] == [
        [TILING],
        [TILING, CLIP],
        [TILING, CLIP, OFFLOAD],
    ]


def test_what_the_entry_has_on_is_not_tried() -> None:
    assert climbed(a_model(vae_tiling=True, clip_on_cpu=True), a_lack()) == [OFFLOAD]
    assert climbed(a_model(offload_to_cpu=True), a_lack()) == [TILING, CLIP]
    assert climbed(a_model(vae_tiling=True, clip_on_cpu=True, offload_to_cpu=True), a_lack()) == []


@pytest.mark.parametrize("decided", [True, False])
def test_a_job_that_decides_on_tiling_keeps_its_way_and_climbs_past(decided: bool) -> None:
    assert climbed(a_model(), a_lack(), vae_tiling=decided) == [CLIP, OFFLOAD]


def test_tiling_is_not_tried_for_a_model_that_can_not_be_loaded() -> None:
    assert climbed(a_model(), a_lack(while_loading=True)) == [CLIP, OFFLOAD]
    assert next_rung(a_model(), None, NONE, a_lack(while_loading=True)) is CLIP


def test_nothing_is_moved_into_main_memory_when_that_is_what_ran_out() -> None:
    assert climbed(a_model(), a_lack(on_card=False)) == [TILING]
    assert climbed(a_model(), a_lack(on_card=False, while_loading=True)) == []
    assert climbed(a_model(), a_lack(on_card=False), vae_tiling=False) == []


def test_a_thrifty_model_differs_in_these_switches_only() -> None:
    model = a_model(threads=3, stall_seconds=5)
    lean = thrifty(model, CLIP.and_below)
    assert lean.engine.model_dump() == model.engine.model_dump() | {"vae_tiling": True, "clip_on_cpu": True}
    assert lean.model_copy(update={"engine": model.engine}) == model
    assert "stall_seconds" in lean.engine.model_fields_set
    assert thrifty(model, NONE) == model


def test_what_was_switched_on_is_told_in_the_order_of_the_ladder() -> None:
    assert in_words(changes(a_model(), a_recipe(), [OFFLOAD, TILING, CLIP])) == (
        "VAE tiling, text encoders on the CPU and weights in main memory until they are needed"
    )
    assert in_words(changes(a_model(clip_on_cpu=True), a_recipe(vae_tiling=False), Thrift)) == (
        "weights in main memory until they are needed"
    )
    assert in_words([TILING, CLIP]) == "VAE tiling and text encoders on the CPU"
    assert in_words([]) == ""


# The first as the real engine prints it under a limit of its address space; the others as its sources do.
MAIN_MEMORY = [
    "[ERROR] ggml_extend.hpp:69 - ggml_aligned_malloc: insufficient memory (attempted to allocate 480.25 MB)",
    "[ERROR] ggml_extend.hpp:69 - ggml_gallocr_reserve_n_impl: failed to allocate CPU buffer of size 5035786",
    "  what():  std::bad_alloc",
    "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfHostMemory",
]
CARD_MEMORY = [
    "[ERROR] ggml_extend.hpp:69   - ggml_backend_cuda_buffer_type_alloc_buffer: allocating 6656.00 MiB on "
    "device 0: cudaMalloc failed: out of memory",
    "ggml_vulkan: Device memory allocation of size 1073741824 failed.",
    "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
    "[ERROR] ggml_extend.hpp:1914 - vae: failed to allocate the compute buffer",
    "[ERROR] ggml_extend.hpp:2572 - flux alloc params backend buffer failed, num_tensors = 780",
    "CUDA error: out of memory",
]


@pytest.mark.parametrize(
    ("line", "on_card"), [(line, False) for line in MAIN_MEMORY] + [(line, True) for line in CARD_MEMORY]
)
def test_the_engine_s_words_tell_that_and_which_memory_ran_out(line: str, on_card: bool) -> None:
    lack = lack_of_memory(["[ERROR] a.cpp:1    - something before", line], while_loading=True)
    assert lack is not None
    assert (lack.on_card, lack.while_loading) == (on_card, True)
    assert lack.message.startswith("The engine ran out of memory (") and lack.message.endswith(".")
    assert "[ERROR]" not in lack.message
    assert isinstance(fault_of_exit(-6, [line]), OutOfMemory)


def test_other_words_and_a_bare_kill_are_no_lack_of_memory() -> None:
    assert lack_of_memory(["[ERROR] a.cpp:1 - failed to load the tensor", "what():  stof"]) is None
    assert lack_of_memory(["WARNING: failed to allocate 64.00 MB of pinned memory"]) is None
    assert fault_of_exit(-9, []).code == "engine_crashed"
