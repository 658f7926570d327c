"""The protocol: the tools listed and called; every fault is an answer that the model can read."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ListToolsResult,
    PaginatedRequestParams,
    ResourceLink,
    TextContent,
)

from studio.api.agents.calls import Answer, Call
from studio.api.agents.tools import TOOLS
from studio.api.agents.views import url_of
from studio.api.errors import sentence_of
from studio.darkroom import studio_version
from studio.errors import StudioError
from studio.service import Studio

log = logging.getLogger(__name__)

_INSTRUCTIONS = (
    "A studio that makes pictures with the models on this machine. Every request is a job in one queue that "
    "people share. Call list_models first to see what the models can do. A job that takes longer than the "
    "wait goes on: wait_for_job. Pictures are named by their id in every tool."
)
_UNEXPECTED = "Something went wrong inside the studio; its log tells more."


def create_server(studio: Studio, decoders: asyncio.Semaphore) -> Server[Any]:
    """The tools over a studio. `decoders` bounds the pictures decoded at a time, all doors together."""
    described = [tool.described() for tool in TOOLS]
    schemas = {tool.name: tool.input_schema for tool in described}
    by_name = {tool.name: tool for tool in TOOLS}

    async def list_tools(_: Any, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=described)

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        tool = by_name.get(params.name)
        if tool is None:
            known = ", ".join(by_name)
            raise MCPError(INVALID_PARAMS, _encodable(f"No tool {params.name[:60]!r}; known: {known}."))

        async def report(fraction: float, words: str) -> None:
            await context.session.report_progress(fraction, 1.0, words)

        base_url = "" if context.request is None else str(context.request.base_url)
        call = Call(studio, decoders, base_url, report)
        try:
            return _result(await tool.run(call, params.arguments or {}), base_url)
        except StudioError as error:
            return _fault(sentence_of(error))
        except Exception:
            log.exception("tool %s failed", tool.name)
            return _fault(_UNEXPECTED)

    return Server(
        "sdcpp-studio",
        title="sd.cpp Studio",
        version=studio_version(),
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=schemas.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _result(answer: Answer, base_url: str) -> CallToolResult:
    """The view as text and as data, the pictures to show, and a link to each full one."""
    links = [
        ResourceLink(
            uri=url_of(image.id, base_url),
            name=f"{image.id}.png",
            mime_type=image.mime_type,
            size=image.size,
            description=f"the full picture, {image.width}x{image.height} pixels",
        )
        for image in answer.links
    ]
    content: Sequence[ContentBlock] = (
        TextContent(text=answer.view.model_dump_json(exclude_none=True)), *answer.shown, *links,
    )  # fmt: skip
    return CallToolResult(content=list(content), structured_content=answer.view.model_dump(mode="json"))


def _fault(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=_encodable(sentence))], is_error=True)


def _encodable(text: str) -> str:
    """What came in may hold text that can't be encoded."""
    return text.encode("utf-8", "backslashreplace").decode()
