"""From the raw text that a model generated in one turn to an action.

    parser("hermes")('<tool_call>{"name": "now", "arguments": {}}</tool_call><|im_end|>')

Whatever the text, a parser returns an `AssistantMessage`: what was meant as a call and cannot be made becomes a
`ToolCall` with an `error`, beside the good ones. A parser reads its own family's format and no other, and takes time
in proportion to the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from tool_gym.errors import UnknownName
from tool_gym.jsonvalue import clean_text
from tool_gym.messages import MAX_CALLS_READ, AssistantMessage, ToolCall
from tool_gym.parsing.bare import read_json, read_llama3
from tool_gym.parsing.calls import Piece, Reader, malformed
from tool_gym.parsing.hermes import read_hermes
from tool_gym.parsing.mistral import read_mistral
from tool_gym.parsing.pythonic import read_pythonic

_END_TOKENS = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|eom|>", "<|end_of_text|>", "</s>", "<pad>"
)  # fmt: skip
_LONGEST = max(map(len, _END_TOKENS))
_THINK = re.compile(r"<think>|\[THINK\]")
_THOUGHT = re.compile(r"</think>|\[/THINK\]")


class Parser(Protocol):
    """Turns the raw text of one turn into an action.

    Attributes:
        name: Name of the format, a key of `PARSERS`.
    """

    @property
    def name(self) -> str:
        """Name of the format."""

    def __call__(self, text: str) -> AssistantMessage:
        """Reads any text; never raises.

        Args:
            text: What the model generated, decoded; special tokens may be in it or not, end tokens are dropped.

        Returns:
            The action. `content` is the text outside of calls and thoughts, stripped; `reasoning` the thought, also one
            whose opening tag stood in the prompt, None if there is none; `parse_error` is set where calls were meant
            and not one of them could be read.
        """


@dataclass(frozen=True)
class _FamilyParser:
    """A parser made of a family's reader."""

    name: str
    read: Reader

    def __call__(self, text: str) -> AssistantMessage:
        text = _without_end_tokens(clean_text(text))
        if not _THOUGHT.search(text) and not _THINK.match(text):
            return _assemble(self.read(text))
        if not _THINK.match(text):
            # A tag inside a good call's arguments ends no thought.
            message = _assemble(self.read(text))
            if _all_read(message.tool_calls) and not _THOUGHT.search(message.content):
                return message
        reasoning, text = _split_thought(text)
        return _assemble(self.read(text), reasoning)


def _without_end_tokens(text: str) -> str:
    """The text without white space around it and the end tokens and padding behind it."""
    end = len(text.rstrip())
    while (start := text.rfind("<", max(end - _LONGEST, 0), end)) >= 0 and text[start:end] in _END_TOKENS:
        end = start
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end].lstrip()


def _split_thought(text: str) -> tuple[str | None, str]:
    """The thought, None if it is empty, and the text without it."""
    closing = _THOUGHT.search(text)
    before, after = (text[: closing.start()], text[closing.end() :]) if closing else (text, "")
    opening = _THINK.search(before)
    seen, thought = (before[: opening.start()], before[opening.end() :]) if opening else ("", before)
    return thought.strip() or None, seen + after


def _assemble(pieces: Iterable[Piece], reasoning: str | None = None) -> AssistantMessage:
    texts: list[str] = []
    calls: list[ToolCall] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece.strip())
        elif len(calls) < MAX_CALLS_READ:
            calls.append(piece)
        else:
            calls.append(malformed("", f"only the first {MAX_CALLS_READ} calls of a message are read"))
            break
    unread = calls and all(call.error for call in calls)
    return AssistantMessage(
        content="\n".join(filter(None, texts)),
        reasoning=reasoning,
        tool_calls=tuple(calls),
        parse_error=calls[0].error if unread else None,
    )


def _all_read(calls: tuple[ToolCall, ...]) -> bool:
    return bool(calls) and not any(call.error for call in calls)


_HERMES = _FamilyParser("hermes", read_hermes)

PARSERS: Mapping[str, Parser] = MappingProxyType(
    {
        "hermes": _HERMES,
        "qwen": _HERMES,
        "llama3": _FamilyParser("llama3", read_llama3),
        "mistral": _FamilyParser("mistral", read_mistral),
        "json": _FamilyParser("json", read_json),
        "pythonic": _FamilyParser("pythonic", read_pythonic),
    }
)
"""Every parser by name; `qwen` is another name of `hermes`."""


def parser(name: str) -> Parser:
    """The parser of a format: `hermes` (also called `qwen`), `llama3`, `mistral`, `json` or `pythonic`.

    Raises:
        UnknownName: If no parser has this name.
    """
    try:
        return PARSERS[name]
    except KeyError:
        raise UnknownName("parser", name, PARSERS) from None
