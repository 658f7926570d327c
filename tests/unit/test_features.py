from typing import Any

import pytest

from studio.engine import EngineFeatures
from studio.sdserver.features import to_features

SAID = {
    "samplers": ["euler", "euler_a"],
    "schedulers": ["discrete", "karras"],
    "loras": [{"name": "watercolour", "path": "watercolour.safetensors"}],
    "upscalers": [{"name": "None"}, {"name": "Latent"}],
    "features": {"hires": True, "lora": True, "cancel_generating": False},
    "limits": {"max_width": 4096, "max_batch_count": 8},
    "something new": 3,
}


def test_what_the_engine_says_becomes_its_features() -> None:
    assert to_features(SAID) == EngineFeatures(
        samplers=("euler", "euler_a"),
        schedulers=("discrete", "karras"),
        loras=("watercolour",),
        upscalers=("Latent",),
        abilities=("hires", "lora"),
        limits={"max_width": 4096, "max_batch_count": 8},
    )


def test_what_it_says_of_making_pictures_counts_before_what_it_says_of_everything() -> None:
    by_mode = {"img_gen": {"cancel_generating": True, "hires": False}, "vid_gen": {"fps": True}}

    assert to_features(SAID | {"features_by_mode": by_mode}).abilities == ("cancel_generating", "lora")


@pytest.mark.parametrize(
    "said",
    [
        {}, {"samplers": None, "features": None, "limits": None}, {"samplers": "euler", "limits": [1]},
        {"samplers": [1, None, {"name": 3}, {}], "features": {"hires": "yes"}, "limits": {"max": "many"}},
        {"features_by_mode": []}, {"features_by_mode": {"img_gen": "all"}},
        {"limits": {"max_batch_count": True}, "features": [True], "upscalers": {"name": "Latent"}},
    ],
)  # fmt: skip
def test_whatever_is_not_as_expected_is_left_out(said: dict[str, Any]) -> None:
    assert to_features(said) == EngineFeatures()
