import pytest

from studio.scheduling import Candidate, pick_next, rank_between


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


def test_a_lower_rank_runs_first_and_the_earlier_submission_settles_ties() -> None:
    waiting = [Candidate("a", 1, "demo", 2.5), Candidate("c", 3, "demo", 2.0), Candidate("b", 2, "demo", 2.0)]

    assert pick_next(waiting) == waiting[2]


@pytest.mark.parametrize(
    ("before", "after", "rank"),
    [
        (None, None, 1.0), (3.0, None, 4.0), (None, 3.0, 2.0), (None, -5.0, -6.0), (1.0, 2.0, 1.5),
        (2.0, 2.0, None), (1.0, 1.0 + 2**-52, None), (3.0, 2.0, None),
    ],
)  # fmt: skip
def test_a_rank_lies_between_its_neighbours_or_there_is_no_room(
    before: float | None, after: float | None, rank: float | None
) -> None:
    assert rank_between(before, after) == rank


def test_some_fifty_jobs_fit_between_two() -> None:
    lower, moves = 1.0, 0
    while (rank := rank_between(lower, 2.0)) is not None:
        assert lower < rank < 2.0
        lower, moves = rank, moves + 1

    assert 40 < moves < 70
