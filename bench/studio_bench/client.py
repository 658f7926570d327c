"""A lean HTTP/1.1 client, far cheaper than a full one, so that throughput is the server's."""

import asyncio
import socket
from typing import NamedTuple


class Answer(NamedTuple):
    """`size` is the body's in bytes; `body` is None unless it was asked for; header names in lower case."""

    status: int
    size: int
    body: bytes | None
    headers: dict[str, str]


class Connection:
    """One keep-alive connection, opened anew when the server has closed it. One request at a time."""

    def __init__(self, host: str, port: int, headers: str = "") -> None:
        self._host, self._port, self._headers = host, port, headers
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(
        self, method: str, path: str, body: bytes | None = None, *, keep: bool = False
    ) -> Answer:
        """The answer to one request; `body` is JSON; `keep` gives the answer's body, else only its size."""
        try:
            head = await self._exchange(method, path, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()  # an idle connection may have been closed: once more on a new one
            head = await self._exchange(method, path, body)
        status, headers = _parse_head(head)
        empty = status in (204, 304) or method == "HEAD"
        parts = [] if empty else await self._read_body(headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, sum(map(len, parts)), b"".join(parts) if keep else None, headers)

    def close(self) -> None:
        """Give the connection up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _exchange(self, method: str, path: str, body: bytes | None) -> bytes:
        """Send the request; gives the head of the answer."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
            self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept: */*\r\n{self._headers}"
        )
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + (body or b""))
        return await self._reader.readuntil(b"\r\n\r\n")

    async def _read_body(self, headers: dict[str, str]) -> list[bytes]:
        assert self._reader is not None
        parts: list[bytes] = []
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await self._reader.readline()).split(b";")[0], 16):
                parts.append(await self._reader.readexactly(size))
                await self._reader.readline()
            while (await self._reader.readline()).strip():
                pass
            return parts
        left = int(headers.get("content-length", 0))
        while left:
            part = await self._reader.read(min(left, 1 << 19))
            if not part:
                raise ConnectionError(f"the body ends {left} bytes early")
            left -= len(part)
            parts.append(part)
        return parts


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first.split()[1]), headers
