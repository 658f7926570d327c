"""The text A1111 and its kin write into pictures, taken apart: prompts, and a line of `Key: value` pairs."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from studio.extras import UPSCALERS
from studio.recipe_text import SAMPLER_NAMES, SCHEDULER_NAMES

NEGATIVE_MARK = "Negative prompt:"

# Real texts have up to fifty; more are somebody's attempt to keep us busy.
_MAX_PAIRS = 200
_KEY = re.compile(r"\s*([A-Za-z][\w \-/+]{0,60}):\s*")
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})")
# A line of values has at least this many, unless it begins with the steps as A1111's own does.
_ENOUGH_PAIRS = 3

_FIELDS: Mapping[str, str] = {
    "steps": "steps",
    "cfg scale": "cfg_scale",
    "seed": "seed",
    "clip skip": "clip_skip",
    "distilled cfg scale": "distilled_guidance",
    "mask blur": "mask_feather",
    "model": "model",
}
# Ours, where an edit has a strength of its own.
_HIRES_STRENGTH = "hires denoising strength"
# Names under which other programs know a sampler or scheduler of ours, besides those we write.
_SAMPLER_ALIASES: Mapping[str, str] = {
    "euler_ancestral": "euler_a",
    "dpmpp_2m": "dpm++2m",
    "dpmpp_2s_ancestral": "dpm++2s_a",
    "dpm_2": "dpm2",
    "ddim": "ddim_trailing",
}
_SCHEDULER_ALIASES: Mapping[str, str] = {"normal": "discrete", "ays": "ays", "gits": "gits"}


def _plain(name: str) -> str:
    """A name without what programs disagree about: case, spaces and underscores."""
    return re.sub(r"[\s_]", "", name).casefold()


def _by_name(names: Mapping[str, str], aliases: Mapping[str, str]) -> dict[str, str]:
    pairs = [(id_, id_) for id_ in names] + [(name, id_) for id_, name in names.items()]
    return {_plain(name): id_ for name, id_ in [*pairs, *aliases.items()]}


_SAMPLERS = _by_name(SAMPLER_NAMES, _SAMPLER_ALIASES)
_SCHEDULERS = _by_name(SCHEDULER_NAMES, _SCHEDULER_ALIASES)


def split_text(text: str) -> tuple[str, str | None, dict[str, str]]:
    """(prompt, negative prompt, pairs) of a text; the keys of the pairs are in lower case.

    The last line holds the pairs if it looks like them; a prompt has as many lines as it likes, and the
    negative prompt begins at the first line that says so. Without one it is None.
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    pairs = read_pairs(lines[-1])
    if len(pairs) >= _ENOUGH_PAIRS or "steps" in pairs:
        lines.pop()
    else:
        pairs = {}
    start = next((place for place, line in enumerate(lines) if line.startswith(NEGATIVE_MARK)), None)
    if start is None:
        return "\n".join(lines).strip(), None, pairs
    negative = "\n".join(lines[start:]).removeprefix(NEGATIVE_MARK)
    return "\n".join(lines[:start]).strip(), negative.strip(), pairs


def read_pairs(line: str) -> dict[str, str]:
    """The `Key: value` pairs of a line, keys in lower case; the first of equal keys counts.

    Commas part them, but not within JSON: a quoted value comes without its quotes.
    """
    pairs: dict[str, str] = {}
    for key, value in _pairs(line):
        pairs.setdefault(key.lower(), value)
    return pairs


def as_written(text: str) -> dict[str, str]:
    """Prompt, Negative prompt and the pairs of a text, the keys as the text spells them."""
    prompt, negative, pairs = split_text(text)
    found = {"Prompt": prompt, "Negative prompt": negative or ""}
    if pairs:
        for key, value in _pairs(text.strip().rpartition("\n")[2]):
            found.setdefault(key, value)
    return found


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    position = 0
    for _ in range(_MAX_PAIRS):
        if position >= len(line):
            break
        match = _KEY.match(line, position)
        if match is None:
            position = _after_comma(line, position)
            continue
        value, position = _read_value(line, match.end())
        yield match[1], value


def _read_value(line: str, start: int) -> tuple[str, int]:
    """The value that begins at `start`, and where the next pair begins."""
    end = start
    quoted: object = None
    if line[start : start + 1] in ('"', "{", "["):
        try:
            quoted, end = json.JSONDecoder().raw_decode(line, start)
        except (ValueError, RecursionError):
            end = start
    following = _after_comma(line, end)
    if isinstance(quoted, str):
        return quoted, following
    stop = following - 1 if line[following - 1 : following] == "," else following
    return line[start:stop].strip(), following


def _after_comma(line: str, start: int) -> int:
    comma = line.find(",", start)
    return len(line) if comma < 0 else comma + 1


def to_values(text: str) -> dict[str, Any]:
    """What the text says in the names of GenerationParams, as it spells it: nothing is checked yet.

    What belongs to LoRAs and other programs' extensions is left out.
    """
    prompt, negative, pairs = split_text(text)
    values: dict[str, Any] = {field: pairs[key] for key, field in _FIELDS.items() if key in pairs}
    values["prompt"] = prompt
    if negative is not None:
        values["negative_prompt"] = negative
    size = _SIZE.fullmatch(pairs.get("size", ""))
    if size is not None:
        values["width"], values["height"] = size[1], size[2]
    is_of_second_pass = any(key.startswith("hires") for key in pairs)
    if "denoising strength" in pairs and (not is_of_second_pass or _HIRES_STRENGTH in pairs):
        values["strength"] = pairs["denoising strength"]
    if "hires upscale" in pairs:
        values["hires"] = _second_pass(pairs)
    return values | sampling(pairs.get("sampler", ""), pairs.get("schedule type", ""))


def _second_pass(pairs: Mapping[str, str]) -> dict[str, Any]:
    """A second pass; one that enlarges with a network we don't have enlarges as ours do."""
    strength = pairs.get(_HIRES_STRENGTH, pairs.get("denoising strength", ""))
    scale, steps = _number(pairs["hires upscale"]), _number(pairs.get("hires steps", ""))
    said = {
        "scale": scale,
        "steps": None if steps is None else int(steps),
        "denoising_strength": _number(strength),
    }
    found: dict[str, Any] = {name: number for name, number in said.items() if number is not None}
    if pairs.get("hires upscaler") in UPSCALERS:
        found["upscaler"] = pairs["hires upscaler"]
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def sampling(sampler: str, scheduler: str) -> dict[str, str]:
    """`sampler` and `scheduler` in our names, as far as they are known.

    Once they were one word: "DPM++ 2M Karras"; a scheduler of its own counts for more than that.
    """
    found: dict[str, str] = {}
    name = _plain(sampler)
    if name not in _SAMPLERS:
        for ending, id_ in _SCHEDULERS.items():
            if name.endswith(ending) and name != ending:
                found["scheduler"] = id_
                name = name.removesuffix(ending)
                break
    if name in _SAMPLERS:
        found["sampler"] = _SAMPLERS[name]
    if _plain(scheduler) in _SCHEDULERS:
        found["scheduler"] = _SCHEDULERS[_plain(scheduler)]
    return found
