"""Downloading models over the API: asking, looking, stopping, going on, what is told and what is refused."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio.catalog import load_catalog
from tests.api.listening import listening
from tests.api.serving import MODELS, Served, serving
from tests.hub import Hub, serving_hub, some_weights
from tests.system.running import until

NAME = "someone/tiny/weights.safetensors"
OTHER = "someone/tiny/vae.safetensors"
TINY = """
  tiny:
    name: Tiny
    aliases: [little]
    files: {model: models/tiny.safetensors, vae: models/vae.safetensors}
    defaults: {steps: 3}
    engine: {vae_tiling: true}
    source: {repo: someone/tiny, files: {model: weights.safetensors, vae: vae.safetensors}}
"""
NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the two files of a model; studios that are opened now ask it."""
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    with serving_hub() as running:
        running.files = {NAME: some_weights(tmp_path), OTHER: some_weights(tmp_path, seed=2, count=1000)}
        monkeypatch.setenv("HF_ENDPOINT", running.base)
        yield running


@pytest.fixture
def studio(hub: Hub, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, models=MODELS + TINY, download_hosts="localhost") as running:
        yield running


def begin(studio: Served, **body: Any) -> dict[str, Any]:
    answer = studio.api.post("/models/download", json=body)
    assert answer.status_code == 202, answer.text
    row: dict[str, Any] = answer.json()
    return row


def at_rest(studio: Served, download_id: str) -> dict[str, Any]:
    """The download once nothing happens to it any more."""
    changed = threading.Event()
    with studio.studio.bus.listen(lambda _: changed.set()):
        while True:
            changed.clear()
            row: dict[str, Any] = studio.api.get(f"/models/download/{download_id}").json()
            if row["state"] not in ("queued", "running", "checking"):
                return row
            assert changed.wait(30), row


def test_a_model_is_downloaded_and_generates_without_a_restart(hub: Hub, studio: Served) -> None:
    before = studio.api.get("/models/tiny").json()
    assert (before["state"], before["obtainable"], before["download"]) == ("missing", 2, None)
    assert studio.api.post("/queue/generate", json={"prompt": "x", "model": "tiny"}).status_code == 409

    row = at_rest(studio, begin(studio, model="little")["id"])

    whole = sum(map(len, hub.files.values()))
    assert (row["state"], row["model"], row["error"]) == ("completed", "tiny", None)
    assert (row["done_bytes"], row["total_bytes"]) == (whole, whole)
    assert [file["sha256"] for file in row["files"]] == [hub.sha256(NAME), hub.sha256(OTHER)]
    after = studio.api.get("/models/tiny").json()
    assert (after["state"], after["missing"], after["obtainable"]) == ("stopped", [], 0)
    assert after["bytes"] == whole
    assert after["download"]["id"] == row["id"]
    job = studio.final(studio.submit(model="tiny", size="64x64"))
    assert job["status"] == "completed"
    assert studio.api.get("/models/download").json() == [row]


def test_progress_is_told_by_events_and_never_goes_back(hub: Hub, studio: Served) -> None:
    with listening(studio.base) as listener:
        listener.next()
        row = begin(studio, model="tiny")
        heard = listener.until(
            "model_status_changed", lambda payload: payload.get("download", {}).get("state") == "completed"
        )

    told = [event.payload["download"] for event in heard if "download" in event.payload]
    assert {each["id"] for each in told} == {row["id"]}
    assert [each["done_bytes"] for each in told] == sorted(each["done_bytes"] for each in told)
    assert all("engine" in event.payload for event in heard if "download" in event.payload)


def test_a_download_is_cancelled_kept_and_gone_on_with(hub: Hub, studio: Served, tmp_path: Path) -> None:
    hub.free.clear()
    row = begin(studio, model="tiny")
    assert hub.halfway.wait(30)
    assert begin(studio, model="tiny")["id"] == row["id"]
    until(lambda: sum(part.stat().st_size for part in (tmp_path / "models").glob("*.part")))

    answer = studio.api.delete(f"/models/download/{row['id']}")
    assert answer.status_code == 200
    hub.free.set()
    cancelled = at_rest(studio, row["id"])

    assert cancelled["state"] == "cancelled"
    assert 0 < cancelled["done_bytes"] < len(hub.files[NAME])
    (part,) = (tmp_path / "models").glob("*.part")
    kept = part.stat().st_size
    again = begin(studio, model="tiny")
    assert again["id"] == row["id"]
    assert at_rest(studio, row["id"])["state"] == "completed"
    assert hub.transfers()[1].range == f"bytes={kept}-"


