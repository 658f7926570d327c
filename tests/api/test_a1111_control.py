"""A1111's ControlNet unit: what reaches the engine, and what of it is refused by name."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import webuiapi
from PIL import Image

from tests.api.a1111_client import PROMPT, client, pixels
from tests.api.agent_client import in_base64
from tests.api.serving import MODELS, Served, serving
from tests.steered import STEERED, add_weights

SIZE: dict[str, Any] = {"width": 128, "height": 128}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with a model that has a control net, and one (the default) that has none."""
    folder = tmp_path_factory.mktemp("studio")
    add_weights(folder)
    with serving(folder, models=MODELS + STEERED) as running:
        yield running


@pytest.fixture
def api(studio: Served) -> Iterator[webuiapi.WebUIApi]:
    with client(studio.base) as connected:
        yield connected


def steering() -> dict[str, Any]:
    """What chooses the model with the net. The client keeps units in its default of `alwayson_scripts`."""
    return {"override_settings": {"sd_model_checkpoint": "steered"}, "alwayson_scripts": {}}


def noise(width: int = 128, height: int = 128, seed: int = 5) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def text(picture: Image.Image) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return in_base64(out.getvalue())


def followed(studio: Served) -> Any:
    """The map that reached the engine last."""
    control = studio.engine.inputs[-1].control
    assert control is not None
    return pixels(Image.open(io.BytesIO(control)))


def asked(studio: Served, *units: Any, path: str = "txt2img", script: str = "controlnet", **body: Any) -> Any:
    """The answer to a request with these units."""
    scripts = {script: {"args": list(units)}}
    body = {"prompt": PROMPT, "sd_model_checkpoint": "steered", "alwayson_scripts": scripts} | SIZE | body
    return studio.http.post(f"/sdapi/v1/{path}", json=body)


def test_a_unit_of_webuiapi_steers_txt2img(studio: Served, api: webuiapi.WebUIApi) -> None:
    unit = webuiapi.ControlNetUnit(image=noise(), weight=0.7)
    result = api.txt2img(prompt=PROMPT, controlnet_units=[unit], **steering(), **SIZE)
    assert result.image.size == (128, 128)
    recipe = studio.engine.recipes[-1]
    assert (recipe.model, recipe.control_strength, recipe.fit) == ("steered", 0.7, "pad")
    assert np.array_equal(followed(studio), pixels(noise()))


def test_a_unit_steers_img2img_and_lies_on_its_picture(studio: Served, api: webuiapi.WebUIApi) -> None:
    source = noise(200, 120, 6)
    api.img2img(
        images=[source], prompt=PROMPT, resize_mode=1, steps=4, **SIZE,
        controlnet_units=[webuiapi.ControlNetUnit(image=source)], **steering(),
    )  # fmt: skip
    inputs = studio.engine.inputs[-1]
    assert (inputs.control, studio.engine.recipes[-1].fit) == (inputs.image, "crop")
    assert studio.engine.recipes[-1].control_strength == 1.0


@pytest.mark.parametrize(
    ("mode", "fit"), [(0, "stretch"), ("Just Resize", "stretch"), (1, "crop"), ("Resize and Fill", "pad")]
)
def test_a_map_is_brought_to_the_size_as_its_unit_says(studio: Served, mode: Any, fit: str) -> None:
    unit = {"image": text(noise(64, 128)), "resize_mode": mode}
    assert asked(studio, unit).status_code == 200
    assert studio.engine.recipes[-1].fit == fit


@pytest.mark.parametrize(
    "unit",
    [
        {"input_image": "MAP"},
        {"image": {"image": "MAP", "mask": None}},
        {"image": "MAP", "weight": None, "enabled": None, "guidance_end": None, "resize_mode": None},
        {"image": "MAP", "module": "None", "model": "None", "control_mode": "Balanced"},
        {"image": "MAP", "model": "net [d14c016b]", "pixel_perfect": True, "processor_res": 512},
        {"image": "MAP", "model": "net.safetensors", "guidance_start": 0, "guidance_end": 1.0},
    ],
)
def test_units_are_understood_as_different_programs_spell_them(studio: Served, unit: dict[str, Any]) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        return text(noise()) if value == "MAP" else value

    answer = asked(studio, filled(unit), script="ControlNet")
    assert answer.status_code == 200, answer.text
    assert np.array_equal(followed(studio), pixels(noise()))


