"""Lists, LoRA tags, styles, extras and png-info by webuiapi."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webuiapi
from PIL import Image

from studio.demo.tensor_file import write_tensors
from studio.errors import BadResult
from studio.filters import Filter
from studio.pictures import MAX_UPLOAD_BYTES
from tests.api.a1111_client import PROMPT, client, pixels
from tests.api.serving import Served, serving
from tests.upscaler_files import write_upscaler

SIZE: dict[str, Any] = {"width": 128, "height": 128}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with LoRAs and presets."""
    folder = tmp_path_factory.mktemp("studio")
    for name in ("ink", "old/ink", "old/chalk", "new/chalk"):
        path = folder / "models" / "loras" / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, {"a.lora_up.weight": np.ones((2, 2), np.float32)})
    with serving(folder) as running:
        running.studio.presets.save("Night", {"prompt": "{prompt} at night", "negative_prompt": "sun"})
        running.studio.presets.save("Oil", {"prompt": "oil painting"})
        running.studio.presets.save("Quick", {"steps": 2})
        yield running


@pytest.fixture
def api(served: Served) -> Iterator[webuiapi.WebUIApi]:
    with client(served.base) as connected:
        yield connected


def refused(served: Served, path: str, **body: Any) -> str:
    answer = served.http.post(f"/sdapi/v1/{path}", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    return str(answer.json()["detail"])


def noise(width: int = 40, height: int = 30) -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8))


def test_every_list_has_a1111s_shape(api: webuiapi.WebUIApi) -> None:
    assert [model["title"] for model in api.get_sd_models()] == ["demo", "generator"]
    assert {"name": "Euler a", "aliases": ["euler_a"], "options": {}} in api.get_samplers()
    assert api.get_schedulers()[0]["label"] == "Automatic"
    assert [item["name"] for item in api.get_upscalers()] == ["None", "Lanczos", "Nearest"]
    assert {"name": "Latent (nearest-exact)"} in api.get_latent_upscale_modes()
    assert [item["name"] for item in api.get_loras()] == ["ink", "new/chalk", "old/chalk", "old/ink"]
    assert [item["name"] for item in api.get_prompt_styles()] == ["Night", "Oil"]
    assert api.get_memory()["ram"]["total"] > 2**20
    assert "api" in api.get_cmd_flags()
    assert api.get_scripts() == {"txt2img": [], "img2img": []}
    assert api.get_embeddings() == {"loaded": {}, "skipped": {}}
    empty = (api.get_sd_vae, api.get_hypernetworks, api.get_face_restorers, api.get_realesrgan_models)
    assert [ask() for ask in empty] == [[], [], [], []]
    assert api.refresh_checkpoints() is None


@pytest.mark.parametrize("path", ["refresh-vae", "refresh-loras"])
def test_refreshing_has_nothing_to_do(served: Served, path: str) -> None:
    assert served.http.post(f"/sdapi/v1/{path}").status_code == 200


def test_lora_tags_become_loras_and_leave_the_prompt(served: Served, api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(prompt="<lora:ink:0.5> a fox <lora:old/chalk> <lora:old/ink:te=1:unet=1>", **SIZE)
    recipe = served.engine.recipes[-1]
    assert recipe.prompt == "a fox"
    assert [(lora.name, lora.weight) for lora in recipe.loras] == [
        ("ink.safetensors", 0.5), ("old/chalk.safetensors", 1.0), ("old/ink.safetensors", 1.0),
    ]  # fmt: skip
    assert "ink.safetensors: 0.5" in result.info["extra_generation_params"]["LoRAs"]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("<lora:no such>", "known: ink, new/chalk, old/chalk, old/ink"),
        ("<lora:chalk:1>", "several files"),
        ("<lora:ink:much>", "no weight"),
        ("<lora:ink:nan>", "-4 to 4"),
        ("<lora:ink:5>", "-4 to 4"),
        ("<lora:ink:1:0.5>", "one weight"),
        ("<lora:../../etc/passwd>", "no such LoRA"),
        ("<lora:ink><lora:ink>", "more than once"),
    ],
)
def test_a_tag_that_can_not_be_done_is_refused(served: Served, tag: str, words: str) -> None:
    assert words in refused(served, "txt2img", prompt=f"a fox {tag}")


