"""What programs may call through Gradio, by the official gradio_client."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from studio.caller import Scope
from tests.api.serving import png
from tests.ui.studio_page import Served, serve_page

KEY = "a long key that nobody guesses"
PROMPT = "a red circle on a blue background"
NAMES = {
    "/generate", "/edit", "/vary", "/upscale", "/wait_for_job", "/cancel_job", "/list_models",
    "/search_history", "/get_picture",
}  # fmt: skip


@contextmanager
def talking_to(base: str, **more: Any) -> Iterator[Client]:
    """The official client of a page; it stays on this machine."""
    client = Client(
        base,
        verbose=False,
        analytics_enabled=False,
        download_files=False,
        httpx_kwargs={"trust_env": False},
        **more,
    )
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Client]:
    with talking_to(served.base) as talking:
        yield talking


def test_nine_endpoints_are_named_and_the_rest_is_hidden(client: Client) -> None:
    info = client.view_api(return_format="dict", print_info=False)
    assert isinstance(info, dict)
    assert set(info["named_endpoints"]) == NAMES
    assert info["unnamed_endpoints"] == {}
    parameters = info["named_endpoints"]["/generate"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters][:3] == [
        "prompt",
        "model",
        "negative_prompt",
    ]
    assert [parameter["parameter_has_default"] for parameter in parameters][:2] == [False, True]


def test_pictures_are_made_and_found_at_their_addresses(
    client: Client, served: Served, tmp_path: Path
) -> None:
    made = client.predict(prompt=PROMPT, n=2, seed="9007199254740993", steps=3, api_name="/generate")
    assert (made["status"], made["prompt"]) == ("completed", PROMPT)
    assert [picture["seed"] for picture in made["pictures"]] == ["9007199254740993", "9007199254740994"]
    for picture in made["pictures"]:
        assert picture["url"] == f"{served.base}api/images/{picture['id']}"
        answer = httpx.get(picture["url"], trust_env=False)
        assert answer.headers["content-type"] == "image/png"
    job = served.studio.job(made["job_id"])
    assert (job.recipe.steps, list(job.image_ids)) == (3, [picture["id"] for picture in made["pictures"]])


def test_a_made_picture_and_a_stored_input_are_changed_by_their_ids(client: Client, served: Served) -> None:
    image = client.predict(prompt=PROMPT, api_name="/generate")["pictures"][0]["id"]
    mask = served.studio.inputs.save_mask(png(128, 128, "L", 255)).id
    edited = client.predict(image=image, prompt="a hat", mask=mask, strength=0.5, api_name="/edit")
    assert (edited["type"], edited["status"]) == ("edit", "completed")
    assert served.studio.job(edited["job_id"]).recipe.mask is not None
    stored = served.studio.inputs.save_picture(png(96, 64)).id
    varied = client.predict(stored, 0.3, api_name="/vary")
    assert (varied["type"], varied["status"]) == ("variation", "completed")


def test_a_job_is_waited_for_in_parts(client: Client, served: Served) -> None:
    served.engine.hold()
    try:
        begun = client.predict(prompt=PROMPT, wait_seconds=0, api_name="/generate")
        assert begun["status"] in ("pending", "processing")
        seen = client.predict(begun["job_id"], wait_seconds=0, api_name="/wait_for_job")
        assert seen["pictures"] == []
    finally:
        served.engine.release()
    done = client.predict(begun["job_id"], api_name="/wait_for_job")
    assert done["status"] == "completed"


def test_a_job_that_runs_is_cancelled(client: Client, served: Served) -> None:
    served.engine.hold()
    try:
        begun = client.predict(prompt=PROMPT, wait_seconds=0, api_name="/generate")
        served.engine.wait_until_sampling()
        client.predict(begun["job_id"], api_name="/cancel_job")
        with pytest.raises(AppError, match="cancelled"):
            client.predict(begun["job_id"], api_name="/wait_for_job")
    finally:
        served.engine.release()


def test_a_picture_is_made_larger_by_the_method_that_is_named(client: Client, served: Served) -> None:
    made = client.predict(prompt=PROMPT, size="128x128", api_name="/generate")["pictures"][0]
    larger = client.predict(made["id"], "lanczos", factor=1.5, api_name="/upscale")
    assert (larger["status"], larger["prompt"]) == ("completed", PROMPT)
    (picture,) = larger["pictures"]
    shown = Image.open(io.BytesIO(httpx.get(picture["url"], trust_env=False).content))
    assert shown.size == (picture["width"], picture["height"]) == (192, 192)
    assert "lanczos" in client.predict(api_name="/list_models")["upscalers"]


def test_pictures_are_found_again_with_all_that_made_them(client: Client, served: Served) -> None:
    words = "a lighthouse in the fog"
    made = [
        client.predict(prompt=f"{words}, {number}", api_name="/generate")["pictures"][0]["id"]
        for number in range(3)
    ]
    first = client.predict(q=words, limit=2, api_name="/search_history")
    assert ([picture["id"] for picture in first["pictures"]], first["total"]) == (made[:0:-1], 3)
    rest = client.predict(q=words, limit=2, before=first["next"], api_name="/search_history")
    assert [picture["id"] for picture in rest["pictures"]] == made[:1]
    assert client.predict(q=words, favourite=True, api_name="/search_history")["total"] == 0
    picture = client.predict(made[0], api_name="/get_picture")
    assert (picture["id"], picture["prompt"]) == (made[0], f"{words}, 0")
    assert picture["url"] == f"{served.base}api/images/{made[0]}"


def test_the_models_are_listed(client: Client) -> None:
    models = client.predict(api_name="/list_models")["models"]
    assert [(model["id"], model["is_default"]) for model in models] == [
        ("demo", True), ("other", False), ("absent", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/generate", {"prompt": " "}, "prompt: must not be empty"),
        ("/generate", {"prompt": PROMPT, "n": 11}, "n: input should be less than or equal to 10, not 11"),
        ("/generate", {"prompt": PROMPT, "model": "none"}, "model: "),
        ("/generate", {"prompt": {"path": "/etc/passwd"}}, "prompt: input should be a valid string"),
        ("/edit", {"image": "/etc/passwd", "prompt": PROMPT}, "image: '/etc/passwd' is no id"),
        ("/vary", {"image": ["x"]}, "image: input should be a valid string"),
        ("/wait_for_job", {"job_id": "x"}, "No job has the id 'x'"),
        ("/cancel_job", {"job_id": "x"}, "No job has the id 'x'"),
        ("/upscale", {"image": "x", "method": "lanczos"}, "image: 'x' is no id"),
        ("/upscale", {"image": "x", "method": "none"}, "method: "),
        ("/search_history", {"limit": 51}, "limit: input should be less than or equal to 50, not 51"),
        ("/search_history", {"type": "none"}, "type: "),
        ("/get_picture", {"image_id": "x"}, "No image has the id 'x'"),
    ],
)
def test_a_fault_is_one_sentence(
    client: Client, served: Served, endpoint: str, arguments: dict[str, Any], sentence: str
) -> None:
    before = len(served.engine.recipes)
    with pytest.raises(AppError) as fault:
        client.predict(**arguments, api_name=endpoint)
    assert sentence in str(fault.value)
    assert "Traceback" not in str(fault.value)
    assert len(served.engine.recipes) == before


def test_a_function_of_the_page_is_not_to_be_called(client: Client) -> None:
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict(PROMPT, api_name="/submit")


def test_no_picture_goes_through_a_cache_of_gradio(client: Client, served: Served) -> None:
    cache = Path(os.environ.get("GRADIO_TEMP_DIR", Path(tempfile.gettempdir()) / "gradio"))
    before = set(cache.rglob("*.png"))
    client.predict(prompt=PROMPT, api_name="/generate")
    assert set(cache.rglob("*.png")) == before


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}])
def test_the_key_goes_in_a_header(tmp_path: Path, headers: dict[str, str]) -> None:
    with serve_page(tmp_path, api_key=KEY) as served:
        with talking_to(served.base, headers=headers) as client:
            made = client.predict(prompt=PROMPT, api_name="/generate")
            assert made["status"] == "completed"
            assert served.studio.job(made["job_id"]).owner is None
        with pytest.raises((ValueError, httpx.HTTPError)):
            Client(served.base, verbose=False, analytics_enabled=False, httpx_kwargs={"trust_env": False})


def test_a_job_belongs_to_the_key_it_came_with(tmp_path: Path) -> None:
    with serve_page(tmp_path, api_key=KEY) as served:
        ada = served.studio.key_ring._keys.add("ada", Scope.SUBMIT)
        with talking_to(served.base, headers={"X-Api-Key": ada}) as client:
            made = client.predict(prompt=PROMPT, api_name="/generate")
        assert served.studio.job(made["job_id"]).owner == "ada"