@pytest.mark.parametrize("units", [[], [{"enabled": False, "module": "canny"}], [{"enabled": False}] * 3])
def test_without_an_enabled_unit_nothing_is_followed_and_any_model_will_do(
    studio: Served, units: list[Any]
) -> None:
    answer = asked(studio, *units, sd_model_checkpoint="demo")
    assert answer.status_code == 200, answer.text
    assert studio.engine.inputs[-1].control is None


@pytest.mark.parametrize("path", ["txt2img", "img2img"])
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"module": "canny"}, "args.module: 'canny': there are no preprocessors here"),
        ({"model": "control_v11p_sd15_canny"}, "args.model: 'control_v11p_sd15_canny': the model 'steered'"),
        ({"guidance_start": 0.2}, "args.guidance_start: the engine follows a map in every step"),
        ({"guidance_end": 0.5}, "args.guidance_end: the engine follows a map in every step"),
        ({"control_mode": 2}, "args.control_mode: 2"),
        ({"control_mode": "My prompt is more important"}, "args.control_mode: 'My prompt"),
        ({"mask": "eA=="}, "args.mask: is not offered"),
        ({"image": {"image": "eA==", "mask": "eA=="}}, "args.mask: is not offered"),
        ({"advanced_weighting": [1.0, 0.5]}, "args.advanced_weighting: is not offered"),
        ({"image": ""}, "args.image: needs the map"),
        ({"image": "eA=="}, "args.image: not a readable"),
        ({"image": "http://127.0.0.1/x.png"}, "args.image: an address"),
        ({"weight": 2.5}, "weight: input should be less than or equal to 2"),
        ({"weight": "heavy"}, "weight: "),
        ({"resize_mode": "Shrink"}, "args.resize_mode: 'Shrink'"),
        ({"image": 5}, "args: image"),
    ],
)
def test_what_a_unit_can_not_have_is_refused_by_its_name(
    studio: Served, path: str, changes: dict[str, Any], sentence: str
) -> None:
    before = len(studio.engine.recipes)
    more = {"init_images": [text(noise())]} if path == "img2img" else {}
    answer = asked(studio, {"image": text(noise())} | changes, path=path, **more)
    assert answer.status_code in (400, 413, 422), answer.text
    assert "alwayson_scripts.controlnet.args" in answer.json()["detail"]
    assert sentence in answer.json()["detail"]
    assert len(studio.engine.recipes) == before


@pytest.mark.parametrize("script", [None, [], "args", {}, {"args": {}}, {"args": "x"}, {"args": [5]}])
def test_a_script_of_another_shape_is_refused(studio: Served, script: Any) -> None:
    body = {"prompt": PROMPT, "alwayson_scripts": {"controlnet": script}}
    answer = studio.http.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("alwayson_scripts.controlnet.args: ")


def test_several_units_a_model_without_a_net_and_a_second_pass_are_refused(studio: Served) -> None:
    unit = {"image": text(noise())}
    assert "2 units are enabled" in asked(studio, unit, unit).json()["detail"]
    without = asked(studio, unit, sd_model_checkpoint="demo")
    assert (without.status_code, "has no control net" in without.json()["detail"]) == (400, True)
    twice = asked(studio, unit, enable_hr=True)
    assert (twice.status_code, "control picture" in twice.json()["detail"]) == (400, True)


def test_other_scripts_stay_refused(studio: Served) -> None:
    scripts = {"controlnet": {"args": []}, "ADetailer": {"args": [True]}}
    answer = studio.http.post("/sdapi/v1/txt2img", json={"prompt": PROMPT, "alwayson_scripts": scripts})
    assert (answer.status_code, "'ADetailer'" in answer.json()["detail"]) == (400, True)
