"""What requests may ask for besides words and size: fields, answers, refusals, and the picture."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import png_text
from studio.demo.tensor_file import write_tensors
from tests.api.serving import MODELS, PROMPT, Served, picture_file, png, serving

LOOKER = """
  looker:
    name: Looks at references
    builtin: demo
    defaults: {size: 128x128}
    limits: {multiple: 16, max_pixels: 262144}
    capabilities: {references: true}
  unet:
    name: A UNet
    builtin: demo
    limits: {multiple: 64}
    files: {}
"""
NASTY = "deep/<img src=x onerror=alert(1)>.safetensors"
EVERYTHING: dict[str, Any] = {
    "loras": [{"name": "ink.safetensors", "weight": 0.5}, {"name": NASTY}],
    "hires": {"scale": 1.5, "upscaler": "Lanczos", "steps": 3, "denoising_strength": 0.4},
    "vae_tiling": True,
    "cache": "easycache",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with two LoRAs and a model that looks at references."""
    folder = tmp_path_factory.mktemp("studio")
    loras = folder / "models" / "loras"
    (loras / "deep").mkdir(parents=True)
    for name in ("ink.safetensors", NASTY):
        write_tensors(loras / name, {"x": np.zeros(4, np.float32)})
    (loras / "broken.safetensors").write_bytes(b"<html>404</html>")
    with serving(folder, models=MODELS + LOOKER) as running:
        yield running


def picture(served: Served, image_id: str) -> Image.Image:
    return Image.open(io.BytesIO(served.api.get(f"/images/{image_id}").content))


