"""Hermes and Qwen: each call is a JSON object between `<tool_call>` and `</tool_call>`, text may stand around them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tool_gym.jsonvalue import NotJson
from tool_gym.messages import ToolCall
from tool_gym.parsing.calls import Piece, call_from, decode_at, malformed

_TAG = re.compile(r"<(/?)tool_call>")
_CLOSE = re.compile(r"\s*</tool_call>")


def read_hermes(text: str) -> Iterator[Piece]:
    """Reads `<tool_call>{"name": …, "arguments": {…}}</tool_call>`; a tag inside a JSON string is no tag."""
    position = 0
    while tag := _TAG.search(text, position):
        yield text[position : tag.start()]
        if tag[1]:
            yield malformed(tag[0], "a </tool_call> without a <tool_call> before it")
            position = tag.end()
        else:
            call, position = _read_call(text, tag)
            yield call
    yield text[position:]


def _read_call(text: str, opening: re.Match[str]) -> tuple[ToolCall, int]:
    end, why = opening.end(), "the call is not followed by </tool_call>"
    try:
        value, end = decode_at(text, end)
    except NotJson as error:
        why = str(error)
    else:
        if closing := _CLOSE.match(text, end):
            return call_from(value, text[opening.start() : closing.end()]), closing.end()
    tag = _TAG.search(text, end)
    end = len(text) if not tag else tag.end() if tag[1] else tag.start()
    return malformed(text[opening.start() : end], why), end
