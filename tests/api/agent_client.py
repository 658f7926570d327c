"""The official MCP client, pointed at a studio."""

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

PROMPT = "a red circle on a blue background"
# Without a handshake, and as clients have done it since the first version of the protocol.
MODES = ("auto", "legacy")


@asynccontextmanager
async def talking_to(base: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    """The client of a studio at `base`, connected by streamable HTTP."""
    async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
        transport = streamable_http_client(f"{base}/mcp", http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=120) as client:
            yield client


def data_of(result: CallToolResult) -> dict[str, Any]:
    """The structured answer of a call that went well; the model reads the same as text."""
    assert not result.is_error, result.content
    first = result.content[0]
    assert isinstance(first, TextContent)
    assert first.text.startswith("{")
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def fault_of(result: CallToolResult) -> str:
    """The sentence of a call that went wrong."""
    assert result.is_error
    (only,) = result.content
    assert isinstance(only, TextContent)
    return only.text


def pictures_of(result: CallToolResult) -> list[Image.Image]:
    """The pictures that the model is shown."""
    shown = [part for part in result.content if isinstance(part, ImageContent)]
    assert {part.mime_type for part in shown} <= {"image/jpeg"}
    return [Image.open(io.BytesIO(base64.b64decode(part.data, validate=True))) for part in shown]


def links_of(result: CallToolResult) -> list[str]:
    """The addresses of the full pictures."""
    return [part.uri for part in result.content if isinstance(part, ResourceLink)]


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