def test_words_in_angle_brackets_that_are_no_tags_stay(served: Served, api: webuiapi.WebUIApi) -> None:
    api.txt2img(prompt="a <b> c", **SIZE)
    assert served.engine.recipes[-1].prompt == "a <b> c"


def test_styles_are_presets(served: Served, api: webuiapi.WebUIApi) -> None:
    result = api.txt2img(prompt="a fox", negative_prompt="snow", styles=["night", "Oil"], **SIZE)
    recipe = served.engine.recipes[-1]
    assert recipe.prompt == "a fox at night, oil painting"
    assert recipe.negative_prompt == "snow, sun"
    assert result.info["styles"] == ["night", "Oil"]


def test_a_picture_is_enlarged_by_the_method_that_was_chosen(api: webuiapi.WebUIApi) -> None:
    source = noise()
    for name, method in (("Lanczos", Image.Resampling.LANCZOS), ("Nearest", Image.Resampling.NEAREST)):
        made = api.extra_single_image(source, upscaler_1=name, upscaling_resize=3).image
        assert np.array_equal(pixels(made), pixels(source.resize((120, 90), method)))
    assert np.array_equal(pixels(api.extra_single_image(source, upscaler_1="None").image), pixels(source))


def test_a_picture_is_brought_to_a_size(api: webuiapi.WebUIApi) -> None:
    sizes = []
    for crop in (True, False):
        made = api.extra_single_image(
            noise(), resize_mode=1, upscaling_resize_w=80, upscaling_resize_h=80, upscaling_crop=crop,
            upscaler_1=webuiapi.Upscaler.Lanczos,
        )  # fmt: skip
        sizes.append(made.image.size)
    assert sizes == [(80, 80), (107, 80)]


def test_two_upscalers_are_blended(api: webuiapi.WebUIApi) -> None:
    both = {"upscaler_1": "Nearest", "upscaler_2": "Lanczos"}
    one = api.extra_single_image(noise(), **both).image
    mixed = api.extra_single_image(noise(), extras_upscaler_2_visibility=0.5, **both).image
    other = api.extra_single_image(noise(), upscaler_1="Lanczos").image
    assert np.abs(pixels(mixed) * 2 - pixels(one) - pixels(other)).max() <= 2
    assert not np.array_equal(pixels(one), pixels(mixed))


def test_several_pictures_are_enlarged_in_their_order(api: webuiapi.WebUIApi) -> None:
    result = api.extra_batch_images([noise(10, 20), noise(30, 10)], upscaler_1="Lanczos", upscaling_resize=2)
    assert [image.size for image in result.images] == [(20, 40), (60, 20)]


