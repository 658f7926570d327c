"""POST /generate, /edit and /variation, waiting and not."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.errors import BadResult, EngineCrashed, EngineRefused
from studio.store import is_id
from tests.api.serving import PROMPT, Served, picture_file, png, serving

FORM = {"prompt": "make it red"}


def test_a_prompt_becomes_pictures_in_the_shape_of_the_contract(served: Served) -> None:
    answer = served.api.post("/generate", json=PROMPT | {"n": 2, "style": "vivid"})
    made = answer.json()
    assert answer.status_code == 200
    assert list(made) == ["id", "created", "data"]
    assert is_id(made["id"])
    assert isinstance(made["created"], int)
    assert [(list(picture), picture["index"]) for picture in made["data"]] == [
        (["id", "index", "revised_prompt"], 0),
        (["id", "index", "revised_prompt"], 1),
    ]
    assert made["data"][0]["revised_prompt"].startswith(PROMPT["prompt"] + ", ")


def test_every_field_reaches_the_engine(served: Served) -> None:
    body = {
        "prompt": "a cat", "model": "small", "negative_prompt": "a dog", "size": "256x128", "n": 1, "seed": 0,
        "steps": 3, "cfg_scale": 0.0, "sampler": "heun", "scheduler": "karras", "clip_skip": 2,
        "distilled_guidance": 0.0, "flow_shift": 3, "quality": "low", "style": "natural", "strength": 0.0,
        "fit": "pad", "mask_feather": 0, "user": "somebody",
    }  # fmt: skip
    served.generation(**body)
    recipe = served.engine.recipes[-1]
    assert (recipe.width, recipe.height, recipe.seed, recipe.model) == (256, 128, 0, "demo")
    for field in ("negative_prompt", "steps", "cfg_scale", "sampler", "scheduler", "clip_skip", "quality"):
        assert getattr(recipe, field) == body[field]
    assert (recipe.distilled_guidance, recipe.flow_shift) == (0.0, 3.0)
    assert (recipe.fit, recipe.mask_feather, recipe.style) == ("pad", 0, "natural")


@pytest.mark.parametrize(
    ("seed", "stored"), [(0, 0), ("17", 17), (2**63 - 1, 2**63 - 1), (str(2**62), 2**62)]
)
def test_a_seed_is_taken_as_a_number_or_as_digits(served: Served, seed: Any, stored: int) -> None:
    made = served.generation(seed=seed)
    assert served.engine.recipes[-1].seed == stored
    assert served.api.get(f"/generations/{made['id']}").json()["seed"] == str(stored)


@pytest.mark.parametrize("seed", [-1, "-1", None])
def test_minus_one_and_null_ask_for_a_random_seed(served: Served, seed: Any) -> None:
    served.generation(seed=seed)
    first = served.engine.recipes[-1].seed
    served.generation(seed=seed)
    assert served.engine.recipes[-1].seed != first


def test_without_size_and_model_the_defaults_are_used(served: Served) -> None:
    served.generation(size="auto")
    assert (served.engine.recipes[-1].size, served.engine.recipes[-1].model) == ("128x128", "demo")


def test_an_edit_sends_the_picture_and_its_mask(served: Served) -> None:
    mask = Image.new("L", (96, 64), 0)
    mask.paste(255, (0, 0, 48, 64))
    out = io.BytesIO()
    mask.save(out, "PNG")
    files = {"image": picture_file(), "mask": picture_file(out.getvalue())}
    data = FORM | {"size": "96x64", "n": "1", "seed": "5", "strength": "0.5", "mask_feather": "0"}
    answer = served.api.post("/edit", files=files, data=data)
    assert answer.status_code == 200, answer.text
    sent = np.asarray(Image.open(io.BytesIO(served.engine.inputs[-1].mask or b"")))
    assert sent[0, 0] == 255
    assert sent[0, 95] == 0
    assert (served.engine.recipes[-1].type, served.engine.recipes[-1].strength) == ("edit", 0.5)


def test_the_transparent_part_of_an_edited_picture_is_its_mask(served: Served) -> None:
    picture = Image.new("RGBA", (96, 64), (10, 20, 30, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 48, 64))
    out = io.BytesIO()
    picture.save(out, "PNG")
    files = {"image": picture_file(out.getvalue())}
    assert served.api.post("/edit", files=files, data=FORM).status_code == 200
    assert served.engine.inputs[-1].mask is not None


def test_a_variation_needs_no_prompt_and_keeps_the_shape_of_its_input(served: Served) -> None:
    files = {"image": picture_file(png(200, 100))}
    answer = served.api.post("/variation", files=files, data={"prompt": "", "size": "", "n": "2"})
    recipe = served.engine.recipes[-1]
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == 2
    assert (recipe.type, recipe.prompt) == ("variation", "")
    assert recipe.width / recipe.height == pytest.approx(2, rel=0.15)


def test_a_file_input_nobody_filled_in_is_no_mask(served: Served) -> None:
    boundary = b"--x\r\n"
    body = (
        boundary + b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + png() + b"\r\n"
        + boundary + b'Content-Disposition: form-data; name="mask"; filename=""\r\n\r\n\r\n'
        + boundary + b'Content-Disposition: form-data; name="prompt"\r\n\r\nred\r\n--x--\r\n'
    )  # fmt: skip
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = served.api.post("/edit", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert served.engine.recipes[-1].mask is None


@pytest.mark.parametrize("kind", ["generate", "edit", "variation"])
def test_queued_jobs_are_answered_at_once_and_run_later(own: Served, kind: str) -> None:
    own.engine.hold()
    if kind == "generate":
        answer = own.api.post("/queue/generate", json=PROMPT)
    else:
        answer = own.api.post(f"/queue/{kind}", files={"image": picture_file()}, data=FORM)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"job_id": answer.json()["job_id"], "status": "pending"}
    own.engine.release()
    job = own.final(answer.json()["job_id"])
    assert (job["type"], job["status"]) == (kind, "completed")
    assert (job["source_image_id"] is None) == (kind == "generate")


@pytest.mark.parametrize("fault", [EngineRefused("the engine says no"), BadResult("one flat colour")])
def test_a_job_that_fails_answers_500_with_its_reason_and_its_id(own: Served, fault: Exception) -> None:
    own.engine.faults.append(fault)  # type: ignore[arg-type]
    answer = own.api.post("/generate", json=PROMPT)
    assert answer.status_code == 500
    assert answer.json()["error"] == str(fault)
    assert own.job(answer.json()["job_id"])["status"] == "failed"


def test_a_job_whose_engine_died_is_tried_again_and_says_so(own: Served) -> None:
    own.engine.faults.append(EngineCrashed("killed"))
    assert own.api.post("/generate", json=PROMPT).status_code == 200
    job = own.api.get("/queue").json()["jobs"][0]
    attempts = own.api.get(f"/queue/{job['id']}/attempts").json()
    assert job["attempts"] == 2
    assert [attempt["outcome"] for attempt in attempts] == ["failed", "completed"]
    assert (attempts[0]["error"], attempts[0]["number"]) == ("killed", 1)


@pytest.mark.parametrize("path", ["/generate", "/queue/generate"])
def test_a_model_whose_files_are_missing_answers_409_naming_them(served: Served, path: str) -> None:
    answer = served.api.post(path, json=PROMPT | {"model": "absent"})
    assert answer.status_code == 409
    assert "weights/not-here.safetensors" in answer.json()["error"]


def test_an_edit_by_a_model_without_files_stores_nothing(own: Served) -> None:
    files = {"image": picture_file()}
    answer = own.api.post("/edit", files=files, data=FORM | {"model": "absent"})
    assert answer.status_code == 409
    assert not list(own.studio.settings.outputs.glob("inputs/*"))


def test_a_full_queue_answers_429_and_when_to_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("full"), max_pending=1) as full:
        full.engine.hold()
        full.submit()
        full.engine.wait_until_sampling()
        full.submit()
        answer = full.api.post("/queue/generate", json=PROMPT)
        assert answer.status_code == 429
        assert "the limit is 1" in answer.json()["error"]
        assert int(answer.headers["retry-after"]) > 0


def test_a_studio_that_stops_answers_503_and_when_to_come_back(own: Served) -> None:
    own.studio.stop_accepting()
    answer = own.api.post("/queue/generate", json=PROMPT)
    assert answer.status_code == 503
    assert list(answer.json()) == ["error"]
    assert int(answer.headers["retry-after"]) > 0


def test_outputs_that_can_not_be_written_answer_507(own: Served) -> None:
    # A file where the folder of inputs belongs: root may write anywhere, so rights would not stop it.
    (own.studio.settings.outputs / "inputs").write_text("in the way")
    answer = own.api.post("/queue/variation", files={"image": picture_file()})
    assert answer.status_code == 507, answer.text
    assert "room" in answer.json()["error"]


def test_a_random_seed_survives_javascript(served: Served) -> None:
    generation = served.api.get(f"/generations/{served.generation()['id']}").json()
    assert int(generation["seed"]) < 2**32
