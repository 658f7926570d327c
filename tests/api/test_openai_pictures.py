"""What the official OpenAI client gets from the studio when all goes well."""

import asyncio
import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI
from PIL import ExifTags, Image

from studio.reading import read_picture
from tests.api.openai_client import PROMPT, async_client, picture_of, talking_to
from tests.api.serving import Served, png, serving

LOOKING = """
default: looker
models:
  looker:
    name: Looks at pictures
    builtin: demo
    defaults: {size: 128x128}
    capabilities: {references: true}
"""


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[OpenAI]:
    with talking_to(served.base) as talking:
        yield talking


def hole(width: int = 96, height: int = 64) -> bytes:
    """A white mask with a hole in its left half."""
    image = Image.new("RGBA", (width, height), "white")
    image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


# -- models ------------------------------------------------------------------------------------------


def test_the_models_that_can_be_used_are_listed_the_default_one_first(client: OpenAI) -> None:
    models = client.models.list().data
    assert [model.id for model in models] == ["demo", "generator"]
    assert {model.object for model in models} == {"model"}


@pytest.mark.parametrize("name", ["demo", "small", "dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1-mini"])
def test_aliases_and_openais_names_mean_a_model_of_the_catalogue(
    served: Served, client: OpenAI, name: str
) -> None:
    assert client.models.retrieve(name).id == "demo"
    client.images.generate(prompt=PROMPT, model=name)
    assert served.engine.recipes[-1].model == "demo"


# -- generations -------------------------------------------------------------------------------------


def test_a_prompt_alone_gives_an_absolute_address_of_a_picture_in_the_history(
    served: Served, client: OpenAI
) -> None:
    answer = client.images.generate(prompt=PROMPT)
    assert answer.data is not None
    (item,) = answer.data
    assert item.b64_json is None and item.url is not None
    assert item.url.startswith(f"{served.base}/api/images/")
    picture = Image.open(io.BytesIO(httpx.get(item.url, trust_env=False).content))
    assert picture.size == (128, 128)
    assert (answer.size, answer.output_format, answer.quality) == ("128x128", "png", "medium")
    assert answer.usage is not None and answer.usage.total_tokens == 0
    newest = served.api.get("/generations").json()[0]
    assert (newest["prompt"], newest["type"]) == (PROMPT, "generate")
    assert newest["created_at"] == answer.created


@pytest.mark.parametrize(
    ("asked", "is_by_url"),
    [
        ({"model": "demo"}, True),
        ({"model": "dall-e-3"}, True),
        ({"model": "gpt-image-1"}, False),
        ({"model": "chatgpt-image-latest"}, False),
        ({"model": "gpt-image-1", "response_format": "url"}, True),
        ({"model": "demo", "response_format": "b64_json"}, False),
        ({"model": "demo", "output_format": "webp"}, False),
    ],
)
def test_the_picture_comes_as_the_model_of_that_name_would_send_it(
    client: OpenAI, asked: dict[str, Any], is_by_url: bool
) -> None:
    data = client.images.generate(prompt=PROMPT, **asked).data
    assert data is not None
    assert (data[0].url is not None, data[0].b64_json is not None) == (is_by_url, not is_by_url)


def test_all_that_is_asked_reaches_the_engine(served: Served, client: OpenAI) -> None:
    answer = client.images.generate(
        prompt=PROMPT, model="demo", n=3, size="256x128", quality="hd", style="vivid",
        response_format="b64_json", background="opaque", moderation="low", user="somebody",
        safety_identifier="another",
        extra_body={
            "seed": 7, "cfg_scale": 3.5, "negative_prompt": "grey", "sampler": "heun", "scheduler": "karras"
        },
    )  # fmt: skip
    recipe = served.engine.recipes[-1]
    assert (recipe.n, recipe.size, recipe.quality, recipe.style) == (3, "256x128", "hd", "vivid")
    assert (recipe.seed, recipe.cfg_scale, recipe.negative_prompt) == (7, 3.5, "grey")
    assert (recipe.sampler, recipe.scheduler, recipe.steps) == ("heun", "karras", 16)
    assert answer.data is not None
    assert [picture_of(item.b64_json).size for item in answer.data] == [(256, 128)] * 3
    assert len({item.b64_json for item in answer.data}) == 3
    assert {item.revised_prompt for item in answer.data} == {recipe.sent_prompt}
    assert (answer.size, answer.quality, answer.background) == ("256x128", "high", "opaque")


def test_a_png_is_the_stored_file_byte_for_byte(served: Served, client: OpenAI) -> None:
    data = client.images.generate(prompt=PROMPT, response_format="b64_json", size="auto").data
    assert data is not None and data[0].b64_json is not None
    generation = served.api.get("/generations").json()[0]
    stored = served.api.get(f"/generations/{generation['id']}/image").content
    assert base64.b64decode(data[0].b64_json) == stored


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_other_formats_are_smaller_with_less_quality_and_tell_how_they_were_made(
    client: OpenAI, kind: Any
) -> None:
    sizes = []
    for compression in (100, 20):
        answer = client.images.generate(
            prompt="ein Kreis, 紅色", output_format=kind, output_compression=compression,
            extra_body={"seed": 3},
        )  # fmt: skip
        assert answer.data is not None and answer.data[0].b64_json is not None
        assert answer.output_format == kind
        picture = picture_of(answer.data[0].b64_json)
        assert (picture.format, picture.size) == (kind.upper(), (128, 128))
        content = base64.b64decode(answer.data[0].b64_json)
        read = read_picture(content).params
        assert (read["prompt"], read["seed"]) == ("ein Kreis, 紅色", 3)
        sizes.append(len(content))
    assert sizes[1] < sizes[0] / 2