def test_an_enlarged_picture_keeps_the_text_of_its_making(api: webuiapi.WebUIApi) -> None:
    made = api.txt2img(prompt=PROMPT, seed=3, **SIZE).image
    larger = api.extra_single_image(made, upscaler_1="Lanczos").image
    assert larger.info["parameters"] == made.info["parameters"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"upscaler_1": "R-ESRGAN 4x+"}, "no upscaler 'R-ESRGAN 4x+' here; known: None, Lanczos, Nearest"),
        ({"upscaler_2": "LDSR"}, "upscaler_2"),
        ({"gfpgan_visibility": 0.5}, "gfpgan_visibility"),
        ({"codeformer_visibility": 1}, "codeformer_visibility"),
        ({"upscaler_1": "Lanczos", "upscaling_resize": 0}, "upscaling_resize"),
        ({"upscaler_1": "Lanczos", "upscaling_resize": 16, "image": webuiapi.raw_b64_img(noise(600, 600))},
         "9600x9600"),
        ({"image": "https://example.org/a.png"}, "fetches nothing"),
        ({"image": "A" * (MAX_UPLOAD_BYTES * 4 // 3 + 4096)}, "larger than the limit"),
    ],
)  # fmt: skip
def test_extras_that_can_not_be_done_are_refused(served: Served, body: dict[str, Any], words: str) -> None:
    picture = {"image": webuiapi.raw_b64_img(noise())}
    assert words in refused(served, "extra-single-image", **picture | body)


def test_a_network_enlarges_in_a_job_of_the_one_queue(tmp_path: Path) -> None:
    write_upscaler(tmp_path / "models" / "upscalers" / "x4.safetensors", 4)
    with serving(tmp_path) as own, client(own.base) as api:
        names = [(item["name"], item["scale"]) for item in api.get_upscalers()]
        sizes = [
            api.extra_single_image(noise(), upscaler_1="x4.safetensors", **size).image.size
            for size in (
                {"upscaling_resize": 3},
                {"resize_mode": 1, "upscaling_resize_w": 80, "upscaling_resize_h": 80},
                {
                    "resize_mode": 1,
                    "upscaling_resize_w": 80,
                    "upscaling_resize_h": 80,
                    "upscaling_crop": False,
                },
            )
        ]
        mixed = api.extra_single_image(
            noise(), upscaler_1="Lanczos", upscaler_2="x4.safetensors", extras_upscaler_2_visibility=0.5
        )
        refusals = [
            refused(own, "extra-single-image", image=webuiapi.raw_b64_img(noise()), **body)
            for body in (
                {"upscaler_1": "x4.safetensors", "upscaling_resize": 8},
                {"upscaler_1": "x4.safetensors", "upscaling_resize": 0.5},
                {"upscaler_1": "x9"},
            )
        ]
        own.engine.faults.append(BadResult("The engine made nothing."))
        failed = own.http.post(
            "/sdapi/v1/extra-single-image",
            json={"image": webuiapi.raw_b64_img(noise()), "upscaler_1": "x4.safetensors"},
        )
        stored = [entry.recipe.upscale for entry in own.studio.shelf.page(Filter(), limit=10).entries]

    assert names[-1] == ("x4.safetensors", 4)
    assert sizes == [(120, 90), (80, 80), (107, 80)]
    assert mixed.image.size == (80, 60)
    assert "8 times as large; a network makes pictures 1 to 4 times" in refusals[0]
    assert refusals[1].startswith("upscaling_resize: 0.5")
    assert "known: None, Lanczos, Nearest, x4.safetensors" in refusals[2]
    assert (failed.status_code, failed.json()["detail"]) == (500, "The engine made nothing.")
    assert [upscale.method for upscale in stored if upscale] == ["x4.safetensors"] * 4


def test_png_info_tells_how_a_picture_was_made(api: webuiapi.WebUIApi) -> None:
    made = api.txt2img(prompt=PROMPT, negative_prompt="blue", seed=3, **SIZE).image
    told = api.png_info(made)
    assert told.info == made.info["parameters"]
    assert told.parameters["Prompt"] == PROMPT
    assert told.parameters["Negative prompt"] == "blue"
    assert (told.parameters["Seed"], told.parameters["Schedule type"]) == ("3", "Uniform")
    assert list(told.json["items"]) == ["sdcpp_studio"]


def test_png_info_of_a_picture_without_texts_is_empty(api: webuiapi.WebUIApi) -> None:
    told = api.png_info(noise()).json
    assert told == {"info": "", "items": {}, "parameters": {}}


@pytest.mark.parametrize("path", ["interrogate", "train/embedding", "nothing"])
def test_what_is_not_there_is_a_404_that_says_so(served: Served, path: str) -> None:
    answer = served.http.post(f"/sdapi/v1/{path}", json={})
    assert answer.status_code == 404
    assert path in answer.json()["detail"]


def test_a_wrong_method_is_told_the_right_one(served: Served) -> None:
    answer = served.http.get("/sdapi/v1/txt2img")
    assert (answer.status_code, answer.json()["error"]) == (405, "MethodNotAllowed")
    assert "allowed: POST" in answer.json()["detail"]


def test_a_body_over_the_limit_is_refused_in_a1111s_shape(served: Served) -> None:
    answer = served.raw(
        b"POST /sdapi/v1/png-info HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"detail":"The body is too large; the limit is' in answer


def test_a_key_is_needed_here_as_everywhere(tmp_path: Path) -> None:
    with serving(tmp_path, api_key="k" * 20) as locked:
        refusal = locked.http.get("/sdapi/v1/options")
        assert (refusal.status_code, refusal.json()["error"]) == (401, "Unauthorized")
        assert "needs a key" in refusal.json()["detail"]
        with client(locked.base, username="any", password="k" * 20) as api:
            assert api.get_options()["sd_model_checkpoint"] == "demo"
            assert api.txt2img(prompt=PROMPT, **SIZE).image.size == (128, 128)
