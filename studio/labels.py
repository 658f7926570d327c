"""Labels: short plain texts by which people name things, and when two of them are the same."""

import unicodedata

# Controls, lone surrogates, and what ends a line or paragraph.
_FORBIDDEN_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
# What turns the direction of the text after it, and so would rearrange the page around the label.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def to_label(text: str, *, longest: int) -> str:
    """`text` without needless spaces; ValueError says what no label may hold or that it is too long."""
    for position, letter in enumerate(text):
        if unicodedata.category(letter) in _FORBIDDEN_CATEGORIES or letter in _TURNING:
            raise ValueError(f"holds the control character U+{ord(letter):04X} at position {position}")
    label = " ".join(unicodedata.normalize("NFC", text).split())
    if not label:
        raise ValueError("is empty")
    if len(label) > longest:
        raise ValueError(f"is {len(label)} characters long; the limit is {longest}")
    return label


def folded(text: str) -> str:
    """`text` as it is compared: without regard to case, width of letters, or how accents are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
