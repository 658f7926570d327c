"""`python app.py keys …` beside a studio that runs."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.system.running import ROOT, running_studio, until

pytestmark = pytest.mark.engine


def keys(outputs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One run of the command."""
    command = [sys.executable, "app.py", "keys", *words, "--outputs", str(outputs)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_keys_are_made_and_revoked_while_the_studio_runs(tmp_path: Path, engine_binary: Path) -> None:
    outputs = tmp_path / "outputs"
    with running_studio(outputs, engine_binary) as studio:
        with studio.api as api:
            assert api.get("/queue").status_code == 200
        added = keys(outputs, "add", "ada", "--scope", "read", "--per-minute", "600", "--queue", "3")
        assert added.returncode == 0, added.stderr
        secret = added.stdout.strip()
        assert len(secret) > 43
        assert secret not in added.stderr

        def asked(key: str) -> int:
            return httpx.get(
                f"{studio.base}/api/queue", headers={"X-Api-Key": key}, trust_env=False
            ).status_code

        until(lambda: asked("") == 401)
        assert asked(secret) == 200

        listed = keys(outputs, "list").stdout
        assert "ada" in listed
        assert "600 a minute" in listed
        assert secret not in listed
        assert keys(outputs, "webhook", "ada", "https://ada.example/hook?token=s3cret").returncode == 0
        assert "tells https://ada.example" in keys(outputs, "list").stdout
        assert "s3cret" not in keys(outputs, "list").stdout
        assert keys(outputs, "webhook", "ada", "none").returncode == 0
        assert "tells" not in keys(outputs, "list").stdout
        assert keys(outputs, "webhook", "ada", "ftp://ada.example/").returncode == 1
        assert keys(outputs, "add", "ada").returncode == 1
        assert keys(outputs, "revoke", "nobody").returncode == 1

        assert keys(outputs, "revoke", "ada").returncode == 0
        until(lambda: asked("") == 200)
        assert "revoked" in keys(outputs, "list").stdout
        studio.stop()
    assert secret not in "\n".join(studio.log)
    assert not [
        path for path in outputs.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
    ]


def test_wrong_words_are_told_with_the_right_ones(tmp_path: Path) -> None:
    assert "invalid choice: 'lord'" in keys(tmp_path, "add", "ada", "--scope", "lord").stderr
    refused = keys(tmp_path, "add", "a b")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "name: 'a b'" in refused.stderr
    assert "--nonsense" in keys(tmp_path, "list", "--nonsense").stderr
