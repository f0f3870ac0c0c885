"""Targets: an expected value, prepared for being recognised, one class per kind.

A target answers four questions. `equal`: is this JSON value it? `found`: does it stand anywhere in a whole result (for
imported data, whose answers have no path)? `inside`: does it stand in a text, as a whole token? `held`: do a call's own
arguments hold it, so that finding it in the result proves nothing?
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from tool_gym.jsonvalue import Json
from tool_gym.scenario import Expected
from tool_gym.verify.dates import Date, dates, read_date
from tool_gym.verify.normal import find_token, leaves, normal_text, words
from tool_gym.verify.numbers import Number, Quantity, close, quantities, read_number, read_quantity, same_unit, units_of
from tool_gym.verify.pairing import pair
from tool_gym.verify.pieces import spelled_by


class Target(ABC):
    """An expected value that can be recognised."""

    __slots__ = ()

    @abstractmethod
    def equal(self, value: Json) -> bool:
        """Whether a JSON value is the expected one."""

    def inside(self, text: str) -> bool:
        """Whether the value stands in a text (in normal form) as a whole token."""
        return any(True for _ in self.places(text))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a text (in normal form), start and end, from left to right; bools and nulls nowhere."""
        yield from ()

    @abstractmethod
    def held(self, arguments: Json) -> bool:
        """Whether a call's arguments, keys included, hold the value."""

    def found(self, result: Json) -> bool:
        """Whether the value stands anywhere in a result."""
        return any(
            self.equal(leaf) or (isinstance(leaf, str) and self.inside(normal_text(leaf))) for leaf in leaves(result)
        )

    def parts(self) -> Iterator[Target]:
        """The single values that it consists of: itself, or for lists and objects their elements'."""
        yield self


class TextTarget(Target):
    """A text: the same normal form; in a longer text, whole tokens."""

    __slots__ = ("_words", "text")

    def __init__(self, value: str) -> None:
        self.text = normal_text(value)
        self._words: list[str] | None = None

    def equal(self, value: Json) -> bool:
        """Whether it is the same text in normal form; a number counts as its own text."""
        if isinstance(value, str):
            return normal_text(value) == self.text
        return _is_number(value) and str(value) == self.text

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text stands whole: "no" is not in "not found"."""
        start = find_token(text, self.text)
        while start >= 0:
            end = start + len(self.text)
            yield start, end
            start = find_token(text, self.text, end)

    def held(self, arguments: Json) -> bool:
        """Whether repeating the arguments can spell it, whole or in pieces; see `pieces`."""
        if self._words is None:
            self._words = words(self.text)
        texts = argument_texts(arguments)
        return spelled_by(self._words, texts) if self._words else self.text in texts


class EnumTarget(TextTarget):
    """One of a few names or whole numbers: as text, but never a part of a longer text of a result."""

    __slots__ = ()

    def __init__(self, value: str | int) -> None:
        super().__init__(str(value))

    def found(self, result: Json) -> bool:
        """Whether a leaf of the result is it."""
        return any(self.equal(leaf) for leaf in leaves(result))


class NumberTarget(Target):
    """A number, within its tolerance, alone or with its own unit; never a bool."""

    __slots__ = ("tolerance", "unit", "units", "value")

    def __init__(self, value: Number, tolerance: float | None = None, unit: str | None = None) -> None:
        self.value, self.tolerance = value, tolerance
        self.unit = same_unit(normal_text(unit)) if unit else ""
        self.units = units_of(self.unit)

    def equal(self, value: Json) -> bool:
        """Whether it is the number, or text that is the number alone or with its unit."""
        if isinstance(value, str):
            quantity = read_quantity(normal_text(value))
            return quantity is not None and quantity[1] in self.units and self.near(quantity[0])
        return _is_number(value) and self.near(value)

    def near(self, value: Number) -> bool:
        """Whether a number counts as this one."""
        return close(self.value, value, self.tolerance)

    def fits(self, quantity: Quantity) -> bool:
        """Whether a number in a text counts as this one: with no unit or its own, where it has one."""
        return (not self.unit or quantity.unit in self.units) and self.near(quantity.value)

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the number stands: "10" is not in "1000" or "2007-10-10"."""
        return ((quantity.start, quantity.end) for quantity in quantities(text) if self.fits(quantity))

    def held(self, arguments: Json) -> bool:
        """Whether a number among the arguments, or in a text of theirs, counts as this one."""
        return any(
            any(self.near(quantity.value) for quantity in quantities(normal_text(leaf)))
            if isinstance(leaf, str)
            else _is_number(leaf) and self.near(leaf)
            for leaf in leaves(arguments, keys=True)
        )


