"""What the families share: pieces of a text, one JSON value inside a text, one call from such a value.

A reader walks a text from left to right and yields it in pieces: `str` for what the user sees, `ToolCall` for what was
meant as a call. Readers look at every character a bounded number of times, whatever the text: a value that does not
decode is left behind whole, up to its closing bracket or to the next tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from typing import TypeAlias

from tool_gym.jsonvalue import Json, NotJson, clean_text, encode, loads
from tool_gym.messages import ToolCall

Piece: TypeAlias = str | ToolCall
Reader: TypeAlias = Callable[[str], Iterator[Piece]]
"""Reads one text, of which lone surrogates, end tokens and reasoning are gone already; raises nothing."""
Calls: TypeAlias = Generator[ToolCall, None, int]
"""Yields calls and returns the index in the text where they end."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"\s*")
_GAP = re.compile(r"[\s,;]*")
_NAME_FIRST = re.compile(r'[^{]*\{\s*(?:"function"\s*:\s*\{\s*)?"name"\s*:\s*"([^"\\]{1,128})"')
_JSON_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{}]', re.DOTALL)
_CALL_KEY = re.compile(r'"(?:name|arguments|parameters|function)"\s*:')


def malformed(raw: str, why: str, name: str | None = None) -> ToolCall:
    """A call that cannot be made, with its text and the reason; the name is looked for in the text unless given."""
    if name is None:
        found = _NAME_FIRST.match(raw)
        name = found[1] if found else ""
    return ToolCall(name=name, raw=raw, error=why)


def skip_space(text: str, start: int) -> int:
    """Index of the first character from `start` on that is not white space."""
    found = _SPACE.match(text, start)
    return found.end() if found else start


def find_or_end(text: str, mark: str | None, start: int) -> int:
    """Index of the next `mark` from `start` on; the text's length where there is none."""
    at = text.find(mark, start) if mark else -1
    return len(text) if at < 0 else at


def decode_at(text: str, start: int) -> tuple[Json, int]:
    """Decodes the JSON value that begins at `start`, after white space.

    Returns:
        The value, integers of any size exact, and the index after it.

    Raises:
        NotJson: If no whole JSON value stands there.
    """
    start = skip_space(text, start)
    try:
        end = _DECODER.raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} (character {error.pos - start} of it)") from None
    except RecursionError:
        raise NotJson("not JSON: nested too deep") from None
    except ValueError as error:  # an integer of more digits than Python reads
        raise NotJson(f"not JSON: {error}") from None
    return loads(text[start:end]), end


def call_from(value: Json, raw: str) -> ToolCall:
    """The call that a decoded JSON value describes: `name` with `arguments` or `parameters`, or these under `function`.

    Args:
        value: The decoded value, of any kind.
        raw: Its text, kept when the call is malformed.
    """
    if not isinstance(value, dict):
        return malformed(raw, f"a call must be a JSON object, got {type(value).__name__}", "")
    inner = value["function"] if isinstance(value.get("function"), dict) else value
    name, call_id = inner.get("name"), value.get("id")
    if not isinstance(name, str) or not name:
        return malformed(raw, 'a call needs a "name", as text', "")
    name = clean_text(name)
    arguments = inner.get("arguments", inner.get("parameters"))
    try:
        if isinstance(arguments, str):
            arguments = loads(arguments) if arguments.strip() else None
        # Encoding finds what decoding let pass (too deep, lone surrogates), so that nothing changes further on.
        arguments = {} if arguments is None else loads(encode(arguments))
    except NotJson as error:
        return malformed(raw, f"the arguments are not JSON: {error}", name)
    if not isinstance(arguments, dict):
        return malformed(raw, f"the arguments must be a JSON object, got {type(arguments).__name__}", name)
    return ToolCall(id=clean_text(call_id) if isinstance(call_id, str) else "", name=name, arguments=arguments)


def read_calls(text: str, start: int, stop: str | None = None) -> Calls:
    """Reads the JSON array of calls, or the calls one after another, that begin at `start`.

    Args:
        text: The whole text.
        start: Index of a `[` or `{`.
        stop: Tag at which a call that does not decode ends at the latest; None for the end of the text.
    """
    in_array = text[start] == "["
    end = start + in_array
    while True:
        at = _gap_end(text, end)
        if in_array and text.startswith("]", at):
            if end == start + 1:
                yield malformed(text[start : at + 1], "the list holds no call")
            return at + 1
        if in_array and _at_stop(text, at, stop):
            yield malformed("", "the list of calls is not closed by ]")
            return at
        if not in_array and not text.startswith("{", at):
            return end
        call, end = _read_object(text, at, stop)
        yield call
        if call.error and _at_stop(text, end, stop):
            return end


def _gap_end(text: str, start: int) -> int:
    found = _GAP.match(text, start)
    return found.end() if found else start


def _at_stop(text: str, at: int, stop: str | None) -> bool:
    return at == len(text) or (stop is not None and text.startswith(stop, at))


def _read_object(text: str, at: int, stop: str | None) -> tuple[ToolCall, int]:
    try:
        value, end = decode_at(text, at)
    except NotJson as error:
        limit = find_or_end(text, stop, at)
        end = bracket_end(text, at, limit, _JSON_MARK) if text[at] in "[{" else limit
        return malformed(text[at:end], str(error)), end
    return call_from(value, text[at:end]), end


def bracket_end(text: str, start: int, limit: int, marks: re.Pattern[str]) -> int:
    """Index after the bracket that closes the one at `start`, of whatever kind; `limit` where none does.

    Args:
        text: The whole text.
        start: Index of an opening bracket.
        limit: Where to stop looking.
        marks: Matches whole strings, lone quotes and brackets.
    """
    depth = 0
    for mark in marks.finditer(text, start, limit):
        token = mark[0]
        if token in "[{(":
            depth += 1
        elif token in "]})":
            depth -= 1
            if depth == 0:
                return mark.end()
        elif len(token) == 1:  # a quote that nothing closes
            return limit
    return limit


def means_calls(text: str, start: int, stop: str | None = None) -> bool:
    """Whether the JSON at `start`, bare of any tag, is meant as calls rather than as an answer that happens to be JSON.

    The first object decides: it has `arguments`, `parameters` or a `function` object, or nothing but a `name`; where it
    does not decode, one of these keys is in it.
    """
    at = skip_space(text, start + 1) if text.startswith("[", start) else start
    if not text.startswith("{", at):
        return False
    try:
        value, _ = decode_at(text, at)
    except NotJson:
        return bool(_CALL_KEY.search(text, at, find_or_end(text, stop, at)))
    return (
        "arguments" in value or "parameters" in value or isinstance(value.get("function"), dict) or [*value] == ["name"]
    )
