"""What of an answer must be alike: keys, types, sizes of pictures, and the words of a refusal."""

import base64
import json
from typing import Any

from shapes.exchanges import Reply

_PNG = b"\x89PNG\r\n\x1a\n"


def content(body: bytes) -> Any:
    """The JSON of a body, or its beginning as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("latin-1")[:120]


def shape(value: Any) -> Any:
    """Keys, types, and the length of lists; a picture's size. Numbers and texts don't count."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        if not value:
            return []
        return [shape(value[0])] if isinstance(value[0], str) else [shape(value[0]), f"x{len(value)}"]
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        return type(value).__name__
    return _text_shape(str(value))


def _text_shape(text: str) -> str:
    try:
        picture = base64.b64decode(text, validate=True)
    except ValueError:
        return "str"
    if not picture.startswith(_PNG):
        return "str"
    width, height = int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    return f"PNG {width}x{height}" + (" +parameters" if b"tEXtparameters\0" in picture else "")


def reply_shape(reply: Reply) -> dict[str, Any]:
    """Status, content type and shape; of a refusal also the words."""
    found = content(reply.body)
    shown = {"status": reply.status, "content type": reply.content_type, "shape": shape(found)}
    # A 500 holds the parser's own words, and so does the message of "invalid json".
    if reply.status >= 400 and reply.status != 500:
        is_parser = isinstance(found, dict) and found.get("error") == "invalid json"
        shown["words"] = {"error": found["error"]} if is_parser else found
    return shown


def differences(engine: Any, stub: Any, path: str = "$") -> list[str]:
    """One sentence for each place where the two differ."""
    if type(engine) is not type(stub):
        return [f"{path}: engine {engine!r}, stub {stub!r}"]
    if isinstance(engine, dict):
        found = []
        for key in sorted(engine.keys() | stub.keys()):
            if key not in engine or key not in stub:
                found.append(f"{path}.{key}: only in the {'engine' if key in engine else 'stub'}")
            else:
                found += differences(engine[key], stub[key], f"{path}.{key}")
        return found
    if isinstance(engine, list) and len(engine) == len(stub):
        return [
            sentence
            for index, (one, other) in enumerate(zip(engine, stub, strict=True))
            for sentence in differences(one, other, f"{path}[{index}]")
        ]
    return [] if engine == stub else [f"{path}: engine {engine!r}, stub {stub!r}"]