def test_a_download_is_cancelled_and_what_came_removed(hub: Hub, studio: Served, tmp_path: Path) -> None:
    hub.free.clear()
    row = begin(studio, model="tiny")
    assert hub.halfway.wait(30)

    studio.api.delete(f"/models/download/{row['id']}?discard=true")
    hub.free.set()

    ended = at_rest(studio, row["id"])
    assert (ended["state"], ended["done_bytes"]) == ("cancelled", 0)
    assert list((tmp_path / "models").iterdir()) == []


def test_what_was_kept_of_a_failed_download_can_be_removed_later(
    hub: Hub, studio: Served, tmp_path: Path
) -> None:
    hub.statuses = [200, 404]  # an empty answer, then none at all
    row = at_rest(studio, begin(studio, model="tiny")["id"])
    assert row["state"] == "failed"
    (tmp_path / "models" / "vae.safetensors.0123.part").write_bytes(b"something")

    answer = studio.api.delete(f"/models/download/{row['id']}?discard=1")

    assert answer.json()["state"] == "cancelled"
    assert list((tmp_path / "models").glob("*.part")) == []


def test_a_fault_is_told_in_words_and_trying_again_helps(hub: Hub, studio: Served) -> None:
    vae = hub.files.pop(OTHER)
    row = at_rest(studio, begin(studio, model="tiny")["id"])

    assert row["state"] == "failed"
    assert row["error"] == "someone/tiny has no file vae.safetensors at revision main."
    hub.files[OTHER] = vae
    assert begin(studio, model="tiny")["error"] is None
    assert at_rest(studio, row["id"])["state"] == "completed"


def test_a_download_that_runs_when_the_studio_ends_is_interrupted_and_gone_on_with(
    hub: Hub, tmp_path: Path
) -> None:
    hub.free.clear()
    with serving(tmp_path, models=MODELS + TINY) as first:
        row = begin(first, model="tiny")
        assert hub.halfway.wait(30)
    # The server was silent when the studio went: what waits for it gives up as soon as it speaks.
    hub.free.set()
    for thread in threading.enumerate():
        if thread.name == "download":
            thread.join(30)
    with serving(tmp_path, models=MODELS + TINY) as second:
        (known,) = second.api.get("/models/download").json()
        assert (known["id"], known["state"], known["speed"]) == (row["id"], "interrupted", None)
        begin(second, model="tiny")
        assert at_rest(second, row["id"])["state"] == "completed"
    with serving(tmp_path, models=MODELS + TINY) as third:
        assert third.api.get(f"/models/download/{row['id']}").json()["state"] == "completed"


def test_a_damaged_list_of_downloads_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "downloads.json").write_text('[{"id": "half')

    with serving(tmp_path, models=MODELS + TINY) as running:
        assert running.api.get("/models/download").json() == []
        assert at_rest(running, begin(running, model="tiny")["id"])["state"] == "completed"


def test_at_most_two_models_are_fetched_at_a_time(hub: Hub, tmp_path: Path) -> None:
    entries = [TINY.replace("tiny", f"tiny{index}").replace("little", f"l{index}") for index in range(3)]
    for index in range(3):
        hub.files[f"someone/tiny{index}/weights.safetensors"] = some_weights(tmp_path, seed=index)
        hub.files[f"someone/tiny{index}/vae.safetensors"] = some_weights(tmp_path, seed=9 + index, count=9)
    models = MODELS + "".join(entries).replace("models/vae", "models/v")
    hub.free.clear()
    with serving(tmp_path, models=models) as studio:
        rows = [begin(studio, model=f"tiny{index}") for index in range(3)]
        assert hub.halfway.wait(30)

        states = [studio.api.get(f"/models/download/{row['id']}").json()["state"] for row in rows]
        assert states[2] == "queued"
        hub.free.set()
        assert {at_rest(studio, row["id"])["state"] for row in rows} == {"completed"}