def noise(width: int, height: int, seed: int = 0, painted: tuple[int, int, int, int] | None = None) -> bytes:
    """A PNG of noise; the box `painted` is transparent."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = Image.fromarray(pixels)
    if painted is not None:
        image.putalpha(255)
        image.paste((0, 0, 0, 0), painted)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def mask(width: int, height: int, *boxes: tuple[int, int, int, int]) -> bytes:
    image = Image.new("L", (width, height), 0)
    for box in boxes:
        image.paste(255, box)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def edited(
    served: Served, image: bytes, /, *, more: Any = (), **data: Any
) -> tuple[Image.Image, dict[str, Any]]:
    """The picture an edit made, and its job."""
    files = [("image", picture_file(image)), *((name, picture_file(content)) for name, content in more)]
    data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in data.items()}
    answer = served.api.post("/queue/edit", data={"prompt": "a yellow star", **data}, files=files)
    assert answer.status_code == 200, answer.text
    job = served.final(answer.json()["job_id"])
    assert job["status"] == "completed", job
    return picture(served, job["image_ids"][0]), job


# -- asking what there is ----------------------------------------------------------------------------


def test_loras_are_listed_with_names_as_they_are(studio: Served) -> None:
    found = studio.api.get("/loras").json()
    assert [file["name"] for file in found] == ["broken.safetensors", NASTY, "ink.safetensors"]
    assert found[0]["bytes"] == 16
    assert studio.api.get("/loras", params={"model": "small"}).json() == found
    assert studio.api.get("/loras", params={"model": "nope"}).status_code == 404
    assert studio.api.get("/loras", params={"modle": "demo"}).status_code == 400


def test_what_a_model_lacks_is_not_offered(studio: Served) -> None:
    demo = studio.api.get("/features").json()
    assert (demo["model"], demo["references"], demo["masks"], demo["loras"]) == ("demo", 0, True, True)
    assert demo["caches"] == ["easycache", "dbcache", "taylorseer", "cache-dit"]
    assert "Latent (nearest-exact)" in demo["upscalers"] and "euler" in demo["samplers"]
    assert studio.api.get("/features?model=looker").json()["references"] == 4
    assert studio.api.get("/features?model=unet").json()["caches"] == ["ucache"]
    assert studio.api.get("/features?model=generator").json()["masks"] is False
    assert studio.api.get("/features?model=nope").status_code == 404


# -- pictures from words -----------------------------------------------------------------------------


def test_every_extra_reaches_the_engine_the_job_and_the_picture(studio: Served) -> None:
    job = studio.final(studio.submit(**EVERYTHING))
    assert job["status"] == "completed", job
    weighted = [{"name": "ink.safetensors", "weight": 0.5}, {"name": NASTY, "weight": 1.0}]
    assert {name: job[name] for name in EVERYTHING} == EVERYTHING | {"loras": weighted}
    assert job["size"] == "128x128"
    recipe = studio.engine.recipes[-1]
    assert [lora.name for lora in recipe.loras] == ["ink.safetensors", NASTY]
    assert (recipe.vae_tiling, recipe.cache) == (True, "easycache")
    answer = studio.api.get(f"/images/{job['image_ids'][0]}")
    texts = png_text.read_texts(answer.content)
    assert "Hires upscale: 1.5, Hires steps: 3, Hires upscaler: Lanczos" in texts["parameters"]
    assert json.loads(texts["sdcpp_studio"])["recipe"]["loras"] == weighted
    assert Image.open(io.BytesIO(answer.content)).size == (192, 192)
    made = studio.api.get(f"/generations/{job['generation_id']}").json()
    assert (made["images"][0]["width"], made["cache"]) == (192, "easycache")


def test_a_request_without_extras_is_answered_without_them(studio: Served) -> None:
    job = studio.final(studio.submit())
    assert not {*EVERYTHING, "extend", "references", "inpaint_area", "inpaint_padding"} & set(job)
    assert job["strength"] is None


def test_a_second_pass_is_as_large_as_the_model_can_do(studio: Served) -> None:
    job = studio.final(studio.submit(size="480x480", hires={"scale": 4}))
    assert job["hires"]["scale"] == 1.0666
    assert picture(studio, job["image_ids"][0]).size == (511, 511)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loras", [{"name": "nope.safetensors"}]),
        ("loras", [{"name": "../../models.yml"}]),
        ("loras", [{"name": "broken.safetensors"}]),
        ("loras", [{"name": "ink.safetensors"}] * 2),
        ("loras", [{"name": "ink.safetensors", "weight": 5}]),
        ("loras", [{"name": "ink.safetensors", "weight": "1"}]),
        ("loras", "[]"),
        ("loras", {"name": "ink.safetensors"}),
        ("hires", {"scale": 5}),
        ("hires", {"upscaler": "ESRGAN"}),
        ("hires", {"target_width": 100_000}),
        ("hires", True),
        ("vae_tiling", "yes"),
        ("vae_tiling", 1),
        ("cache", "spectrum"),
        ("cache", "ucache"),
        ("references", ["0" * 64]),
        ("extend", {"left": 8}),
        ("inpaint_area", "masked"),
        ("scm_mask", "1,0"),
    ],
)
def test_wrong_extras_are_refused_by_their_field(studio: Served, field: str, value: Any) -> None:
    answer = studio.api.post("/queue/generate", json=PROMPT | {field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["error"]


def test_an_unknown_lora_is_refused_with_those_there_are(studio: Served) -> None:
    answer = studio.api.post("/queue/generate", json=PROMPT | {"loras": [{"name": "nope"}]})
    assert NASTY in answer.json()["error"] and "ink.safetensors" in answer.json()["error"]


# -- pictures from pictures --------------------------------------------------------------------------


def test_a_form_takes_extras_as_json_texts(studio: Served) -> None:
    made, job = edited(studio, noise(128, 128), **EVERYTHING)
    assert made.size == (192, 192)
    assert {name: job[name] for name in ("hires", "vae_tiling", "cache")} == {
        name: EVERYTHING[name] for name in ("hires", "vae_tiling", "cache")
    }


@pytest.mark.parametrize("wrong", ["{", "[" * 100_000, "null", "[1]", "yes"])
def test_what_is_no_json_is_refused_by_its_field(studio: Served, wrong: str) -> None:
    for field in ("hires", "extend", "loras"):
        data = {"prompt": "x", field: wrong}
        answer = studio.api.post("/queue/edit", data=data, files={"image": picture_file()})
        if wrong == "null":
            assert answer.status_code == 200
            studio.final(answer.json()["job_id"])
        else:
            assert answer.status_code == 400 and field in answer.json()["error"], answer.text


def test_only_the_masked_area_is_painted_and_the_picture_keeps_its_size_and_its_pixels(
    studio: Served,
) -> None:
    source = noise(700, 500)
    area = (600, 400, 640, 450)
    made, job = edited(
        studio, source, more=[("mask", mask(700, 500, area))], inpaint_area="masked", inpaint_padding=10,
        mask_feather=0,
    )  # fmt: skip
    assert (made.size, job["size"]) == ((700, 500), "128x128")
    assert (job["inpaint_area"], job["inpaint_padding"]) == ("masked", 10)
    before, after = np.asarray(Image.open(io.BytesIO(source))), np.asarray(made)
    changed = (before != after).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == area
    assert changed[400:450, 600:640].mean() > 0.9
    # What the engine saw is the area and its padding, enlarged: 70x70 pixels around the painted ones.
    seen = studio.engine.inputs[-1]
    assert seen.image is not None and seen.mask is not None
    assert Image.open(io.BytesIO(seen.image)).size == (128, 128)
    painted = np.asarray(Image.open(io.BytesIO(seen.mask))) == 255
    assert painted.mean() == pytest.approx(40 * 50 / 70**2, abs=0.03)


def test_the_transparent_part_of_a_picture_can_be_the_masked_area(studio: Served) -> None:
    made, job = edited(studio, noise(300, 200, painted=(0, 0, 50, 50)), inpaint_area="masked")
    assert (made.size, job["inpaint_area"]) == ((300, 200), "masked")
    answer = studio.api.post(
        "/queue/edit", data={"prompt": "x", "inpaint_area": "masked"}, files={"image": picture_file()}
    )
    assert answer.status_code == 400
    assert "inpaint_area: there is no mask" in answer.json()["error"]


def test_a_picture_grows_and_what_was_there_stays_exactly(studio: Served) -> None:
    source = noise(200, 120)
    made, job = edited(studio, source, extend={"left": 40, "bottom": 17})
    assert (made.size, job["size"], job["strength"]) == ((240, 137), "240x137", 1.0)
    assert job["extend"] == {"left": 40, "top": 0, "right": 0, "bottom": 17}
    inside = made.crop((40, 0, 240, 120))
    assert np.array_equal(np.asarray(inside), np.asarray(Image.open(io.BytesIO(source))))
    seen = studio.engine.inputs[-1]
    assert seen.mask is not None
    engine_mask = np.asarray(Image.open(io.BytesIO(seen.mask)))
    # The engine may reach eight pixels into the picture; nothing of that is kept.
    assert engine_mask.shape == (144, 240)
    assert (engine_mask[:112, 48:] == 0).all() and (engine_mask[:112, :48] == 255).all()


def test_a_picture_that_can_only_grow_in_parts_is_told_how(studio: Served) -> None:
    answer = studio.api.post(
        "/queue/edit",
        data={"prompt": "x", "extend": '{"right": 1000}'},
        files={"image": picture_file(noise(400, 400))},
    )
    assert answer.status_code == 400
    assert "1400x400" in answer.json()["error"] and "inpaint_area masked" in answer.json()["error"]
    made, _ = edited(studio, noise(400, 400), extend={"right": 1000}, inpaint_area="masked")
    assert made.size == (1400, 400)


def test_a_grown_picture_can_be_enlarged_too(studio: Served) -> None:
    made, _ = edited(studio, noise(100, 100), extend={"top": 28}, hires={"scale": 2})
    assert made.size == (200, 256)


def test_references_are_looked_at_after_the_picture_and_kept_as_long_as_the_job(studio: Served) -> None:
    colours = ("red", "green", "blue", "white")
    more = [("references" if i % 2 else "reference", png(40 + i, 30, color=c)) for i, c in enumerate(colours)]
    _, job = edited(studio, noise(128, 128), more=more, model="looker")
    seen = studio.engine.inputs[-1]
    sizes = [Image.open(io.BytesIO(content)).size for content in seen.references]
    assert sizes == [(40, 30), (41, 30), (42, 30), (43, 30)]
    assert len(job["references"]) == 4
    known = studio.studio.inputs.file(job["references"][0])
    assert known.is_file()
    assert studio.engine.recipes[-1].by_reference


def test_references_are_made_no_larger_than_they_are_looked_at(studio: Served) -> None:
    edited(studio, noise(128, 128), more=[("references", png(3000, 1500))], model="looker")
    reference = Image.open(io.BytesIO(studio.engine.inputs[-1].references[0]))
    assert reference.width * reference.height <= 1024 * 1024
    assert reference.width == pytest.approx(2 * reference.height, abs=2)


@pytest.mark.parametrize(
    ("model", "files", "why"),
    [
        ("demo", [png()], "references: the model 'demo' does not look at reference pictures"),
        ("looker", [png()] * 5, "references"),
        ("looker", [b"text"], "references: not a readable"),
        ("looker", [png(1700, 100)], "references: 1700x100 pixels: one side is more than 16 times"),
    ],
)
def test_references_are_refused_by_name(studio: Served, model: str, files: list[bytes], why: str) -> None:
    parts = [("image", picture_file()), *(("references", picture_file(content)) for content in files)]
    answer = studio.api.post("/queue/edit", data={"prompt": "x", "model": model}, files=parts)
    assert answer.status_code == 400, answer.text
    assert why in answer.json()["error"]


def test_a_variation_takes_extras_but_paints_no_part(studio: Served) -> None:
    files = {"image": picture_file(noise(128, 128))}
    answer = studio.api.post("/variation", data={"hires": '{"scale": 2}'}, files=files)
    assert answer.status_code == 200, answer.text
    assert picture(studio, answer.json()["data"][0]["id"]).size == (256, 256)
    answer = studio.api.post("/variation", data={"extend": '{"left": 8}'}, files=files)
    assert answer.status_code == 400 and "extend" in answer.json()["error"]


def test_the_same_key_and_extras_give_the_same_job_and_others_are_refused(studio: Served) -> None:
    headers = {"Idempotency-Key": "extras"}
    first, again, other = (
        studio.api.post("/queue/generate", json=PROMPT | {"hires": {"scale": scale}}, headers=headers)
        for scale in (1.5, 1.5, 2)
    )
    assert first.json()["job_id"] == again.json()["job_id"]
    assert other.status_code == 409
    studio.final(first.json()["job_id"])


def test_a_lora_that_goes_while_its_job_waits_is_named_in_the_jobs_fault(own: Served, tmp_path: Path) -> None:
    loras = tmp_path / "models" / "loras"
    loras.mkdir(parents=True)
    write_tensors(loras / "ink.safetensors", {"x": np.zeros(4, np.float32)})
    own.engine.hold()
    first = own.submit()
    own.engine.wait_until_sampling()
    second = own.submit(loras=[{"name": "ink.safetensors"}])
    (loras / "ink.safetensors").unlink()
    own.engine.release()
    own.final(first)
    job = own.final(second)
    assert (job["status"], job["error_code"]) == ("failed", "invalid_request")
    assert "ink.safetensors" in job["error"]


def test_the_documentation_knows_every_extra_of_requests_and_jobs(studio: Served) -> None:
    document = studio.api.get("/openapi.json").json()
    fields = {*EVERYTHING, "inpaint_area", "inpaint_padding", "extend", "references"}
    job = document["components"]["schemas"]["JobView"]
    assert fields <= set(job["properties"])
    assert not fields & set(job["required"])
    form = document["paths"]["/edit"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert fields <= set(form["schema"]["properties"])
    assert set(form["encoding"]) == {"loras", "hires", "extend"}
    assert set(EVERYTHING) <= set(document["components"]["schemas"]["GenerateBody"]["properties"])