async def _both(served: Served) -> tuple[Any, Any]:
    async with async_client(served.base) as client:
        made = await client.images.generate(prompt=PROMPT, model="gpt-image-1")
        edited = await client.images.edit(image=png(), mask=hole(), prompt=PROMPT, model="gpt-image-1")
        return made, edited


def test_the_asynchronous_client_gets_the_same(served: Served) -> None:
    made, edited = asyncio.run(_both(served))
    assert picture_of(made.data[0].b64_json).size == (128, 128)
    assert picture_of(edited.data[0].b64_json).size == (144, 96)


def test_the_same_idempotency_key_gives_the_same_picture(served: Served, client: OpenAI) -> None:
    headers = {"Idempotency-Key": "order-17"}
    first, second = (client.images.generate(prompt=PROMPT, extra_headers=headers) for _ in range(2))
    assert first.data is not None and second.data is not None
    assert first.data[0].url == second.data[0].url


def test_behind_a_proxy_the_address_is_the_one_the_client_used(served: Served) -> None:
    async def ask() -> str:
        transport = httpx.ASGITransport(served.app, root_path="/studio")
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as outside:
            answer = await outside.post("/studio/v1/images/generations", json={"prompt": PROMPT})
            return str(answer.json()["data"][0]["url"])

    assert asyncio.run(ask()).startswith("https://localhost/studio/api/images/")


# -- edits and variations ----------------------------------------------------------------------------


def test_a_hole_in_the_mask_is_what_an_edit_repaints(served: Served, client: OpenAI) -> None:
    answer = client.images.edit(
        image=png(128, 128, color=(10, 200, 30)), mask=hole(128, 128), prompt="a hat", size="128x128",
        response_format="b64_json", extra_body={"seed": 5, "steps": 3, "strength": 0.5, "mask_feather": 0},
    )  # fmt: skip
    recipe = served.engine.recipes[-1]
    assert (recipe.type, recipe.seed, recipe.steps, recipe.strength) == ("edit", 5, 3, 0.5)
    assert answer.data is not None
    picture = picture_of(answer.data[0].b64_json).convert("RGB")
    assert picture.crop((64, 0, 128, 128)).getcolors() == [(64 * 128, (10, 200, 30))]
    assert picture.crop((0, 0, 64, 128)).getcolors(4) is None


def test_an_edit_without_a_mask_changes_all_of_the_picture(served: Served, client: OpenAI) -> None:
    answer = client.images.edit(image=("photo.png", png(), "image/png"), prompt="a hat")
    assert answer.size == "144x96"
    assert served.engine.recipes[-1].mask is None


def test_further_pictures_of_an_edit_are_looked_at(tmp_path: Path) -> None:
    with serving(tmp_path, models=LOOKING) as looking, talking_to(looking.base) as client:
        client.images.edit(image=[png(), png(color="red"), png(color="blue")], prompt="all in one")
        recipe = looking.engine.recipes[-1]
        assert recipe.by_reference
        assert len(set(recipe.references)) == 2


def test_variations_come_as_many_as_asked(served: Served, client: OpenAI) -> None:
    with pytest.deprecated_call():
        answer = client.images.create_variation(
            image=png(), n=2, size="256x256", response_format="b64_json", user="somebody",
            extra_body={"strength": 0.4},
        )  # fmt: skip
    recipe = served.engine.recipes[-1]
    assert (recipe.type, recipe.strength) == ("variation", 0.4)
    assert answer.data is not None
    assert [picture_of(item.b64_json).size for item in answer.data] == [(256, 256)] * 2


def test_null_means_left_out(served: Served, client: OpenAI) -> None:
    answer = client.images.generate(
        prompt=PROMPT, model=None, n=None, size=None, quality=None, style=None, response_format=None,
        output_format=None, output_compression=None, background=None, moderation=None, stream=None,
        partial_images=None, extra_body={"seed": None},
    )  # fmt: skip
    assert answer.size == "128x128"
    assert (served.engine.recipes[-1].n, served.engine.recipes[-1].model) == (1, "demo")


def test_a_mask_has_the_size_of_the_picture_as_it_stands_upright(client: OpenAI) -> None:
    lying, turn = Image.new("RGB", (96, 64), "red"), Image.Exif()
    turn[ExifTags.Base.Orientation] = 6
    out = io.BytesIO()
    lying.save(out, "JPEG", exif=turn)
    answer = client.images.edit(image=out.getvalue(), mask=hole(64, 96), prompt="a hat")
    assert answer.size == "96x144"


def test_a_mask_may_be_a_palette_with_a_transparent_colour(served: Served, client: OpenAI) -> None:
    mask, out = Image.new("P", (96, 64), 1), io.BytesIO()
    mask.paste(0, (0, 0, 48, 64))
    mask.save(out, "PNG", transparency=0)
    client.images.edit(image=png(), mask=out.getvalue(), prompt="a hat", size="96x64")
    painted = served.engine.inputs[-1].mask
    assert painted is not None
    seen = Image.open(io.BytesIO(painted))
    assert (seen.getpixel((10, 32)), seen.getpixel((90, 32))) == (255, 0)
