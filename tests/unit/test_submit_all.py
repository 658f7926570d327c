"""Several jobs at once: all of them, in order, or none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.assembly import open_studio
from studio.errors import InvalidRequest, ModelFilesMissing, QueueFull
from studio.service import Studio
from studio.settings import read_settings
from studio.wording import Alternatives
from tests.builders import a_params
from tests.fake_engine import FakeEngine

MODELS = """
default: demo
models:
  demo: {name: Demonstration, builtin: demo, limits: {max_n: 4}}
  absent: {name: Not here, files: {model: weights/not-here.safetensors}}
"""


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio that takes jobs and doesn't work on them; five may wait."""
    models = tmp_path / "models.yml"
    models.write_text(MODELS)
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "colour.txt").write_text("red\nblue\n")
    settings = read_settings({"outputs": tmp_path / "outputs", "models": models, "max_pending": 5})
    opened = open_studio(settings, engine=FakeEngine(), random_seed=lambda: 7)
    yield opened
    opened.close()


def waiting(studio: Studio) -> list[str]:
    return [job.recipe.prompt for job in reversed(studio.jobs().rows)]


def test_jobs_wait_in_the_order_they_were_given(studio: Studio) -> None:
    jobs = studio.submit_all([a_params(prompt=prompt) for prompt in ("a", "b", "c")])

    assert [job.recipe.prompt for job in jobs] == ["a", "b", "c"]
    assert [job.position for job in jobs] == [1, 2, 3]
    assert waiting(studio) == ["a", "b", "c"]


def test_one_wrong_request_keeps_the_others_out(studio: Studio) -> None:
    with pytest.raises(InvalidRequest, match="at most 4"):
        studio.submit_all([a_params(prompt="a"), a_params(prompt="b", n=9)])
    with pytest.raises(ModelFilesMissing):
        studio.submit_all([a_params(prompt="a"), a_params(prompt="b", model="absent")])

    assert waiting(studio) == []


def test_without_room_for_all_none_is_taken(studio: Studio) -> None:
    studio.submit_all([a_params(prompt="a")] * 3)

    with pytest.raises(QueueFull, match="No room for 3 jobs: 3 wait, the limit is 5"):
        studio.submit_all([a_params(prompt="b")] * 3)

    assert waiting(studio) == ["a"] * 3
    assert len(studio.submit_all([a_params(prompt="c")] * 2)) == 2


def test_wildcards_lie_beside_the_catalogue_and_chance_is_the_studios(studio: Studio) -> None:
    assert studio.wildcards.names() == ["colour"]
    assert studio.wording.expand("a __colour__ {cat|dog|cow}", alternatives=Alternatives.RANDOM) == [
        "a blue dog"
    ]
