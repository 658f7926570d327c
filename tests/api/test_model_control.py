"""Starting and stopping models, and what is told about their files."""

import threading
from pathlib import Path
from typing import Any

from tests.api.serving import Served, serving


def post(own: Served, path: str) -> Any:
    """The model a request that must succeed answers with."""
    answer = own.api.post(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def wait_for_state(own: Served, model_id: str, state: str) -> None:
    """Returns when the model is there; AssertionError if it never is."""
    changed = threading.Event()
    with own.studio.bus.listen(lambda _: changed.set()):
        while own.api.get(f"/models/{model_id}").json()["state"] != state:
            assert changed.wait(30), f"{model_id} does not become {state}"
            changed.clear()


def test_a_model_is_started_and_stopped(own: Served) -> None:
    started = post(own, "/models/small/start")
    assert (started["id"], started["state"] in ("loading", "ready")) == ("demo", True)
    wait_for_state(own, "demo", "ready")
    assert [model["id"] for model in own.api.get("/models/running").json()] == ["demo"]

    stopped = post(own, "/models/demo/stop")

    assert stopped["state"] == "stopped"
    assert own.api.get("/models/running").json() == []
    assert post(own, "/models/demo/stop")["state"] == "stopped"


def test_a_model_in_use_is_not_stopped(own: Served) -> None:
    own.engine.hold()
    job_id = own.submit()
    own.engine.wait_until_sampling()

    answer = own.api.post("/models/demo/stop")

    assert answer.status_code == 409
    assert "A job is running with model 'demo'" in answer.json()["error"]
    assert post(own, "/models/demo/start")["state"] == "busy"
    own.engine.release()
    assert own.final(job_id)["status"] == "completed"


def test_another_model_is_loaded_once_the_running_job_is_over(own: Served) -> None:
    own.engine.hold()
    job_id = own.submit()
    own.engine.wait_until_sampling()

    assert post(own, "/models/generator/start")["state"] == "loading"
    assert own.api.get("/models/demo").json()["state"] == "busy"

    own.engine.release()
    own.final(job_id)
    wait_for_state(own, "generator", "ready")
    assert own.api.get("/models/demo").json()["state"] == "stopped"


def test_a_model_without_files_is_not_started_and_the_missing_ones_are_named(own: Served) -> None:
    answer = own.api.post("/models/absent/start")

    assert answer.status_code == 409
    assert "weights/not-here.safetensors" in answer.json()["error"]
    assert own.api.post("/models/nothing/start").status_code == 404
    assert own.api.post("/models/nothing/stop").status_code == 404
    model = own.api.get("/models/absent").json()
    assert model["files"] == [
        {"key": "model", "path": "weights/not-here.safetensors", "present": False, "bytes": None}
    ]
    assert model["bytes"] == 0


def test_files_are_listed_with_their_sizes(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "not-here.safetensors").write_bytes(b"x" * 1234)
    with serving(tmp_path) as own:
        model = own.api.get("/models/absent").json()
        demo = own.api.get("/models/demo").json()

    assert (model["bytes"], model["files"][0]["bytes"], model["files"][0]["present"]) == (1234, 1234, True)
    assert (model["state"], model["missing"]) == ("stopped", [])
    assert demo["bytes"] > 100_000


def test_how_a_model_stands_and_its_files_are_told_by_themselves(own: Served) -> None:
    post(own, "/models/demo/start")
    wait_for_state(own, "demo", "ready")

    status = own.api.get("/models/small/status").json()
    files = own.api.get("/models/absent/files").json()

    assert status == {"id": "demo", "state": "ready", "fraction": None, "fault": None}
    assert (files["id"], files["complete"], files["download"]) == ("absent", False, None)
    assert files["files"] == own.api.get("/models/absent").json()["files"]
    assert own.api.get("/models/demo/files").json()["complete"] is True
    for part in ("status", "files"):
        assert own.api.get(f"/models/nothing/{part}").status_code == 404


def test_a_studio_that_stops_starts_no_model(own: Served) -> None:
    own.studio.stop_accepting()

    for word in ("start", "stop"):
        answer = own.api.post(f"/models/demo/{word}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
