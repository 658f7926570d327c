"""The log as programs collect it."""

import json
from pathlib import Path

import pytest

from tests.system.running import running_studio, until

pytestmark = pytest.mark.engine


def test_every_line_of_a_json_log_is_an_object_and_a_job_can_be_followed_through_it(
    tmp_path: Path, engine_binary: Path
) -> None:
    with running_studio(tmp_path / "outputs", engine_binary, "--log-format", "json") as studio:
        with studio.api as api:
            body = {"prompt": "canary", "steps": 2}
            assert api.post("/generate", json=body, headers={"X-Request-Id": "r-7"}).status_code == 200
        until(lambda: any("/api/generate" in line for line in studio.log))
        studio.stop()
    lines = [json.loads(line) for line in studio.log if line.startswith("{")]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    submitted = next(line for line in lines if "submitted" in line["message"])
    assert submitted["request_id"] == "r-7"
    told = [line["message"] for line in lines if line.get("job_id") == submitted["job_id"]]
    assert len([message for message in told if "->" in message]) == 2
    assert not [line for line in studio.log if "canary" in line]
    assert [line for line in studio.log if not line.startswith("{")] == [
        line for line in studio.log if line.startswith("draining")
    ]
