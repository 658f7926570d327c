"""Webhooks of `python app.py`, which is killed in the middle of telling."""

from pathlib import Path
from typing import Any

import pytest

from studio.webhook import secret_of
from studio.webhook_root import read_root
from tests.receiver import receiving
from tests.system.running import RunningStudio, running_studio, until

pytestmark = pytest.mark.engine

SMALL = {"prompt": "a red circle", "steps": 1, "size": "64x64"}


def told(studio: RunningStudio, job_id: str) -> list[dict[str, Any]]:
    """What the studio says of the job's webhooks once they are over."""

    def over() -> list[dict[str, Any]] | None:
        with studio.api as api:
            webhooks: list[dict[str, Any]] = api.get(f"/queue/{job_id}/webhooks").json()
        return webhooks if all(each["state"] == "delivered" for each in webhooks) else None

    return until(over)


def test_a_studio_that_is_killed_while_it_tells_tells_it_after_the_next_start(
    tmp_path: Path, engine_binary: Path
) -> None:
    outputs = tmp_path / "outputs"
    with receiving() as receiver:
        receiver.hold()
        with running_studio(outputs, engine_binary, "--webhook-hosts", receiver.host) as first:
            job_id = first.submit(**SMALL, webhook=receiver.address())
            receiver.wait(1)
            first.process.kill()
            first.process.wait(30)
        receiver.release()

        with running_studio(outputs, engine_binary, "--webhook-hosts", receiver.host) as second:
            one, two = receiver.wait(2)
            (webhook,) = told(second, job_id)
            job = second.job(job_id)
            second.stop()

    root = read_root(outputs)
    assert root is not None
    assert one.is_signed_with(secret_of(root, None))
    assert two.is_signed_with(secret_of(root, None))
    assert one.headers["x-studio-delivery"] == two.headers["x-studio-delivery"] == webhook["id"]
    assert one.body == two.body
    assert two.json["job"] == job
    assert job["status"] == "completed"
    log = "\n".join(first.log + second.log)
    for hidden in ("s3cret", "/hook", root.hex(), secret_of(root, None)):
        assert hidden not in log
