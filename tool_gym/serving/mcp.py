"""A game as a server of the Model Context Protocol, by the official `mcp` package, over stdio or streamable HTTP.

The question is the server's instructions and its one prompt; the tools are the scenario's and one that replies. One
server plays one episode: whoever connects plays on in it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server

from tool_gym._version import __version__
from tool_gym.serving.game import Game

PROMPT = "task"
"""Name of the prompt that holds what the user says."""


def server_of(game: Game) -> Server[Any]:
    """The server of a game, to be run over a transport."""

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        tools = [
            types.Tool(name=tool.name, description=tool.description, input_schema=tool.parameters)
            for tool in game.tools()
        ]
        return types.ListToolsResult(tools=tools)

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        answer = await game.call(params.name, params.arguments or {})
        if answer.more_tools:
            await context.session.send_tool_list_changed()
        return types.CallToolResult(content=[types.TextContent(text=answer.text)], is_error=answer.error)

    async def list_prompts(context: Any, params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[types.Prompt(name=PROMPT, description="What the user asks.")])

    async def get_prompt(context: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        message = types.PromptMessage(role="user", content=types.TextContent(text=game.question))
        return types.GetPromptResult(messages=[message])

    return Server(
        "tool-gym",
        version=__version__,
        instructions=game.question,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


def serve_stdio(game: Game) -> None:
    """Serves a game over this process's standard input and output, until the client goes."""

    async def run() -> None:
        server = server_of(game)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    asyncio.run(run())


def serve_http(game: Game, *, host: str, port: int) -> None:
    """Serves a game at `http://<host>:<port>/mcp` until the process is interrupted.

    Args:
        game: The game.
        host: Address to listen at; on any but this machine's own, whoever reaches it can play.
        port: Port, in [0, 65535].
    """
    app = server_of(game).streamable_http_app(host=host)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1)
