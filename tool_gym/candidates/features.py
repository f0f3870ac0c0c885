"""Features of candidates: how their words fit the question, where their values come from, what was done before.

Nothing here knows a tool, a domain or an entity by name, so what is learned on some holds for others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.values import Value
from tool_gym.candidates.view import View, leaves
from tool_gym.candidates.words import words
from tool_gym.jsonvalue import dumps

_DECAY = 0.75
_BEFORE, _AFTER = 6, 4
_ORDINALS = ("second", "third", "fourth")
_ARCHIVE = frozenset(words("old former past closed history archive previous outdated retired legacy"))

_OF_TOOL = ("bias", "tool_asked", "asked_tool", "tool_open", "archive", "made_same_tool", "made_any", "tool_failed")
_OF_CHOICE = (
    "chosen_asked", "chosen_open", "whole", "choices", "unit", "extra", "most_sorted", "most_unsorted", "plain_sorted",
    "direction", "year_as_number", "limits", "limit_near", "limits_open", "limits_far", "done", "slot_asked",
)  # fmt: skip
FAMILIES = ("entry", "dated", "search", "figure", "sum", "days", "texts", "other")
"""Kinds of tools, by what they require."""
CUES = ("superlative", "among", "how_many", "statistic", "date_near", "bound_near", "plural_near", "called", "unused",
        "used", "named", "returned", "at_end")  # fmt: skip
"""What the question says near what a call is about."""
_FITS = ("asked", "open", "again", "same_key")
"""What is looked at for each kind of tool by itself."""
_SHAPES = ("two_words", "one_word", "joined", "more_words")
_OF_VALUES = (
    "values", "names", "dates", "numbers", "date_beside", "date_left", "same_key", "key_spread", "own_tool",
    "part_of_name", "unused_named",
)  # fmt: skip
_OF_ORIGIN = (
    "is", "tool_before", "tool_after", "chosen_before", "chosen_after", "slot_before", "inner", "used", "used_here",
    "failed", "failed_here", "key_tool", "key_slot", "key_asked", "near", "place_fits", "place_not", "earliness",
    "left_near", "label_near", "label_next", "label_best", "tool_best", "noun_beside", "noun_asked", "noun_known",
    "kin_here", "kin_elsewhere", "noun_own", "noun_other",
)  # fmt: skip
_ORIGINS = ("named", "last", "earlier")
NAMES = (
    *_OF_TOOL,
    *_OF_CHOICE,
    *_OF_VALUES,
    *(f"{family}:{cue}" for family in FAMILIES for cue in CUES),
    *(f"{family}:{fit}" for family in FAMILIES for fit in _FITS),
    *(f"{shape}:{kind}" for shape in _SHAPES for kind in ("person", "thing")),
    *(f"{origin}_{name}" for origin in _ORIGINS for name in _OF_ORIGIN),
)
"""Names of the features of a call."""


_OF_PERSONS = frozenset(words("born birth mentor teacher wage salary fee tutor profession rank"))


def _family(parameters: Mapping[str, Any]) -> str:
    """The kind of a tool, by what it requires."""
    properties = parameters.get("properties") or {}
    kinds = Counter(_kind(properties[name]) for name in parameters.get("required") or () if name in properties)
    if not kinds:
        return "search"
    if kinds["members"] and kinds["text"]:
        return "entry"
    if kinds["day"] and kinds["text"]:
        return "dated"
    if kinds["numbers"] or kinds["amount"]:
        return "sum"
    if kinds["period"] or (kinds["text"] and kinds["number"]):
        return "days"
    if kinds["enum"] > 1:
        return "figure"
    return "texts" if kinds["texts"] or kinds["text"] else "other"


def _kind(schema: Mapping[str, Any]) -> str:
    items, properties = schema.get("items") or {}, schema.get("properties") or {}
    if "enum" in schema:
        return "enum"
    match schema.get("type"):
        case "array" if "enum" in items:
            return "members"
        case "array":
            return "numbers" if "number" in (items.get("type") or ()) else "texts"
        case "object" if "year" in properties:
            return "day"
        case "object":
            return (
                "amount" if any(each.get("type") in ("number", "integer") for each in properties.values()) else "period"
            )
        case "integer" | "number":
            return "number"
    return "text"


def _nouns(parameters: Mapping[str, Any]) -> set[str]:
    """What a tool is about: words of its required text and of what is said about it."""
    properties = parameters.get("properties") or {}
    texts = [name for name in parameters.get("required") or () if _kind(properties.get(name) or {}) == "text"]
    return {word for name in texts for word in words(f"{name} {properties[name].get('description', '')}")} - _PLAIN


def _labels(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Words of each member of each enum in a schema."""
    yield from (words(str(each)) for each in schema.get("enum") or ())
    for each in (*(schema.get("properties") or {}).values(), schema.get("items")):
        if isinstance(each, Mapping):
            yield from _labels(each)


