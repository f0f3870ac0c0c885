"""The values that an observation holds: what the user named, and what tools returned. Nothing else is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from tool_gym.candidates.question import Span
from tool_gym.candidates.words import is_small, plain_words, singular, words
from tool_gym.jsonvalue import Json, NotJson, loads

Kind = Literal["name", "number", "date", "text"]
Bound = Literal["", "least", "most"]

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATES = re.compile(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<day_first>\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS}),? \d{{4}})"
    rf"|(?P<month_first>(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
_FORMS = {"iso": "%Y-%m-%d", "day_first": "%d %B %Y", "month_first": "%B %d %Y"}
_FILLING = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b| of\b|,")
_NAME = re.compile(
    r"\"(?P<quoted>[^\"]+)\"|“(?P<curly>[^”]+)”|\b(?P<id>[A-Z]+-[\w-]*\d[\w-]*)"
    r"|(?P<called>(?:(?<= call )|(?<=alled )|(?<=named )|(?<=all as ))the [^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*)*)"
    r"|(?P<name>[^\W\d_a-z][\w'’-]*(?:(?: & | of the | of | the | )[^\W\d_a-z][\w'’-]*)*)"
)
_LABEL = re.compile(rf"\b\w$|^(?:{_MONTHS}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)$")
"""What is no name: what the question calls something, as in "station A", months and weekdays."""
_FORMATS = re.compile(r"[YMD]{2,4}(?:-[YMD]{2,4})+|ISO|I")
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w-])")
_SENTENCE_START = re.compile(r"(?:^|[.!?]\s+|\n\s*)$")
_LEAST = (
    re.compile(r"\b(?:at least|not before|no less than|since|from) $"),
    re.compile(r"^[^,.?\d]{0,30}? or (?:more|later|over|above|after)\b"),
)
_MOST = (
    re.compile(r"\b(?:at most|not after|no more than|up to|until) $"),
    re.compile(r"^[^,.?\d]{0,30}? or (?:less|fewer|earlier|under|below|before)\b"),
)
_BACK = re.compile(r"(?: (?!or\b)\w+){1,3} (?:before|earlier|ago)\b")
_YEAR = re.compile(r"[12]\d{3}")


class Value(NamedTuple):
    """A value, and where it stands.

    Attributes:
        content: The text, the number, or the date.
        kind: What it is; a text is no name if it begins with a small letter.
        turn: The turn whose result holds it, from 1; 0 if the user named it.
        keys: Words of the keys on the way to it in a result, innermost first.
        start: How many words of the question stand before what it is about.
        end: The same, it included.
        place: Its place in the innermost list of the result that holds it, from 0.
        unit: Its unit, as a result says it beside it.
        bound: Whether the question gives it as a bound, and which.
        near: How near to what it was asked about the question has the words of its key, in [0, 1].
        nouns: Nouns of the innermost key on the way to it.
        types: What it is, as far as results and the question say: nouns.
        used: Whether a call was made with it that did not fail.
        mentions: Where other sentences speak of it again.
    """

    content: str | int | float | date
    kind: Kind
    turn: int
    keys: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    place: int = 0
    unit: str = ""
    bound: Bound = ""
    near: float = 0.0
    nouns: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    used: bool = False
    mentions: tuple[Span, ...] = ()

    @property
    def places(self) -> tuple[Span, ...]:
        """Where the question speaks of it."""
        return (Span(self.start, self.end), *self.mentions)


def named_values(text: str) -> list[Value]:
    """Dates, numbers and names in a text, each once, in order; a number with a bound beside it may also be a year."""
    found: dict[tuple[str, Any, str], tuple[int, Value]] = {}
    taken: list[range] = []
    for kind, start, end, content in _spans(text):
        if any(start in span or end - 1 in span for span in taken):
            continue  # part of a date
        if kind == "date":
            taken.append(range(start, end))
        bound = _bound(text, start, end) if kind != "name" else ""
        value = Value(content, kind, 0, (), len(words(text[:start])), len(words(text[:end])), bound=bound)
        found.setdefault((kind, content, bound), (start, value))
        if bound and kind == "number" and content > 0 and _YEAR.fullmatch(text[start:end]):
            day = date(content, 1, 1) if bound == "least" else date(content, 12, 31)
            found.setdefault(("date", day, bound), (start, value._replace(content=day, kind="date")))
    return [value for _, value in sorted(found.values(), key=lambda each: each[0])]


def _bound(text: str, start: int, end: int) -> Bound:
    before, after = text[max(0, start - 20) : start], text[end : end + 50]
    if _LEAST[0].search(before) or _LEAST[1].search(after):
        return "least"
    return "most" if _MOST[0].search(before) or _MOST[1].search(after) else ""


def _spans(text: str) -> Iterator[tuple[Kind, int, int, Any]]:
    for match in _DATES.finditer(text):
        form = _FORMS[match.lastgroup or "iso"]
        try:
            yield "date", *match.span(), datetime.strptime(_FILLING.sub("", match[0]), form).date()
        except ValueError:  # the 31st of February
            continue
    for match in _NUMBER.finditer(text):
        plain = match[0].replace(",", "")
        number = float(plain) if "." in plain else int(plain)
        yield "number", *match.span(), number
        if _BACK.match(text[match.end() :]):
            yield "number", *match.span(), -number
    for match in _NAME.finditer(text):
        if _FORMATS.fullmatch(match[0]):
            continue
        group = match.lastgroup or "name"
        if group == "name":
            yield from _names(text, match.start(), match[0])
        else:
            yield "name", *match.span(), match[group]


def _names(text: str, start: int, found: str) -> Iterator[tuple[Kind, int, int, str]]:
    """A run of words with capitals; the first word of a sentence has one too, so the name may begin behind it."""
    name = found.removesuffix("'s").removesuffix("’s").rstrip("'’-")
    first, _, rest = name.partition(" ")
    if _LABEL.search(name):
        return
    starts = bool(_SENTENCE_START.search(text[:start]))
    if starts and is_small(first.casefold()) and rest:
        pass
    elif not starts or rest or name != found:
        yield "name", start, start + len(name), name
    if starts and rest:
        behind = re.sub(r"^(?:of the|of|the|&) ", "", rest)
        yield "name", start + len(name) - len(behind), start + len(name), behind


def returned_values(result: Json, turn: int) -> list[Value]:
    """Every text, number and date in a tool's result; an id beside a name is left out.

    Args:
        result: JSON data.
        turn: Its turn, from 1.
    """
    return list(_walk(result, turn, (), 0, "", ()))


def _walk(
    value: Json, turn: int, keys: tuple[str, ...], place: int, unit: str, nouns: tuple[str, ...]
) -> Iterator[Value]:
    match value:
        case bool() | None:
            return
        case Mapping():
            own = value.get("unit")
            for key, each in value.items():
                if key in ("id", "unit") and len(value) > 1:
                    continue
                beside = own if isinstance(own, str) else unit
                if key == "value" and keys:
                    yield from _walk(each, turn, keys, place, beside, nouns)
                else:
                    own_nouns = tuple(singular(word) for word in plain_words(key))
                    yield from _walk(each, turn, (*words(key), *keys), place, beside, own_nouns)
        case list() | tuple():
            for i, each in enumerate(value):
                yield from _walk(each, turn, keys, i, unit, nouns)
        case str():
            try:
                yield Value(date.fromisoformat(value), "date", turn, keys, place=place, unit=unit, nouns=nouns)
            except ValueError:
                kind: Kind = "name" if value[:1].isupper() else "text"
                if value:
                    yield Value(value, kind, turn, keys, place=place, unit=unit, nouns=nouns)
        case int() | float():
            yield Value(value, "number", turn, keys, place=place, unit=unit, nouns=nouns)


def read_result(content: str) -> Json:
    """A tool message's content as JSON data: its text, where it is none."""
    try:
        return loads(content)
    except NotJson:
        return content
