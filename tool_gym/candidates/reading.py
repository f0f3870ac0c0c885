"""What all candidates of one observation are compared with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.tools import OF_PERSONS, family, gives, members, nouns, types_of
from tool_gym.candidates.values import Value
from tool_gym.candidates.view import View, leaves
from tool_gym.candidates.words import stem, words
from tool_gym.jsonvalue import dumps

BEFORE, AFTER = 8, 4
"""Words before and behind a value at which is looked."""
_DECAY = 0.75
_BESIDE = 4
"""Words before two values by which it is seen whether the question says the same of both."""
ARCHIVE = frozenset(words("old former past closed previous outdated retired legacy"))
"""Words of tools that know what was true once."""


class Context(NamedTuple):
    """Words beside a place of the question, of the same sentence, the nearest first.

    Attributes:
        before: Stems before it.
        after: Stems behind it.
        whole: The words before it as they are.
        begins: The first words of what is said there itself, as they are.
        rank: How many places behind the first is asked for.
        sentence: Stems of its sentence.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    whole: tuple[str, ...]
    begins: tuple[str, ...]
    rank: int
    sentence: frozenset[str]


class Reading:
    """What all candidates of one observation are compared with.

    Attributes:
        view: The observation, read.
        turn: The last turn.
        tools: Words of each tool: its name, its document, and what may be chosen in it.
    """

    def __init__(self, view: View) -> None:
        """Reads the tools' words and weighs them: a word that few tools use says more."""
        self.view = view
        self.turn = max((made.turn for made in view.made), default=0)
        self.tools = {name: set(words(f"{name} {each['description']}")) for name, each in view.functions.items()}
        used = Counter(word for each in self.tools.values() for word in each)
        self.weight = {word: log((len(self.tools) + 1) / count) for word, count in used.items()}
        self.stems = view.question.stems
        self.asked = set(self.stems)
        self.done = {dumps([made.name, dict(made.arguments)]) for made in view.made}
        self.handed: dict[str, list[tuple[str, bool]]] = {}
        for made in view.made:
            for text in leaves(made.arguments):
                self.handed.setdefault(text, []).append((made.name, made.failed))
        self.called = Counter(made.name for made in view.made)
        self.failed = Counter(made.name for made in view.made if made.failed)
        covered: set[str] = set()
        for made in view.made:
            if not made.failed:
                covered |= set(words(" ".join(leaves(made.arguments)))) | self.tools[made.name]
        self.open = self.asked - covered
        self.unused = [
            value
            for value in view.values
            if value.kind == "name" and not value.turn and str(value.content) not in self.handed
        ]
        self.families = {name: family(each["parameters"]) for name, each in view.functions.items()}
        self.nouns = {name: nouns(each["parameters"]) for name, each in view.functions.items()}
        self.labels = {
            name: [words(label) for label in (*members(each["parameters"]), gives(each, view.subjects[name])) if label]
            for name, each in view.functions.items()
        }
        self.takes = {name: types_of(each, view.subjects[name]) for name, each in view.functions.items()}
        self.subjects = {name: {stem(noun)} if noun else set() for name, noun in view.subjects.items()}
        self.chosen: dict[str, set[str]] = {name: set() for name in view.functions}
        for made in view.made:
            if not made.failed and made.name in self.chosen:
                self.chosen[made.name] |= set(leaves(made.arguments))
        self.old = {
            name
            for name, each in view.functions.items()
            if ARCHIVE & set(words(re.split("[.:]", each["description"])[0]))
        }
        self.narrowing = {name: _narrowing(each["parameters"]) for name, each in view.functions.items()}
        self._nearest: dict[int, float] = {}
        for value in view.values:
            if value.turn:
                self._nearest[value.turn] = max(value.near, self._nearest.get(value.turn, 0.0))
        self._contexts: dict[Value, list[Context]] = {}
        self._best: dict[Value, tuple[float, float]] = {}
        self._alike: dict[Value, dict[str, float]] = {}
        self._nouns: dict[Value, frozenset[str]] = {}
        self.rows: dict[tuple[object, ...], NDArray[np.float64]] = {}
        self.persons = {name for name, own in self.tools.items() if own & OF_PERSONS}
        texts = [str(value.content) for value in view.values if value.kind == "name" and not value.turn]
        self.partial = {text for text in texts for other in texts if text != other and text in other}
        self.known = {text for text, calls in self.handed.items() if not all(failed for _, failed in calls)}

    def contexts(self, value: Value) -> list[Context]:
        """What stands beside a value in the question, at each of its places."""
        if value not in self._contexts:
            question = self.view.question
            found = []
            for place in value.places:
                sentence = question.sentence(place.start)
                behind = range(place.end, min(sentence.end, place.end + AFTER))
                before = range(place.start - 1, max(sentence.start, place.start - BEFORE) - 1, -1)
                found.append(
                    Context(
                        tuple(question.stems[i] for i in before),
                        tuple(question.stems[i] for i in behind),
                        tuple(question.whole[i] for i in before),
                        question.whole[place.start : min(place.end, place.start + 3)],
                        question.rank(place),
                        frozenset(question.stems[sentence.start : sentence.end]),
                    )
                )
            self._contexts[value] = found
        return self._contexts[value]

    def overshadowed(self, value: Value) -> bool:
        """Whether the same turn returned something that the question names, and not this."""
        return value.turn > 0 and value.near < 0.5 <= self._nearest.get(value.turn, 0.0)

    def outdone(self, value: Value) -> bool:
        """Whether the question names something else that the same turn returned nearer to what the call was about.

        In "the date of birth of the teacher of X" the date is not X's own.
        """
        return value.turn > 0 and value.near < self._nearest.get(value.turn, 0.0) - 0.01

    def settled(self, value: Value) -> tuple[bool, bool]:
        """Whether it was counted only, as in "how many ports", and whether only its time was asked for."""
        places = self.contexts(value)
        counted = any({"many", "number"} & set(each.whole[:1]) for each in places) or self._counts(value)
        return counted, any("same" in (*each.whole[:4], *each.begins) for each in places)

    def _counts(self, value: Value) -> bool:
        """Whether the question asks how many there are of what a value is, right before its place."""
        question = self.view.question
        for place in value.places:
            before = range(
                max(question.sentence(place.start).start, place.start - _BESIDE), min(place.start, len(question.nouns))
            )
            for i in before[1:]:
                if question.whole[i - 1] in ("many", "number") and question.nouns[i] in value.types:
                    return True
        return False

    def alike(self, tool: str, value: Value) -> tuple[float, float]:
        """How like a value's place are those of values that this tool, and that other tools, knew; in [0, 1]."""
        if value not in self._alike:
            near = [set(each.before[:_BESIDE]) for each in self.contexts(value)]
            found: dict[str, float] = {}
            for other in self.view.values:
                for name, failed in self.handed.get(str(other.content), ()):
                    if not failed and other.content != value.content:
                        places = [set(each.before[:_BESIDE]) for each in self.contexts(other)]
                        best = max(len(one & two) / max(1, len(one | two)) for one in near for two in places)
                        found[name] = max(found.get(name, 0.0), best)
            self._alike[value] = found
        here = self._alike[value]
        return here.get(tool, 0.0), max((each for name, each in here.items() if name != tool), default=0.0)

    def nouns_before(self, value: Value) -> frozenset[str]:
        """The types that the question names last before a value: where it speaks of it again, else where first."""
        if value not in self._nouns:
            question = self.view.question
            found = set()
            for place in value.mentions or value.places:
                start = min(place.start, len(question.nouns))
                words_before = question.nouns[question.sentence(start).start : start]
                found.add(next((word for word in reversed(words_before) if word in self.view.types), ""))
            self._nouns[value] = frozenset(found - {""})
        return self._nouns[value]

    def nearest(self, own: Collection[str], value: Value) -> float:
        """How near a tool's words stand to a value."""
        return max(max(self.close(own, each.before), self.close(own, each.after[:3])) for each in self.contexts(value))

    def label_near(self, label: Sequence[str], value: Value) -> float:
        """How near a label stands to a value."""
        return max(nearness(label, each.before, each.after) for each in self.contexts(value))

    def best(self, value: Value) -> tuple[float, float]:
        """How near to a value the nearest label of any tool stands, and the nearest word of any tool."""
        if value not in self._best:
            self._best[value] = (
                max((self.label_near(label, value) for each in self.labels.values() for label in each), default=0.0),
                max((self.nearest(own, value) for own in self.tools.values()), default=0.0),
            )
        return self._best[value]

    def share(self, of: Collection[str], within: Collection[str]) -> float:
        """Weighted share of the words that stand in others, in [0, 1]."""
        total = sum(self.weight.get(word, 1.0) for word in of)
        return sum(self.weight.get(word, 1.0) for word in of if word in within) / total if total else 0.0

    def close(self, wanted: Collection[str], window: Sequence[str]) -> float:
        """How near the first of some words stands in a window, in [0, 1]; 0 if none does."""
        for i, word in enumerate(window):
            if word in wanted:
                return _DECAY**i * min(1.0, self.weight.get(word, 1.0))
        return 0.0


def nearness(label: Sequence[str], before: Sequence[str], after: Sequence[str]) -> float:
    """How near the words of a label stand to a value, in [0, 1]: all of them right beside it are 1."""
    if not label:
        return 0.0
    return max(
        sum(max((0.8**i for i, word in enumerate(window) if word == each), default=0.0) for each in label) / len(label)
        for window in (before, after[:3])
    )


def _narrowing(parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """The members of enums by which a search may be narrowed."""
    needed = parameters.get("required") or ()
    found = {}
    for name, schema in (parameters.get("properties") or {}).items():
        if name not in needed and isinstance(schema, Mapping) and "default" not in schema:
            own = schema.get("enum") or (schema.get("items") or {}).get("enum")
            if own:
                found[name] = [str(each) for each in own]
    return found
