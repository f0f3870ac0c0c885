"""What all candidates of one observation are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.tools import OF_PERSONS, family, labels, nouns
from tool_gym.candidates.values import Value
from tool_gym.candidates.view import View, leaves
from tool_gym.candidates.words import words
from tool_gym.jsonvalue import dumps

BEFORE, AFTER = 6, 4
"""Words before and behind a value at which is looked."""
_DECAY = 0.75


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
        self.asked = set(view.asked)
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
        self.labels = {name: list(labels(each["parameters"])) for name, each in view.functions.items()}
        self._best: dict[Value, tuple[float, float]] = {}
        self.rows: dict[tuple[object, ...], NDArray[np.float64]] = {}
        self.persons = {name for name, own in self.tools.items() if own & OF_PERSONS}
        texts = [str(value.content) for value in view.values if value.kind == "name" and not value.turn]
        self.partial = {text for text in texts for other in texts if text != other and text in other}
        self.known = {text for text, calls in self.handed.items() if not all(failed for _, failed in calls)}

    def nearest(self, own: Collection[str], before: Sequence[str], after: Sequence[str]) -> float:
        """How near a tool's words stand to a value."""
        return max(self.close(own, before), self.close(own, after[:3]))

    def best(self, value: Value) -> tuple[float, float]:
        """How near to a value the nearest label of any tool stands, and the nearest word of any tool."""
        if value not in self._best:
            before = self.view.asked[max(0, value.start - BEFORE) : value.start][::-1]
            after = self.view.asked[value.end : value.end + AFTER]
            self._best[value] = (
                max((nearness(label, before, after) for each in self.labels.values() for label in each), default=0.0),
                max((self.nearest(own, before, after) for own in self.tools.values()), default=0.0),
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
