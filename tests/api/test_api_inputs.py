"""Pictures that people bring, and pictures they take along: inputs, reading and archives over REST."""

import io
import json
import zipfile
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from studio.pictures import MAX_UPLOAD_BYTES
from tests.api.serving import Served, picture_file, png

NOBODY = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
NO_INPUT = "ab" * 32
A1111 = "<b>a fox</b>\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 3, Size: 64x128"


def _stored(served: Served, content: bytes | None = None, **fields: str) -> dict[str, Any]:
    answer = served.api.post("/inputs", files={"image": picture_file(content)}, data=fields)
    assert answer.status_code == 200, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


def _pixels(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


# -- inputs ------------------------------------------------------------------------------------------


def test_an_input_is_stored_upright_and_flat_and_a_job_can_use_it(served: Served) -> None:
    turned = Image.new("RGBA", (40, 20), (0, 0, 255, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    turned.save(out, "PNG", exif=exif)

    stored = _stored(served, out.getvalue())

    assert (stored["width"], stored["height"]) == (20, 40)
    picture = _pixels(served.api.get(f"/inputs/{stored['id']}").content)
    assert (picture.size, picture.mode, picture.getpixel((0, 0))) == ((20, 40), "RGB", (255, 255, 255))
    assert _stored(served, out.getvalue()) == stored


def test_a_mask_is_stored_as_one_channel_of_black_and_white(served: Served) -> None:
    painted = Image.new("L", (8, 4), 0)
    painted.putpixel((3, 2), 200)
    out = io.BytesIO()
    painted.save(out, "PNG")

    stored = _stored(served, out.getvalue(), kind="mask")

    mask = _pixels(served.api.get(f"/inputs/{stored['id']}").content)
    assert (mask.mode, mask.size, mask.getpixel((3, 2)), mask.getpixel((0, 0))) == ("L", (8, 4), 255, 0)


def test_an_input_and_its_thumbnail_are_cached_for_ever(served: Served) -> None:
    stored = _stored(served, png(300, 200, color="red"))

    whole = served.api.get(f"/inputs/{stored['id']}")
    small = served.api.get(f"/inputs/{stored['id']}", params={"thumb": 64})

    assert (whole.headers["content-type"], small.headers["content-type"]) == ("image/png", "image/webp")
    assert _pixels(small.content).size == (64, 43)
    for answer in (whole, small):
        assert "immutable" in answer.headers["cache-control"]
        known = served.api.get(answer.request.url.path.removeprefix("/api"), params=answer.request.url.params,
                               headers={"If-None-Match": answer.headers["etag"]})  # fmt: skip
        assert (known.status_code, known.content) == (304, b"")
    assert whole.headers["etag"] != small.headers["etag"]
    part = served.api.get(f"/inputs/{stored['id']}", headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, b"\x89PNG\r\n\x1a\n")
    head = served.api.head(f"/inputs/{stored['id']}")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))


@pytest.mark.parametrize(
    "input_id", [NO_INPUT, "1", NOBODY, "..%2f..%2fstudio.db", "%00", "é", NO_INPUT.upper()]
)
def test_an_unknown_input_is_404(served: Served, input_id: str) -> None:
    for tail in ("", "?thumb=64"):
        answer = served.api.get(f"/inputs/{input_id}{tail}")
        assert answer.status_code == 404
        assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("query", ["thumb=65", "thumb=x", "size=64", "thumb="])
def test_a_wrong_size_of_thumbnail_is_refused(served: Served, query: str) -> None:
    stored = _stored(served)

    assert served.api.get(f"/inputs/{stored['id']}?{query}").status_code == 400


def test_a_picture_made_here_becomes_an_input_with_the_same_pixels(served: Served) -> None:
    made = served.generation()["data"][0]["id"]

    answer = served.api.post("/inputs/from-image", json={"image_id": made})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["width"], answer.json()["height"]) == (128, 128)
    stored = _pixels(served.api.get(f"/inputs/{answer.json()['id']}").content)
    assert stored.tobytes() == _pixels(served.api.get(f"/images/{made}").content).tobytes()
    assert served.api.post("/inputs/from-image", json={"image_id": made}).json() == answer.json()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"image_id": NOBODY}, 404), ({"image_id": "../x"}, 404), ({}, 400), ({"image_id": 1}, 400),
        ({"id": NOBODY}, 400),
    ],
)  # fmt: skip
def test_an_input_from_no_picture_is_refused(served: Served, body: Any, status: int) -> None:
    assert served.api.post("/inputs/from-image", json=body).status_code == status


@pytest.mark.parametrize("path", ["/inputs", "/import"])
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"files": {"image": picture_file(b"not a picture")}}, 400),
        ({"files": {"image": picture_file(b"")}}, 400),
        ({"files": {"image": picture_file(b"\0" * (MAX_UPLOAD_BYTES + 1))}}, 413),
        ({"files": {"picture": picture_file()}}, 400),
        ({"files": {"image": picture_file()}, "data": {"colour": "red"}}, 400),
        ({"data": {"image": "text"}}, 400),
        ({"json": {"image": "x"}}, 400),
        ({"files": {"image": picture_file()}, "params": {"x": 1}}, 400),
    ],
    ids=range(8),
)  # fmt: skip
def test_an_upload_that_can_not_be_used_is_refused_in_words(
    served: Served, path: str, request_: dict[str, Any], status: int
) -> None:
    answer = served.api.post(path, **request_)

    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]


