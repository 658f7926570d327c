"""Which pending job runs next, and where a moved one goes. Pure: every rule is a table of examples."""

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
