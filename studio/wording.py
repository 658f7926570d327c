"""Wording: one text of a form becomes the prompts of many jobs.

`{a|b|c}` stands for one of its alternatives, which may be empty or hold others; `__name__` for a line of the
wildcard of that name. A backslash before `{`, `}`, `|` or `__` makes it mean itself. Braces without `|` and
all other signs of prompts, such as (weight:1.2) and [this], are left as they are.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from studio.errors import InvalidRequest

MAX_LENGTH = 1_000_000
# Enough for people, and far from the depth that recursion can't follow.
MAX_BRACES = 20
MAX_WILDCARDS = 8

_TOKEN = re.compile(r"\\[{}|]|\\__|__([A-Za-z0-9_/-]*?[A-Za-z0-9/-])__|[{}|]")

Lookup = Callable[[str], Sequence[str]]
"""The alternatives a wildcard's name stands for; raises InvalidRequest if there are none."""
Choose = Callable[[int], int]
"""A random whole number from 0 to below the given one."""


class Alternatives(StrEnum):
    """What becomes of a prompt that leaves a choice."""

    RANDOM = "random"
    """One alternative, chosen anew at each submit."""
    ALL = "all"
    """Every combination, each its own job."""


@dataclass(frozen=True)
class _Text:
    text: str
    count = 1


@dataclass(frozen=True)
class _Choice:
    options: Sequence["_Node"]

    @cached_property
    def count(self) -> int:
        return sum(option.count for option in self.options)


@dataclass(frozen=True)
class _Sequence:
    parts: Sequence["_Node"]

    @cached_property
    def count(self) -> int:
        return math.prod(part.count for part in self.parts)


_Node = _Text | _Choice | _Sequence


class Wording:
    """Turns what a person wrote into prompts. `lookup` knows the wildcards, `choose` is the chance."""

    def __init__(self, lookup: Lookup, choose: Choose) -> None:
        self._lookup = lookup
        self._choose = choose

    def count(self, text: str, *, alternatives: Alternatives, lines: bool = False) -> int:
        """How many prompts `expand` would give. Errors: InvalidRequest as there, but for the limit."""
        trees = self._trees(text, lines)
        return len(trees) if alternatives is Alternatives.RANDOM else sum(tree.count for tree in trees)

    def expand(
        self, text: str, *, alternatives: Alternatives, lines: bool = False, limit: int = 100
    ) -> list[str]:
        """The prompts, in the order they are written; with `lines` each line of the text is its own prompt.

        Errors: InvalidRequest for more than `limit` of them, a wildcard that isn't there or holds itself, or
        a text beyond all measure.
        """
        trees = self._trees(text, lines)
        is_random = alternatives is Alternatives.RANDOM
        count = len(trees) if is_random else sum(tree.count for tree in trees)
        if count > limit:
            raise InvalidRequest(
                f"this would make {_shown(count)} jobs; at most {limit} go at once. Leave some lines or "
                "alternatives out, or let chance choose among the alternatives",
                field="prompt",
            )
        if is_random:
            return [self._pick(tree).strip() for tree in trees]
        return [prompt.strip() for tree in trees for prompt in _every(tree)]

    def _trees(self, text: str, lines: bool) -> list[_Node]:
        """One tree for each prompt of the text; an empty text is one empty prompt."""
        if len(text) > MAX_LENGTH:
            raise InvalidRequest(f"is over {MAX_LENGTH:,} letters long", field="prompt")
        prompts = [text]
        if lines:
            prompts = [line.strip() for line in text.splitlines() if line.strip()] or [""]
        known: dict[str, _Node] = {}
        return [_Reading(self._lookup, known).tree(prompt) for prompt in prompts]

    def _pick(self, node: _Node) -> str:
        if isinstance(node, _Text):
            return node.text
        if isinstance(node, _Choice):
            return self._pick(node.options[self._choose(len(node.options))])
        return _joined(self._pick(part) for part in node.parts)


class _Reading:
    """Reads texts; each wildcard is read once and `known` from then on. `above`: those it was found in."""

    def __init__(self, lookup: Lookup, known: dict[str, _Node], above: tuple[str, ...] = ()) -> None:
        self._lookup = lookup
        self._known = known
        self._above = above

    def tree(self, text: str) -> _Node:
        """The text with its choices."""
        if _TOKEN.search(text) is None:
            return _Text(text)
        groups, position = [_Group()], 0
        for match in _TOKEN.finditer(text):
            groups[-1].add(_Text(text[position : match.start()]))
            position = match.end()
            self._take(match, groups)
        groups[-1].add(_Text(text[position:]))
        while len(groups) > 1:  # a brace that nobody closed means itself
            unclosed = groups.pop()
            groups[-1].add(unclosed.opened())
        return groups[0].opened(brace="")

    def _take(self, match: re.Match[str], groups: list["_Group"]) -> None:
        token, name, is_inside = match[0], match[1], len(groups) > 1
        if token.startswith("\\"):
            groups[-1].add(_Text(token[1:]))
        elif name is not None:
            groups[-1].add(self._wildcard(name))
        elif token == "{":
            if len(groups) > MAX_BRACES:
                raise InvalidRequest(f"braces within braces go at most {MAX_BRACES} deep", field="prompt")
            groups.append(_Group())
        elif token == "|" and is_inside:
            groups[-1].next_option()
        elif token == "}" and is_inside:
            closed = groups.pop().closed()
            groups[-1].add(closed)
        else:
            groups[-1].add(_Text(token))

    def _wildcard(self, name: str) -> _Node:
        if name in self._above:
            way = " → ".join((*self._above[self._above.index(name) :], name))
            raise InvalidRequest(f"the wildcard __{name}__ contains itself: {way}", field="prompt")
        if len(self._above) >= MAX_WILDCARDS:
            raise InvalidRequest(
                f"wildcards within wildcards go at most {MAX_WILDCARDS} deep", field="prompt"
            )
        if name not in self._known:
            inner = _Reading(self._lookup, self._known, (*self._above, name))
            self._known[name] = _Choice([inner.tree(line) for line in self._lookup(name)])
        return self._known[name]


class _Group:
    """What stands between two braces, while it is being read."""

    def __init__(self) -> None:
        self._options: list[list[_Node]] = [[]]

    def add(self, node: _Node) -> None:
        self._options[-1].append(node)

    def next_option(self) -> None:
        self._options.append([])

    def closed(self) -> _Node:
        """The choice; without a `|` the braces mean themselves."""
        if len(self._options) > 1:
            return _Choice(tuple(_Sequence(tuple(option)) for option in self._options))
        return _Sequence((_Text("{"), *self._options[0], _Text("}")))

    def opened(self, brace: str = "{") -> _Node:
        """What was written, where no brace closed it."""
        parts: list[_Node] = [_Text(brace), *self._options[0]]
        for option in self._options[1:]:
            parts += [_Text("|"), *option]
        return _Sequence(tuple(parts))


def _shown(count: int) -> str:
    return f"{count:,}" if count < 10**9 else "billions of"


def _every(node: _Node) -> Iterator[str]:
    if isinstance(node, _Text):
        yield node.text
    elif isinstance(node, _Choice):
        yield from itertools.chain.from_iterable(map(_every, node.options))
    else:
        yield from map(_joined, itertools.product(*map(_every, node.parts)))


def _joined(parts: Iterable[str]) -> str:
    """The parts as one text, without the doubled space an empty one leaves between its neighbours."""
    text = ""
    for part in parts:
        is_doubled = text.endswith(" ") and part.startswith(" ")
        text += part[1:] if is_doubled else part
    return text
