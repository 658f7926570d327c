"""Reading how a picture was made: our own pictures, the engine's, A1111's, and hostile ones."""

import io
import json
import struct
import zlib
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from studio.errors import InvalidImage, TooLarge
from studio.params import MAX_PROMPT_BYTES, GenerationParams
from studio.pictures import MAX_UPLOAD_BYTES
from studio.png_text import MAX_TEXT_BYTES, splice
from studio.reading import MAX_SHOWN, Source, read_picture, read_texts
from studio.recipe_text import STUDIO_KEY, Making, texts_of
from tests.builders import a_recipe

HOSTILE = "<img src=x onerror=alert(1)>"
A1111 = (
    f"{HOSTILE}, 城市\nNegative prompt: é\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 3, Size: 64x128"
)
READ = {
    "prompt": f"{HOSTILE}, 城市", "negative_prompt": "é", "steps": 20, "sampler": "euler_a", "cfg_scale": 7.0,
    "seed": 3, "width": 64, "height": 128,
}  # fmt: skip


def _file(kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(out, kind, **options)
    return out.getvalue()


def _with_exif_comment(kind: str, comment: bytes) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return _file(kind, exif=exif)


def _engine_text(**changes: Any) -> str:
    """What sd-server's build of July 2026 writes, with its long tail shortened."""
    said: dict[str, Any] = {
        "clip_skip": -1, "height": 128, "width": 192, "mode": "img_gen", "schema": "sdcpp.image.params/v1",
        "models": {"diffusion_model": "diffusion.safetensors"}, "seed": 9007199254740993, "strength": 0.75,
        "prompt": {"positive": 'a "red" circle\nSDCPP: {', "negative": ""},
        "sampling": {
            "eta": None, "flow_shift": None, "custom_sigmas": [], "method": "euler", "scheduler": "discrete",
            "steps": 8, "guidance": {"distilled_guidance": 3.5, "img_cfg": None, "txt_cfg": 2.0},
        },
    } | changes  # fmt: skip
    return (
        'a "red" circle\nSDCPP: {\nSteps: 8, CFG scale: 2.000000, Guidance: 3.500000, Eta: inf, '
        "Seed: 9007199254740993, Size: 192x128, Model: , RNG: cuda, Sampler: euler discrete, "
        f"Version: stable-diffusion.cpp, SDCPP: {json.dumps(said, ensure_ascii=False)}"
    )


ENGINE_READ = {
    "prompt": 'a "red" circle\nSDCPP: {', "negative_prompt": "", "width": 192, "height": 128, "steps": 8,
    "seed": 9007199254740993, "cfg_scale": 2.0, "distilled_guidance": 3.5, "sampler": "euler",
    "scheduler": "discrete", "strength": 0.75,
}  # fmt: skip


# -- ours --------------------------------------------------------------------------------------------


def test_our_own_picture_gives_back_exactly_what_ran() -> None:
    recipe = a_recipe(
        type="edit", prompt=HOSTILE, sent_prompt=f"{HOSTILE}, vivid", style="vivid", negative_prompt="é",
        n=3, seed=2**62, strength=0.0, input_image="ab" * 32, mask="cd" * 32, mask_feather=0, cfg_scale=0.0,
    )  # fmt: skip
    making = Making(recipe, 2**62 + 2, 2, "i", "g", "j", "Demonstration", "1.2.3")

    reading = read_picture(splice(_file(), texts_of(making)))

    assert reading.source is Source.STUDIO
    assert (reading.params["seed"], reading.params["n"]) == (2**62 + 2, 1)
    again = GenerationParams(**reading.params)
    for name in (
        "prompt",
        "negative_prompt",
        "style",
        "strength",
        "input_image",
        "mask",
        "mask_feather",
        "cfg_scale",
    ):
        assert getattr(again, name) == getattr(recipe, name)
    assert "sent_prompt" not in reading.params
    assert reading.text is not None
    assert reading.text.startswith(f"{HOSTILE}, vivid\nNegative prompt: é\nSteps: 8")


@pytest.mark.parametrize(
    "ours", ["", "{", "[]", '{"recipe": 1}', '{"recipe": {}, "seed": "1"}', "[" * 100_000, '{"seed": 1e999}']
)
def test_where_our_own_text_is_broken_the_other_one_counts(ours: str) -> None:
    reading = read_texts({STUDIO_KEY: ours, "parameters": A1111})

    assert (reading.source, reading.params) == (Source.A1111, READ)


# -- A1111 in every format ---------------------------------------------------------------------------


def test_a1111_in_a_png_is_read() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("parameters", A1111)

    reading = read_picture(_file(pnginfo=info))

    assert (reading.source, reading.params, reading.text) == (Source.A1111, READ, A1111)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"UNICODE\0" + A1111.encode("utf-16"),
        b"ASCII\0\0\0" + A1111.encode(),
        b"\0" * 8 + A1111.encode(),
    ],
    ids=["big endian", "little endian", "byte order mark", "ascii", "undefined"],
)
def test_a1111_in_an_exif_comment_is_read(kind: str, comment: bytes) -> None:
    reading = read_picture(_with_exif_comment(kind, comment))

    assert (reading.source, reading.params, reading.text) == (Source.A1111, READ, A1111)


