"""Calls as plain JSON: Llama 3's, with or without its `<|python_tag|>`, and any model's that was asked for JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tool_gym.messages import MAX_CALLS_READ
from tool_gym.parsing.calls import Piece, find_or_end, malformed, means_calls, read_calls, skip_space

_PYTHON_TAG = "<|python_tag|>"
_FENCE = "```"
_FENCED = re.compile(r"```(?:json)?\s*(?=[\[{])", re.IGNORECASE)
_FENCE_END = re.compile(r"\s*```")


def read_llama3(text: str) -> Iterator[Piece]:
    """Reads `{"name": …, "parameters": {…}}`, several divided by `;` or white space, bare or after `<|python_tag|>`.

    Bare JSON counts as calls only where the text begins with it; after the tag everything is meant as a call.
    """
    position, start = 0, skip_space(text, 0)
    if means_calls(text, start, _PYTHON_TAG):
        position = yield from read_calls(text, start, _PYTHON_TAG)
    while (tag := text.find(_PYTHON_TAG, position)) >= 0:
        yield text[position:tag]
        position = skip_space(text, tag + len(_PYTHON_TAG))
        if text.startswith(("{", "["), position):
            position = yield from read_calls(text, position, _PYTHON_TAG)
        else:
            position = find_or_end(text, _PYTHON_TAG, position)
            yield malformed(text[tag:position], f'{_PYTHON_TAG} is not followed by {{"name": …, "parameters": …}}')
    yield text[position:]


def read_json(text: str) -> Iterator[Piece]:
    """Reads an object or array of calls that the text begins with, or that stands in a fenced block.

    Only the first `MAX_CALLS_READ` blocks are looked at: each may cost a look at the whole text.
    """
    position, start = 0, skip_space(text, 0)
    if means_calls(text, start):
        position = yield from read_calls(text, start)
    search_from = position
    for _ in range(MAX_CALLS_READ):
        fence = _FENCED.search(text, search_from)
        if not fence:
            break
        search_from = fence.end()
        if not means_calls(text, fence.end(), _FENCE):
            continue  # an example or an answer: it stays text
        yield text[position : fence.start()]
        position = yield from read_calls(text, fence.end(), _FENCE)
        if closing := _FENCE_END.match(text, position):
            position = closing.end()
        search_from = position
    yield text[position:]
