"""From what a tool returned to bytes of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tool_gym.jsonvalue import NotJson, encode

_NUMBERS = frozenset({int, float, bool, type(None)})
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)


class BadResult(Exception):
    """A value has no JSON form, or too long a one."""


def encode_result(value: object, what: str, max_bytes: int) -> bytes:
    """Encodes a tool's value as compact JSON.

    Args:
        value: Anything; it may be of the tool's own classes, and run the tool's code when it is read.
        what: What to call it in an error.
        max_bytes: Longest JSON that is taken, in bytes.

    Raises:
        BadResult: If it cannot be encoded.
    """
    try:
        _weigh(value, max_bytes, what)
        payload = encode(value)
    except NotJson as error:
        raise BadResult(f"{what} is not JSON: {error}") from None
    except _UNREADABLE as error:
        raise BadResult(f"{what} cannot be read: {type(error).__name__}") from None
    if len(payload) > max_bytes:
        raise BadResult(f"{what} takes {len(payload):,} bytes of JSON, at most {max_bytes:,} are taken")
    return payload


def _weigh(value: Any, room: int, what: str) -> None:
    """Refuses a value whose JSON would surely be longer than `room` bytes, before anybody writes it.

    A list that holds another one many times, and that one a third, is small in memory and endless as text. The methods
    are Python's own, whatever the tool's classes say.
    """
    groups: list[Iterable[Any]] = [(value,)]
    for group in groups:  # grows as containers are found in it
        for item in group:
            kind = type(item)
            if kind is str:
                room -= len(item)
            elif kind is dict:
                room -= 4 * len(item)
                groups += (item, item.values())
            elif kind is list or kind is tuple:
                room -= 2 * len(item)
                groups.append(item)
            elif kind not in _NUMBERS:
                room -= _weigh_rare(item, groups)
        if room < 0:
            raise BadResult(f"{what} is cyclic, or longer as JSON than is taken")


def _weigh_rare(item: Any, groups: list[Iterable[Any]]) -> int:
    """The least bytes of an instance of a subclass; what it holds is put with the rest."""
    if isinstance(item, str):
        return str.__len__(item)
    if isinstance(item, dict):
        groups += (dict.keys(item), dict.values(item))
        return 4 * dict.__len__(item)
    kind: Any = list if isinstance(item, list) else tuple if isinstance(item, tuple) else None
    if kind is None:
        return 1
    groups.append(tuple(kind.__iter__(item)))
    return 2 * int(kind.__len__(item))
