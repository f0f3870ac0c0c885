"""Calls that an observation suggests: every tool, its parameters filled with values that somebody has named.

What fills a parameter follows from its schema: one of an enum, or all of its members where a list of them may be asked
for; a date for a date; a name for another text. Parameters that may be left out are left out, but for those by which a
search is narrowed or sorted: one or two texts, enums, and bounds that the question gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from tool_gym.candidates.question import Question
from tool_gym.candidates.values import Value
from tool_gym.candidates.words import words
from tool_gym.jsonvalue import Json

_DATE_PARTS = frozenset({"year", "month", "day"})
_MOST_OPTIONS = 40
"""Ways in which one parameter may be filled, the most promising ones."""
_MOST_CHOICES = 10
"""The same for one by which a search is narrowed or sorted."""
_MOST_PRODUCTS = 400
"""Ways to combine fillings of the same parameters that are looked at."""
_NEAR = 8
"""Words before a bound in which the question may say what it bounds."""
_MOST_TOGETHER = 3
"""Items of a list that are handed in together."""


class Filling(NamedTuple):
    """A way to fill one parameter.

    Attributes:
        argument: What the call hands in.
        values: The values of the observation in it.
        chosen: Words of the enum members in it.
        labels: These members as they are.
        whole: Whether all members of an enum are in it.
        limits: For each bound, its value and the words of what it bounds.
        promise: How likely it looks at first sight, in [0, 1]; only for the order.
    """

    argument: Json
    values: tuple[Value, ...] = ()
    chosen: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    whole: bool = False
    limits: tuple[tuple[Value, tuple[str, ...]], ...] = ()
    promise: float = 0.0


class Candidate(NamedTuple):
    """A call that may be made.

    Attributes:
        name: The tool.
        arguments: Its arguments.
        values: The values of the observation in them.
        chosen: Words of the enum members in them.
        labels: These members as they are; where a tool leaves no choice, what it tells.
        whole: Whether all that the tool could tell is asked for.
        limits: For each bound, its value and the words of what it bounds.
        holders: For each value the parameter that holds it.
        slots: Words of the parameters that hold values, and of what is said about them.
        extras: The parameters that are filled and could be left out.
        extra: Their words.
        promise: How likely its fillings look at first sight; only for the order.
    """

    name: str
    arguments: dict[str, Json]
    values: tuple[Value, ...]
    chosen: tuple[str, ...]
    labels: tuple[str, ...]
    whole: bool
    limits: tuple[tuple[Value, tuple[str, ...]], ...]
    holders: tuple[str, ...]
    slots: tuple[str, ...]
    extras: tuple[str, ...]
    extra: tuple[str, ...]
    promise: float


def candidate_calls(
    function: Mapping[str, Any],
    values: Sequence[Value],
    question: Question,
    most: int,
    takes: Mapping[str, frozenset[str]],
    gives: str,
) -> list[Candidate]:
    """The likeliest calls of one tool.

    Args:
        function: `name`, `description` and `parameters` of the tool.
        values: What the observation holds, in order.
        question: What the user said; of many fillings those are kept that share words with it.
        most: Calls to return at most.
        takes: For each parameter the types that it takes, none if that is not known.
        gives: What the tool tells where it leaves no choice, else empty.
    """
    asked, ranked = question.stems, question.superlative()
    parameters = function["parameters"]
    properties = {
        name: each for name, each in (parameters.get("properties") or {}).items() if isinstance(each, Mapping)
    }
    required = parameters.get("required") or ()
    needed = {name: _likely(name, properties[name], values, asked, takes) for name in required if name in properties}
    optional = {
        name: [each for each in _likely(name, schema, values, asked, takes) if _told(each, schema)][:_MOST_CHOICES]
        for name, schema in properties.items()
        if name not in required and _narrows(schema) and (ranked or schema.get("type") != "object")
    }
    named = any(value.kind == "name" for options in needed.values() for each in options for value in each.values)
    told = {name: schema.get("description", "") for name, schema in properties.items()}
    found = []
    for extra in _extras({name: properties[name] for name, options in optional.items() if options}, named):
        slots = {**needed, **{name: optional[name] for name in extra}}
        for fillings in itertools.islice(itertools.product(*slots.values()), _MOST_PRODUCTS):
            used = [str(value.content) for filling in fillings for value in filling.values]
            if len(set(used)) == len(used):
                found.append((_together_promise(question, fillings[len(needed) :], fillings), slots, fillings, extra))
    found.sort(key=lambda each: -each[0])
    return [
        _candidate(function["name"], dict(zip(slots, fillings, strict=True)), extra, told, promise, gives)
        for promise, slots, fillings, extra in found[:most]
    ]


def _together_promise(question: Question, extra: Sequence[Filling], fillings: Sequence[Filling]) -> float:
    """How likely fillings look together: what narrows a search stands in a sentence that speaks of its names."""
    promise = sum(each.promise for each in fillings)
    own = {
        question.sentence(place.start)
        for each in fillings
        for value in each.values
        if value.kind == "name"
        for place in value.places
    }
    if not own or not extra:
        return promise
    stems = {stem for sentence in own for stem in question.stems[sentence.start : sentence.end]}
    for each in extra:
        if each.limits:
            promise -= sum(question.sentence(value.start) not in own for value, _ in each.limits)
        elif each.labels and isinstance(each.argument, Mapping):
            promise -= not any(question.superlative(sentence) for sentence in own)
        elif each.labels:
            promise -= not set(each.chosen) <= stems
    return promise


def _candidate(
    name: str,
    fillings: Mapping[str, Filling],
    extra: Sequence[str],
    told: Mapping[str, str],
    promise: float,
    gives: str,
) -> Candidate:
    # What a tool tells in any case is as good as chosen.
    parts = [*fillings.values(), *([Filling(None, (), words(gives), (gives,), whole=True)] if gives else [])]
    return Candidate(
        name,
        {key: each.argument for key, each in fillings.items()},
        tuple(value for each in parts for value in each.values),
        tuple(word for each in parts for word in each.chosen),
        tuple(label for each in parts for label in each.labels),
        any(each.whole for each in parts),
        tuple(limit for each in parts for limit in each.limits),
        tuple(key for key, each in fillings.items() for _ in each.values),
        tuple(word for key, each in fillings.items() if each.values for word in words(f"{key} {told[key]}")),
        tuple(extra),
        tuple(word for key in extra for word in words(key)),
        promise,
    )


def _is_enum(schema: Mapping[str, Any]) -> bool:
    """Whether members of enums are all that it takes."""
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        return bool(properties) and all("enum" in each for each in properties.values())
    return "enum" in schema or "enum" in (schema.get("items") or {})


def _narrows(schema: Mapping[str, Any]) -> bool:
    """Whether an optional parameter may be one by which a search is narrowed or sorted."""
    if "default" in schema:
        return False
    return _is_enum(schema) or schema.get("type") == "string" or bool(_bounds_of(schema.get("items") or {}))


def _extras(optional: Mapping[str, Any], named: bool) -> Iterator[tuple[str, ...]]:
    """Sets of optional parameters to fill: none to two texts, with up to two ways to narrow or sort."""
    texts = [name for name, schema in optional.items() if schema.get("type") == "string" and "enum" not in schema]
    others = [name for name in optional if name not in texts]
    choices = [each for size in range(3) for each in itertools.combinations(others, size)]
    sizes = (0,) if named else (0, 1, 2)
    for text in (each for size in sizes for each in itertools.combinations(texts, size)):
        for choice in choices if len(text) < 2 else [()]:
            if named or text or not texts:
                yield (*text, *choice)


def _likely(
    name: str,
    schema: Mapping[str, Any],
    values: Sequence[Value],
    asked: Sequence[str],
    takes: Mapping[str, frozenset[str]],
) -> list[Filling]:
    options = [
        each._replace(promise=each.promise + _fit(each.values, takes.get(name, frozenset())))
        for each in _fillings(name, schema, values, asked)
    ]
    return sorted(options, key=lambda each: -each.promise)[:_MOST_OPTIONS]


def _told(filling: Filling, schema: Mapping[str, Any]) -> bool:
    """Whether the question has words for a member by which a search is to be narrowed."""
    members = "enum" in schema or "enum" in (schema.get("items") or {})
    return not members or (filling.promise > 0 and not filling.whole)


def _fit(values: Sequence[Value], types: frozenset[str]) -> float:
    """How well values are of the types that are taken, and how new they are; in [-2.5, 1.5], 0 if nothing is known."""
    if not values:
        return 0.0
    fits = [(1.0 if value.types & types else -1.0) if value.types and types else 0.0 for value in values]
    news = [0.5 * (not value.used) - 0.25 * min(value.place, 4) - 1.0 * value.used for value in values]
    return (sum(fits) + sum(news)) / len(values)


def _shared(chosen: Sequence[str], asked: Sequence[str]) -> float:
    return sum(word in asked for word in chosen) / len(chosen) if chosen else 0.0


def _fillings(name: str, schema: Mapping[str, Any], values: Sequence[Value], asked: Sequence[str]) -> Iterator[Filling]:
    if "enum" in schema:
        for each in schema["enum"]:
            yield _member(each, each, asked)
        return
    if "anyOf" in schema:
        yield from _fillings(name, schema["anyOf"][0], values, asked)
        return
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)):
        kind = kind[0]
    match kind:
        case "boolean":
            yield from (Filling(False), Filling(True))
        case "integer" | "number":
            for value in values:
                if value.kind == "number" and (kind == "number" or isinstance(value.content, int)):
                    yield Filling(value.content, (value,))
        case "string":
            yield from _texts(name, schema, values)
        case "array":
            yield from _lists(name, schema.get("items") or {}, schema.get("minItems", 1), values, asked)
        case "object":
            yield from _objects(schema, values, asked)


def _member(member: Json, argument: Json, asked: Sequence[str]) -> Filling:
    own = words(str(member))
    return Filling(argument, (), own, (str(member),), promise=_shared(own, asked))


def _texts(name: str, schema: Mapping[str, Any], values: Sequence[Value]) -> Iterator[Filling]:
    told = words(f"{name} {schema.get('format', '')} {schema.get('description', '')}")
    dated = "date" in told or "day" in told or name in ("start", "end")
    for value in values:
        if (value.kind == "date" and dated and not value.bound) or (value.kind == "name" and not dated):
            yield Filling(str(value.content), (value,))


def _lists(
    name: str, items: Mapping[str, Any], least: int, values: Sequence[Value], asked: Sequence[str]
) -> Iterator[Filling]:
    if "enum" in items:
        labels = tuple(str(each) for each in items["enum"])
        if least:
            every = tuple(word for label in labels for word in words(label))
            yield Filling(list(items["enum"]), (), every, labels, whole=True, promise=1.0)
        if len(labels) > 1 or not least:
            yield from (_member(each, [each], asked) for each in items["enum"])
        return
    if bounds := _bounds_of(items):
        yield from _limits(items, bounds, values, asked)
        return
    options = list(_fillings(name, items, values, asked))
    if least < 2 and items.get("type") == "string":
        options += [Filling(str(value.content), (value,)) for value in values if value.kind == "number"]
    for size in range(max(1, least), max(least, 1) + (_MOST_TOGETHER - 1 if least > 1 else 1)):
        for each in itertools.combinations(options, size):
            group = sorted(each, key=lambda one: one.values[0].start if one.values else 0)
            yield _together(group, [one.argument for one in group])
            if size == 2 and items.get("type") != "string":  # a difference and a ratio have an order
                turned = _together(group[::-1], [one.argument for one in group[::-1]])
                yield turned._replace(promise=turned.promise - 0.25)


def _bounds_of(schema: Mapping[str, Any]) -> dict[str, str]:
    """The properties of an object that bound something from below and above; empty if it is no bound."""
    properties = schema.get("properties") or {}
    found = {}
    for name in properties:
        told = set(words(name))
        if told & {"least", "min", "minim", "from"}:
            found["least"] = name
        elif told & {"most", "max", "maxim", "until"}:
            found["most"] = name
    return found if len(found) == 2 and any("enum" in each for each in properties.values()) else {}


def _limits(
    items: Mapping[str, Any], bounds: Mapping[str, str], values: Sequence[Value], asked: Sequence[str]
) -> Iterator[Filling]:
    """One bound that the question gives, or two that stand together in it."""
    (on, members) = next((name, each["enum"]) for name, each in items["properties"].items() if "enum" in each)
    single: list[Filling] = []
    for value in values:
        if value.bound:
            content = value.content.isoformat() if isinstance(value.content, date) else value.content
            before = asked[max(0, value.start - _NEAR) : value.start]
            for member in members:
                own = words(member)
                argument = {on: member, bounds[value.bound]: content}
                promise = _shared(own, before) - value.used
                single.append(Filling(argument, (), own, (member,), limits=((value, own),), promise=promise))
    single.sort(key=lambda each: -each.promise)
    for each in itertools.chain(((each,) for each in single), itertools.combinations(single[:_MOST_OPTIONS], 2)):
        group = sorted(each, key=lambda one: one.limits[0][0].start)
        if len({each.labels for each in group}) == len({each.limits[0][0].start for each in group}) == len(group):
            together = _together(group, [each.argument for each in group])
            yield together._replace(promise=sum(each.promise for each in group) + 0.25 * len(group))


def _objects(schema: Mapping[str, Any], values: Sequence[Value], asked: Sequence[str]) -> Iterator[Filling]:
    properties = schema.get("properties") or {}
    if properties.keys() == _DATE_PARTS:
        for value in values:
            if isinstance(value.content, date) and not value.bound:
                day = value.content
                yield Filling({"year": day.year, "month": day.month, "day": day.day}, (value,))
        return
    required = properties if _is_enum(schema) else schema.get("required") or properties
    names = [name for name in properties if name in required]
    for group in itertools.product(*(list(_fillings(name, properties[name], values, asked)) for name in names)):
        units = {value.unit for each in group for value in each.values} - {""}
        labels = {label for each in group for label in each.labels}
        if not units or not labels or units & labels:
            yield _together(group, {name: each.argument for name, each in zip(names, group, strict=True)})


def _together(group: Sequence[Filling], argument: Json) -> Filling:
    """Fillings as parts of one; values that results hold under the same key go well together."""
    values = tuple(value for each in group for value in each.values)
    alike = len(values) > 1 and len({value.keys[:1] for value in values}) == 1
    return Filling(
        argument,
        values,
        tuple(word for each in group for word in each.chosen),
        tuple(label for each in group for label in each.labels),
        any(each.whole for each in group),
        tuple(limit for each in group for limit in each.limits),
        sum(each.promise + sum(value.near for value in each.values) for each in group) / len(group) + 0.5 * alike,
    )