def test_utf8_in_a_latin1_chunk_is_mended_and_latin1_stays() -> None:
    for text in ("émoji 😀", "café", "naïve ÿ", "plain"):
        chunk = b"parameters\0" + f"{text}\nSteps: 5, Seed: 1, CFG scale: 2".encode()
        packed = (
            struct.pack(">I", len(chunk)) + b"tEXt" + chunk + struct.pack(">I", zlib.crc32(b"tEXt" + chunk))
        )
        png = _file()
        assert read_picture(png[:33] + packed + png[33:]).params["prompt"] == text
        assert read_picture(splice(png, {"parameters": f"{text}\nSteps: 5"})).params["prompt"] == text


# -- the engine --------------------------------------------------------------------------------------


def test_the_engines_own_picture_is_read_from_its_json_in_every_format() -> None:
    text = _engine_text()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    xmp = f"<x:xmpmeta><sdcpp:parameters>{escaped}</sdcpp:parameters></x:xmpmeta>".encode()
    for picture in (
        splice(_file(), {"parameters": text}),
        _file("WEBP", xmp=xmp),
        _file("JPEG", comment=b"parameters\0" + text.encode() + b"\0"),
    ):
        reading = read_picture(picture)
        assert (reading.source, reading.params, reading.text) == (Source.ENGINE, ENGINE_READ, text)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": 5}, {"prompt": {"positive": None}}, {"sampling": []}, {"seed": 2**70}, {"seed": "x"},
        {"width": 1e400}, {"sampling": {"guidance": 3, "method": "magic", "steps": 10**9}}, {"height": None},
        {"prompt": {"positive": "x" * (MAX_PROMPT_BYTES + 1)}}, {"prompt": {"positive": "\ud800"}},
    ],
)  # fmt: skip
def test_what_the_engines_json_has_wrong_is_left_out(changes: dict[str, Any]) -> None:
    reading = read_texts({"parameters": _engine_text(**changes)})

    assert reading.source is Source.ENGINE
    assert reading.params.items() <= ENGINE_READ.items()
    assert reading.params != ENGINE_READ


@pytest.mark.parametrize(
    "behind", ["", "{", "null", "[1]", '{"schema": 5}', '{"schema": "other/v1"}', '{"a":' * 9000]
)
def test_without_the_engines_json_its_text_is_read_as_a1111s(behind: str) -> None:
    text = _engine_text().rpartition("SDCPP: {")[0].rpartition("\n")[2]

    reading = read_texts({"parameters": f"a fox\n{text}SDCPP: {behind}"})

    assert reading.source is Source.A1111
    assert (reading.params["prompt"], reading.params["seed"]) == ("a fox", 9007199254740993)


# -- nothing to read, or too much --------------------------------------------------------------------


def test_a_picture_without_texts_or_with_a_remark_gives_nothing_to_repeat() -> None:
    for picture in (_file(), _file("JPEG"), _file("WEBP"), splice(_file(), {"Title": "x"})):
        assert read_picture(picture) == read_texts({})
    remark = read_picture(_with_exif_comment("JPEG", b"ASCII\0\0\0taken with my phone: nice, warm"))
    assert (remark.source, remark.params, remark.text) == (None, {}, "taken with my phone: nice, warm")
    assert read_picture(_with_exif_comment("JPEG", b"UNICODE\0")).text is None


def test_values_out_of_range_are_left_out_and_the_rest_stays() -> None:
    text = (
        "x\nSteps: 150, Sampler: Restart, CFG scale: inf, Seed: -1, Size: 8192x64, Clip skip: 0, "
        "Denoising strength: 0.3, Model: some model"
    )

    assert read_texts({"parameters": text}).params == {"prompt": "x", "strength": 0.3, "model": "some model"}


def test_a_huge_text_is_cut_and_still_an_answer() -> None:
    huge = "word, " * (MAX_TEXT_BYTES // 10)

    reading = read_texts({"parameters": f"{huge}\nSteps: 5, Seed: 1, CFG scale: 2"})

    assert reading.text is not None
    assert len(reading.text) == MAX_SHOWN


def test_texts_that_unpack_to_more_than_the_limit_are_refused() -> None:
    body = b"parameters\0\0" + zlib.compress(b"x" * (MAX_TEXT_BYTES + 1))
    packed = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    png = _file()

    with pytest.raises(InvalidImage, match="image"):
        read_picture(png[:33] + packed + png[33:])


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + b"\0" * 50, b"not a picture", _file()[:40], _file("JPEG")[:30], b"\x89PNG\r\n\x1a\n",
     _file("GIF")],
    ids=range(7),
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage, match="image"):
        read_picture(content)


def test_a_file_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge, match="image"):
        read_picture(b"\0" * (MAX_UPLOAD_BYTES + 1))


def test_damaged_exif_is_refused_in_words_or_says_nothing() -> None:
    whole = _with_exif_comment("JPEG", b"ASCII\0\0\0" + A1111.encode())
    start = whole.index(b"Exif\0\0") + 6
    sources = []
    for place in range(start, start + 60):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        try:
            sources.append(read_picture(bytes(broken)).source)
        except InvalidImage as refusal:
            sources.append(None)
            assert refusal.field == "image"
    assert set(sources) == {None, Source.A1111}
