"""Making pictures larger by REST: every way to name the picture, all limits, and what becomes of the job."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.errors import BadResult, EngineUnavailable
from studio.recipe_text import PARAMETERS_KEY
from tests.api.serving import Served, picture_file, png, serving
from tests.upscaler_files import write_upscaler

X4 = "RealESRGAN <b>x4</b>.safetensors"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with an upscaler that enlarges four times."""
    folder = tmp_path_factory.mktemp("studio")
    write_upscaler(folder / "models" / "upscalers" / X4, 4)
    with serving(folder) as running:
        yield running


def made(served: Served, job_id: str) -> dict[str, Any]:
    """The one picture of a job, as GET /images/{id}/info shows it."""
    job = served.final(job_id)
    assert job["status"] == "completed", job["error"]
    (image_id,) = job["image_ids"]
    info: dict[str, Any] = served.api.get(f"/images/{image_id}/info").json()
    return info


def pixels(served: Served, image_id: str) -> Image.Image:
    image = Image.open(io.BytesIO(served.api.get(f"/images/{image_id}").content))
    image.load()
    return image


def upscaled(served: Served, **body: Any) -> dict[str, Any]:
    """The picture that such a JSON request makes."""
    answer = served.api.post("/queue/upscale", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "pending"
    return made(served, answer.json()["job_id"])


@pytest.fixture(scope="module")
def drawn(served: Served) -> dict[str, Any]:
    """A picture that was made here."""
    return made(served, served.submit(prompt="a heron", seed=501, n=1))


def test_the_upscalers_are_listed_with_lanczos_first(served: Served) -> None:
    plain, network = served.api.get("/upscalers").json()

    assert plain == {"name": "lanczos", "scale": None, "max_factor": 4.0, "bytes": 0}
    assert (network["name"], network["scale"], network["max_factor"]) == (X4, 4, 4.0)
    assert network["bytes"] > 1000


def test_a_picture_of_the_history_becomes_larger_and_keeps_its_story(
    served: Served, drawn: dict[str, Any]
) -> None:
    larger = upscaled(served, image_id=drawn["id"], method="lanczos", factor=1.5)

    assert (larger["width"], larger["height"], larger["type"]) == (192, 192, "upscale")
    assert (larger["prompt"], larger["seed"], larger["steps"]) == ("a heron", "501", drawn["steps"])
    assert larger["upscale"] == {
        "method": "lanczos", "factor": 1.5, "source_width": 128, "source_height": 128,
        "source_image": drawn["id"], "making_known": True,
    }  # fmt: skip
    source, result = pixels(served, drawn["id"]), pixels(served, larger["id"])
    assert result.tobytes() == source.resize((192, 192), Image.Resampling.LANCZOS).tobytes()
    assert "Postprocess upscale by: 1.5" in str(result.info[PARAMETERS_KEY])


def test_a_network_is_run_by_the_engine_and_its_result_brought_to_the_size(
    served: Served, drawn: dict[str, Any]
) -> None:
    own = upscaled(served, image_id=drawn["id"], method=X4)
    smaller = upscaled(served, image_id=drawn["id"], method=X4, size="300x200")

    assert (own["width"], own["height"], own["upscale"]["method"]) == (512, 512, X4)
    assert pixels(served, smaller["id"]).size == (300, 200)
    assert served.engine.upscaled[-2:] == [(X4, 1), (X4, 1)]


def test_an_upload_is_taken_as_a_form_and_waited_for(served: Served) -> None:
    answer = served.api.post(
        "/upscale", files={"image": picture_file(png(40, 30))}, data={"method": "lanczos", "factor": "3"}
    )

    assert answer.status_code == 200, answer.text
    (image,) = answer.json()["data"]
    info = served.api.get(f"/images/{image['id']}/info").json()
    assert (info["width"], info["height"], info["model"]) == (120, 90, "lanczos")
    unknown = ("seed", "steps", "cfg_scale", "sampler", "scheduler")
    assert [info[name] for name in unknown] == [None] * 5
    generation = served.api.get(f"/generations/{answer.json()['id']}").json()
    assert [generation[name] for name in unknown] == [None] * 5
    assert generation["upscale"]["source_width"] == 40


def test_a_stored_input_is_taken_by_its_id(served: Served) -> None:
    stored = served.api.post("/inputs", files={"image": picture_file(png(10, 8))}).json()

    assert upscaled(served, input_image=stored["id"], method="lanczos")["width"] == 20


def test_the_history_finds_upscales_by_type_model_and_words(served: Served, drawn: dict[str, Any]) -> None:
    larger = upscaled(served, image_id=drawn["id"], method="lanczos")

    items = served.api.get("/library", params={"type": "upscale", "q": "heron", "model": "demo"}).json()[
        "items"
    ]

    assert larger["id"] in [item["id"] for item in items]
    assert {item["type"] for item in items} == {"upscale"}


def test_the_same_job_can_be_tried_again_with_equal_pixels(served: Served, drawn: dict[str, Any]) -> None:
    larger = upscaled(served, image_id=drawn["id"], method="lanczos")

    again = made(served, served.api.post(f"/queue/{larger['job_id']}/retry").json()["job_id"])

    assert pixels(served, again["id"]).tobytes() == pixels(served, larger["id"]).tobytes()
    request = served.api.get(f"/queue/{larger['job_id']}/request").json()
    assert request["upscale"]["method"] == "lanczos"


def test_the_same_key_gives_the_same_job_and_refuses_another_request(
    served: Served, drawn: dict[str, Any]
) -> None:
    def post(factor: float) -> Any:
        body = {"image_id": drawn["id"], "method": "lanczos", "factor": factor}
        return served.api.post("/queue/upscale", json=body, headers={"Idempotency-Key": "large"})

    assert post(2).json()["job_id"] == post(2).json()["job_id"]
    assert post(3).status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"method": "lanczos"}, 400, 'give either "image_id" or "input_image"'),
        ({"image_id": "made", "input_image": "0" * 64, "method": "lanczos"}, 400, "give either"),
        ({"image_id": "made"}, 400, "method"),
        ({"image_id": "made", "method": "magic"}, 400, "method: no upscaler 'magic'; known: lanczos, "),
        ({"image_id": "made", "method": "lanczos", "factor": 5}, 400, "factor"),
        ({"image_id": "made", "method": "lanczos", "factor": 0.5}, 400, "factor"),
        ({"image_id": "made", "method": "lanczos", "factor": "2"}, 400, "factor"),
        ({"image_id": "made", "method": "lanczos", "size": "big"}, 400, "size"),
        ({"image_id": "made", "method": "lanczos", "size": "0x0"}, 400, "size"),
        (
            {"image_id": "made", "method": "lanczos", "size": "99x99"},
            400,
            "size: 99x99 of a picture of 128x128",
        ),
        ({"image_id": "made", "method": "lanczos", "size": "200x200", "factor": 2}, 400, "size"),
        ({"image_id": "made", "method": "lanczos", "n": 2}, 400, "n"),
        ({"image_id": "no such thing", "method": "lanczos"}, 404, "no such thing"),
        ({"input_image": "0" * 64, "method": "lanczos"}, 404, "is not stored here"),
        ({"input_image": "../etc", "method": "lanczos"}, 400, "image"),
    ],
)
def test_a_wrong_request_is_refused_by_field(
    served: Served, drawn: dict[str, Any], body: dict[str, Any], status: int, sentence: str
) -> None:
    if body.get("image_id") == "made":
        body = body | {"image_id": drawn["id"]}

    answer = served.api.post("/queue/upscale", json=body)

    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'"text"', b"\xff"])
