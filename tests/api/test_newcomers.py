"""Models that the command line adds beside a running studio."""

from pathlib import Path
from typing import Any

import pytest

from studio.models_command import models_command
from tests.api.listening import listening
from tests.api.serving import Served, serving
from tests.hub import some_weights


def add(folder: Path, model_id: str) -> None:
    """`python app.py models add --file`, as somebody types it while the studio runs."""
    (folder / f"{model_id}.safetensors").write_bytes(some_weights(folder))
    file, catalogue = str(folder / f"{model_id}.safetensors"), str(folder / "models.yml")
    assert models_command(["add", "--file", file, "--models", catalogue, "--name", "Mine <b>"]) == 0


def test_a_model_of_the_command_line_is_listed_and_told_to_all(own: Served) -> None:
    add(own.studio.settings.models.parent, "mine")

    with listening(own.base) as listener:
        listener.next()
        listed = own.api.get("/models").json()
        told = listener.until("model_status_changed", lambda payload: "added" in payload)[-1].payload

    assert listed[-1]["id"] == "mine"
    assert (listed[-1]["name"], listed[-1]["state"]) == ("Mine <b>", "stopped")
    assert (told["added"], told["engine"]["state"]) == ("mine", own.studio.engine.state)


def test_a_job_for_it_is_taken_and_done_though_nobody_listed_it(own: Served) -> None:
    refused = own.api.post("/queue/generate", json={"prompt": "x", "model": "mine"})
    assert "no model 'mine'" in refused.json()["error"]
    add(own.studio.settings.models.parent, "mine")

    job = own.final(own.submit(model="mine", size="64x64"))

    assert (job["status"], job["model"]) == ("completed", "mine")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/images/generations", {"model": "mine", "size": "64x64"}),
        (
            "/sdapi/v1/txt2img",
            {"override_settings": {"sd_model_checkpoint": "mine"}, "width": 64, "height": 64, "steps": 2},
        ),
    ],
)
def test_other_doors_know_it_too(own: Served, path: str, body: dict[str, Any]) -> None:
    add(own.studio.settings.models.parent, "mine")

    answer = own.http.post(path, json={"prompt": "x"} | body)

    assert answer.status_code == 200, answer.text
    assert own.engine.recipes[-1].model == "mine"


def test_an_id_that_the_command_line_took_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path, download_hosts="localhost") as running:
        add(tmp_path, "mine")
        written = (tmp_path / "models.d" / "mine.yml").read_bytes()

        body = {"url": "http://localhost/b.gguf", "sha256": "5e" * 32, "id": "mine"}
        answer = running.api.post("/models/download", json=body)

        assert answer.status_code == 409, answer.text
        assert (tmp_path / "models.d" / "mine.yml").read_bytes() == written
