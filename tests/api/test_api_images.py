"""Pictures over HTTP: the very bytes, ranges, thumbnails and caching."""

import hashlib
import io

import pytest
from PIL import Image

from tests.api.serving import Served


@pytest.fixture(scope="module")
def image_id(served: Served) -> str:
    """A picture of 128x96."""
    return str(served.generation(size="128x96", seed=1)["data"][0]["id"])


@pytest.fixture(scope="module")
def large_id(served: Served) -> str:
    """A picture whose file is too large to be read at once: noise can't be compressed."""
    return str(served.generation(size="640x400", model="generator", seed=2)["data"][0]["id"])


def test_a_picture_comes_with_its_size_its_name_and_for_ever(served: Served, image_id: str) -> None:
    answer = served.api.get(f"/images/{image_id}")
    assert Image.open(io.BytesIO(answer.content)).size == (128, 96)
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["content-disposition"] == f'inline; filename="{image_id}.png"'
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(answer.content)


def test_the_first_picture_of_a_generation_is_the_same_file(served: Served) -> None:
    made = served.generation(n=2)
    answer = served.api.get(f"/generations/{made['id']}/image")
    assert answer.content == served.api.get(f"/images/{made['data'][0]['id']}").content
    assert answer.headers["content-type"] == "image/png"


def test_head_tells_the_length_and_sends_nothing(served: Served, image_id: str) -> None:
    whole = served.api.get(f"/images/{image_id}")
    head = served.api.head(f"/images/{image_id}")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "content-disposition", "cache-control"):
        assert head.headers[name] == whole.headers[name]


def test_a_large_picture_is_streamed_whole(served: Served, large_id: str) -> None:
    answer = served.api.get(f"/images/{large_id}")
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


@pytest.mark.parametrize("which", ["image_id", "large_id"])
def test_ranges_give_the_parts_of_the_file(
    served: Served, which: str, request: pytest.FixtureRequest
) -> None:
    path = f"/images/{request.getfixturevalue(which)}"
    whole = served.api.get(path).content
    first = served.api.get(path, headers={"Range": "bytes=0-99"})
    rest = served.api.get(path, headers={"Range": "bytes=100-"})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.headers["content-range"] == f"bytes 0-99/{len(whole)}"
    assert first.content + rest.content == whole
    assert served.api.get(path, headers={"Range": "bytes=-10"}).content == whole[-10:]


def test_a_range_of_an_older_file_gives_the_whole_new_one(served: Served, image_id: str) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert served.api.get(f"/images/{image_id}", headers=headers).status_code == 200


def test_a_range_outside_of_the_file_is_416(served: Served, image_id: str) -> None:
    answer = served.api.get(f"/images/{image_id}", headers={"Range": "bytes=999999999-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")
    assert list(answer.json()) == ["error"]


def test_a_range_that_is_none_is_400(served: Served, image_id: str) -> None:
    answer = served.api.get(f"/images/{image_id}", headers={"Range": "lines=1-2"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Range: ")


def test_several_ranges_come_as_parts(served: Served, image_id: str) -> None:
    answer = served.api.get(f"/images/{image_id}", headers={"Range": "bytes=0-7,-8"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert b"\x89PNG\r\n" in answer.content


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
@pytest.mark.parametrize("query", ["", "?thumb=64"])
def test_who_has_the_picture_gets_304(served: Served, image_id: str, form: str, query: str) -> None:
    path = f"/images/{image_id}{query}"
    etag = served.api.get(path).headers["etag"]
    answer = served.api.get(path, headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert served.api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("edge", [64, 128, 256, 512, 1024])
def test_a_thumbnail_is_a_webp_no_larger_than_asked(served: Served, image_id: str, edge: int) -> None:
    answer = served.api.get(f"/images/{image_id}", params={"thumb": edge})
    small = Image.open(io.BytesIO(answer.content))
    assert small.format == "WEBP"
    assert max(small.size) == min(edge, 128)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-disposition"].endswith(f'{image_id}.webp"')
    assert answer.headers["etag"] != served.api.get(f"/images/{image_id}").headers["etag"]


@pytest.mark.parametrize("edge", ["100", "0", "-64", "64.5", "x", "", "9" * 30])
def test_another_size_of_thumbnail_is_refused_by_name(served: Served, image_id: str, edge: str) -> None:
    answer = served.api.get(f"/images/{image_id}?thumb={edge}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("thumb: ")


def test_a_picture_whose_file_is_gone_is_404_and_not_500(own: Served) -> None:
    made = own.generation()
    path = own.api.get(f"/generations/{made['id']}").json()["images"][0]["file_path"]
    assert own.api.get(f"/images/{made['data'][0]['id']}").status_code == 200
    (own.studio.settings.outputs / path).unlink()
    answer = own.api.get(f"/images/{made['data'][0]['id']}")
    assert answer.status_code == 404
    assert str(own.studio.settings.outputs) not in answer.text