def test_a_mask_without_paint_or_of_another_kind_is_refused(served: Served) -> None:
    for fields in ({"kind": "mask"}, {"kind": "other"}):
        answer = served.api.post("/inputs", files={"image": picture_file(png(color="black"))}, data=fields)
        assert answer.status_code == 400


# -- reading -----------------------------------------------------------------------------------------


def _read(served: Served, content: bytes) -> dict[str, Any]:
    answer = served.api.post("/import", files={"image": picture_file(content)})
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


def test_our_own_picture_gives_the_request_that_repeats_it(served: Served) -> None:
    made = served.generation(n=2, seed=2**62, negative_prompt="dull", style="vivid")["data"][1]["id"]
    picture = served.api.get(f"/images/{made}").content

    read = _read(served, picture)

    assert (read["source"], read["params"]["seed"], read["params"]["n"]) == ("studio", str(2**62 + 1), 1)
    kept = (
        "model",
        "prompt",
        "negative_prompt",
        "seed",
        "steps",
        "cfg_scale",
        "sampler",
        "scheduler",
        "style",
    )
    again = served.generation(
        **{name: read["params"][name] for name in kept},
        size=f"{read['params']['width']}x{read['params']['height']}",
    )["data"][0]["id"]
    assert _pixels(served.api.get(f"/images/{again}").content).tobytes() == _pixels(picture).tobytes()


def test_inputs_are_named_only_while_they_are_stored_here(own: Served) -> None:
    form = {"prompt": "a red circle", "strength": "0.5"}
    made = own.api.post("/edit", data=form, files={"image": picture_file()}).json()["data"][0]["id"]
    picture = own.api.get(f"/images/{made}").content

    params = _read(own, picture)["params"]
    assert own.api.get(f"/inputs/{params['input_image']}").status_code == 200
    for path in (own.studio.settings.outputs / "inputs").iterdir():
        path.unlink()

    assert "input_image" not in _read(own, picture)["params"]


@pytest.mark.parametrize(
    ("model", "known"), [("demo", "demo"), ("small", "demo"), ("demonSTRATION", "demo"), ("other", None)]
)
def test_a_picture_of_a1111_gives_what_this_studio_can_do(
    served: Served, model: str, known: str | None
) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", f"{A1111}, Model: {model}")
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=info)

    read = _read(served, out.getvalue())

    assert read["source"] == "a1111"
    assert read["text"] == f"{A1111}, Model: {model}"
    assert read["params"] == {
        "prompt": "<b>a fox</b>", "negative_prompt": "dog", "steps": 20, "sampler": "euler_a",
        "cfg_scale": 7.0, "seed": "3", "width": 64, "height": 128,
    } | ({} if known is None else {"model": known})  # fmt: skip


def test_a_picture_without_texts_has_nothing_to_tell(served: Served) -> None:
    assert _read(served, png()) == {"source": None, "params": {}, "text": None}


# -- archives ----------------------------------------------------------------------------------------


def test_an_archive_holds_each_picture_and_its_making(own: Served) -> None:
    made = [picture["id"] for picture in own.generation(n=2, prompt="<b>é</b>", seed=2**62)["data"]]
    own.api.patch(f"/images/{made[0]}", json={"favourite": True, "tags": ["sea"]})

    answer = own.api.get("/images.zip", params={"ids": ",".join([*made, NOBODY, made[0]])})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="sd.cpp-studio-pictures.zip"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"{made[0]}.png",
            f"{made[0]}.json",
            f"{made[1]}.png",
            f"{made[1]}.json",
        ]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read(f"{made[1]}.png") == own.api.get(f"/images/{made[1]}").content
        told = json.loads(archive.read(f"{made[0]}.json"))
    assert (told["id"], told["seed"], told["favourite"], told["tags"]) == (made[0], str(2**62), True, ["sea"])
    assert (told["recipe"]["prompt"], told["recipe"]["seed"]) == ("<b>é</b>", str(2**62))
    assert told["parameters"].startswith("<b>é</b>\nSteps: 8")
    by_form = own.api.post("/images.zip", data={"ids": ",".join(made)})
    with zipfile.ZipFile(io.BytesIO(by_form.content)) as archive:
        assert len(archive.namelist()) == 4


def test_a_picture_whose_file_is_gone_is_left_out(own: Served) -> None:
    made = [picture["id"] for picture in own.generation(n=2)["data"]]
    own.studio.image_file(own.studio.image(made[0])).unlink()

    answer = own.api.get("/images.zip", params={"ids": ",".join(made)})

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [f"{made[1]}.png", f"{made[1]}.json"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("ids=" + NOBODY, 404), ("ids=x,y", 404), ("ids=", 400), ("", 400), ("ids=,,", 400),
        (f"ids={NOBODY}&a=1", 400),
    ],
)  # fmt: skip
def test_an_archive_of_nothing_is_refused(served: Served, query: str, status: int) -> None:
    answer = served.api.get(f"/images.zip?{query}")

    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]


def test_an_archive_by_form_takes_thousands_and_not_more(served: Served) -> None:
    made = served.generation()["data"][0]["id"]
    ids = [made, *[NOBODY] * 4999]

    answer = served.api.post("/images.zip", data={"ids": ",".join(ids)})
    refused = served.api.post("/images.zip", data={"ids": ",".join([*ids, NOBODY])})

    assert (answer.status_code, refused.status_code) == (200, 400)
    assert "5001" in refused.json()["error"]
