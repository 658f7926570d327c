"""The examples of the documentation, run as they stand, against a running studio with the real engine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from studio.webhook import secret_of
from studio.webhook_root import read_root
from tests.system.running import ROOT, RunningStudio

pytestmark = pytest.mark.engine

_BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GUIDE = (ROOT / "docs" / "api-guide.md").read_text(encoding="utf-8")
EXAMPLES = [
    pytest.param(found[1], found[2], id=f"{found[1]} at line {GUIDE.count(chr(10), 0, found.start()) + 1}")
    for found in _BLOCK.finditer(GUIDE)
]
# An example that the studio answers with a fault has not failed as far as bash knows.
_BASH = "set -euo pipefail; curl() { command curl --fail-with-body --noproxy '*' \"$@\"; }\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the pictures that examples speak of."""
    Image.new("RGB", (128, 128), (30, 160, 60)).save(tmp_path / "photo.png")
    # White repaints for the studio itself, and what is clear for OpenAI's clients.
    mask = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    mask.paste((255, 255, 255, 0), (32, 32, 96, 96))
    mask.save(tmp_path / "mask.png")
    return tmp_path


def test_the_guide_has_examples_of_each_door() -> None:
    doors = (
        "/api/generate",
        "/api/edit",
        "/queue/generate",
        "/events",
        "X-Studio-Signature",
        "/v1",
        "webuiapi",
        "/sdapi/v1/txt2img",
    )
    together = "\n".join(found[2] for found in _BLOCK.finditer(GUIDE))

    assert [door for door in doors if door not in together] == []


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_of_the_guide_works(language: str, code: str, studio: RunningStudio, desk: Path) -> None:
    port = str(httpx.URL(studio.base).port)
    code = code.replace("localhost:3000", f"127.0.0.1:{port}").replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    code = code.replace("port=3000", f"port={port}")
    command = ["bash", "-c", _BASH + code] if language == "bash" else [sys.executable, "-c", code]
    root = read_root(studio.outputs)
    assert root is not None
    secret = {"WEBHOOK_SECRET": secret_of(root, None)}
    environment = {**os.environ, **secret, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    done = subprocess.run(
        command, cwd=desk, env=environment, capture_output=True, text=True, timeout=200, check=False
    )

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    assert '{"error"' not in done.stdout
