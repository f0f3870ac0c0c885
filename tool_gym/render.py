"""Transcripts for reading: the messages of an observation as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from tool_gym.jsonvalue import Json, dumps

_NAMES = {"system": "System", "user": "User", "assistant": "Agent", "tool": "Tool"}


def transcript_text(messages: Sequence[Mapping[str, Json]], *, width: int = 100, max_chars: int = 2000) -> str:
    """The messages as indented text, one block each.

    Args:
        messages: Messages of an observation.
        width: Columns, >= 20.
        max_chars: Longest part shown of one message, in characters.
    """
    return "\n".join(_block(message, width, max_chars) for message in messages)


def _block(message: Mapping[str, Json], width: int, max_chars: int) -> str:
    head = _NAMES.get(message["role"], message["role"])
    if message["role"] == "tool":
        head = f"{head} {message['name']}"
    lines = [part for part in (message.get("reasoning_content"), message.get("content")) if part]
    for call in message.get("tool_calls", ()):
        function = call["function"]
        lines.append(f"→ {function['name']}({dumps(function['arguments']).decode()})")
    body = "\n".join(lines) or "(nothing)"
    if len(body) > max_chars:
        body = f"{body[:max_chars]} … ({len(body):,} characters)"
    wrapped = [
        textwrap.fill(line, width, initial_indent="  ", subsequent_indent="  ") or "" for line in body.splitlines()
    ]
    return "\n".join([f"{head}:", *wrapped])
