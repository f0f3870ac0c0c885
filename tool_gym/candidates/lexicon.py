"""What English words have to do with one another: `lexicon.txt`, written without sight of any domain, and its reader.

The list has five parts: `quantities`, adjectives and the nouns of what they rank by ("dear: price cost fee"); `roles`,
verbs and the nouns that they lead to ("teach: teacher instructor"); `groups`, nouns that stand for one another;
`forms`, irregular forms ("taught: teach"); and `endings`, words with which names of things end, as in "Harlow & Sons
Insurance". What comes first in a line is likelier. The endings alone were written after domains had been seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

_PARTS: dict[str, list[tuple[str, list[str]]]] = {}
for _line in files("tool_gym.candidates").joinpath("lexicon.txt").read_text(encoding="utf-8").splitlines():
    if _line.startswith("["):
        _part = _PARTS.setdefault(_line.strip("[]"), [])
    else:
        _word, _, _others = _line.rpartition(": ")
        _part.append((_word, _others.split()))
_FORMS = {word: others[0] for word, others in _PARTS["forms"]}
_ENDINGS = frozenset(word for _, words in _PARTS["endings"] for word in words)
_ADJECTIVES = frozenset(word for word, _ in _PARTS["quantities"])
_SUPERLATIVE = (("iest", "y"), ("est", ""), ("est", "e"), *((f"{each * 2}est", each) for each in "bdglmnprt"))
"""Endings of superlatives, and what stands there in the adjective."""
_LATER = 0.1
"""What a place further back in a line costs, beside 1 for the line."""


@lru_cache(maxsize=65_536)
def base_form(word: str) -> str:
    """A word in lower case without an irregular form or the ending of a superlative: "riskiest" is "risky"."""
    if word in _FORMS:
        return _FORMS[word]
    for ending, last in _SUPERLATIVE:
        if word.endswith(ending) and (found := word.removesuffix(ending) + last) in _ADJECTIVES:
            return found
    return word


def ends_a_name(word: str) -> bool:
    """Whether a word in lower case is one with which names of companies, places or things end, not those of persons."""
    return not _ENDINGS.isdisjoint((word, word.removesuffix("s"), word.removesuffix("es"), word[:-3] + "y"))


def relations() -> Iterator[tuple[str, str, float]]:
    """A word, another for which it may stand, and how far that is to fetch, from 1."""
    for word, others in (*_PARTS["quantities"], *_PARTS["roles"]):
        for place, other in enumerate(others):
            yield word, other, 1 + _LATER * place
    for _, group in _PARTS["groups"]:
        for word in group:
            yield from ((word, other, 1.0) for other in group)
