"""The words the model knows and the engine's token numbers for them (vocab.json)."""

import json
import re
from pathlib import Path

from studio.demo.training.captions import UNKNOWN

VOCABULARY = Path(__file__).with_name("vocab.json")
# The engine's splitting of text before its byte pairs, as far as captions need it.
WORDS = re.compile("\x01|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]| ?[^\\sA-Za-z0-9\x01]+|\\s*[\r\n]+|\\s+")


class Vocabulary:
    """Captions to rows of the embedding table; row 0 is padding and every word that is not known."""

    def __init__(self, path: Path = VOCABULARY) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        self.tokens: list[int] = content["ids"]
        """The engine's token of each row."""
        self.variants: dict[int, int] = {int(token): base for token, base in content["variants"].items()}
        """Other spellings (Red, RED, red without its space) -> the token whose row they share."""
        row = {token: index for index, token in enumerate(self.tokens)}
        self._rows = {word: [row[token] for token in tokens] for word, tokens in content["pieces"].items()}
        self.prefix = [row[token] for token in content["prefix"]]
        """What the engine puts before every prompt."""
        self.suffix = [row[token] for token in content["suffix"]]
        """What the engine puts after every prompt."""

    def rows(self, caption: str) -> list[int]:
        """Rows of a lower-case caption."""
        rows: list[int] = []
        for word in self._split(caption):
            rows += self._rows.get(word, [0])
        return rows

    def unknown(self, caption: str) -> list[str]:
        """The words of `caption` that mean nothing to the model, whatever their capitals."""
        return [word.strip() for word in self._split(caption.lower()) if word not in self._rows]

    @staticmethod
    def _split(caption: str) -> list[str]:
        return WORDS.findall(f" {caption}".replace(" " + UNKNOWN, UNKNOWN))
