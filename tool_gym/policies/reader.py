"""A careful reader: a fixed, imperfect policy without a model, by which the difficulty of packs is measured.

It picks tools by the words that a question and their documents share, fills parameters by their types with names, dates
and numbers that it has read, follows names that results bring up, and slips now and then. It sees the observation only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tool_gym.attacks.view import View, entities
from tool_gym.jsonvalue import Json, canonical
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.policies.policy import Decision, Policy, Request

MAX_CALLS = 16
"""Calls after which it answers with what it has."""
_SLIP = 0.08
"""Probability that a call goes to another tool than the one that looks best."""
_RETRIES = 1
"""Further tools that it tries with a name when the first one failed."""
_NEAR = 8.0
"""Words between a name and a word of the question at which the word counts half."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_WRITTEN_DATE = re.compile(rf"(\d{{1,2}}) ({_MONTHS}) (\d{{4}})|({_MONTHS}) (\d{{1,2}}), (\d{{4}})")
_JOINED = re.compile(r"[A-Z][\w'’.-]*(?: (?:(?:of|the|de|la) )*[A-Z][\w'’.-]*)+")
_NUMBERED = re.compile(r"\b[a-z]{3,}[ -]\d{1,3}\b(?! [A-Z])")
_NUMBER = re.compile(r"(?<![\w-])\d+(?:\.\d+)?(?![\w-])")
_COMMON = frozenset(
    "a an and are as at by for from how in is it its of on one or that the this to was what which who with".split()  # noqa: SIM905
)
_DESCENDING = re.compile(r"\b(most|greatest|largest|longest|latest|highest|newest|biggest|heaviest|\w+est)\b")
_ASCENDING = re.compile(r"\b(least|fewest|smallest|shortest|earliest|lowest|oldest|lightest|first|youngest|cheapest)\b")


class Name(NamedTuple):
    """Something that a tool can be asked about: where in the question it, or what led to it, stands, in words."""

    text: str
    place: int


@dataclass
class Notes:
    """What the reader knows in an episode, read anew from the observation each turn.

    Attributes:
        words: The question's words, stems in order.
        question: The question.
        names: Names in the order in which they came up.
        values: Numbers and dates in results, in order.
        used: Names that calls were about, and how often.
        answered: Names that a call was answered about.
        consumed: Words that led to calls that were answered.
        made: The calls, so that none is made twice.
        failed: Whether the last call failed.
        last: The last value that a tool returned.
    """

    question: str
    words: list[str]
    names: list[Name]
    values: list[Json] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    consumed: set[str] = field(default_factory=set)
    made: set[bytes] = field(default_factory=set)
    failed: bool = False
    last: Json = None


