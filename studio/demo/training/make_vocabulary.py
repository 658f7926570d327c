"""Make vocab.json anew after the captions have learned words; the model has to be trained from nothing then.

python -m studio.demo.training.make_vocabulary ENGINE_SOURCE/src/tokenizers/vocab/qwen.hpp OUT.json
"""

import argparse
import json
import random
from pathlib import Path

from studio.demo.training import pictures
from studio.demo.training.captions import UNKNOWN, phrased
from studio.demo.training.tokeniser import PREFIX, SUFFIX, WORDS, Tokeniser, read_merges

CAPTIONS = 60000
SMALL = 8
"""Pixels; only the captions matter here."""
POLITE_WORDS = (
    "very nice beautiful pretty please big image picture my your that with is there"  # known, but never drawn
)


def caption_words(count: int) -> set[str]:
    """Every word, with its leading space, of many random captions, and some harmless ones."""
    rng = random.Random(5)
    words = {" ", *(" " + word for word in POLITE_WORDS.split())}
    for _ in range(count):
        caption, _ = pictures.draw(rng, SMALL, scene_share=0.5)
        known = phrased(rng, caption).replace(UNKNOWN, "")
        words.update(WORDS.findall(" " + " ".join(known.split())))
    return words


def spelling_variants(tokeniser: Tokeniser, pieces: dict[str, list[int]], taken: set[int]) -> dict[int, int]:
    """Single tokens for capitalised or unspaced spellings -> the token of the plain word."""
    variants: dict[int, int] = {}
    for word, tokens in pieces.items():
        plain = word.strip()
        if len(tokens) > 1 or not plain.isalpha():
            continue
        spellings = (" " + plain.capitalize(), " " + plain.upper(), plain, plain.capitalize(), plain.upper())
        for other in (tokeniser.word(spelling) for spelling in spellings):
            if len(other) == 1 and other[0] not in taken:
                variants.setdefault(other[0], tokens[0])
    return variants


def main() -> None:
    parser = argparse.ArgumentParser(description="Collect the words of the captions.")
    parser.add_argument("source", type=Path, help="the engine's qwen.hpp")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    tokeniser = Tokeniser(read_merges(options.source))
    pieces = {word: tokeniser.word(word) for word in sorted(caption_words(CAPTIONS))}
    prefix, suffix = tokeniser.text(PREFIX), tokeniser.text(SUFFIX)
    used = {token for tokens in pieces.values() for token in tokens} | {*prefix, *suffix}
    padding = tokeniser.text("<|endoftext|>")
    ids = padding + sorted(used)
    variants = spelling_variants(tokeniser, pieces, set(ids))
    content = {"pieces": pieces, "ids": ids, "prefix": prefix, "suffix": suffix, "variants": variants}
    options.out.write_text(json.dumps(content), encoding="utf-8")
    print(f"{len(pieces)} words, {len(ids)} tokens, {len(variants)} other spellings")


if __name__ == "__main__":
    main()
