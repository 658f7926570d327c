"""One text becomes many prompts: alternatives, wildcards, lines, and what is left as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InvalidRequest
from studio.wildcards import MAX_BYTES, Wildcards
from studio.wording import MAX_BRACES, MAX_LENGTH, MAX_WILDCARDS, Alternatives, Wording

ALL, RANDOM = Alternatives.ALL, Alternatives.RANDOM


def no_wildcard(name: str) -> tuple[str, ...]:
    raise InvalidRequest(f"no {name}", field="prompt")


def every(text: str, *, lines: bool = False) -> list[str]:
    return Wording(no_wildcard, lambda below: 0).expand(text, alternatives=ALL, lines=lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "animals").mkdir()
    (tmp_path / "colour.txt").write_text("# names of colours\nred\n\n  light blue  \n")
    (tmp_path / "animals" / "small.txt").write_text("mouse\n{black|white} ant\n__colour__ bee\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a {red|blue} ball", ["a red ball", "a blue ball"]),
        ("{a|{b|c} d}", ["a", "b d", "c d"]),
        ("{a|b} {1|2}", ["a 1", "a 2", "b 1", "b 2"]),
        ("a {big|} ball", ["a big ball", "a ball"]),
        ("{big|} ball", ["big ball", "ball"]),
        ("{a|a}", ["a", "a"]),
    ],
)
def test_alternatives_give_every_combination_in_the_order_they_are_written(
    text: str, prompts: list[str]
) -> None:
    assert every(text) == prompts


@pytest.mark.parametrize(
    "text",
    [
        "a red ball",
        "a  doubled space",
        "(a:1.2), [b], ((c)), \\(d\\), <lora:x:0.8>",
        "{{masterpiece}}, {x}",
        "{}",
        "a { b",
        "a } b",
        "a | b",
        "{a|b",
        "a_b, a__b",
        "____",
    ],
)
def test_what_leaves_no_choice_is_left_as_it_is(text: str) -> None:
    assert every(text) == [text]


@pytest.mark.parametrize(
    ("text", "prompt"),
    [(r"\{a|b\}", "{a|b}"), (r"\__colour__", "__colour__"), (r"{a\|b\|c}", "{a|b|c}"), (r"x\}", "x}")],
)
def test_a_backslash_makes_signs_mean_themselves(text: str, prompt: str) -> None:
    assert every(text) == [prompt]


def test_each_line_can_be_a_prompt_of_its_own() -> None:
    assert every("a cat\n\n  a {red|blue} dog\n", lines=True) == ["a cat", "a red dog", "a blue dog"]


def test_an_empty_text_is_one_empty_prompt() -> None:
    assert every("") == [""]
    assert every("\n \n", lines=True) == [""]


def test_without_lines_a_break_belongs_to_the_prompt() -> None:
    assert every("a cat\non a mat") == ["a cat\non a mat"]


def test_chance_chooses_one_alternative_of_each_place() -> None:
    answers = iter([1, 0, 1])
    wording = Wording(no_wildcard, lambda below: next(answers))

    assert wording.expand("{a|b} {c|d}", alternatives=RANDOM) == ["b c"]
    assert next(answers) == 1


def test_chance_is_asked_for_a_number_below_the_number_of_alternatives() -> None:
    asked: list[int] = []

    def choose(below: int) -> int:
        asked.append(below)
        return below - 1

    assert Wording(no_wildcard, choose).expand("{a|b|c}{d|e}", alternatives=RANDOM) == ["ce"]
    assert asked == [3, 2]


def test_a_wildcard_stands_for_the_lines_of_its_file(folder: Path) -> None:
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)

    assert wording.expand("a __colour__ ball", alternatives=ALL) == ["a red ball", "a light blue ball"]
    assert wording.expand("__animals/small__", alternatives=ALL) == [
        "mouse", "black ant", "white ant", "red bee", "light blue bee",
    ]  # fmt: skip
    assert wording.count("__animals/small__ __colour__", alternatives=ALL) == 10
    assert wording.count("__animals/small__ __colour__", alternatives=RANDOM) == 1


def test_two_wildcards_may_touch(folder: Path) -> None:
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)

    assert wording.expand("__colour____colour__", alternatives=RANDOM) == ["redred"]


def test_an_edited_wildcard_counts_at_once(folder: Path) -> None:
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)
    assert wording.count("__colour__", alternatives=ALL) == 2

    (folder / "colour.txt").write_text("red\ngreen\nblue\n")

    assert wording.count("__colour__", alternatives=ALL) == 3


def test_the_names_are_those_that_can_be_written(folder: Path) -> None:
    (folder / "Not A Name.txt").write_text("x")
    (folder / "notes.md").write_text("x")

    assert Wildcards(folder).names() == ["animals/small", "colour"]
    assert Wildcards(folder / "absent").names() == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a//b", "a/", "Colour", "a.b", ""])
def test_a_name_never_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder.parent / "secret.txt").write_text("secret")

    with pytest.raises(InvalidRequest, match="no name of a wildcard"):
        Wildcards(folder).alternatives(name)


def test_a_wildcard_that_is_not_there_says_what_to_do(folder: Path) -> None:
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)

    with pytest.raises(InvalidRequest, match=r"no wildcard __shape__.*shape\.txt") as caught:
        wording.count("a __shape__", alternatives=RANDOM)

    assert caught.value.field == "prompt"


def test_a_file_without_alternatives_is_refused(folder: Path) -> None:
    (folder / "empty.txt").write_text("# nothing\n\n")

    with pytest.raises(InvalidRequest, match="no alternatives"):
        Wildcards(folder).alternatives("empty")


def test_a_file_that_is_no_text_or_too_large_is_refused(folder: Path) -> None:
    (folder / "picture.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "huge.txt").write_bytes(b"x" * (MAX_BYTES + 1))

    with pytest.raises(InvalidRequest, match="can't be read"):
        Wildcards(folder).alternatives("picture")
    with pytest.raises(InvalidRequest, match="split it"):
        Wildcards(folder).alternatives("huge")


def test_a_wildcard_that_contains_itself_is_named(folder: Path) -> None:
    (folder / "one.txt").write_text("__two__")
    (folder / "two.txt").write_text("__one__")
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)

    with pytest.raises(InvalidRequest, match="one → two → one"):
        wording.count("__one__", alternatives=ALL)


def test_wildcards_within_wildcards_end_somewhere(folder: Path) -> None:
    for depth in range(MAX_WILDCARDS + 1):
        (folder / f"w{depth}.txt").write_text(f"__w{depth + 1}__")
    wording = Wording(Wildcards(folder).alternatives, lambda below: 0)

    with pytest.raises(InvalidRequest, match="deep"):
        wording.count("__w0__", alternatives=ALL)


def test_too_many_jobs_are_refused_before_they_are_spelled_out() -> None:
    text = "{a|b}" * 200

    with pytest.raises(InvalidRequest, match=r"billions of jobs; at most 100") as caught:
        every(text)

    assert caught.value.field == "prompt"
    assert Wording(no_wildcard, lambda below: 0).expand(text, alternatives=RANDOM) == ["a" * 200]


def test_the_limit_itself_is_allowed() -> None:
    wording = Wording(no_wildcard, lambda below: 0)

    assert len(wording.expand("{a|b|c}", alternatives=ALL, limit=3)) == 3
    with pytest.raises(InvalidRequest, match="4 jobs; at most 3"):
        wording.expand("{a|b|c|d}", alternatives=ALL, limit=3)


def test_a_wall_of_braces_is_refused_not_followed() -> None:
    with pytest.raises(InvalidRequest, match="deep"):
        every("{" * 100_000)
    assert every("{a|" * MAX_BRACES + "b" + "}" * MAX_BRACES)[-1] == "b"


def test_a_text_beyond_all_measure_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="letters long"):
        every("x" * (MAX_LENGTH + 1))


@given(st.text(alphabet="ab{}|\\_ \n", max_size=30), st.booleans())
def test_any_text_gives_as_many_prompts_as_were_counted(text: str, lines: bool) -> None:
    wording = Wording(lambda name: ("x", "y"), lambda below: below - 1)
    counted = wording.count(text, alternatives=ALL, lines=lines)

    if counted <= 100:
        prompts = wording.expand(text, alternatives=ALL, lines=lines)
        assert len(prompts) == counted
        chosen = wording.expand(text, alternatives=RANDOM, lines=lines)
        assert set(chosen) <= set(prompts)
        assert len(chosen) == wording.count(text, alternatives=RANDOM, lines=lines)


def _literals() -> Iterator[str]:
    yield from ("a", "b c", "(d:1.2)")


@given(st.lists(st.sampled_from(list(_literals())), min_size=2, max_size=5))
def test_a_choice_gives_exactly_its_alternatives(options: list[str]) -> None:
    assert every("{" + "|".join(options) + "}") == options
