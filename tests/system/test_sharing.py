"""`python app.py --share` where no link can be had: one sentence, and the studio works on.

The proxy and the relay of these studios are a port that nobody listens on, so nothing leaves this machine.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.running import ROOT, RunningStudio, running_studio, until

SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[RunningStudio]:
    """A studio that was asked for a public link on a machine without a way out."""
    env = {
        "HF_HOME": str(tmp_path / "nothing-downloaded"),
        "GRADIO_SHARE_SERVER_ADDRESS": NOWHERE,
        "HTTP_PROXY": f"http://{NOWHERE}",
        "HTTPS_PROXY": f"http://{NOWHERE}",
        "NO_PROXY": "127.0.0.1",
    }
    with running_studio(tmp_path / "outputs", SCRIPTED, "--share", "--public", env=env) as studio:
        yield studio


def test_without_a_way_out_one_sentence_tells_it_and_pictures_are_made(cut_off: RunningStudio) -> None:
    until(lambda: any("No public link" in line for line in cut_off.log))
    job = cut_off.final(cut_off.submit(prompt="a red circle"))
    with cut_off.api as api:
        health = api.get("/health")

    assert (job["status"], job["error"]) == ("completed", None)
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert cut_off.stop() == 0
    (told,) = [line for line in cut_off.log if "ui.share" in line]
    assert "No public link: the tunnel's program can't be downloaded" in told
    assert told.endswith(
        "The studio goes on at its own address; an SSH tunnel or a reverse proxy can publish that instead."
    )
    assert not any("Traceback" in line or "gradio" in line.lower() for line in cut_off.log)


def test_a_public_link_without_a_key_is_refused_before_anything_starts(tmp_path: Path) -> None:
    command = [sys.executable, "app.py", "--port", "0", "--outputs", str(tmp_path / "outputs"), "--share"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stdout == ""
    heading, *faults = done.stderr.splitlines()
    assert heading == "The studio can't start with these settings:"
    (fault,) = faults
    assert fault.strip().startswith("share: whoever has the public link could use this studio")
    assert "--api-key" in fault
    assert "--public" in fault
    assert not (tmp_path / "outputs").exists()