def test_a_body_that_is_no_request_is_refused(served: Served, content: bytes) -> None:
    answer = served.api.post("/upscale", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_form_with_a_bad_picture_or_size_makes_no_job(served: Served) -> None:
    def refused(content: bytes, **fields: str) -> str:
        answer = served.api.post("/queue/upscale", files={"image": picture_file(content)}, data=fields)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])

    before = served.studio.jobs(limit=1).total
    assert refused(b"no picture", method="lanczos").startswith("image: ")
    assert "limit is 16777216" in refused(png(4096, 2000), method="lanczos", factor="2")
    assert refused(png(), method="magic").startswith("method: ")
    assert served.studio.jobs(limit=1).total == before


def test_an_engine_that_can_not_make_pictures_larger_is_told_before_there_is_a_job(
    served: Served, drawn: dict[str, Any]
) -> None:
    served.engine.no_upscaling = EngineUnavailable("there is no sd-cli here")
    try:
        refused = served.api.post("/upscale", json={"image_id": drawn["id"], "method": X4})
        taken = upscaled(served, image_id=drawn["id"], method="lanczos")
    finally:
        served.engine.no_upscaling = None

    assert (refused.status_code, refused.json()["error"]) == (503, "there is no sd-cli here")
    assert taken["width"] == 256


def test_a_fault_of_the_engine_fails_the_job_with_its_sentence(served: Served, drawn: dict[str, Any]) -> None:
    served.engine.faults.append(BadResult("The engine made nothing."))

    answer = served.api.post("/upscale", json={"image_id": drawn["id"], "method": X4})

    assert (answer.status_code, answer.json()["error"]) == (500, "The engine made nothing.")


def test_a_running_upscale_shows_how_far_it_is_and_can_be_cancelled(
    served: Served, drawn: dict[str, Any]
) -> None:
    served.engine.hold()
    try:
        job_id = served.api.post("/queue/upscale", json={"image_id": drawn["id"], "method": X4}).json()[
            "job_id"
        ]
        served.engine.wait_until_sampling()
        phase = served.job(job_id)["phase"]
        model = served.api.post("/models/demo/stop")
        assert served.api.delete(f"/queue/{job_id}").status_code == 200
        assert served.final(job_id)["status"] == "cancelled"
    finally:
        served.engine.release()
    assert phase == "upscaling"
    # It needs no model, so none is kept by it.
    assert model.status_code == 200, model.text


def test_an_upscaler_that_went_away_fails_its_job_by_name(tmp_path: Path) -> None:
    path = write_upscaler(tmp_path / "models" / "upscalers" / "gone.safetensors", 2)
    with serving(tmp_path) as own:
        own.studio.queue.pause()
        answer = own.api.post(
            "/queue/upscale", files={"image": picture_file()}, data={"method": "gone.safetensors"}
        )
        path.unlink()
        own.studio.queue.resume()
        job = own.final(answer.json()["job_id"])
        retried = own.api.post(f"/queue/{job['id']}/retry")

    assert (job["status"], job["error_code"]) == ("failed", "invalid_request")
    assert "no upscaler 'gone.safetensors'; known: lanczos" in job["error"]
    assert retried.status_code == 400


def test_pictures_of_an_import_give_back_what_drew_the_source(served: Served, drawn: dict[str, Any]) -> None:
    larger = upscaled(served, image_id=drawn["id"], method="lanczos", factor=2)
    content = served.api.get(f"/images/{larger['id']}").content

    read = served.api.post("/import", files={"image": picture_file(content)}).json()

    assert (read["source"], read["params"]["prompt"], read["params"]["seed"]) == ("studio", "a heron", "501")
    assert (read["params"]["width"], "upscale" in read["params"]) == (128, False)
