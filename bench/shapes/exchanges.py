"""The requests that both the engine and the stub are asked."""

import base64
import json
import urllib.error
import urllib.request
from typing import NamedTuple

_BOUNDARY = "shapes"
_EXTRA = '<sd_cpp_extra_args>{"seed":5,"sample_params":{"sample_steps":1}}</sd_cpp_extra_args>'
_TINY = {"prompt": "x", "size": "64x64"}


class Exchange(NamedTuple):
    """One request; `what` says what is special about it."""

    method: str
    path: str
    what: str = ""
    body: bytes | None = None
    content_type: str = "application/json"

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}" + (f": {self.what}" if self.what else "")


class Reply(NamedTuple):
    """`content_type` is None where there is no body."""

    status: int
    content_type: str | None
    body: bytes


def ask(base: str, exchange: Exchange) -> Reply:
    """The reply of the server at `base`. Errors: OSError if it can't be reached."""
    request = urllib.request.Request(base + exchange.path, data=exchange.body, method=exchange.method)
    if exchange.body is not None:
        request.add_header("Content-Type", exchange.content_type)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            status, headers, body = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, headers, body = error.code, error.headers, error.read()
    return Reply(status, headers.get("Content-Type") if body else None, body)


def post(path: str, what: str, body: object) -> Exchange:
    """A POST of JSON, or of the bytes as they are."""
    return Exchange("POST", path, what, body if isinstance(body, bytes) else json.dumps(body).encode())


def _form(what: str, fields: dict[str, str], files: tuple[tuple[str, bytes], ...]) -> Exchange:
    body = b""
    for name, value in fields.items():
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        body += head.encode() + value.encode() + b"\r\n"
    for name, content in files:
        head = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="i.png"\r\n'
            "Content-Type: image/png\r\n\r\n"
        )
        body += head.encode() + content + b"\r\n"
    body += f"--{_BOUNDARY}--\r\n".encode()
    return Exchange("POST", "/v1/images/edits", what, body, f"multipart/form-data; boundary={_BOUNDARY}")


def reads() -> list[Exchange]:
    """Everything that can be read, and what can't."""
    paths = (
        "/", "/v1/models", "/sdcpp/v1/capabilities", "/sdapi/v1/samplers", "/sdapi/v1/schedulers",
        "/sdapi/v1/sd-models", "/sdapi/v1/options", "/sdapi/v1/loras", "/sdapi/v1/upscalers",
        "/sdapi/v1/latent-upscale-modes", "/nosuch", "/sdcpp/v1/jobs/nosuch", "/health",
    )  # fmt: skip
    return [*(Exchange("GET", path) for path in paths), Exchange("OPTIONS", "/v1/models")]


def openai(picture: bytes) -> list[Exchange]:
    """The OpenAI family; `picture` is any PNG of 64x64."""
    path = "/v1/images/generations"
    return [
        post(path, "two pictures", {**_TINY, "n": 2}),
        post(path, "extra arguments in the prompt", {**_TINY, "prompt": "x" + _EXTRA}),
        post(path, "unknown format", {**_TINY, "output_format": "gif"}),
        post(path, "broken extra arguments", {"prompt": "x<sd_cpp_extra_args>{bad</sd_cpp_extra_args>"}),
        post(path, "empty prompt", {"prompt": ""}),
        post(path, "empty body", b""),
        post(path, "no JSON", b"{bad"),
        post(path, "prompt of another type", {"prompt": 5}),
        post(path, "count of another type", {"prompt": "x", "n": "many"}),
        _form("image[]", {**_TINY, "n": "1"}, (("image[]", picture),)),
        _form("image and mask, no size", {"prompt": "x"}, (("image", picture), ("mask", picture))),
        _form("no image", {"prompt": "x"}, ()),
        _form("no prompt", {"size": "64x64"}, (("image", picture),)),
        post("/v1/images/edits", "JSON", {"prompt": "x"}),
        post("/v1/images/variations", "unknown path", {"prompt": "x"}),
    ]


def sdapi(picture: bytes) -> list[Exchange]:
    """The A1111-like family."""
    text = base64.b64encode(picture).decode()
    small = {"prompt": "x", "width": 64, "height": 64}
    start = {"init_images": [text], "mask": text, "denoising_strength": 0.5}
    batch = {"steps": 1, "batch_size": 2, "sampler_name": "euler a"}
    return [
        post("/sdapi/v1/txt2img", "two pictures", {**small, **batch}),
        post("/sdapi/v1/txt2img", "no width", {"prompt": "x", "width": 0}),
        post("/sdapi/v1/txt2img", "nothing", {}),
        post("/sdapi/v1/txt2img", "empty body", b""),
        post("/sdapi/v1/txt2img", "no steps", {"prompt": "x", "steps": 0}),
        post("/sdapi/v1/img2img", "image and mask", {"prompt": "x", **start, "steps": 2}),
    ]


def native() -> list[Exchange]:
    """What the asynchronous family refuses; its jobs are a story of their own."""
    return [
        post("/sdcpp/v1/img_gen", "empty body", b""),
        post("/sdcpp/v1/img_gen", "no JSON", b"{bad"),
        post("/sdcpp/v1/img_gen", "unknown format", {"prompt": "x", "output_format": "gif"}),
        post("/sdcpp/v1/img_gen", "no steps", {"prompt": "x", "sample_params": {"sample_steps": 0}}),
        post("/sdcpp/v1/vid_gen", "a film", {"prompt": "x"}),
        post("/sdcpp/v1/jobs/nosuch/cancel", "unknown job", b""),
    ]
