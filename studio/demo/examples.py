"""Prompts the demonstration model understands, to offer to people; each checked by eye with three seeds."""

PROMPTS: tuple[str, ...] = (
    "a red circle on a blue background",
    "a house under a yellow sun",
    "a boat on the blue sea",
    "a mountain at night with a moon",
    "a sunset over the sea",
    "a tree on a green hill",
    "a rocket in space",
    "a city at night",
    "a purple hot air balloon in the sky",
    "snowy mountains and a lake",
    "a red house at night",
    "a boat with a red sail on the sea",
    "a snowman in winter",
    "a white ring on a brown background",
    "two green squares on a white background",
    "a blue square in the top right corner on a yellow background",
)