class DateTarget(Target):
    """A date in any common spelling, to the precision that the expected one has."""

    __slots__ = ("date",)

    def __init__(self, date: Date) -> None:
        self.date = date

    def equal(self, value: Json) -> bool:
        """Whether it is text that is this date and cannot be read as another."""
        return isinstance(value, str) and self._only(read_date(normal_text(value)))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where this date stands and cannot be read as another."""
        return iter(sorted((start, end) for readings, start, end in dates(text) if self._only(readings)))

    def _only(self, readings: Sequence[Date]) -> bool:
        return len(readings) == 1 and self.date.means(readings[0])

    def held(self, arguments: Json) -> bool:
        """Either reading of an ambiguous date counts, since the tool may have taken that one."""
        return any(
            reading[:3] == self.date[:3]
            for text in argument_texts(arguments)
            for readings in (read_date(text), *(found for found, _, _ in dates(text)))
            for reading in readings
        )


class BoolTarget(Target):
    """A bool; in a text, yes or true against no or false, and only if the other side is not there too."""

    __slots__ = ("value",)
    _YES, _NO = frozenset(("yes", "true")), frozenset(("no", "false"))

    def __init__(self, value: bool) -> None:
        self.value = value

    def equal(self, value: Json) -> bool:
        """Whether it is that bool; never 1, 0 or text."""
        return value is self.value

    def found(self, result: Json) -> bool:
        """Only a result that is the bool: among the flags of a whole result, one that fits always stands somewhere."""
        return self.equal(result)

    def inside(self, text: str) -> bool:
        """Whether one side is said and the other is not."""
        said = set(words(text))
        wanted, other = (self._YES, self._NO) if self.value else (self._NO, self._YES)
        return not said.isdisjoint(wanted) and said.isdisjoint(other)

    def held(self, arguments: Json) -> bool:
        """Never: a flag among the arguments says nothing about a bool at its path in the result."""
        return False


class NullTarget(Target):
    """JSON's null, as an element of a list or an object."""

    __slots__ = ()

    def equal(self, value: Json) -> bool:
        """Whether it is null."""
        return value is None

    def held(self, arguments: Json) -> bool:
        """Never."""
        return False


class _Container(Target):
    """What lists and objects have in common: their elements."""

    __slots__ = ("elements",)

    def __init__(self, elements: Sequence[Target]) -> None:
        self.elements = elements

    def inside(self, text: str) -> bool:
        parts = list(self.parts())
        return bool(parts) and all(part.inside(text) for part in parts)

    def found(self, result: Json) -> bool:
        waiting = [result]
        while waiting:
            value = waiting.pop()
            if self.equal(value):
                return True
            if isinstance(value, (dict, list)):
                waiting.extend(value.values() if isinstance(value, dict) else value)
        return False

    def held(self, arguments: Json) -> bool:
        """All its elements are held, bools and nulls aside."""
        telling = [part for part in self.parts() if not isinstance(part, (BoolTarget, NullTarget))]
        return bool(telling) and all(part.held(arguments) for part in telling)

    def parts(self) -> Iterator[Target]:
        for element in self.elements:
            yield from element.parts()


class ListTarget(_Container):
    """A list as a multiset: the same elements, as often, in any order."""

    __slots__ = ()

    def equal(self, value: Json) -> bool:
        """Whether it is a list of the same elements."""
        if not isinstance(value, (list, tuple)) or len(value) != len(self.elements):
            return False
        if all(map(lambda element, item: element.equal(item), self.elements, value)):
            return True
        options = []
        for element in self.elements:
            fitting = [place for place, item in enumerate(value) if element.equal(item)]
            if not fitting:
                return False
            options.append(fitting)
        return None not in pair(options)


class ObjectTarget(_Container):
    """An object, key by key: every expected key with its value; further keys do not matter, unless none is expected."""

    __slots__ = ("keys",)

    def __init__(self, value: Mapping[str, Target]) -> None:
        super().__init__(list(value.values()))
        self.keys = list(value)

    def equal(self, value: Json) -> bool:
        """Whether it is an object with the expected values at the expected keys."""
        if not isinstance(value, dict) or not self.keys:
            return isinstance(value, dict) and not (value or self.keys)
        pairs = zip(self.keys, self.elements, strict=True)
        return all(key in value and element.equal(value[key]) for key, element in pairs)


def targets(expected: Expected) -> list[Target]:
    """The values that count as right, the expected one first and then the alternatives."""
    return [_target(value, expected) for value in (expected.value, *expected.alternatives)]


def _target(value: Json, expected: Expected) -> Target:
    match expected.kind:
        case "enum":
            return EnumTarget(value)
        case "date":
            readings = read_date(normal_text(value))
            return DateTarget(readings[0]) if len(readings) == 1 else TextTarget(value)
        case _:
            return _of_its_type(value, expected)


def _of_its_type(value: Json, expected: Expected) -> Target:
    """The target of a value whose type says how it is compared; numbers have the tolerance and unit of the whole."""
    if value is None:
        return NullTarget()
    if isinstance(value, bool):
        return BoolTarget(value)
    if isinstance(value, str):
        return _text_target(value)
    if isinstance(value, dict):
        return ObjectTarget({key: _of_its_type(item, expected) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return ListTarget([_of_its_type(item, expected) for item in value])
    return NumberTarget(value, expected.tolerance, expected.unit)


def _text_target(value: str) -> Target:
    """Text that is a plain number is compared as one ("1,430,000" is 1430000), but not after zeros: "007" is a name."""
    text = normal_text(value)
    plain = text.replace(".", "", 1).isdigit() and (text[0] != "0" or text[1:2] in ("", "."))
    number = read_number(text) if plain else None
    return TextTarget(value) if number is None else NumberTarget(number)


def argument_texts(arguments: Json) -> Iterator[str]:
    """The leaves and keys of a call's arguments as texts in normal form; bools and nulls say nothing."""
    for leaf in leaves(arguments, keys=True):
        if isinstance(leaf, str):
            yield normal_text(leaf)
        elif _is_number(leaf):
            yield str(leaf)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
