"""Control pictures through the doors: sent as files or by id, shown again, kept, and refused by name."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mcp_types import CallToolResult
from PIL import Image

from studio.framing import around
from tests.api.agent_client import data_of, fault_of, in_base64, talking_to
from tests.api.serving import MODELS, PROMPT, Served, picture_file, png, serving
from tests.steered import STEERED, add_weights


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a model that has a control net, and one (the default) that has none."""
    folder = tmp_path_factory.mktemp("studio")
    add_weights(folder)
    with serving(folder, models=MODELS + STEERED) as running:
        yield running


def noise(width: int, height: int, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def stored(studio: Served, content: bytes) -> str:
    answer = studio.api.post("/inputs", files={"image": picture_file(content)})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def followed(studio: Served) -> Image.Image:
    """The control picture that reached the engine last."""
    control = studio.engine.inputs[-1].control
    assert control is not None
    return Image.open(io.BytesIO(control))


def sent(studio: Served, path: str, files: dict[str, bytes], **data: str) -> dict[str, Any]:
    """The job of a form, over."""
    answer = studio.api.post(
        path,
        data={"prompt": "a bridge", "model": "steered", **data},
        files={name: picture_file(content) for name, content in files.items()},
    )
    assert answer.status_code == 200, answer.text
    job = studio.final(answer.json()["job_id"])
    assert job["status"] == "completed", job
    return job


def test_what_follows_a_map_says_so(studio: Served) -> None:
    assert studio.api.get("/features?model=steered").json()["control"] is True
    assert studio.api.get("/features?model=demo").json()["control"] is False
    models = {model["id"]: model for model in studio.api.get("/models").json()}
    assert models["steered"]["capabilities"]["control"] is True
    assert models["demo"]["capabilities"]["control"] is False


def test_a_stored_map_steers_a_picture_from_words_and_is_told_of_it(studio: Served) -> None:
    map_id = stored(studio, noise(128, 128))
    job = studio.final(studio.submit(model="steered", control_image=map_id, control_strength=0))
    assert followed(studio).size == (128, 128)
    assert np.array_equal(np.asarray(followed(studio)), np.asarray(Image.open(io.BytesIO(noise(128, 128)))))
    assert (job["control_image"], job["control_strength"]) == (map_id, 0)
    plain = studio.final(studio.submit(model="steered"))
    assert not {"control_image", "control_strength"} & plain.keys()
    assert studio.engine.inputs[-1].control is None


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(40, 300), (1, 1), (128, 64)])
def test_a_map_of_any_shape_reaches_the_engine_at_exactly_its_size(
    studio: Served, fit: str, shape: tuple[int, int]
) -> None:
    map_id = stored(studio, noise(*shape))
    studio.generation(model="steered", size="100x130", fit=fit, control_image=map_id)
    control = followed(studio)
    assert (control.size, control.mode) == ((128, 192), "RGB")
    # What the engine draws beyond the picture, it draws over the map's own last pixels.
    pixels = np.asarray(control)
    assert (pixels[:, 100:] == pixels[:, 99:100]).all() and (pixels[130:] == pixels[129:130]).all()


def test_a_map_lies_on_the_picture_an_edit_starts_from(studio: Served) -> None:
    picture = noise(200, 120, 1)
    job = sent(studio, "/queue/edit", {"image": picture, "control_image": picture}, control_strength="1.5")
    assert job["control_strength"] == 1.5
    assert studio.engine.inputs[-1].control == studio.engine.inputs[-1].image
    sent(studio, "/queue/variation", {"image": picture, "control_image": picture})
    assert studio.engine.inputs[-1].control == studio.engine.inputs[-1].image


def test_of_a_map_only_the_part_is_used_that_is_painted(studio: Served) -> None:
    picture = noise(256, 256, 2)
    painted = Image.new("L", (256, 256), 0)
    painted.paste(255, (150, 150, 182, 182))
    out = io.BytesIO()
    painted.save(out, "PNG")
    files = {"image": picture, "mask": out.getvalue(), "control_image": picture}
    sent(studio, "/queue/edit", files, inpaint_area="masked", size="128x128")
    inputs = studio.engine.inputs[-1]
    frame = around((150, 150, 182, 182), 32, (256, 256), (128, 128), "crop")
    assert frame.region != (0, 0, 256, 256)
    assert inputs.control == inputs.image


def test_a_picture_that_grows_has_a_map_of_its_grown_size(studio: Served) -> None:
    grown = noise(192, 128, 3)
    files = {"image": noise(128, 128), "control_image": grown}
    sent(studio, "/queue/edit", files, extend='{"right": 64}')
    assert np.array_equal(np.asarray(followed(studio)), np.asarray(Image.open(io.BytesIO(grown))))


def test_a_map_may_have_transparent_parts_which_are_white(studio: Served) -> None:
    map_id = stored(studio, png(128, 128, "RGBA", (255, 0, 0, 0)))
    studio.generation(model="steered", control_image=map_id)
    assert followed(studio).getextrema() == ((255, 255),) * 3


