"""An observation as a policy over candidates reads it: the question, the values with their places, the calls made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tool_gym.candidates.calls import Candidate, candidate_calls
from tool_gym.candidates.question import Question
from tool_gym.candidates.tools import gives, types_of
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import plain_words, singular
from tool_gym.jsonvalue import Json


class Made(NamedTuple):
    """A call that was made, and what came back.

    Attributes:
        name: The tool.
        arguments: What it was called with.
        failed: Whether an error came back.
        turn: Its turn, from 1.
    """

    name: str
    arguments: Mapping[str, Json]
    failed: bool
    turn: int


class View(NamedTuple):
    """An observation, read.

    Attributes:
        question: What the user said.
        values: What the user named, then what tools returned, in order; arguments that come back are left out.
        made: Calls so far.
        functions: The tools by name.
        subjects: What each is about, a noun, empty if it says none.
        types: These nouns.
    """

    question: Question
    values: list[Value]
    made: list[Made]
    functions: dict[str, Mapping[str, Any]]
    subjects: dict[str, str]
    types: frozenset[str]

    def candidates(self, most: int) -> list[Candidate]:
        """Calls that may be made, the same number of each tool at most.

        Args:
            most: Calls at most, >= the number of tools.
        """
        share = max(1, most // max(1, len(self.functions)))
        found = [
            candidate_calls(
                each, self.values, self.question, share, self._takes(name), gives(each, self.subjects[name])
            )
            for name, each in self.functions.items()
        ]
        return [candidate for each in found for candidate in each][:most]

    def _takes(self, tool: str) -> dict[str, frozenset[str]]:
        """For each parameter of a tool the types that it takes, as far as they are known."""
        function = self.functions[tool]
        found = types_of(function, self.subjects[tool])
        told = {singular(word) for word in plain_words(function["description"])}
        return {name: (nouns if nouns & self.types else frozenset(told)) & self.types for name, nouns in found.items()}


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
