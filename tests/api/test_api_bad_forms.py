"""Whatever is wrong with a form or a picture is refused by its field, before anything is stored."""

import struct
import zlib
from typing import Any

import pytest

from studio.pictures import MAX_UPLOAD_BYTES
from tests.api.serving import PROMPT, Served, picture_file, png

FORM_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("prompt", {"data": {}}),
    ("prompt", {"data": {"prompt": ""}}),
    ("prompt", {"data": {"prompt": "a" * 2_000_000}}),
    ("image", {"files": {}, "data": {"prompt": "a", "image": "text"}}),
    ("image", {"files": {"other": picture_file()}}),
    ("prompt", {"files": {"image": picture_file(), "prompt": picture_file()}, "data": {}}),
    ("mask", {"data": {"prompt": "a", "mask": "text"}}),
    ("n", {"data": {"prompt": "a", "n": "many"}}),
    ("n", {"data": {"prompt": "a", "n": "11"}}),
    ("seed", {"data": {"prompt": "a", "seed": "-2"}}),
    ("cfg_scale", {"data": {"prompt": "a", "cfg_scale": "nan"}}),
    ("strength", {"data": {"prompt": "a", "strength": "2"}}),
    ("size", {"data": {"prompt": "a", "size": "60000x60000"}}),
    ("hires", {"data": {"prompt": "a", "hires": "1"}}),
    ("input_image", {"data": {"prompt": "a", "input_image": "0" * 64}}),
    ("model", {"data": {"prompt": "a", "model": "generator"}}),
    ("model", {"data": {"prompt": "a", "model": "no such"}}),
    ("n", {"data": {"prompt": "a", "n": ["1", "2"]}}),
    ("image", {"files": [("image", picture_file()), ("image", picture_file())]}),
]


@pytest.mark.parametrize(("field", "parts"), FORM_FAULTS, ids=range(len(FORM_FAULTS)))
def test_a_wrong_form_is_refused_by_its_field_before_the_picture_is_stored(
    served: Served, field: str, parts: dict[str, Any]
) -> None:
    parts = {"files": {"image": picture_file()}, "data": {"prompt": "a"}, **parts}
    answer = served.api.post("/queue/edit", **parts)
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["error"]
    assert not list(served.studio.settings.outputs.glob("inputs/*"))


def header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


NO_PICTURES = {
    "empty": b"",
    "text": b"hello",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "truncated": png(200, 200)[:-30],
    "bomb": header_only(60_000, 60_000),
    "no pixels": header_only(100, 100),
}


@pytest.mark.parametrize("name", NO_PICTURES)
@pytest.mark.parametrize("field", ["image", "mask"])
def test_what_is_no_picture_is_refused_by_its_field(served: Served, name: str, field: str) -> None:
    files = {"image": picture_file(), field: picture_file(NO_PICTURES[name])}
    answer = served.api.post("/queue/edit", files=files, data={"prompt": "a"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(f"{field}: ")


def test_a_form_sent_as_json_is_told_to_be_a_form(served: Served) -> None:
    answer = served.api.post("/queue/edit", json=PROMPT)
    assert answer.status_code == 400
    assert "multipart/form-data" in answer.json()["error"]


@pytest.mark.parametrize(
    "content", [b"", b"--x", b"--x\r\n\r\n\r\n--x--", b"garbage", b"--x\r\nA: b\r\n\r\n1\r\n--x--"]
)
def test_a_broken_form_is_refused(served: Served, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = served.api.post("/queue/edit", content=content, headers=headers)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert served.api.post(
        "/queue/edit", content=content, headers={"Content-Type": "multipart/form-data"}
    ).status_code == 400  # fmt: skip


def test_a_flood_of_fields_or_files_is_refused(served: Served) -> None:
    fields = {f"f{i}": "x" for i in range(1500)}
    answer = served.api.post("/queue/edit", files={"image": picture_file()}, data=fields)
    assert answer.status_code == 400
    assert "fields" in answer.json()["error"]
    many = [("image", ("a.png", b"x", "image/png"))] * 20
    assert served.api.post("/queue/edit", files=many).status_code == 400


def test_a_picture_over_the_limit_is_413(served: Served) -> None:
    content = png() + bytes(MAX_UPLOAD_BYTES)
    answer = served.api.post("/queue/edit", files={"image": picture_file(content)}, data={"prompt": "a"})
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("image: ")
    assert str(MAX_UPLOAD_BYTES) in answer.json()["error"]


def test_a_declared_body_over_the_limit_is_413_in_our_shape(served: Served) -> None:
    answer = served.raw(
        b"POST /api/queue/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'{"error":"The body is too large; the limit is 1048576 bytes."}' in answer


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/queue/generate", "application/json"), ("/queue/edit", "multipart/form-data; boundary=x")],
)
def test_a_chunked_body_is_cut_off_at_the_limit(served: Served, path: str, kind: str) -> None:
    def chunks() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(44):
            yield bytes(2**20)

    answer = served.api.post(path, content=chunks(), headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert "too large" in answer.json()["error"]


def test_a_file_name_never_reaches_a_header_or_the_disk(own: Served) -> None:
    name = '../../etc/passwd"; filename="x.svg'
    answer = own.api.post("/variation", files={"image": (name, png(), "image/svg+xml")})
    assert answer.status_code == 200
    picture = own.api.get(f"/images/{answer.json()['data'][0]['id']}")
    assert "passwd" not in str(picture.headers)
    assert [path.suffix for path in own.studio.settings.outputs.glob("inputs/*")] == [".png"]
