"""An observation as a policy over candidates reads it: the question, the values with their places, the calls made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tool_gym.candidates.calls import Candidate, candidate_calls
from tool_gym.candidates.values import Value, named_values, read_result, returned_values
from tool_gym.candidates.words import plain_words, words
from tool_gym.jsonvalue import Json

_MOST_VALUES = 16
"""Returned values that are looked at, the latest ones."""
_REACH = 6
"""Words before a value in which the question may say what is asked about it."""
_BEHIND = 4
"""The same behind it."""


class Made(NamedTuple):
    """A call that was made, and what came back.

    Attributes:
        name: The tool.
        arguments: What it was called with.
        failed: Whether an error came back.
        turn: Its turn, from 1.
        start: How many words of the question stand before what it is about.
        end: The same, it included.
    """

    name: str
    arguments: Mapping[str, Json]
    failed: bool
    turn: int
    start: int
    end: int


class View(NamedTuple):
    """An observation, read.

    Attributes:
        asked: Stems of the words of the question, in order.
        whole: The same words, whole.
        values: What the user named, then what tools returned, in order; arguments that come back are left out.
        made: Calls so far.
        functions: The tools by name.
    """

    asked: tuple[str, ...]
    whole: tuple[str, ...]
    values: list[Value]
    made: list[Made]
    functions: dict[str, Mapping[str, Any]]

    def candidates(self, most: int) -> list[Candidate]:
        """Calls that may be made, the same number of each tool at most.

        Args:
            most: Calls at most, >= the number of tools.
        """
        share = max(1, most // max(1, len(self.functions)))
        found = [candidate_calls(each, self.values, self.asked, share) for each in self.functions.values()]
        return [candidate for each in found for candidate in each][:most]


def read(observation: Mapping[str, Any]) -> View:
    """Reads an observation.

    Args:
        observation: `{"messages", "tools"}` of the environment.
    """
    functions = {tool["function"]["name"]: tool["function"] for tool in observation["tools"]}
    said = "\n".join(message["content"] for message in observation["messages"] if message["role"] == "user")
    asked, named = words(said), named_values(said)
    returned: list[Value] = []
    calls: dict[str, Mapping[str, Any]] = {}
    made: list[Made] = []
    turn = 0
    for message in observation["messages"]:
        if message["role"] == "assistant":
            turn += 1
            calls |= {call["id"]: call["function"] for call in message.get("tool_calls", ())}
        elif message["role"] == "tool":
            function = calls[message["tool_call_id"]]
            result = read_result(message["content"])
            failed = isinstance(result, dict) and result.keys() == {"error", "message"}
            arguments = function["arguments"] if isinstance(function["arguments"], Mapping) else {}
            handed = frozenset(leaves(arguments))
            start, end = _span([value for value in named + returned if str(value.content) in handed], len(asked))
            made.append(Made(function["name"], arguments, failed, turn, start, end))
            if not failed:
                found = [each for each in returned_values(result, turn) if str(each.content) not in handed]
                returned += [_placed(each, asked, start, end) for each in found]
    return View(asked, plain_words(said), _distinct(named) + _distinct(returned)[-_MOST_VALUES:], made, functions)


def _distinct(values: Iterable[Value]) -> list[Value]:
    """The first of each."""
    return list({(value.kind, value.content, value.bound): value for value in reversed(list(values))}.values())[::-1]


def leaves(value: Any) -> Iterable[str]:
    """All values in arguments that are no containers, as text; the parts of a date as the date too."""
    if isinstance(value, Mapping):
        if value.keys() == {"year", "month", "day"} and all(isinstance(each, int) for each in value.values()):
            yield f"{value['year']:04}-{value['month']:02}-{value['day']:02}"
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from leaves(each)
    else:
        yield str(value)


def _span(handed: Sequence[Value], length: int) -> tuple[int, int]:
    """Where the question speaks of the values that a call was about."""
    if not handed:
        return length, length
    return min(value.start for value in handed), max(value.end for value in handed)


def _placed(value: Value, asked: Sequence[str], start: int, end: int) -> Value:
    """A returned value with its place: what the call was about, and the words beside it that name the value's key."""
    keys = set(value.keys[:3])
    before = [i for i in range(max(0, start - _REACH), start) if asked[i] in keys]
    after = [i for i in range(end, min(len(asked), end + _BEHIND)) if asked[i] in keys]
    if before and (not after or start - before[-1] <= after[0] - end + 2):
        first = before[-1]
        while first - 1 in before:
            first -= 1
        return value._replace(start=first, end=end, near=0.85 ** (start - 1 - before[-1]))
    if after:
        return value._replace(start=start, end=after[-1] + 1, near=0.85 ** (after[0] - end))
    return value._replace(start=max(0, start - 1), end=end)