def test_a_model_from_an_address_joins_the_catalogue_at_once_and_for_good(
    hub: Hub, studio: Served, tmp_path: Path
) -> None:
    yml = (tmp_path / "models.yml").read_text()
    body = {"url": hub.url(NAME), "sha256": hub.sha256(NAME), "id": "found", "name": "Found <b>"}

    row = at_rest(studio, begin(studio, **body)["id"])

    assert (row["state"], row["model"]) == ("completed", "found")
    assert studio.final(studio.submit(model="found", size="64x64"))["status"] == "completed"
    assert (tmp_path / "models" / "found" / "model.safetensors").read_bytes() == hub.files[NAME]
    assert (tmp_path / "models.yml").read_text() == yml
    written = yaml.safe_load((tmp_path / "models.d" / "found.yml").read_text())
    assert written["models"]["found"]["name"] == "Found <b>"
    assert load_catalog(tmp_path / "models.yml").model("found").is_downloaded
    assert studio.api.post("/models/download", json=body).status_code == 409


def test_a_model_of_a_repository_is_added_like_another_one_and_shares_its_files(
    hub: Hub, studio: Served, tmp_path: Path
) -> None:
    hub.files["else/finetune/deep/new.safetensors"] = some_weights(tmp_path, seed=3, count=1000)
    source = {"repo": "else/finetune", "files": {"diffusion_model": "deep/new.safetensors"}}

    row = at_rest(studio, begin(studio, id="mine", source=source, like="little")["id"])

    assert row["state"] == "completed", row
    written = yaml.safe_load((tmp_path / "models.d" / "mine.yml").read_text())["models"]["mine"]
    assert written["files"] == {
        "vae": "models/vae.safetensors", "diffusion_model": "models/mine/diffusion_model.safetensors"
    }  # fmt: skip
    assert written["source"]["files"]["vae"] == {"path": "vae.safetensors", "repo": "someone/tiny"}
    assert (tmp_path / "models" / "vae.safetensors").read_bytes() == hub.files[OTHER]
    mine = load_catalog(tmp_path / "models.yml").model("mine")
    tiny = load_catalog(tmp_path / "models.yml").model("tiny")
    assert (mine.defaults, mine.limits, mine.engine) == (tiny.defaults, tiny.limits, tiny.engine)
    assert (mine.defaults.steps, mine.engine.vae_tiling) == (3, True)
    assert studio.final(studio.submit(model="mine", size="64x64"))["status"] == "completed"


