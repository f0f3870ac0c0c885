"""The words that an observation's tools use, and which of them a user's other words may mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tool_gym.candidates.lexicon import relations
from tool_gym.candidates.words import stem, words
from tool_gym.jsonvalue import dumps, loads

_GRAMMAR = frozenset({"type", "required", "additionalProperties", "$schema"})
"""Keys of a JSON Schema under which nothing is said in words."""
_FRAME = frozenset({"name", "description", "parameters", "properties", "enum", "items"})
"""Keys of a function that are no words of its own."""


class Vocabulary:
    """Stems that tools use."""

    def __init__(self, stems: frozenset[str]) -> None:
        self._stems = stems
        self._meant: dict[str, str] = {}

    def meant(self, word: str) -> str:
        """What a stem means among the tools' own: itself if they use it or nothing that is related to it, else the
        nearest that they use, over two relations at most."""
        if word not in self._meant:
            self._meant[word] = word if word in self._stems else self._nearest(word)
        return self._meant[word]

    def _nearest(self, word: str) -> str:
        related = _related()
        far: dict[str, float] = {}
        for other, cost in related.get(word, {}).items():
            if other in self._stems:
                far[other] = min(cost, far.get(other, cost))
            else:
                # A second step is further than any first one.
                for last, more in related.get(other, {}).items():
                    if last in self._stems:
                        far[last] = min(cost + more + 1, far.get(last, cost + more + 1))
        return min(far, key=lambda each: (far[each], each), default=word)


def vocabulary(functions: Mapping[str, Mapping[str, Any]]) -> Vocabulary:
    """The words of tools: of their names, documents, parameters, and of what may be chosen there."""
    return _vocabulary(dumps([[name, *_told(each)] for name, each in functions.items()]))


@lru_cache(maxsize=1024)
def _vocabulary(told: str) -> Vocabulary:
    return Vocabulary(frozenset(word for texts in loads(told) for text in texts for word in words(text)))


def _told(function: Mapping[str, Any]) -> tuple[Any, ...]:
    return (function["description"], *_texts(function["parameters"]))


def _texts(schema: Any) -> Iterator[str]:
    match schema:
        case str():
            yield schema
        case Mapping():
            for key, each in schema.items():
                if key not in _GRAMMAR:
                    yield from () if key in _FRAME else (key,)
                    yield from _texts(each)
        case Sequence():
            for each in schema:
                yield from _texts(each)


@lru_cache(maxsize=1)
def _related() -> Mapping[str, Mapping[str, float]]:
    """For each stem those to which it is related, and how far they are."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for word, other, cost in relations():
        one, two = stem(word), stem(other)
        if one != two:
            found[one][two] = min(cost, found[one].get(two, cost))
    return found