class CarefulReader(Policy):
    """Reads, matches words, and follows names; see the module.

    Args:
        seed: Its own seed, beside the requests'.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """One call, or the answer."""
        return [Decision(self._message(request)) for request in requests]

    def _message(self, request: Request) -> AssistantMessage:
        view = View(request.observation, request.seed)
        notes = _notes(view)
        rng = np.random.default_rng([self._seed, request.seed, view.turn])
        for name in _next_names(notes) if len(notes.made) < MAX_CALLS else ():
            calls = sorted(_calls(view, notes, name), key=lambda each: -each[0])
            if calls:
                slips = rng.random() < _SLIP and len(calls) > 1
                return AssistantMessage(tool_calls=(calls[int(slips)][1],))
        return AssistantMessage(content=f"<answer>{notes.last}</answer>")


def _notes(view: View) -> Notes:
    """What the transcript holds."""
    said = " ".join(message["content"] for message in view.observation["messages"] if message["role"] == "user")
    question = _WRITTEN_DATE.sub(_iso, said)
    words = [_stem(word) for word in re.findall(r"\w+", question)]
    found = [each for each in dict.fromkeys(_names(question)) if not _DATE.search(each) and not each.isupper()]
    notes = Notes(question, words, [Name(each, _place(each, question)) for each in found])
    answered = {canonical([call.name, call.arguments]): value for call, value in view.answers()}
    for message in view.observation["messages"]:
        for call in message.get("tool_calls", ()):
            function = call["function"]
            key = canonical([function["name"], function["arguments"]])
            notes.made.add(key)
            notes.failed = key not in answered
            _note_call(notes, function, answered.get(key))
    return notes


def _note_call(notes: Notes, function: Mapping[str, Any], value: Json) -> None:
    given = list(_leaves(function["arguments"]))
    places = [name.place for name in notes.names if name.text in given]
    for text in given:
        if isinstance(text, str):
            notes.used[text] = notes.used.get(text, 0) + 1
    if value is None:
        return
    notes.answered |= {text for text in given if isinstance(text, str)}
    notes.consumed |= {stem for text in given if isinstance(text, str) for stem in _stems(text)} & set(notes.words)
    known, news = {name.text for name in notes.names}, True
    for leaf in _leaves(value):
        if isinstance(leaf, bool) or leaf is None:
            continue
        if not isinstance(leaf, str) or _DATE.fullmatch(leaf):
            notes.values.append(leaf)
        elif news and leaf not in known and leaf[:1].isupper() and not leaf.isupper() and "-" not in leaf:
            # Of a list the first is followed.
            notes.names.append(Name(leaf, places[0] if places else 0))
            news = False
        notes.last = leaf


def _next_names(notes: Notes) -> Iterator[Name | None]:
    """Names worth a call: after a failure the same again, then those that no call was about, then none at all."""
    newest = notes.names[::-1]
    if notes.failed:
        yield from (name for name in newest if 0 < notes.used.get(name.text, 0) <= _RETRIES)
    # Parts of a name are tried only where the whole was not known.
    known = [text for text in notes.used if text in notes.answered]
    yield from (name for name in newest if name.text not in notes.used and not any(name.text in text for text in known))
    yield None


def _calls(view: View, notes: Notes, name: Name | None) -> Iterator[tuple[float, ToolCall]]:
    """For each tool its best call, about the name or else the last value, and how good it looks."""
    for function in view.functions:
        filled = _filled(function, notes, name) if _readable(function["parameters"]) else None
        if filled is None:
            continue
        arguments, score = filled
        if canonical([function["name"], arguments]) in notes.made:
            continue
        about = [*_stems(function["name"]), *_stems(function["description"])]
        score += _overlap(about, notes, name) / (1 + len(set(about))) ** 0.5
        yield score, ToolCall(name=function["name"], arguments=arguments)


def _readable(schema: Json) -> bool:
    """Whether a schema is of the plain form that the reader can fill: a stranger's may be of any shape."""
    if not isinstance(schema, Mapping) or schema.get("enum") == []:
        return False
    match schema.get("type"):
        case "object" if not schema.get("properties", {}).keys() >= set(schema.get("required", ())):
            return False
        case "array" if "items" not in schema:
            return False
    members = [schema["items"]] if "items" in schema else []
    return all(map(_readable, (*schema.get("anyOf", ()), *schema.get("properties", {}).values(), *members)))


def _filled(function: Mapping[str, Any], notes: Notes, name: Name | None) -> tuple[dict[str, Json], float] | None:
    """Arguments for a tool, and how well its choices fit the question; None if they cannot be had."""
    schema = function["parameters"]
    filler = _Filler(notes, name)
    arguments: dict[str, Json] = {}
    for key, part in schema.get("properties", {}).items():
        if key in schema.get("required", ()):
            value = filler.value(key, part)
            if value is None:
                return None
            arguments[key] = value
    optional = [item for item in schema.get("properties", {}).items() if item[0] not in arguments]
    if name is not None and not filler.placed:
        texts = [key for key, part in optional if part.get("type") == "string" and "enum" not in part]
        if not texts:
            return None
        best = max(texts, key=lambda key: _overlap(_stems(key), notes, name))
        arguments[best] = name.text
    for key, part in optional:
        if key not in arguments and (value := filler.wish(key, part)) is not None:
            arguments[key] = value
    return (arguments, filler.score) if name is not None or filler.worked else None


