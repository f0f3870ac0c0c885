"""Features of candidates: how their words fit the question, where their values come from, what was done before.

Nothing here knows a tool, a domain or an entity by name, so what is learned on some holds for others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.reading import AFTER, BEFORE, Reading, nearness
from tool_gym.candidates.tools import FAMILIES, PLAIN
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import words
from tool_gym.jsonvalue import dumps

_ORDINALS = ("second", "third", "fourth")
_ARCHIVE = frozenset(words("old former past closed history archive previous outdated retired legacy"))

_OF_TOOL = ("bias", "tool_asked", "asked_tool", "tool_open", "archive", "made_same_tool", "made_any", "tool_failed")
_OF_CHOICE = (
    "chosen_asked", "chosen_open", "whole", "choices", "unit", "extra", "most_sorted", "most_unsorted", "plain_sorted",
    "direction", "year_as_number", "limits", "limit_near", "limits_open", "limits_far", "done", "slot_asked",
)  # fmt: skip
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


def _of_value(reading: Reading, candidate: Candidate, value: Value) -> tuple[float, ...]:
    own, asked = reading.tools[candidate.name], reading.view.asked
    slots = set(candidate.slots) - PLAIN
    before = asked[max(0, value.start - BEFORE) : value.start][::-1]
    after = asked[value.end : value.end + AFTER]
    text = str(value.content)
    calls = reading.handed.get(text, [])
    keys = set(value.keys[:2])
    ahead = asked[max(0, value.start - 8) : value.start + 2]
    ordinal = next((i + 1 for i, word in enumerate(_ORDINALS) if word[:5] in ahead), 0)
    kin = [(name, failed) for other, made in reading.handed.items() for name, failed in made
           if other != text and other.split()[-1:] == text.split()[-1:]]  # fmt: skip
    labels = [words(label) for label in candidate.labels]
    nouns = reading.nouns.get(candidate.name, set())
    near = max((nearness(label, before, after) for label in labels), default=0.0)
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
