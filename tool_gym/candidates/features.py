"""Features of candidates: how their words fit the question, where their values come from, what was done before.

Nothing here knows a tool, a domain or an entity by name, so what is learned on some holds for others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.choice import OF_CHOICE, choice_features, superlative
from tool_gym.candidates.origin import OF_ORIGIN, ORIGINS, origin_features
from tool_gym.candidates.reading import Reading
from tool_gym.candidates.tools import FAMILIES
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import is_of_thing, words

_OF_TOOL = ("bias", "tool_asked", "asked_tool", "tool_open", "archive", "made_same_tool", "made_any", "tool_failed")
CUES = ("superlative", "among", "how_many", "statistic", "date_near", "bound_near", "plural_near", "called", "unused",
        "used", "named", "returned", "at_end", "counted", "same",
        "spelled", "chosen_from")  # fmt: skip
"""What the question says near what a call is about."""
_FITS = ("asked", "open", "again", "same_key", "is", "whole", "asked_new", "fresh", "fits")
"""What is looked at for each kind of tool by itself."""
_SHAPES = ("two_words", "one_word", "joined", "more_words", "of_a_thing")
_OF_VALUES = (
    "values", "names", "dates", "numbers", "date_beside", "date_left", "date_elsewhere",
    "date_spent", "same_key", "key_spread", "own_tool",
    "part_of_name", "unused_named", "in_order", "first_in_order", "backwards", "dated_by_result",
)  # fmt: skip
NAMES = (
    *_OF_TOOL,
    *OF_CHOICE,
    *_OF_VALUES,
    *(f"{family}:{cue}" for family in FAMILIES for cue in CUES),
    *(f"{family}:{fit}" for family in FAMILIES for fit in _FITS),
    *(f"{shape}:{kind}" for shape in _SHAPES for kind in ("person", "thing")),
    *(f"{origin}_{name}" for origin in ORIGINS for name in OF_ORIGIN),
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
            *choice_features(reading, each),
            *_values(reading, each),
            *_cues(reading, each),
            *_fits(reading, each),
            *_shape(reading, each),
            *origin_features(reading, each),
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
        float(name in reading.old and reading.families[name] in ("entry", "search", "figure")),
        min(reading.called[name], 2) / 2,
        min(len(reading.view.made), 6) / 6,
        min(reading.failed[name], 2) / 2,
    ]


_STATISTIC = frozenset({"average", "mean", "median", "total", "combined", "sum", "overall"})
_AMONG = frozenset({"among", "only", "one", "all"})
_CALLED = frozenset({"formerly", "nicknamed", "called", "call", "known", "once", "named", "used"})


def _cues(reading: Reading, candidate: Candidate) -> list[float]:
    family = FAMILIES.index(reading.families[candidate.name])
    value = next((each for each in candidate.values if each.kind == "name"), None)
    found = [0.0] * len(CUES)
    if value is None:
        found[CUES.index("at_end")] = float(reading.turn > 0 and not reading.unused)
    else:
        places = reading.contexts(value)
        before = {word for each in places for word in each.whole}
        close = [word for each in places for word in each.whole[:4]]
        others = [each for each in reading.view.values if not each.turn]
        known = str(value.content) in reading.known
        found = [
            float(superlative(reading, value)),
            float(bool(_AMONG & before)),
            float(bool({"many", "number", "count"} & before)),
            float(bool(_STATISTIC & before)),
            float(any(each.kind == "date" and not each.bound and _apart(each, value) < 4 for each in others)),
            float(any(each.bound and _apart(each, value) < 15 for each in others)),
            float(any(word.endswith("s") and len(word) > 3 for word in close)),
            float(bool(_CALLED & {word for each in places for word in each.whole[:3]})),
            float(not known),
            float(known),
            float(not value.turn),
            float(value.turn > 0),
            0.0,
            *map(float, reading.settled(value)),
            float(any("name" in each.whole[:2] for each in places)),
            0.0,
        ]
        listed = reading.view.subjects[candidate.name] in reading.nouns_before(value)
        picked = any(found[CUES.index(cue)] for cue in ("superlative", "among", "how_many", "statistic"))
        found[-1] = float(listed and picked)
    row = [0.0] * (len(FAMILIES) * len(CUES))
    row[family * len(CUES) : (family + 1) * len(CUES)] = found
    return row


def _fits(reading: Reading, candidate: Candidate) -> list[float]:
    own = reading.tools[candidate.name]
    keys = [value.keys[:1] for value in candidate.values if value.turn]
    start = len(_FITS) * FAMILIES.index(reading.families[candidate.name])
    row = [0.0] * (len(FAMILIES) * len(_FITS))
    row[start : start + len(_FITS)] = (
        reading.share(own, reading.asked),
        reading.share(own, reading.open),
        float(reading.called[candidate.name] > 0),
        float(len(set(keys)) == 1 and len(keys) > 1),
        1.0,
        float(candidate.whole),
        float(reading.share(own, reading.asked) * (reading.called[candidate.name] == 0)),
        float(bool(candidate.values) and not any(value.used for value in candidate.values)),
        float(bool(candidate.values) and all(_suits(reading, candidate, i) for i in range(len(candidate.values)))),
    )
    return row


def _suits(reading: Reading, candidate: Candidate, number: int) -> bool:
    """Whether a value is of a type that its parameter takes, or one that the question asked for."""
    value = candidate.values[number]
    if value.kind != "name":
        return value.near > 0 or not value.turn
    return bool(reading.takes[candidate.name].get(candidate.holders[number], frozenset()) & value.types)


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
            joined = {"&", "of", "the", "The"} & set(text.split())
            shape = 2 if joined else 4 if is_of_thing(text) else 0 if size == 2 else 1 if size == 1 else 3
            row[2 * shape + (candidate.name not in reading.persons)] += 1 / len(candidate.values)
    return row


def _values(reading: Reading, candidate: Candidate) -> list[float]:
    values = candidate.values
    names = [value for value in values if value.kind == "name"]
    dates = [value for value in reading.view.values if value.kind == "date" and not value.turn and not value.bound]
    beside = [
        each for each in dates for name in names if -6 <= each.start - name.end <= 3 or -6 <= name.start - each.end <= 3
    ]
    question = reading.view.question
    own = {question.sentence(place.start) for value in names for place in value.places}
    keys = Counter(value.keys[:1] for value in values if value.turn)
    own_words = {word for value in names for word in words(str(value.content))}
    return [
        min(len(values), 3) / 3,
        len(names) / 3,
        sum(value.kind == "date" for value in values) / 3,
        sum(value.kind == "number" for value in values) / 3,
        float(any(each in values for each in beside)),
        float(any(each not in values for each in beside)),
        float(any(each in values and question.sentence(each.start) not in own for each in dates)),
        float(any(each in values and each.used for each in dates)),
        float(len(keys) == 1 and sum(keys.values()) > 1),
        float(len(keys) > 1),
        float(bool(own_words & reading.tools[candidate.name])),
        float(any(str(value.content) in reading.partial for value in names)),
        min(len([v for v in reading.unused if v not in values]), 3) / 3,
        _ordered([value.start for value in values]),
        _ordered([min(place.start for place in value.places) for value in values]),
        _backwards(reading, values),
        float(
            reading.families[candidate.name] == "dated" and any(value.kind == "date" and value.turn for value in values)
        ),
    ]


def _backwards(reading: Reading, values: Sequence[Value]) -> float:
    """1 if a number counts back, as in "ten days before", -1 if it should and does not, else 0."""
    numbers = {value.content for value in values if isinstance(value.content, int | float) and not value.turn}
    back = {each.content for each in reading.view.values if isinstance(each.content, int | float) and each.content < 0}
    return 1.0 if numbers & back else -1.0 if any(-each in back for each in numbers) else 0.0


def _ordered(starts: Sequence[int]) -> float:
    """Whether places follow each other in the question: 1 if they do, -1 if not, 0 if there is one or none."""
    return 0.0 if len(starts) < 2 else 1.0 if list(starts) == sorted(starts) else -1.0
