"""Which pending job runs next. Pure, so that every rule is a table of examples in a test."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """What the choice may look at: a pending job."""

    id: str
    seq: int
    model: str


def pick_next(candidates: Sequence[Candidate]) -> Candidate | None:
    """The job to run next, or None if nothing waits: first come, first served."""
    return min(candidates, key=lambda candidate: candidate.seq, default=None)
