"""The engine's byte-pair tokeniser for this model's family, read from the engine's own source."""

import itertools
import re
from pathlib import Path

# The engine's words are the 256 bytes, then one per merge, then these.
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>",
    "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>",
    "</tool_response>", "<think>", "</think>",
)  # fmt: skip
WORDS = re.compile(r"[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+")
PREFIX = (
    "<|im_start|>user\nDescribe the image by detailing the color, quantity, text, shape, size, texture, "
    "spatial relationships of the objects and background:"
)
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
"""What the engine puts around a prompt, which then begins with a space."""


class Tokeniser:
    """Text to token numbers, as the engine does it for plain English."""

    def __init__(self, merges: str) -> None:
        """`merges` is the engine's list, a pair per line, the most frequent first."""
        pairs = [tuple(line.split(" ", 1)) for line in merges.rstrip("\n").split("\n")]
        self._letters = _byte_letters()
        words = [*self._letters.values(), *("".join(pair) for pair in pairs), *SPECIAL]
        self._numbers = {word: number for number, word in enumerate(words)}
        self._ranks = {pair: rank for rank, pair in enumerate(pairs)}

    def word(self, text: str) -> list[int]:
        """Tokens of one word; a space before it is part of it."""
        parts = [self._letters[byte] for byte in text.encode()]
        while len(parts) > 1:
            pairs = list(itertools.pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            parts = _merged(parts, best)
        return [self._numbers[part] for part in parts]

    def text(self, text: str) -> list[int]:
        """Tokens of a text that may hold special ones by name."""
        tokens: list[int] = []
        for part in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if part in SPECIAL:
                tokens.append(self._numbers[part])
            else:
                tokens += [token for word in WORDS.findall(part) for token in self.word(word)]
        return tokens


def read_merges(source: Path) -> str:
    """The merges in the engine's src/tokenizers/vocab/qwen.hpp, which holds them as a C array of bytes."""
    content = source.read_text(encoding="ascii")
    array = content[content.index("merges") :]
    array = array[: array.index("}")]
    return bytes.fromhex("".join(re.findall(r"0x([0-9a-f]{2})", array))).decode()


def _byte_letters() -> dict[int, str]:
    """A visible letter for every byte, itself or one from 256 up, in the order of their tokens."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = {byte: chr(byte) for byte in visible}
    return letters | {byte: chr(256 + index) for index, byte in enumerate(hidden)}


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    index = 0
    while index < len(parts):
        if tuple(parts[index : index + 2]) == pair:
            merged.append("".join(pair))
            index += 2
        else:
            merged.append(parts[index])
            index += 1
    return merged
