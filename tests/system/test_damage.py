"""`python app.py` over a damaged database: one sentence that names the file and the way out, and no start."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.storage.damaging import overwrite_a_page
from tests.system.running import ROOT, running_studio

SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"


def _cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _overwrite_the_header(path: Path) -> None:
    path.write_bytes(b"no database, " * 20 + path.read_bytes()[260:])


@pytest.mark.parametrize("harm", [_cut_in_half, _overwrite_the_header, overwrite_a_page])
def test_a_database_damaged_in_a_crash_is_named_with_the_way_out(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    database = tmp_path / "studio.db"
    with running_studio(tmp_path, SCRIPTED) as studio:
        assert studio.base
        assert studio.stop() == 0
    with running_studio(tmp_path, SCRIPTED) as studio:
        studio.submit(prompt="a red circle")
        studio.process.kill()
        studio.process.wait(10)
    harm(database)
    harmed = database.read_bytes()
    command = [sys.executable, "app.py", "--port", "0", "--outputs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    told = [line for line in done.stderr.splitlines() if "INFO" not in line]
    assert told[0] == "The studio can't start with these settings:"
    (fault,) = told[1:]
    assert f"database: {database} is damaged" in fault
    assert "put a backup in its place" in fault
    assert database.read_bytes() == harmed, "what can be saved must stay as it is"
