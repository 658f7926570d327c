"""kill -9 in the middle of writing: whatever was acknowledged is there afterwards, and nothing by half."""

import subprocess
import sys
from pathlib import Path

import pytest

from studio.job import JobStatus
from tests.contract.storage.stores import Stores, open_stores

ROOT = Path(__file__).parents[3]


def _work_until_killed(path: Path, lines: int) -> list[list[str]]:
    """What the program acknowledged before it died, at least `lines` words of it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contract.storage.adding", str(path)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    # The last line may have died with its speaker.
    return [line.split() for line in said if line.endswith("\n")]


def _check(stores: Stores, said: list[list[str]]) -> None:
    """Everything that was acknowledged is stored."""
    generations = {words[1]: words[2] for words in said if words[0] == "finished"}
    for word, job_id, *_ in said:
        job = stores.jobs.get(job_id)
        assert word == "added" or stores.jobs.attempts(job_id)
        if job_id in generations:
            assert (job.status, job.generation_id) == (JobStatus.COMPLETED, generations[job_id])
            assert len(stores.records.generation(generations[job_id]).images) == 2


def _survive(path: Path, cycles: int) -> None:
    everything: list[list[str]] = []
    for cycle in range(cycles):
        said = _work_until_killed(path, lines=1 + 97 * cycle % 400)
        everything += said
        with open_stores(str(path)) as stores:
            assert stores.rows("PRAGMA quick_check") == [("ok",)]
            assert stores.rows("PRAGMA foreign_key_check") == []
            stores.assert_consistent()
            _check(stores, said)
    with open_stores(str(path)) as stores:
        _check(stores, everything)
    assert {words[0] for words in everything} == {"added", "claimed", "finished"}


def test_nothing_acknowledged_is_lost_when_the_studio_is_killed(tmp_path: Path) -> None:
    _survive(tmp_path / "studio.db", cycles=4)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    _survive(tmp_path / "studio.db", cycles=100)
