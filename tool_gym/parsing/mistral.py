"""Mistral: `[TOOL_CALLS]` and then a JSON array of calls (tokenizers v2 to v7) or one named call (v11 and later)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tool_gym.jsonvalue import NotJson
from tool_gym.parsing.calls import (
    Calls,
    Piece,
    call_from,
    decode_at,
    find_or_end,
    malformed,
    read_calls,
    skip_space,
)

_TAG = "[TOOL_CALLS]"
_HEAD = re.compile(r"([^\s\[{]+)\s*(?:\[CALL_ID\]\s*([^\s\[{]*)\s*)?(?:\[ARGS\])?")


def read_mistral(text: str) -> Iterator[Piece]:
    """Reads `[TOOL_CALLS][{"name": …, "arguments": {…}, "id": …}]` and `[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}`.

    In the second form `[CALL_ID]id` and `[ARGS]` may be missing, and each call has its own `[TOOL_CALLS]`.
    """
    position = 0
    while (tag := text.find(_TAG, position)) >= 0:
        yield text[position:tag]
        start = skip_space(text, tag + len(_TAG))
        listed = text.startswith(("[", "{"), start) and not text.startswith(_TAG, start)
        position = yield from read_calls(text, start, _TAG) if listed else _read_named(text, tag, start)
    yield text[position:]


def _read_named(text: str, tag: int, start: int) -> Calls:
    head, why = _HEAD.match(text, start), f"{_TAG} is followed neither by a list of calls nor by a tool's name"
    if head:
        try:
            arguments, end = decode_at(text, head.end())
        except NotJson as error:
            why = f"the arguments are {error}"
        else:
            yield call_from({"name": head[1], "arguments": arguments, "id": head[2]}, text[tag:end])
            return end
    end = find_or_end(text, _TAG, start)
    yield malformed(text[tag:end], why, head[1] if head else "")
    return end
