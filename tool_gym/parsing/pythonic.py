"""Calls as a Python list, `[f(a=1, b="x"), g()]`, as Llama 3.2, Llama 4 and LFM2 write them.

The values are literals with a JSON form; `true`, `false` and `null` are taken as well. They are read by hand instead of
by `ast`, whose parser recurses on hostile text, warns about escapes, and differs between Python versions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from tool_gym.jsonvalue import Json, NotJson, clean_text
from tool_gym.messages import ToolCall
from tool_gym.parsing.calls import Calls, Piece, bracket_end, malformed, skip_space

MAX_NESTING = 64
"""Lists and dicts inside each other that one argument may have."""

_TAG = re.compile(r"<\|(?:tool_call_start|python_start|python_tag)\|>|(<\|(?:tool_call_end|python_end)\|>)")
_CALL_LIST = re.compile(r"\[\s*[^\W\d][\w.-]*\(")
_CALL_HEAD = re.compile(r"([^\W\d][\w.-]*)\s*\(")
_KEYWORD = re.compile(r"([^\W\d][\w-]*)\s*=")
_GAP = re.compile(r"[\s,]*")
_STRING = r"""'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\""""
_LITERAL = re.compile(
    rf"(?P<text>{_STRING})"
    r"|(?P<number>[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])"
    r"|(?P<word>[^\W\d]\w*)",
    re.DOTALL,
)
_MARK = re.compile(rf"{_STRING}|['\"\[\](){{}}]", re.DOTALL)
_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {
    "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "\n": "",
}  # fmt: skip


def read_pythonic(text: str) -> Iterator[Piece]:
    """Reads a list of calls that the text begins with, or that stands between the tags of Llama 4 or LFM2."""
    position, start = 0, skip_space(text, 0)
    if _CALL_LIST.match(text, start):
        position = yield from _read_list(text, start)
    while tag := _TAG.search(text, position):
        yield text[position : tag.start()]
        position = skip_space(text, tag.end())
        if tag[1]:
            yield malformed(tag[0], f"a {tag[0]} without its opening tag before it")
        elif text.startswith("[", position):
            position = yield from _read_list(text, position)
            closing = _TAG.match(text, skip_space(text, position))
            position = closing.end() if closing and closing[1] else position
        else:
            position = _next_tag(text, position)
            yield malformed(text[tag.start() : position], f"{tag[0]} is not followed by [f(a=1), …]")
    yield text[position:]


def _next_tag(text: str, start: int) -> int:
    tag = _TAG.search(text, start)
    return tag.start() if tag else len(text)


def _read_list(text: str, start: int) -> Calls:
    end = start + 1
    while True:
        gap = _GAP.match(text, end)
        at = gap.end() if gap else end
        if text.startswith("]", at):
            if end == start + 1:
                yield malformed(text[start : at + 1], "the list holds no call")
            return at + 1
        if at == len(text) or _TAG.match(text, at):
            yield malformed("", "the list of calls is not closed by ]")
            return at
        call, end = _read_call(text, at)
        yield call
        if call.error and (end == len(text) or _TAG.match(text, end)):
            return end


def _read_call(text: str, at: int) -> tuple[ToolCall, int]:
    head = _CALL_HEAD.match(text, at)
    if not head:
        end = _next_tag(text, at)
        return malformed(text[at:end], "expected a call, such as f(a=1)"), end
    try:
        arguments, end = _Literals(text, head.end()).arguments()
    except NotJson as error:
        end = bracket_end(text, head.end() - 1, _next_tag(text, at), _MARK)
        return malformed(text[at:end], str(error), head[1]), end
    return ToolCall(name=head[1], arguments=arguments), end


class _Literals:
    """Reads keyword arguments and their literal values from one place of a text on; `NotJson` says what is wrong."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def arguments(self) -> tuple[dict[str, Json], int]:
        """The keyword arguments up to `)`, and the index after it."""
        found: dict[str, Json] = {}
        for _ in self.items(")"):
            keyword = _KEYWORD.match(self.text, self.at)
            if not keyword:
                raise NotJson(f"expected name=value, got {self.here()}")
            if keyword[1] in found:
                raise NotJson(f"the argument {keyword[1]!r} is given twice")
            self.at = keyword.end()
            found[keyword[1]] = self.value(1)
        return found, self.at

    def items(self, close: str) -> Iterator[None]:
        """Stops before each item of a list divided by commas, until it has passed the closing bracket."""
        while not self.passed(close):
            yield
            if not self.passed(","):
                if self.passed(close):
                    return
                raise NotJson(f"expected , or {close} but got {self.here()}")

    def passed(self, mark: str) -> bool:
        """Whether `mark` comes next, after white space; if so, it is passed."""
        self.at = skip_space(self.text, self.at)
        found = self.text.startswith(mark, self.at)
        self.at += found
        return found

    def here(self) -> str:
        return repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end of the text"

    def value(self, depth: int) -> Json:
        if depth > MAX_NESTING:
            raise NotJson(f"a value is nested deeper than {MAX_NESTING} levels")
        if self.passed("["):
            return [self.value(depth + 1) for _ in self.items("]")]
        if self.passed("{"):
            return {self.key(): self.value(depth + 1) for _ in self.items("}")}
        return self.scalar()

    def scalar(self) -> Json:
        found = _LITERAL.match(self.text, self.at)
        if not found or (found["word"] and found["word"] not in _WORDS):
            raise NotJson(f"expected a literal value, got {self.here()}")
        self.at = found.end()
        if found["text"]:
            return _unescape(found["text"][1:-1])
        return _number(found["number"]) if found["number"] else _WORDS[found["word"]]

    def key(self) -> str:
        key = self.scalar()
        if not isinstance(key, str) or not self.passed(":"):
            raise NotJson(f'expected "key": value, got {self.here()}')
        return key


def _number(text: str) -> int | float:
    try:
        number: int | float = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:  # more digits than Python reads
        raise NotJson(str(error)) from None
    if not math.isfinite(number):
        raise NotJson(f"the number {text[:20]} is out of range")
    return number


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return clean_text(_ESCAPE.sub(_escaped, text))  # JSON writes rare characters as pairs of surrogates


def _escaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
    elif code[0] in "01234567":
        number = int(code, 8)
    else:
        return _ESCAPES.get(code, found[0])
    if number > 0x10FFFF:
        raise NotJson(f"{found[0]} is no character")
    return chr(number)
