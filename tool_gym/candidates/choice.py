"""Features of what a call chooses: members of enums, bounds, an order; and whether the question asks for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.question import BEST
from tool_gym.candidates.reading import Reading
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import is_doer, words
from tool_gym.jsonvalue import dumps

OF_CHOICE = (
    "chosen_asked", "chosen_open", "whole", "choices", "unit", "most_sorted", "most_unsorted", "plain_sorted",
    "direction", "year_as_number", "limits", "limit_near", "limits_open", "limits_far", "done", "slot_asked",
    "choice_missed", "choice_beside", "again_other", "chosen_twice",
    "time_order", "unit_settled", "extra_unasked", "share_given", "who_chosen",
    "part_taken",
)  # fmt: skip
"""Names of these features."""
_LEAST = re.compile(
    r"(?:small|short|low|few|light|cheap|old|early|earli|young|slow|weak|poor|narrow|shallow|thin|worst|tini|tiny|near|close|cold|dull)"
    r"(?:est)?|least|first|fewest|worst|oldest"
)
_PART = frozenset(words("contains containing includes part prefix begins pattern matching fragment"))
"""Words of parameters that take a part of a name."""
_WHO = 4
"""Words before a name in which "who" asks for whoever has to do with it."""
_DATED = frozenset(words("date year birth founded opening built start"))
_TIME = re.compile(r"(?:old|young|new|earli|late|recent)\w*")


def choice_features(reading: Reading, candidate: Candidate) -> list[float]:
    """The features `OF_CHOICE` of a call."""
    chosen, asked = set(candidate.chosen), reading.stems
    most = any(superlative(reading, value) for value in candidate.values)
    ordered = bool(chosen & {"ascen", "desce"})
    limits = [
        (value, reading.share(on, asked[max(0, value.start - 8) : value.start])) for value, on in candidate.limits
    ]
    held = {value.start for value, _ in candidate.limits}
    question = reading.view.question
    own = {
        question.sentence(place.start) for value in candidate.values if value.kind == "name" for place in value.places
    }
    loose = {v.start for v in reading.view.values if v.bound and question.sentence(v.start) in own} - held
    far = [float(question.sentence(value.start) not in own) for value, _ in candidate.limits]
    return [
        reading.share(chosen, reading.asked),
        reading.share(chosen, reading.open),
        float(candidate.whole),
        min(len(candidate.labels), 4) / 4,
        float(any(value.unit in candidate.labels for value in candidate.values if value.unit)),
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
        sum(share for value, share in limits if question.sentence(value.start) in own) / max(1, len(limits)),
        min(len(loose), 2) / 2,
        sum(far) / len(far) if far else 0.0,
        float(dumps([candidate.name, candidate.arguments]) in reading.done),
        reading.share(set(candidate.extra), reading.asked),
        *_choices_beside(reading, candidate),
        float(any(label in reading.chosen[candidate.name] for label in candidate.labels)),
        float(len(set(candidate.labels)) < len(candidate.labels)),
        _time_order(reading, candidate) if ordered else 0.0,
        float(any(set(words(value.unit)) & reading.asked for value in candidate.values if value.unit)),
        min(_unasked(reading, candidate, ordered and most), 3) / 3,
        _share_given(candidate),
        _who_chosen(reading, candidate),
        float(any(_PART & set(words(name)) for name in candidate.extras)),
    ]


def _choices_beside(reading: Reading, candidate: Candidate) -> tuple[float, float]:
    """Whether sentences about the call's values name members that could narrow it: those left out, and those taken."""
    beside = {word for value in candidate.values for each in reading.contexts(value) for word in each.sentence}
    narrowing = reading.narrowing[candidate.name]
    named = {name for name, members in narrowing.items() if any(set(words(member)) <= beside for member in members)}
    taken = {name for name in named if name in candidate.arguments}
    return float(bool(named - taken)), float(bool(taken))


def _direction(reading: Reading, candidate: Candidate) -> float:
    """Whether an order is that of the superlative near the call's name: 1 if so, -1 if it is the other one."""
    for word in (word for value in candidate.values for each in reading.contexts(value) for word in each.whole):
        if BEST.fullmatch(word) or word == "worst":
            young = word.startswith(("young", "new", "late"))
            least = bool(_LEAST.fullmatch(word)) and not (young and bool(_DATED & set(candidate.chosen)))
            return 1.0 if least == ("ascen" in candidate.chosen) else -1.0
    return 0.0


def _unasked(reading: Reading, candidate: Candidate, ranked: bool) -> int:
    """How many of the parameters that could be left out the question says nothing for."""
    beside = {word for value in candidate.values for each in reading.contexts(value) for word in each.sentence}
    functions = reading.view.functions[candidate.name]["parameters"]["properties"]
    count = 0
    for name in candidate.extras:
        argument = candidate.arguments[name]
        if isinstance(argument, str) and "enum" not in functions[name]:
            takes = reading.takes[candidate.name][name] & reading.view.types
            held = [value for value, holder in zip(candidate.values, candidate.holders, strict=True) if holder == name]
            count += not any(not value.turn or takes & value.types or value.near for value in held)
        elif isinstance(argument, Mapping):
            count += not ranked
        elif isinstance(argument, str):
            count += not set(words(argument)) <= beside
        elif isinstance(argument, list):
            count += not all(isinstance(each, Mapping) or set(words(str(each))) <= beside for each in argument)
    return count


def _share_given(candidate: Candidate) -> float:
    """Whether a call takes a share that the user gives ("30 per cent of"), or works out one that is asked for.

    1 if its choice fits its numbers, -1 if it is that of the other case, 0 where no share is chosen.
    """
    chosen = set(candidate.labels) & {"portion", "percentage"}
    given = any(value.kind == "number" and not value.turn for value in candidate.values)
    return 0.0 if not chosen else 1.0 if given == ("portion" in chosen) else -1.0


def _time_order(reading: Reading, candidate: Candidate) -> float:
    """Whether an order by a date stands where the question ranks by age: 1 if so or if neither does, else -1."""
    ranked = [
        each.whole[max(0, i - 1) : i + 1]
        for value in candidate.values
        for each in reading.contexts(value)
        for i, word in enumerate(each.whole)
        if BEST.fullmatch(word)
    ]
    by_age = any(_TIME.fullmatch(word) for each in ranked for word in each)
    return 1.0 if by_age == bool(_DATED & set(candidate.chosen)) else -1.0


def _who_chosen(reading: Reading, candidate: Candidate) -> float:
    """Whether what is chosen is somebody: 1 if so and the question says "who" beside the call's name, -1 if not."""
    names = [value for value in candidate.values if value.kind == "name"]
    asked = any("who" in each.whole[:_WHO] for value in names for each in reading.contexts(value))
    if not asked or len(candidate.labels) != 1:
        return 0.0
    return 1.0 if is_doer(candidate.labels[0]) else -1.0


def superlative(reading: Reading, value: Value) -> bool:
    """Whether the question asks for an extreme beside a value."""
    return any(BEST.fullmatch(word) for each in reading.contexts(value) for word in each.whole)
