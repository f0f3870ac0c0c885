"""JSON data: the only kind of value that crosses a border here, and its one encoding.

Tools' results, models' arguments and packs' rows are untrusted. `encode` turns any Python value into JSON text or
raises `NotJson`; what it returns is the same in every process. It imports only the standard library and orjson, because
the sandbox's workers load it before they are sealed.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import hashlib
import json
import math
from collections import Counter as CounterType
from collections import OrderedDict, defaultdict, deque
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any, NoReturn, TypeAlias

import orjson

Json: TypeAlias = Any
"""None, bool, int, float (finite), str, list of Json, dict of str to Json. Python's types cannot say it recursively."""

MAX_DEPTH = 253
"""Levels of nesting that a value may have: orjson's own limit, so that the fast and the careful path agree."""
MAX_NODES = 1_000_000
"""Values inside a value, counted by the careful path."""

_STRICT = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_DIGITS = bytes(ord("0") if chr(i) in "0123456789" else ord(" ") for i in range(256))
_BIG_NUMBER = b"0" * 19  # what `_DIGITS` makes of the shortest number that may not fit 64 bits
_VIEWS = (KeysView, ValuesView, ItemsView)
_DICTS = (dict, OrderedDict, defaultdict, CounterType)


class NotJson(ValueError):
    """A value has no JSON form; the text says where and why."""


def encode(value: object) -> bytes:
    """Encodes any Python value as compact UTF-8 JSON, keeping the order of keys.

    Values beyond JSON that have one obvious form are given it: NaN and infinities become "NaN", "Infinity",
    "-Infinity"; sets become sorted lists; tuples, deques, ranges and dict views lists; dates ISO text; decimals and
    fractions text; enum members their values; lone surrogates U+FFFD; keys that are not text their JSON text.

    Raises:
        NotJson: For anything else (bytes, objects, functions, generators, subclasses of str and int, cycles), or
            past `MAX_DEPTH` levels or `MAX_NODES` values.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
    except (TypeError, ValueError, RecursionError):
        return dumps(clean(value))
    # orjson writes NaN and infinities as null, so a null is worth a second look.
    return dumps(clean(value)) if b"null" in text else text


def dumps(value: Json) -> bytes:
    """Encodes JSON data (see `Json`) as compact UTF-8, keeping the order of keys; integers of any size are exact."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def loads(text: bytes | str) -> Json:
    """Decodes JSON exactly: integers of any size, no NaN, no surprises from deep nesting.

    Raises:
        NotJson: If the text is not JSON.
    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        if _BIG_NUMBER in data.translate(_DIGITS):
            return json.loads(data, parse_constant=_no_constant, parse_float=_finite)
        return orjson.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"not JSON: {error or 'nested too deep'}") from None


def may_nest_deeper(text: bytes) -> bool:
    """Whether JSON text has so many brackets that its value may nest deeper than `encode` takes."""
    return len(text) > MAX_DEPTH and text.count(b"[") + text.count(b"{") > MAX_DEPTH


def canonical(value: Json) -> bytes:
    """Encodes JSON data with sorted keys: equal data, equal bytes. For hashes and comparisons, not for readers."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def clean_text(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, so that it has a UTF-8 form."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(value: object) -> Json:
    """Rebuilds a value as plain JSON data by the rules of `encode`.

    Raises:
        NotJson: As `encode`.
    """
    return _Cleaner().visit(value, 0)


class _Cleaner:
    """One walk over one value; counts what it has seen so that a shared or endless structure ends."""

    def __init__(self) -> None:
        self.nodes = 0

    def visit(self, value: object, depth: int) -> Json:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise NotJson(f"the value holds more than {MAX_NODES:,} values")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return value
        if kind is float:
            return value if math.isfinite(value) else _not_finite(value)  # type: ignore[arg-type]
        if kind is str:
            return clean_text(value)  # type: ignore[arg-type]
        if depth >= MAX_DEPTH:
            raise NotJson(f"the value is cyclic or nested deeper than {MAX_DEPTH} levels")
        if kind in _DICTS or getattr(kind, "__json_dict__", False):
            pairs: list[tuple[object, object]] = list(dict.items(value))  # type: ignore[arg-type]
            return {self.key(key, depth): self.visit(item, depth + 1) for key, item in pairs}
        if kind in (list, tuple, deque, range) or getattr(kind, "__json_list__", False):
            return [self.visit(item, depth + 1) for item in value]  # type: ignore[attr-defined]
        return self.rare(value, depth)

    def key(self, key: object, depth: int) -> str:
        if type(key) is str:
            return clean_text(key)
        # JSON text of what the key is, with the spaces that Python's own json would write.
        return json.dumps(self.visit(key, depth + 1), ensure_ascii=False)

    def rare(self, value: object, depth: int) -> Json:
        if isinstance(value, (set, frozenset)):
            return sorted((self.visit(item, depth + 1) for item in value), key=_order)
        if isinstance(value, _VIEWS):
            return [self.visit(item, depth + 1) for item in value]
        if isinstance(value, (datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, (datetime.timedelta, decimal.Decimal, fractions.Fraction)):
            return str(value)
        if isinstance(value, enum.Enum):
            return self.visit(value.value, depth + 1)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self.visit(tuple.__add__(value, ()), depth)
        if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
            return self.visit(value.tolist(), depth + 1)
        raise NotJson(f"a value of type {type(value).__name__!r} has no JSON form")


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _order(value: Json) -> tuple[int, float, bytes]:
    """Sorts what a set held: numbers by size, then the rest by text."""
    if isinstance(value, (int, float)) and abs(value) < 1e300:
        return (0, float(value), b"")
    return (1, 0.0, canonical(value))


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_constant(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