def test_a_model_like_none_is_not_added(studio: Served, tmp_path: Path) -> None:
    source = {"repo": "someone/tiny", "files": {"model": "weights.safetensors"}}
    answer = studio.api.post("/models/download", json={"id": "n", "source": source, "like": "nothing"})
    assert (answer.status_code, "no model 'nothing'" in answer.json()["error"]) == (404, True)
    assert not (tmp_path / "models.d").exists()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "model: is required, or id with source, or id with url and sha256"),
        ({"id": "new"}, "url: is required"),
        ({"source": {"repo": "a/b", "files": {"model": "c.gguf"}}}, "id: is required"),
        ({"id": "n", "source": {"files": {"model": "c.gguf"}}}, "source: files.model: needs a `repo`"),
        (
            {"id": "n", "source": {"repo": "a/b", "files": {"model": "c.ckpt"}}},
            "path: is no file that ends in",
        ),
        ({"id": "n", "source": {"repo": "a/b", "files": {"model": "../c.gguf"}}}, "not a path inside a repo"),
        (
            {"id": "n", "source": {"repo": "a/b", "files": {"lora_dir": "c.gguf"}}},
            "source.files.lora_dir: is no",
        ),
        ({"id": "n", "source": {"repo": "a/b", "files": {}}}, "files: "),
        ({"id": "n", "source": {"repo": "a/b", "files": {"vae": "c.gguf"}}}, "files: needs `model`"),
        (
            {"id": "n", "source": {"repo": "a/b", "files": {"model": "c.gguf"}}, "key": "vae"},
            "key: has no meaning beside source",
        ),
        (
            {
                "id": "n",
                "source": {"files": {"model": {"url": "https://10.0.0.1/c.gguf", "sha256": "5e" * 32}}},
            },
            "not on the public internet",
        ),
        ({"model": "tiny", "url": "https://a.example/b.gguf"}, "url: has no meaning beside model"),
        ({"url": "https://a.example/b.gguf", "id": "new"}, "sha256: is required"),
        ({"url": "https://a.example/b.gguf", "sha256": "5e" * 32}, "id: is required"),
        ({"url": "https://a.example/b.ckpt", "sha256": "5e" * 32, "id": "new"}, "ends in .safetensors or"),
        ({"url": "file:///etc/b.gguf", "sha256": "5e" * 32, "id": "new"}, "url: "),
        ({"url": "https://me:pw@a.example/b.gguf", "sha256": "5e" * 32, "id": "new"}, "name or password"),
        ({"url": "https://127.0.0.1/b.gguf", "sha256": "5e" * 32, "id": "new"}, "not on the public internet"),
        ({"url": "http://127.0.0.1/b.gguf", "sha256": "5e" * 32, "id": "new"}, "https only"),
        ({"url": "https://[::1/b.gguf", "sha256": "5e" * 32, "id": "new"}, "is not an address"),
        ({"url": "https://a.example/b.gguf", "sha256": "5E", "id": "new"}, "sha256: "),
        ({"url": "https://a.example/b.gguf", "sha256": "5e" * 32, "id": "../new"}, "id: "),
        ({"url": "https://a.example/b.gguf", "sha256": "5e" * 32, "id": "download"}, "is taken"),
        ({"url": "https://a.example/b.gguf", "sha256": "5e" * 32, "id": "n", "key": "lora_dir"}, "key: "),
        ({"modle": "tiny"}, "modle: unknown field"),
    ],
)
def test_a_wrong_request_is_refused_by_the_name_of_its_field(
    studio: Served, tmp_path: Path, body: dict[str, Any], sentence: str
) -> None:
    answer = studio.api.post("/models/download", json=body)

    assert answer.status_code == 400, answer.text
    assert sentence in answer.json()["error"]
    assert not (tmp_path / "models.d").exists()
    assert studio.api.get("/models/download").json() == []


@pytest.mark.parametrize(
    ("model", "status", "sentence"),
    [
        ("nothing", 404, "no model 'nothing'"),
        ("demo", 409, "is downloaded already"),
        ("absent", 409, "names no source for weights/not-here.safetensors"),
    ],
)
def test_a_model_that_can_not_be_downloaded_says_why(
    studio: Served, model: str, status: int, sentence: str
) -> None:
    answer = studio.api.post("/models/download", json={"model": model})

    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True)


def test_a_download_nobody_knows_is_not_found(studio: Served) -> None:
    assert studio.api.get(f"/models/download/{NOBODY}").status_code == 404
    assert studio.api.delete(f"/models/download/{NOBODY}").status_code == 404
    assert studio.api.delete(f"/models/download/{NOBODY}?discrd=1").status_code == 400


def test_a_complete_download_is_not_cancelled(studio: Served) -> None:
    row = at_rest(studio, begin(studio, model="tiny")["id"])

    assert studio.api.delete(f"/models/download/{row['id']}").status_code == 409


def test_a_studio_that_stops_downloads_nothing_new(studio: Served) -> None:
    studio.studio.downloads.close()

    assert studio.api.post("/models/download", json={"model": "tiny"}).status_code == 503


def test_the_memory_a_model_needs_is_estimated_before_and_after_it_is_there(studio: Served) -> None:
    before = studio.api.get("/models/tiny").json()["fit"]
    assert (before["size"], before["weights_bytes"], before["fits"]) == ("512x512", None, None)
    assert before["available_bytes"] > 0

    at_rest(studio, begin(studio, model="tiny")["id"])

    model = studio.api.get("/models/tiny").json()
    assert model["fit"]["weights_bytes"] == model["bytes"]
    assert model["fit"]["needed_bytes"] == model["bytes"] + model["fit"]["working_bytes"]
    assert model["fit"]["fits"] is (model["fit"]["needed_bytes"] <= model["fit"]["available_bytes"])
