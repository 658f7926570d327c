"""Which pending job runs next, and where a moved one goes. Pure: every rule is a table of examples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where in the queue a job is wanted; up and down are one step."""

    FRONT = "front"
    BACK = "back"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Candidate:
    """What the choice may look at: a pending job. A lower `rank` is earlier; `seq` settles ties."""

    id: str
    seq: int
    model: str
    rank: float = 0.0


def pick_next(candidates: Sequence[Candidate]) -> Candidate | None:
    """The job to run next, or None if nothing waits: first come, first served, unless somebody moved one."""
    return min(candidates, key=lambda candidate: (candidate.rank, candidate.seq), default=None)


def rank_between(before: float | None, after: float | None) -> float | None:
    """A rank behind `before` and in front of `after` (None: nobody is there), or None if there is no room.

    Numbers of limited precision run out of room after some fifty moves to one place.
    """
    if before is None:
        return 1.0 if after is None else after - 1.0
    if after is None:
        return before + 1.0
    middle = before + (after - before) / 2
    return middle if before < middle < after else None


def fair_ranks(
    waiting: Sequence[tuple[str | None, float]],
    running: Sequence[str | None],
    owner: str | None,
    count: int,
    *,
    last: float,
) -> list[float]:
    """Where `count` new jobs of an owner go, in their order, so that owners take turns.

    `waiting`: owner and rank of what waits, in the order in which it will run; `running`: the owners of what
    runs; `last` is the rank behind which everything ends. An owner's third job runs after the third of
    everybody who waited already and before anybody's fourth; what runs counts as a first one. Nothing that
    waits is moved: where somebody put a job, it stays. With one owner that is the order of submission.
    """
    line, ranks = list(waiting), []
    for _ in range(count):
        place = _fair_place([theirs for theirs, _ in line], running, owner)
        rank = None
        if place < len(line):
            rank = rank_between(line[place - 1][1] if place else None, line[place][1])
        if rank is None:  # behind everybody, or no number is left between the two
            place, rank = len(line), last + 1
            last = rank
        line.insert(place, (owner, rank))
        ranks.append(rank)
    return ranks


def _fair_place(line: Sequence[str | None], running: Sequence[str | None], owner: str | None) -> int:
    """Before which of the line a new job of the owner goes."""
    turn = line.count(owner) + running.count(owner) + 1
    begin = max((place + 1 for place, theirs in enumerate(line) if theirs == owner), default=0)
    had = Counter(running)
    for place, theirs in enumerate(line):
        had[theirs] += 1
        if place >= begin and had[theirs] > turn:
            return place
    return len(line)
