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


@pytest.mark.parametrize(
    "said",
    [
        {}, {"samplers": None, "features": None, "limits": None}, {"samplers": "euler", "limits": [1]},
        {"samplers": [1, None, {"name": 3}, {}], "features": {"hires": "yes"}, "limits": {"max": "many"}},
        {"limits": {"max_batch_count": True}, "features": [True], "upscalers": {"name": "Latent"}},
    ],
)  # fmt: skip
def test_whatever_is_not_as_expected_is_left_out(said: dict[str, Any]) -> None:
    assert to_features(said) == EngineFeatures()