class _Filler:
    """Fills parameters one after the other.

    Attributes:
        placed: Whether the name stands somewhere.
        worked: Whether a value of an earlier result stands somewhere.
        score: How well the choices fit the question.
    """

    def __init__(self, notes: Notes, name: Name | None) -> None:
        self.placed, self.worked, self.score = False, False, 0.0
        self._notes, self._name = notes, name
        self._names = [each.text for each in notes.names]
        self._numbers = [float(text) for text in _NUMBER.findall(notes.question)]

    def value(self, key: str, part: Mapping[str, Any]) -> Json:
        """A value for a required parameter, or None."""
        if "anyOf" in part:
            return next((each for option in part["anyOf"] if (each := self.value(key, option)) is not None), None)
        if "enum" in part:
            return self._choice(part["enum"])
        match part.get("type"):
            case "string":
                return self._text(key, part)
            case "array":
                return self._list(key, part)
            case "object":
                return self._object(part)
            case "integer" | "number":
                return self._number(key, part)
            case "boolean":
                return False
        return None

    def wish(self, key: str, part: Mapping[str, Any]) -> Json:
        """A value for an optional parameter that the question speaks of, or None."""
        members = part.get("enum") or part.get("items", {}).get("enum")
        if members is None:
            return None
        if "descending" in members:
            downward = _DESCENDING.search(self._notes.question) and not _ASCENDING.search(self._notes.question)
            return "descending" if downward else "ascending"
        best = max(members, key=lambda each: _overlap(_stems(str(each)), self._notes, self._name))
        if not _overlap(_stems(str(best)), self._notes, self._name):
            return None
        return [best] if part.get("type") == "array" else best

    def _choice(self, members: Sequence[Json]) -> Json:
        scores = [_overlap(_stems(str(each)), self._notes, self._name) for each in members]
        self.score += max(scores)
        return members[int(np.argmax(scores))]

    def _text(self, key: str, part: Mapping[str, Any]) -> Json:
        if "YYYY" in part.get("description", "") or {"date", "day"} & set(_stems(key)):
            return self._date()
        if self._name is None:
            return None
        if not self.placed:
            self.placed = True
            return self._name.text
        return next((text for text in self._names if text != self._name.text), None)

    def _date(self) -> str | None:
        """The date that the question gives, or else the last that a tool returned."""
        if self._name is not None:
            given = _DATE.findall(self._notes.question)
            near = [_place(each, self._notes.question) for each in given]
            return given[int(np.argmin([abs(place - self._name.place) for place in near]))] if given else None
        dates = [each for each in self._notes.values if isinstance(each, str)]
        self.worked |= bool(dates)
        return dates[-1] if dates else None

    def _list(self, key: str, part: Mapping[str, Any]) -> Json:
        found = [self.value(key, part["items"]) for _ in range(max(1, part.get("minItems", 1)))]
        return None if any(each is None for each in found) else found

    def _object(self, part: Mapping[str, Any]) -> Json:
        made = {key: self.value(key, part["properties"][key]) for key in part.get("required", ())}
        return None if any(each is None for each in made.values()) else made

    def _number(self, key: str, part: Mapping[str, Any]) -> Json:
        if key in ("year", "month", "day"):
            date = self._date()
            return date and int(date.split("-")[("year", "month", "day").index(key)])
        found = [each for each in self._notes.values if not isinstance(each, str)]
        self.worked |= bool(found)
        number = found[-1] if found else next(iter(self._numbers), None)
        return round(number) if part["type"] == "integer" and number is not None else number


def _overlap(stems: Sequence[str], notes: Notes, name: Name | None) -> float:
    """How many of the words stand in the question and are not spent, those near the name counting most."""
    wanted = set(stems) - notes.consumed - _COMMON
    score = 0.0
    for i, word in enumerate(notes.words):
        if word in wanted:
            wanted.discard(word)
            score += 1 / (1 + abs(i - name.place) / _NEAR) if name is not None else 0.5
    return score


def _iso(match: re.Match[str]) -> str:
    day, month, year, *other = match.groups()
    if day is None:
        month, day, year = other
    return f"{year}-{_MONTHS.split('|').index(month) + 1:02d}-{int(day):02d}"


def _names(question: str) -> Iterator[str]:
    """Names, first the longest that joining words make of them."""
    for name in entities(question):
        if not any(char.isdigit() for char in name):
            yield name.removesuffix("'s").removesuffix("’s")
    yield from _NUMBERED.findall(question)
    yield from (name for name in _JOINED.findall(question) if " of " in name or " the " in name)


def _place(text: str, question: str) -> int:
    """Number of words before a text in the question."""
    return len(re.findall(r"\w+", question.partition(text)[0]))


def _leaves(value: Json) -> Iterator[Json]:
    """All values that are no containers."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _stems(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"[^\W_]+", text)]


def _stem(word: str) -> str:
    """A word's first letters: enough to see that "operates" and "operator" are one."""
    return word.lower()[:5].rstrip("s")
