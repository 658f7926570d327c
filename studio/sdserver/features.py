"""What the engine says about itself, as a value; whatever is not as expected is left out. Pure."""

from typing import Any

from studio.engine import EngineFeatures

# Longer lists are no lists of samplers.
_MOST = 1000


def to_features(said: dict[str, Any]) -> EngineFeatures:
    """The answer of /sdcpp/v1/capabilities."""
    limits, by_mode = said.get("limits"), said.get("features_by_mode")
    features = dict(_items(said.get("features")))
    if isinstance(by_mode, dict):
        features |= dict(_items(by_mode.get("img_gen")))  # the only mode that is used
    return EngineFeatures(
        samplers=_names(said.get("samplers")),
        schedulers=_names(said.get("schedulers")),
        loras=_names(said.get("loras")),
        upscalers=tuple(name for name in _names(said.get("upscalers")) if name != "None"),
        abilities=tuple(sorted(name for name, has in _items(features) if has is True)),
        limits={name: number for name, number in _items(limits) if type(number) is int},
    )


def _names(said: object) -> tuple[str, ...]:
    """Of words, or of things with a name."""
    things = said[:_MOST] if isinstance(said, list) else []
    named = (thing.get("name") if isinstance(thing, dict) else thing for thing in things)
    return tuple(name for name in named if isinstance(name, str))


def _items(said: object) -> list[tuple[str, Any]]:
    return list(said.items())[:_MOST] if isinstance(said, dict) else []
