import pytest

from studio.scheduling import Candidate, pick_next


def _candidates(*seqs: int) -> list[Candidate]:
    return [Candidate(f"job {seq}", seq, "demo") for seq in seqs]


@pytest.mark.parametrize(
    ("waiting", "next_one"), [((), None), ((5,), 5), ((3, 1, 2), 1), ((7, 9, 2**62), 7), ((2, 1), 1)]
)
def test_who_came_first_is_served_first(waiting: tuple[int, ...], next_one: int | None) -> None:
    choice = pick_next(_candidates(*waiting))

    assert (None if choice is None else choice.seq) == next_one


def test_the_model_does_not_matter_yet() -> None:
    waiting = [Candidate("a", 1, "rare"), Candidate("b", 2, "demo"), Candidate("c", 3, "demo")]

    assert pick_next(waiting) == waiting[0]
