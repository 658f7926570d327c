"""Pausing, rearranging, cancelling many, trying again, and what a job was asked for."""

from pathlib import Path
from typing import Any

import pytest

from studio.errors import EngineRefused
from studio.job import JobStatus
from tests.api.serving import PROMPT, Served, picture_file, serving

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def post(own: Served, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """The answer of a request that must succeed."""
    answer = own.api.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def positions(own: Served) -> list[str]:
    """The pending jobs, the next one first."""
    jobs = own.api.get("/queue", params={"status": "pending"}).json()["jobs"]
    return [job["id"] for job in sorted(jobs, key=lambda job: job["position"])]


def paused_with(own: Served, count: int) -> list[str]:
    """So many jobs in a queue that doesn't move."""
    assert post(own, "/queue/pause") == {"paused": True}
    return [own.submit(seed=seed) for seed in range(count)]


# -- pausing ---------------------------------------------------------------------------------------------


def test_a_paused_queue_ends_what_runs_and_begins_nothing_until_it_is_resumed(own: Served) -> None:
    own.engine.hold()
    running = own.submit()
    own.engine.wait_until_sampling()
    (waiting,) = paused_with(own, 1)
    own.engine.release()

    assert own.final(running)["status"] == "completed"
    assert own.api.get("/health").json()["paused"] is True
    assert own.job(waiting)["position"] == 1
    assert post(own, "/queue/resume") == {"paused": False}
    assert own.final(waiting)["status"] == "completed"
    assert own.api.get("/health").json()["paused"] is False
    assert len(own.engine.recipes) == 2


def test_a_pause_outlives_the_studio(tmp_path: Path) -> None:
    with serving(tmp_path) as own:
        (job_id,) = paused_with(own, 1)

    with serving(tmp_path) as own:
        assert own.api.get("/health").json()["paused"] is True
        assert own.job(job_id)["status"] == "pending"
        post(own, "/queue/resume")
        assert own.final(job_id)["status"] == "completed"


# -- rearranging -----------------------------------------------------------------------------------------


def test_jobs_run_in_the_order_they_were_moved_to(own: Served) -> None:
    a, b, c, d = paused_with(own, 4)

    moved = post(own, f"/queue/{c}/move", {"to": "front"})
    post(own, f"/queue/{a}/move", {"to": "down"})
    post(own, f"/queue/{d}/move", {"before": b})

    assert (moved["id"], moved["position"]) == (c, 1)
    assert positions(own) == [c, d, b, a]
    post(own, "/queue/resume")
    for job_id in (a, b, c, d):
        own.final(job_id)
    assert [recipe.seed for recipe in own.engine.recipes] == [2, 3, 1, 0]


def test_a_job_that_does_not_wait_has_no_place(own: Served) -> None:
    own.engine.hold()
    running = own.submit()
    own.engine.wait_until_sampling()

    answer = own.api.post(f"/queue/{running}/move", json={"to": "front"})

    assert (answer.status_code, answer.json()) == (
        409, {"error": f"Job {running} is processing; only pending jobs have a place in the queue."},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("move", {}, 'give either "to" or "before"'),
        ("move", {"to": "front", "before": NOBODY}, 'give either "to" or "before"'),
        ("move", {"to": "sideways"}, "to: "), ("move", {"to": "front", "by": 1}, "by: unknown field"),
        ("move", [], "The body must be a JSON object"), ("cancel", {}, 'give either "ids" or "status"'),
        ("cancel", {"ids": [NOBODY], "status": "pending"}, 'give either "ids" or "status"'),
        ("cancel", {"ids": []}, "ids: "), ("cancel", {"ids": NOBODY}, "ids: "),
        ("cancel", {"ids": [NOBODY] * 1001}, "ids: "), ("cancel", {"ids": [7]}, "ids."),
        ("cancel", {"status": "completed"}, "status: "),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_by_name(served: Served, path: str, body: object, says: str) -> None:
    where = f"/queue/{NOBODY}/move" if path == "move" else "/queue/cancel"

    answer = served.api.post(where, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(says)


@pytest.mark.parametrize("job_id", [NOBODY, "1", "%00", NOBODY.upper(), "é"])
@pytest.mark.parametrize(
    ("method", "tail"), [("POST", "/move"), ("POST", "/retry"), ("GET", "/request"), ("GET", "/attempts")]
)
def test_an_unknown_job_is_404(served: Served, method: str, tail: str, job_id: str) -> None:
    body = {"to": "front"} if tail == "/move" else None

    answer = served.api.request(method, f"/queue/{job_id}{tail}", json=body)

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_before_a_job_that_is_not_there_is_no_place(own: Served) -> None:
    (job_id,) = paused_with(own, 1)
    for other in (NOBODY, "\x00", ""):
        assert own.api.post(f"/queue/{job_id}/move", json={"before": other}).status_code == 404


# -- cancelling many -------------------------------------------------------------------------------------


def test_many_jobs_are_cancelled_in_one_call_the_running_one_too(own: Served) -> None:
    done = own.final(own.submit())["id"]
    own.engine.hold()
    running = own.submit()
    own.engine.wait_until_sampling()
    waiting = [own.submit() for _ in range(3)]

    answer = post(own, "/queue/cancel", {"ids": [done, running, *waiting[:2], NOBODY, "nonsense"]})

    assert sorted(answer["cancelled"]) == sorted([running, *waiting[:2]])
    assert own.final(running)["status"] == "cancelled"
    assert own.job(done)["status"] == "completed"
    own.engine.release()
    assert own.final(waiting[2])["status"] == "completed"


def test_everything_that_waits_is_cancelled_and_what_runs_goes_on(own: Served) -> None:
    own.engine.hold()
    running = own.submit()
    own.engine.wait_until_sampling()
    waiting = [own.submit() for _ in range(5)]

    answer = post(own, "/queue/cancel", {"status": "pending"})

    assert sorted(answer["cancelled"]) == sorted(waiting)
    assert {own.job(job_id)["status"] for job_id in waiting} == {"cancelled"}
    own.engine.release()
    assert own.final(running)["status"] == "completed"
    assert post(own, "/queue/cancel", {"status": "pending"}) == {"cancelled": []}


# -- trying again ----------------------------------------------------------------------------------------


def test_a_failed_job_is_tried_again_with_the_same_recipe_and_seed(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine says no."))
    failed = own.final(own.submit(negative_prompt="blurry", n=2))

    again = post(own, f"/queue/{failed['id']}/retry")

    assert again["job_id"] != failed["id"]
    job = own.final(again["job_id"])
    assert (job["status"], job["parent_id"], job["seed"]) == ("completed", failed["id"], failed["seed"])
    first, second = own.engine.recipes
    assert first == second
    assert own.job(failed["id"]) == failed


def test_what_was_made_once_is_made_again_pixel_by_pixel(own: Served) -> None:
    job = own.final(own.submit())
    again = own.final(post(own, f"/queue/{job['id']}/retry")["job_id"])

    assert again["generation_id"] != job["generation_id"]
    old, new = (own.studio.image(each["image_ids"][0]) for each in (job, again))
    assert own.studio.image_file(old) != own.studio.image_file(new)
    assert own.engine.recipes[0] == own.engine.recipes[1]


def test_an_edit_is_tried_again_with_its_picture(own: Served) -> None:
    answer = own.api.post("/queue/edit", data=PROMPT, files={"image": picture_file()})
    job = own.final(answer.json()["job_id"])

    again = own.final(post(own, f"/queue/{job['id']}/retry")["job_id"])

    assert (again["status"], again["type"], again["source_image_id"]) == (
        "completed", "edit", job["source_image_id"],
    )  # fmt: skip
    assert own.engine.inputs[0] == own.engine.inputs[1]


def test_a_job_that_is_not_over_can_not_be_tried_again(own: Served) -> None:
    (job_id,) = paused_with(own, 1)

    answer = own.api.post(f"/queue/{job_id}/retry")

    assert answer.status_code == 409
    assert "only a job that is over" in answer.json()["error"]


def test_one_key_tries_again_once(own: Served) -> None:
    job, other = own.final(own.submit())["id"], own.final(own.submit())["id"]
    key = {"Idempotency-Key": "once"}

    answers = [post(own, f"/queue/{job}/retry", **key)["job_id"] for _ in range(3)]

    assert len(set(answers)) == 1
    assert own.api.post(f"/queue/{other}/retry", headers=key).status_code == 409


def test_trying_again_waits_its_turn_and_respects_the_limit(tmp_path: Path) -> None:
    with serving(tmp_path, max_pending=1) as own:
        done = own.final(own.submit())["id"]
        paused_with(own, 1)

        answer = own.api.post(f"/queue/{done}/retry")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_a_job_whose_model_left_the_catalogue_can_not_be_tried_again(tmp_path: Path) -> None:
    with serving(tmp_path) as own:
        done = own.final(own.submit(model="generator"))["id"]
        del own.studio.catalog.models["generator"]

        answer = own.api.post(f"/queue/{done}/retry")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("model: ")


# -- looking ---------------------------------------------------------------------------------------------


def test_the_request_of_a_job_is_its_whole_recipe_with_the_seed_as_digits(own: Served) -> None:
    job_id = own.submit(seed=2**63 - 1, negative_prompt="blurry", style="vivid")

    request = own.api.get(f"/queue/{job_id}/request").json()

    recipe = own.studio.job(job_id).recipe
    assert request == recipe.model_dump(mode="json") | {"seed": str(2**63 - 1)}
    assert (request["width"], request["negative_prompt"], request["style"]) == (128, "blurry", "vivid")
    assert request["sent_prompt"] != request["prompt"]


def test_attempts_tell_how_each_execution_ended(own: Served) -> None:
    own.engine.faults.append(EngineRefused("The engine says no."))
    job = own.final(own.submit())

    (attempt,) = own.api.get(f"/queue/{job['id']}/attempts").json()

    assert (attempt["number"], attempt["outcome"], attempt["error"]) == (1, "failed", "The engine says no.")
    assert attempt["log_tail"] == own.engine.log_tail


def test_a_completed_job_names_its_pictures_everywhere(own: Served) -> None:
    job = own.final(own.submit(n=3))

    listed = own.api.get("/queue").json()["jobs"][0]
    generation = own.api.get(f"/generations/{job['generation_id']}").json()

    assert listed == job
    assert job["image_ids"] == [image["id"] for image in generation["images"]]
    own.api.delete(f"/generations/{job['generation_id']}")
    assert own.job(job["id"])["image_ids"] == []


def test_the_statistics_agree_after_all_of_it(own: Served) -> None:
    paused_with(own, 3)
    post(own, "/queue/cancel", {"status": "pending"})

    assert own.studio.counts()[JobStatus.CANCELLED] == 3
    assert own.api.get("/queue/stats").json()["cancelled"] == 3
