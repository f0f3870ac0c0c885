"""Features of the values in a call: where they come from, what stands beside them in the question, what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.reading import Context, Reading, nearness
from tool_gym.candidates.tools import PLAIN
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import is_doer, is_of_thing, stem, words

_AT_PLACE = (
    "tool_before", "tool_after", "chosen_before", "chosen_after", "chosen_sentence", "slot_before", "inner",
    "place_fits", "left_near", "label_near", "noun_beside", "subject_before", "subject_next", "label_skips",
)  # fmt: skip
OF_ORIGIN = (
    "is", *_AT_PLACE, "used", "used_here", "failed", "failed_here", "key_tool", "key_slot", "key_asked", "near",
    "place_first", "place_not", "earliness", "label_next", "label_best", "tool_best", "noun_asked", "noun_known",
    "kin_here", "kin_elsewhere", "noun_own", "noun_other", "type_fits", "type_differs", "type_open", "overshadowed",
    "outdone",
    "like_here", "like_elsewhere", "before_own", "before_label", "before_other",
    "doer", "by", "of", "at", "owns", "doer_by", "doer_at", "doer_two_words",
)  # fmt: skip
"""Names of these features."""
_AT = frozenset({"in", "at", "from", "to", "on", "for", "with"})
ORIGINS = ("named", "last", "earlier")
"""Whence a value comes: the user, the last turn, or one before."""
_NOTHING = np.zeros(len(OF_ORIGIN))


def origin_features(reading: Reading, candidate: Candidate) -> list[float]:
    """The features `OF_ORIGIN`, means over a call's values from each of `ORIGINS`."""
    groups: list[list[NDArray[np.float64]]] = [[], [], []]
    for value in candidate.values:
        row = _origin(reading, candidate, value)
        groups[0 if not value.turn else 1 if value.turn == reading.turn else 2].append(row)
    return [each for group in groups for each in (np.mean(group, 0) if group else _NOTHING)]


def _origin(reading: Reading, candidate: Candidate, value: Value) -> NDArray[np.float64]:
    holder = candidate.holders[candidate.values.index(value)]
    key = (candidate.name, value, candidate.labels, holder)
    if key not in reading.rows:
        reading.rows[key] = np.array(_of_value(reading, candidate, value, holder), np.float64)
    return reading.rows[key]


def _at_place(reading: Reading, candidate: Candidate, value: Value, place: Context) -> list[float]:
    """How a call fits what stands beside its value at a place."""
    own, before, after = reading.tools[candidate.name], place.before, place.after
    labels = [words(label) for label in candidate.labels]
    nouns = reading.nouns[candidate.name]
    subject = reading.subjects[candidate.name]
    return [
        reading.close(own, before),
        reading.close(own, after),
        max((reading.share(label, before) for label in labels), default=0.0),
        max((reading.share(label, after) for label in labels), default=0.0),
        max((reading.share(label, place.sentence) for label in labels), default=0.0),
        reading.close(set(candidate.slots) - PLAIN, before),
        reading.share(before[:2], own),
        float(value.turn > 0 and place.rank > 0 and value.place == place.rank),
        float(bool(before) and before[0] in reading.open),
        max((nearness(label, before, after) for label in labels), default=0.0),
        float(bool(nouns & {*before[:1], *after[:1], *words(str(value.content))})),
        reading.close(subject, before),
        float(bool(subject & {*before[:2]})),
        float(0 < max((nearness(label, before, ()) for label in labels), default=0.0) < 0.7),
    ]


def _of_value(reading: Reading, candidate: Candidate, value: Value, holder: str) -> tuple[float, ...]:
    own, text, keys = reading.tools[candidate.name], str(value.content), set(value.keys[:2])
    calls = reading.handed.get(text, [])
    places = np.max([_at_place(reading, candidate, value, each) for each in reading.contexts(value)], 0)
    at = dict(zip(_AT_PLACE, places, strict=True))
    kin = [(name, failed) for other, made in reading.handed.items() for name, failed in made
           if other != text and other.split()[-1:] == text.split()[-1:]]  # fmt: skip
    nouns = reading.nouns[candidate.name]
    best = reading.best(value)
    takes = reading.takes[candidate.name].get(holder, frozenset()) & reading.view.types
    known = value.types & reading.view.types
    ranked = any(each.rank for each in reading.contexts(value))
    return (
        1.0,
        *places,
        float(any(not failed for _, failed in calls)),
        float(any(not failed for name, failed in calls if name == candidate.name)),
        float(any(failed for _, failed in calls)),
        float(any(failed for name, failed in calls if name == candidate.name)),
        float(bool(keys & own)),
        float(bool(set(value.nouns) & reading.takes[candidate.name].get(holder, frozenset()))),
        float(bool(keys & reading.asked)),
        value.near,
        float(value.turn > 0 and value.place == 0 and not ranked),
        float(value.turn > 0 and value.place > 0 and not at["place_fits"]),
        min(value.start, 20) / 20,
        float(at["label_near"] >= 0.8),
        float(at["label_near"] > 0 and at["label_near"] >= best[0] - 1e-6),
        float(reading.nearest(own, value) >= best[1] - 1e-6),
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
        float(bool(takes & value.types)),
        float(bool(takes and known) and not takes & value.types),
        float(value.kind == "name" and not known),
        float(reading.overshadowed(value)),
        float(reading.outdone(value)),
        *reading.alike(candidate.name, value),
        *_noun_before(reading, candidate.name, value),
        *_role(reading, takes, value),
    )


def _noun_before(reading: Reading, tool: str, value: Value) -> tuple[float, float, float]:
    """Whether the nearest type before a value is what the tool is about, else a part of its entries, else neither.

    In "the station of X" it says what X leads to, so that X is hardly a station itself.
    """
    nouns = reading.nouns_before(value)
    if not nouns:
        return 0.0, 0.0, 0.0
    own = reading.view.subjects[tool] in nouns
    part = not own and any(stem(noun) in label for label in reading.labels[tool] for noun in nouns)
    return float(own), float(part), float(not own and not part)


def _role(reading: Reading, takes: frozenset[str], value: Value) -> tuple[float, ...]:
    """Whether a parameter takes who does something, as its noun ends, and what small word leads to the value."""
    doer = any(map(is_doer, takes))
    gaps, place = reading.view.question.gaps, value.places[0]
    before = gaps[place.start] if place.start < len(gaps) else ()
    behind = gaps[place.end] if place.end < len(gaps) else ()
    by, at = "by" in before, bool(_AT & set(before))
    name = str(value.content)
    two_words = value.kind == "name" and len(name.split()) == 2 and not is_of_thing(name)
    return tuple(
        map(float, (doer, by, "of" in before, at, "s" in behind[:1], doer and by, doer and at, doer and two_words))
    )
