"""Many jobs in one request: all of them in order, or none, and once for each key."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.serving import PROMPT, Served, picture_file, png, serving

GOOD: dict[str, Any] = PROMPT | {"seed": 1}


def waiting(own: Served) -> list[dict[str, Any]]:
    """The pending jobs, the next one first."""
    jobs = own.api.get("/queue", params={"status": "pending"}).json()["jobs"]
    return sorted(jobs, key=lambda job: job["position"])


def stored(own: Served, kind: str = "picture") -> str:
    """The id of a stored input."""
    answer = own.api.post("/inputs", files={"image": picture_file(png(color="white"))}, data={"kind": kind})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_all_jobs_of_a_batch_run_in_the_order_they_were_given(own: Served) -> None:
    own.api.post("/queue/pause")
    answer = own.api.post("/queue/batch", json={"jobs": [GOOD | {"seed": seed} for seed in (5, 3, 9)]})

    assert answer.status_code == 200, answer.text
    batch = answer.json()
    jobs = waiting(own)
    assert [job["id"] for job in jobs] == [job["job_id"] for job in batch["jobs"]]
    assert {job["batch_id"] for job in jobs} == {batch["batch_id"]}
    own.api.post("/queue/resume")
    for job in jobs:
        assert own.final(job["id"])["status"] == "completed"
    assert [recipe.seed for recipe in own.engine.recipes] == [5, 3, 9]


def test_edits_and_variations_name_stored_pictures(own: Served) -> None:
    picture, mask = stored(own), stored(own, "mask")
    jobs = [
        {"type": "edit", "prompt": "a blue circle", "image": picture, "mask": mask},
        {"type": "variation", "image": picture, "strength": 0.3},
        {"prompt": "a red circle"},
    ]
    batch = own.api.post("/queue/batch", json={"jobs": jobs}).json()["jobs"]

    ended = [own.final(job["job_id"]) for job in batch]

    assert [(job["type"], job["status"]) for job in ended] == [
        ("edit", "completed"), ("variation", "completed"), ("generate", "completed"),
    ]  # fmt: skip
    assert [job["source_image_id"] for job in ended] == [picture, picture, None]
    # Without a size the picture keeps its shape, as it does when it is sent with the request.
    assert ended[1]["size"] == "144x96"


@pytest.mark.parametrize(
    ("jobs", "says"),
    [
        ([GOOD, GOOD | {"steps": 0}], "jobs.1.steps: "),
        ([GOOD, GOOD, GOOD | {"n": "2"}], "jobs.2.n: "),
        ([GOOD | {"sampling": 3}], "jobs.0.sampling: unknown field"),
        ([GOOD, {"seed": 3}], "jobs.1.prompt: must not be empty"),
        ([GOOD, GOOD | {"size": "4096x4096"}], "jobs.1.size: 4096x4096 is 16777216 pixels"),
        ([GOOD, GOOD | {"model": "nobody"}], "jobs.1.model: no model 'nobody'"),
        ([GOOD, {"type": "edit", "prompt": "x"}], "jobs.1.image: a job of type edit needs one"),
        ([GOOD, {"type": "variation", "image": "0" * 64}], "jobs.1.image: the input picture 000"),
        ([GOOD, {"type": "variation", "image": "../../etc/passwd"}], "jobs.1.image: "),
        ([GOOD, GOOD | {"image": "0" * 64}], "jobs.1.image: a generate job takes none"),
        ([GOOD | {"type": "upscale"}], "jobs.0.type: "),
        ([], "jobs: "), ([GOOD] * 101, "jobs: "), ({}, "jobs: "), ([3], "jobs.0: "),
    ],
)  # fmt: skip
def test_one_wrong_job_keeps_all_out_and_is_named(served: Served, jobs: object, says: str) -> None:
    before = served.api.get("/queue/stats").json()

    answer = served.api.post("/queue/batch", json={"jobs": jobs})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(says), answer.json()
    assert served.api.get("/queue/stats").json() == before


def test_a_model_that_is_not_downloaded_keeps_all_out(served: Served) -> None:
    answer = served.api.post("/queue/batch", json={"jobs": [GOOD, GOOD | {"model": "absent"}]})

    assert answer.status_code == 409


def test_without_room_for_all_none_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path, max_pending=3) as own:
        own.api.post("/queue/pause")
        own.submit()

        answer = own.api.post("/queue/batch", json={"jobs": [GOOD] * 3})

        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"] == "No room for 3 jobs: 1 wait, the limit is 3."
        assert len(waiting(own)) == 1
        assert own.api.post("/queue/batch", json={"jobs": [GOOD] * 2}).status_code == 200


def test_the_same_key_gives_the_same_batch_and_another_request_is_refused(own: Served) -> None:
    own.api.post("/queue/pause")
    key = {"Idempotency-Key": "batch-1"}
    random = {"jobs": [PROMPT, PROMPT]}

    first, second = (own.api.post("/queue/batch", json=random, headers=key) for _ in range(2))
    other = own.api.post("/queue/batch", json={"jobs": [PROMPT]}, headers=key)

    assert first.status_code == 200
    assert first.json() == second.json()
    assert len(waiting(own)) == 2
    assert (other.status_code, other.json()) == (
        409, {"error": "This Idempotency-Key was used for another request."},
    )  # fmt: skip


def test_a_key_outlives_the_studio(tmp_path: Path) -> None:
    key, body = {"Idempotency-Key": "once"}, {"jobs": [GOOD, GOOD]}
    with serving(tmp_path) as own:
        own.api.post("/queue/pause")
        first = own.api.post("/queue/batch", json=body, headers=key).json()

    with serving(tmp_path) as own:
        assert own.api.post("/queue/batch", json=body, headers=key).json() == first
        assert len(waiting(own)) == 2


def test_a_job_tried_again_stays_in_its_batch(own: Served) -> None:
    batch = own.api.post("/queue/batch", json={"jobs": [GOOD]}).json()
    own.final(batch["jobs"][0]["job_id"])

    again = own.api.post(f"/queue/{batch['jobs'][0]['job_id']}/retry").json()

    assert own.final(again["job_id"])["batch_id"] == batch["batch_id"]
