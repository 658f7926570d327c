"""kill -9 in the middle of writing: whatever was acknowledged is there afterwards, and nothing by half."""

import subprocess
import sys
from pathlib import Path

import pytest

from studio.job import JobStatus
from tests.contract.storage.stores import open_stores

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


def _survive(path: Path, cycles: int) -> None:
    said: list[list[str]] = []
    for cycle in range(cycles):
        said += _work_until_killed(path, lines=1 + 97 * cycle % 400)
        with open_stores(str(path)) as stores:
            assert stores.rows("PRAGMA quick_check") == [("ok",)]
            assert stores.rows("PRAGMA foreign_key_check") == []
            stores.assert_consistent()
            generations = {words[1]: words[2] for words in said if words[0] == "finished"}
            for job_id in {words[1] for words in said if words[0] == "added"}:
                job = stores.jobs.get(job_id)
                if job_id in generations:
                    assert (job.status, job.generation_id) == (JobStatus.COMPLETED, generations[job_id])
                    assert len(stores.records.generation(generations[job_id]).images) == 2
            for _word, job_id, *_ in (words for words in said if words[0] == "claimed"):
                assert stores.jobs.attempts(job_id)
    assert {words[0] for words in said} == {"added", "claimed", "finished"}


def test_nothing_acknowledged_is_lost_when_the_studio_is_killed(tmp_path: Path) -> None:
    _survive(tmp_path / "studio.db", cycles=4)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    _survive(tmp_path / "studio.db", cycles=100)
