"""Reads a multipart/form-data body; no more of it than clients of a local server send."""

import re


class Form:
    """`fields`: the first text of each name. `files`: every file of each name."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.fields: dict[str, str] = {}
        self.files: dict[str, list[bytes]] = {}
        boundary = re.search(r'boundary="?([^";]+)"?', content_type)
        for part in body.split(b"--" + boundary[1].encode()) if boundary else ():
            self._add(part)

    def _add(self, part: bytes) -> None:
        head, found, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if not found or name is None:
            return
        value = value.removesuffix(b"\r\n")
        if b"filename=" in head:
            self.files.setdefault(name[1].decode(), []).append(value)
        else:
            self.fields.setdefault(name[1].decode(), value.decode("utf-8", "replace"))
