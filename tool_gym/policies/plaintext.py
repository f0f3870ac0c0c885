"""Tool use in plain text: messages of system, user and assistant alone, which every chat template and endpoint takes.

The tools stand in the system message as signatures; calls are written, and read again, in the `hermes` format; tools'
answers come back in a user message. It is the way for models whose template ignores `tools`, for few-shot prompts, and
for servers without a parser of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tool_gym.jsonvalue import Json, dumps
from tool_gym.policies.policy import Request

PlainMessage: TypeAlias = dict[str, str]
"""`{"role", "content"}`."""

_INSTRUCTIONS = """\
You answer questions with tools. To call a tool, write nothing but

<tool_call>
{"name": "<name of the tool>", "arguments": {"<parameter>": <value>}}
</tool_call>

once for each call; you will be told the results. When you know the answer, write it as <answer>...</answer> and call
no tool."""


class PlainText:
    """Writes requests as plain messages, and remembers what the model itself said, to the letter.

    Args:
        shots: Messages of examples, shown before the question.
    """

    def __init__(self, shots: Sequence[PlainMessage] = ()) -> None:
        self._shots = list(shots)
        self._said: dict[str, list[str]] = {}

    def messages(self, request: Request) -> list[PlainMessage]:
        """The request as plain messages: system, examples, conversation."""
        messages = request.observation["messages"]
        turns = sum(message["role"] == "assistant" for message in messages)
        said = self._said.get(request.episode_id, [])
        if len(said) != turns:  # another episode of this name, or one that was not begun here
            said = self._said[request.episode_id] = []
        system = [message["content"] for message in messages if message["role"] == "system"]
        opening = "\n\n".join([*system, _INSTRUCTIONS, tools_text(request.observation["tools"])])
        return [{"role": "system", "content": opening}, *self._shots, *plain(messages, said)]

    def note(self, request: Request, text: str) -> None:
        """Remembers what the model said to a request."""
        self._said.setdefault(request.episode_id, []).append(text)

    def end(self, episode_id: str) -> None:
        """Forgets an episode."""
        self._said.pop(episode_id, None)


def plain(messages: Sequence[Mapping[str, Json]], said: Sequence[str] = ()) -> list[PlainMessage]:
    """A conversation without its system message; answers of one turn share a user message.

    Args:
        messages: Messages of an observation.
        said: What the assistant's messages were to the letter; empty where that is not known.
    """
    texts, written = iter(said), list[PlainMessage]()
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "user":
            written.append({"role": "user", "content": content})
        elif role == "assistant":
            written.append({"role": "assistant", "content": next(texts, None) or _assistant_text(message)})
        elif role == "tool":
            response = f"Result of {message['name']}: {content}"
            if written and written[-1]["role"] == "user":
                written[-1] = {"role": "user", "content": f"{written[-1]['content']}\n{response}"}
            else:
                written.append({"role": "user", "content": response})
    return written


def _assistant_text(message: Mapping[str, Json]) -> str:
    functions = [call["function"] for call in message.get("tool_calls", ())]
    calls = [
        f"<tool_call>\n{_call_text(function['name'], function['arguments'])}\n</tool_call>" for function in functions
    ]
    return "\n".join(filter(None, [message["content"], *calls]))


def _call_text(name: str, arguments: Mapping[str, Json]) -> str:
    inner = ", ".join(f"{dumps(key).decode()}: {dumps(value).decode()}" for key, value in arguments.items())
    return f'{{"name": {dumps(name).decode()}, "arguments": {{{inner}}}}}'


def tools_text(tools: Sequence[Mapping[str, Json]]) -> str:
    """The tools as signatures with their documents, a fraction of their schemas' length."""
    if not tools:
        return "There are no tools now."
    return "\n".join(["Your tools:", *[_signature(tool["function"]) for tool in tools]])


def _signature(function: Mapping[str, Json]) -> str:
    schema = function["parameters"]
    required = schema.get("required", ())
    lines = [f"- {function['name']}: {function.get('description', '')}".rstrip(": ")]
    for name, part in schema.get("properties", {}).items():
        optional = "" if name in required else ", optional"
        document = part.get("description", "") if isinstance(part, Mapping) else ""
        lines.append(f"    {name} ({_type_text(part)}{optional}): {document}".rstrip(": "))
    return "\n".join(lines)


def _type_text(schema: Json) -> str:
    if not isinstance(schema, Mapping):  # JSON Schema has `true` for anything
        return "any"
    if "enum" in schema:
        return " | ".join(dumps(value).decode() for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array" and "items" in schema:
        return f"array of {_type_text(schema['items'])}"
    if kind == "object" and isinstance(parts := schema.get("properties"), Mapping) and parts:
        return f"object of {', '.join(f'{name}: {_type_text(part)}' for name, part in parts.items())}"
    return " | ".join(kind) if isinstance(kind, (list, tuple)) else str(kind)