_PLAIN = frozenset(words("name target which subject id keep only text day date place asked"))


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
        self.families = {name: _family(each["parameters"]) for name, each in view.functions.items()}
        self.nouns = {name: _nouns(each["parameters"]) for name, each in view.functions.items()}
        self.labels = {name: list(_labels(each["parameters"])) for name, each in view.functions.items()}
        self._best: dict[Value, tuple[float, float]] = {}
        self.rows: dict[tuple[object, ...], NDArray[np.float64]] = {}
        self.persons = {name for name, own in self.tools.items() if own & _OF_PERSONS}
        texts = [str(value.content) for value in view.values if value.kind == "name" and not value.turn]
        self.partial = {text for text in texts for other in texts if text != other and text in other}
        self.known = {text for text, calls in self.handed.items() if not all(failed for _, failed in calls)}

    def nearest(self, own: Collection[str], before: Sequence[str], after: Sequence[str]) -> float:
        """How near a tool's words stand to a value."""
        return max(self.close(own, before), self.close(own, after[:3]))

    def best(self, value: Value) -> tuple[float, float]:
        """How near to a value the nearest label of any tool stands, and the nearest word of any tool."""
        if value not in self._best:
            before = self.view.asked[max(0, value.start - _BEFORE) : value.start][::-1]
            after = self.view.asked[value.end : value.end + _AFTER]
            self._best[value] = (
                max((_nearness(label, before, after) for each in self.labels.values() for label in each), default=0.0),
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


def call_features(reading: Reading, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Features of calls.

    Args:
        reading: The observation.
        candidates: Calls.

    Returns:
        float32[len(candidates), len(NAMES)], each in [-1, 1] or nearly.
    """
    tools = {name: _tool(reading, name) for name in reading.tools}
    rows = [
        [
            *tools[each.name],
            *_choice(reading, each),
            *_values(reading, each),
            *_cues(reading, each),
            *_fits(reading, each),
            *_shape(reading, each),
            *_origins(reading, each),
        ]
        for each in candidates
    ]
    return np.array(rows, np.float32).reshape(len(candidates), len(NAMES))


def _tool(reading: Reading, name: str) -> list[float]:
    own = reading.tools[name]
    return [
        1.0,
        reading.share(own, reading.asked),
        reading.share(reading.asked, own),
        reading.share(own, reading.open),
        float(bool(own & _ARCHIVE)),
        min(reading.called[name], 2) / 2,
        min(len(reading.view.made), 6) / 6,
        min(reading.failed[name], 2) / 2,
    ]


def _choice(reading: Reading, candidate: Candidate) -> list[float]:
    chosen, asked = set(candidate.chosen), reading.view.asked
    most = any(_superlative(reading, value) for value in candidate.values)
    ordered = bool(chosen & {"ascen", "desce"})
    limits = [
        (value, reading.share(on, asked[max(0, value.start - 8) : value.start])) for value, on in candidate.limits
    ]
    held = {value.start for value, _ in candidate.limits}
    entity = [value for value in candidate.values if value.kind == "name"]
    bounds = [v for v in reading.view.values if v.bound and any(abs(v.start - e.start) < 22 for e in entity)]
    loose = len({v.start for v in bounds} - held)
    far = [min((abs(v.start - e.end) for e in entity), default=9) for v, _ in candidate.limits]
    return [
        reading.share(chosen, reading.asked),
        reading.share(chosen, reading.open),
        float(candidate.whole),
        min(len(candidate.labels), 4) / 4,
        float(any(value.unit in candidate.labels for value in candidate.values if value.unit)),
        min(len(candidate.extra), 4) / 4,
        float(most and ordered),
        float(most and not ordered),
        float(ordered and not most),
        _direction(reading, candidate) if ordered else 0.0,
        float(
            any(
                value.kind == "number" and 1000 <= abs(float(str(value.content))) < 3000
                for value, _ in candidate.limits
            )
        ),
        min(len(limits), 2) / 2,
        sum(share for _, share in limits) / len(limits) if limits else 0.0,
        min(loose, 2) / 2,
        min(sum(far) / len(far), 20) / 20 if far else 0.0,
        float(dumps([candidate.name, candidate.arguments]) in reading.done),
        reading.share(set(candidate.extra), reading.asked),
    ]


_BEST = re.compile(r"\w{2,}est|most|least|worst|best")
_STATISTIC = frozenset({"average", "mean", "median", "total", "combined", "sum", "overall"})
_AMONG = frozenset({"among", "only", "one", "all"})
_CALLED = frozenset({"formerly", "nicknamed", "called", "call", "known", "once", "named", "used"})


_LEAST = re.compile(
    r"(?:small|short|low|few|light|cheap|old|early|earli|young|slow|weak|poor|narrow|shallow|thin|worst|tini|tiny|near|close|cold|dull)"
    r"(?:est)?|least|first|fewest|worst|oldest"
)
_DATED = frozenset(words("date year birth founded opening launch built start delivery premiere acquired"))


def _direction(reading: Reading, candidate: Candidate) -> float:
    """Whether an order is that of the superlative near the call's name: 1 if so, -1 if it is the other one."""
    for value in candidate.values:
        words_before = reading.view.whole[max(0, value.start - 8) : value.start]
        for word in reversed(words_before):
            if _BEST.fullmatch(word) or word == "worst":
                young = word.startswith(("young", "new", "late"))
                least = bool(_LEAST.fullmatch(word)) and not (young and bool(_DATED & set(candidate.chosen)))
                return 1.0 if least == ("ascen" in candidate.chosen) else -1.0
    return 0.0


def _superlative(reading: Reading, value: Value) -> bool:
    return any(_BEST.fullmatch(word) for word in reading.view.whole[max(0, value.start - 8) : value.start])


def _cues(reading: Reading, candidate: Candidate) -> list[float]:
    family = FAMILIES.index(reading.families[candidate.name])
    value = next((each for each in candidate.values if each.kind == "name"), None)
    found = [0.0] * len(CUES)
    if value is None:
        found[-1] = float(reading.turn > 0 and not reading.unused)
    else:
        before = reading.view.whole[max(0, value.start - 8) : value.start]
        others = [each for each in reading.view.values if not each.turn]
        known = str(value.content) in reading.known
        found = [
            float(_superlative(reading, value)),
            float(bool(_AMONG & set(before))),
            float(bool({"many", "number", "count"} & set(before))),
            float(bool(_STATISTIC & set(before))),
            float(any(each.kind == "date" and not each.bound and _apart(each, value) < 4 for each in others)),
            float(any(each.bound and _apart(each, value) < 15 for each in others)),
            float(any(word.endswith("s") and len(word) > 3 for word in before[-4:])),
            float(bool(_CALLED & set(before[-3:]))),
            float(not known),
            float(known),
            float(not value.turn),
            float(value.turn > 0),
            0.0,
        ]
    row = [0.0] * (len(FAMILIES) * len(CUES))
    row[family * len(CUES) : (family + 1) * len(CUES)] = found
    return row


def _fits(reading: Reading, candidate: Candidate) -> list[float]:
    own = reading.tools[candidate.name]
    keys = {value.keys[:1] for value in candidate.values if value.turn}
    start = len(_FITS) * FAMILIES.index(reading.families[candidate.name])
    row = [0.0] * (len(FAMILIES) * len(_FITS))
    row[start : start + len(_FITS)] = (
        reading.share(own, reading.asked),
        reading.share(own, reading.open),
        float(reading.called[candidate.name] > 0),
        float(len(keys) == 1 and len(candidate.values) > 1),
    )
    return row


def _apart(one: Value, other: Value) -> int:
    """Words between two values in the question."""
    return max(one.start - other.end, other.start - one.end, 0)


def _shape(reading: Reading, candidate: Candidate) -> list[float]:
    """What a name looks like, beside whether the tool is about persons."""
    row = [0.0] * (2 * len(_SHAPES))
    for value in candidate.values:
        if value.kind == "name":
            text = str(value.content)
            size = len(text.split())
            shape = 2 if {"&", "of", "the", "The"} & set(text.split()) else 0 if size == 2 else 1 if size == 1 else 3
            row[2 * shape + (candidate.name not in reading.persons)] += 1 / len(candidate.values)
    return row


def _values(reading: Reading, candidate: Candidate) -> list[float]:
    values, own = candidate.values, reading.tools[candidate.name]
    names = [value for value in values if value.kind == "name"]
    dates = [value for value in reading.view.values if value.kind == "date" and not value.turn and not value.bound]
    beside = [
        each for each in dates for name in names if -6 <= each.start - name.end <= 3 or -6 <= name.start - each.end <= 3
    ]
    keys = Counter(value.keys[:1] for value in values if value.turn)
    own_words = {word for value in names for word in words(str(value.content))}
    return [
        min(len(values), 3) / 3,
        len(names) / 3,
        sum(value.kind == "date" for value in values) / 3,
        sum(value.kind == "number" for value in values) / 3,
        float(any(each in values for each in beside)),
        float(any(each not in values for each in beside)),
        float(len(keys) == 1 and sum(keys.values()) > 1),
        float(len(keys) > 1),
        float(bool(own_words & own)),
        float(any(str(value.content) in reading.partial for value in names)),
        min(len([v for v in reading.unused if v not in values]), 3) / 3,
    ]


def _origins(reading: Reading, candidate: Candidate) -> list[float]:
    groups: list[list[NDArray[np.float64]]] = [[], [], []]
    for value in candidate.values:
        row = _origin(reading, candidate, value)
        groups[0 if not value.turn else 1 if value.turn == reading.turn else 2].append(row)
    return [each for group in groups for each in (np.mean(group, 0) if group else _NOTHING)]


_NOTHING = np.zeros(len(_OF_ORIGIN))


def _origin(reading: Reading, candidate: Candidate, value: Value) -> NDArray[np.float64]:
    key = (candidate.name, value, candidate.labels)
    if key not in reading.rows:
        reading.rows[key] = np.array(_of_value(reading, candidate, value), np.float64)
    return reading.rows[key]


def _nearness(label: Sequence[str], before: Sequence[str], after: Sequence[str]) -> float:
    """How near the words of a label stand to a value, in [0, 1]: all of them right beside it are 1."""
    if not label:
        return 0.0
    return max(
        sum(max((0.8**i for i, word in enumerate(window) if word == each), default=0.0) for each in label) / len(label)
        for window in (before, after[:3])
    )


def _of_value(reading: Reading, candidate: Candidate, value: Value) -> tuple[float, ...]:
    own, asked = reading.tools[candidate.name], reading.view.asked
    slots = set(candidate.slots) - _PLAIN
    before = asked[max(0, value.start - _BEFORE) : value.start][::-1]
    after = asked[value.end : value.end + _AFTER]
    text = str(value.content)
    calls = reading.handed.get(text, [])
    keys = set(value.keys[:2])
    ahead = asked[max(0, value.start - 8) : value.start + 2]
    ordinal = next((i + 1 for i, word in enumerate(_ORDINALS) if word[:5] in ahead), 0)
    kin = [(name, failed) for other, made in reading.handed.items() for name, failed in made
           if other != text and other.split()[-1:] == text.split()[-1:]]  # fmt: skip
    labels = [words(label) for label in candidate.labels]
    nouns = reading.nouns.get(candidate.name, set())
    near = max((_nearness(label, before, after) for label in labels), default=0.0)
    best = reading.best(value)
    return (
        1.0,
        reading.close(own, before),
        reading.close(own, after),
        max((reading.share(label, before) for label in labels), default=0.0),
        max((reading.share(label, after) for label in labels), default=0.0),
        reading.close(slots, before),
        reading.share(before[:2], own),
        float(any(not failed for _, failed in calls)),
        float(any(not failed for name, failed in calls if name == candidate.name)),
        float(any(failed for _, failed in calls)),
        float(any(failed for name, failed in calls if name == candidate.name)),
        float(bool(keys & own)),
        float(bool(keys & slots)),
        float(bool(keys & reading.asked)),
        value.near,
        float(value.turn > 0 and value.place == ordinal),
        float(value.turn > 0 and value.place != ordinal),
        min(value.start, 20) / 20,
        float(bool(before) and before[0] in reading.open),
        near,
        float(near >= 0.8),
        float(near > 0 and near >= best[0] - 1e-6),
        float(reading.nearest(own, before, after) >= best[1] - 1e-6),
        float(bool(nouns & {*before[:1], *after[:1], *words(text)})),
        float(bool(nouns & reading.asked)),
        float(bool(nouns & keys)),
        float(any(name == candidate.name and not failed for name, failed in kin)),
        float(any(name != candidate.name and not failed for name, failed in kin)),
        float(bool(nouns & set(words(text)))),
        float(
            any(
                each & set(words(text))
                for name, each in reading.nouns.items()
                if name != candidate.name and each != nouns
            )
        ),
    )