def test_jobs_of_a_batch_name_their_maps_and_one_that_is_not_there_is_refused(studio: Served) -> None:
    map_id = stored(studio, noise(64, 64))
    job = {"prompt": "a bridge", "model": "steered", "control_image": map_id}
    answer = studio.api.post("/queue/batch", json={"jobs": [job, job | {"control_strength": 0.5}]})
    assert answer.status_code == 200, answer.text
    jobs = [studio.final(each["job_id"]) for each in answer.json()["jobs"]]
    assert [each["control_strength"] for each in jobs] == [0.9, 0.5]
    refused = studio.api.post("/queue/batch", json={"jobs": [job, job | {"control_image": "0" * 64}]})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("jobs.1.control_image: ")


def test_the_strength_can_be_varied_in_a_grid(studio: Served) -> None:
    body = {
        "params": {"model": "steered", **PROMPT, "control_image": stored(studio, noise(64, 64)), "seed": 1},
        "axes": [{"parameter": "control_strength", "values": [0, 0.5, 2]}],
    }
    answer = studio.api.post("/grids", json=body)
    assert answer.status_code == 200, answer.text
    jobs = [studio.final(cell["job_id"]) for cell in answer.json()["cells"]]
    assert [job["control_strength"] for job in jobs] == [0, 0.5, 2]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"control_image": "0" * 64}, "control_image: "),
        ({"control_image": "nothing"}, "control_image: "),
        ({"control_image": "MAP", "control_strength": 2.1}, "control_strength: "),
        ({"control_image": "MAP", "control_strength": "1"}, "control_strength: "),
        ({"control_image": "MAP", "model": "demo"}, "control_image: the model 'demo' has no control net"),
        ({"control_image": "MAP", "hires": {"scale": 2}}, "hires: can't be combined with a control picture"),
    ],
)
def test_what_can_not_be_steered_is_refused_by_its_field(
    studio: Served, more: dict[str, Any], sentence: str
) -> None:
    map_id = stored(studio, noise(64, 64))
    more = {name: map_id if value == "MAP" else value for name, value in more.items()}
    answer = studio.api.post("/queue/generate", json={**PROMPT, "model": "steered", **more})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


@pytest.mark.parametrize("path", ["/queue/edit", "/queue/variation"])
def test_forms_refuse_a_map_that_is_no_picture_or_that_the_model_ignores(studio: Served, path: str) -> None:
    def post(control: Any, model: str) -> Any:
        files = {"image": picture_file(), "control_image": control}
        return studio.api.post(path, data={"prompt": "a", "model": model}, files=files)

    damaged = post(picture_file(b"no picture"), "steered")
    assert (damaged.status_code, damaged.json()["error"].split(":")[0]) == (400, "control_image")
    ignored = post(picture_file(noise(64, 64)), "demo")
    assert (ignored.status_code, ignored.json()["error"].split(":")[0]) == (400, "control_image")
    text = studio.api.post(
        path,
        data={"prompt": "a", "model": "steered", "control_image": "text"},
        files={"image": picture_file()},
    )
    assert text.json()["error"].startswith("control_image: must be a file")


def test_a_job_that_is_tried_again_or_replayed_follows_the_same_map(studio: Served) -> None:
    map_id = stored(studio, noise(128, 128, 5))
    made = studio.generation(model="steered", control_image=map_id)
    first = studio.engine.inputs[-1].control
    answer = studio.api.post(f"/generations/{made['id']}/replay")
    assert answer.status_code == 200, answer.text
    assert studio.final(answer.json()["job_id"])["control_image"] == map_id
    assert studio.engine.inputs[-1].control == first


def test_a_picture_made_larger_forgets_the_map_that_its_source_followed(studio: Served) -> None:
    made = studio.generation(model="steered", control_image=stored(studio, noise(128, 128, 6)))
    body = {"image_id": made["data"][0]["id"], "method": "lanczos"}
    answer = studio.api.post("/queue/upscale", json=body)
    assert answer.status_code == 200, answer.text
    job = studio.final(answer.json()["job_id"])
    assert job["status"] == "completed", job
    assert "control_image" not in job


def test_a_picture_file_says_which_map_it_followed_while_that_is_stored(studio: Served) -> None:
    map_id = stored(studio, noise(128, 128, 7))
    made = studio.generation(model="steered", control_image=map_id, control_strength=0.25)
    content = studio.api.get(f"/images/{made['data'][0]['id']}").content
    read = studio.api.post("/import", files={"image": picture_file(content)}).json()["params"]
    assert (read["control_image"], read["control_strength"]) == (map_id, 0.25)


def test_agents_send_maps_as_files_and_by_id(studio: Served) -> None:
    def ask(tool: str, **arguments: Any) -> CallToolResult:
        async def call() -> CallToolResult:
            async with talking_to(studio.base) as client:
                return await client.call_tool(tool, arguments)

        return asyncio.run(call())

    text = in_base64(noise(128, 128, 8))
    made = data_of(ask("generate", prompt="a bridge", model="steered", control_image=text))
    assert made["status"] == "completed"
    assert followed(studio).size == (128, 128)
    picture_id = made["pictures"][0]["id"]
    again = data_of(ask("vary", image=picture_id, model="steered", control_image=picture_id))
    assert again["status"] == "completed"
    assert studio.engine.inputs[-1].control == studio.engine.inputs[-1].image
    refused = fault_of(ask("generate", prompt="a bridge", control_image=text))
    assert "control_image: the model 'demo' has no control net" in refused
