"""`<lora:name:weight>` in prompts: taken out of the text and looked up among the files."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.errors import InvalidRequest
from studio.extras import Lora

_TAG = re.compile(r"<(lora|lyco|hypernet):([^<>]*)>", re.IGNORECASE)
# A1111 has a weight for the text encoder and one for the network, with or without their names.
_WEIGHT_NAMES = ("te", "unet")
_SHOWN = 20


def take_loras(prompt: str, known: Sequence[str]) -> tuple[str, list[Lora]]:
    """(the prompt without its tags, the LoRAs they ask for); `known` are the files there are.

    A file goes by its path below the folder, with or without its suffix, or by its bare name where only one
    file has it. Errors: InvalidRequest naming the tag.
    """
    loras: list[Lora] = []
    for kind, inside in _TAG.findall(prompt):
        if kind.lower() == "hypernet":
            raise InvalidRequest(f"<hypernet:{inside:.80}>: hypernetworks are not offered", field="prompt")
        name, *numbers = inside.split(":")
        loras.append(Lora(name=_file_of(name.strip(), known), weight=_weight(inside, numbers)))
    return (_TAG.sub("", prompt).strip() if loras else prompt), loras


def _weight(inside: str, numbers: Sequence[str]) -> float:
    """The one weight the engine has; two are taken if they are the same."""
    weights = set()
    for number in numbers:
        name, named, value = number.rpartition("=")
        try:
            if named and name.strip().lower() not in _WEIGHT_NAMES:
                raise ValueError
            weights.add(float(value))
        except ValueError:
            raise InvalidRequest(f"<lora:{inside:.80}>: {number:.40} is no weight", field="prompt") from None
    if len(weights) > 1:
        raise InvalidRequest(
            f"<lora:{inside:.80}>: the engine has one weight for text encoder and network; give one",
            field="prompt",
        )
    weight = weights.pop() if weights else 1.0
    if not -4 <= weight <= 4:
        raise InvalidRequest(f"<lora:{inside:.80}>: the weight must be from -4 to 4", field="prompt")
    return weight


def _file_of(name: str, known: Sequence[str]) -> str:
    def names(file: str) -> tuple[str, ...]:
        path = PurePosixPath(file)
        return file, str(path.with_suffix("")), path.name, path.stem

    # The more of the path a name gives, the more it counts: "ink" is ink.safetensors before it is old/ink.
    for part in range(4):
        found = [file for file in known if names(file)[part] == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidRequest(
                f"<lora:{name:.80}>: several files go by that name: {', '.join(found[:_SHOWN])}",
                field="prompt",
            )
    some = ", ".join(names(file)[1] for file in known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    raise InvalidRequest(f"<lora:{name:.80}>: there is no such LoRA; known: {some or 'none'}", field="prompt")
