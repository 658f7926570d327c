import pytest

from studio.scheduling import Candidate, fair_ranks, pick_next, rank_between


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


def _order_after(waiting: str, running: str, new: str) -> str:
    """The line once new jobs have come, one after another; each letter is a job's owner, "-" nobody."""
    line = [(None if owner == "-" else owner, float(place)) for place, owner in enumerate(waiting, start=1)]
    for owner in new:
        name = None if owner == "-" else owner
        (rank,) = fair_ranks(
            line, [None if one == "-" else one for one in running], name, 1,
            last=max((rank for _, rank in line), default=0.0),
        )  # fmt: skip
        line = sorted([*line, (name, rank)], key=lambda one: one[1])
    return "".join(owner or "-" for owner, _ in line)


@pytest.mark.parametrize(
    ("waiting", "running", "new", "line"),
    [
        ("", "", "aaa", "aaa"),
        ("aaa", "", "b", "abaa"),
        ("aaa", "", "bbbb", "abababb"),
        ("aaaa", "a", "b", "baaaa"),  # what runs is a's first
        ("aaa", "b", "b", "aaba"),
        ("aaa", "", "bc", "abcaa"),
        ("aaa", "", "bcbc", "abcabca"),
        ("---", "-", "a", "a---"),  # the house takes turns as anybody does
        ("aaa", "", "-", "a-aa"),
        ("abaa", "", "b", "ababa"),
        ("aaab", "", "b", "aaabb"),  # somebody put b's job last: the next one comes behind it
        ("baaa", "", "b", "baaba"),
    ],
)
def test_owners_take_turns_and_nobody_who_waits_is_moved(
    waiting: str, running: str, new: str, line: str
) -> None:
    assert _order_after(waiting, running, new) == line


def test_jobs_that_come_together_keep_their_order_among_those_of_others() -> None:
    waiting = [("a", 1.0), ("a", 2.0), ("a", 3.0)]
    ranks = fair_ranks(waiting, [], "b", 5, last=3.0)
    assert ranks == sorted(set(ranks))
    assert [sum(rank > theirs for _, theirs in waiting) for rank in ranks] == [1, 2, 3, 3, 3]


def test_where_no_number_is_left_a_job_goes_behind_everybody() -> None:
    waiting = [("a", 1.0), ("a", 1.0), ("a", 1.0)]
    assert fair_ranks(waiting, [], "b", 2, last=1.0) == [2.0, 3.0]
