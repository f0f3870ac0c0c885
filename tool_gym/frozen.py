"""Deep-frozen JSON data: lists and dicts that everything may read and nobody may change.

Observations share their past messages, so a step costs only its new ones; frozen containers keep an agent's hands out
of the shared part. They are real lists and dicts (chat templates and `json` take them) whose mutators raise. A deep
copy is one's own and may be changed; it keeps its type, because Gymnasium's checker compares copies with originals by
type. Pickling gives plain data. They guard against slips, not against code that means to get past them
(`dict.update(frozen, ...)`): scores never read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tool_gym.jsonvalue import Json

C = TypeVar("C", bound=type)


def _guarded(*names: str) -> Callable[[C], C]:
    """Lets the named methods of a list or dict run on deep copies only."""

    def guard(method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not hasattr(self, "_own"):
                raise TypeError("this data is read-only; copy.deepcopy(it) gives data that may be changed")
            return method(self, *args, **kwargs)

        return guarded

    def decorate(cls: C) -> C:
        for name in names:
            setattr(cls, name, guard(getattr(cls.__mro__[1], name)))
        return cls

    return decorate


@_guarded("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse")
@_guarded("__setitem__", "__delitem__", "__iadd__", "__imul__")
class FrozenList(list[Any]):
    """A list whose mutators raise `TypeError` unless it is a deep copy."""

    __json_list__ = True
    __slots__ = ("_own",)
    _own: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenList:
        twin = FrozenList(_copied(item) for item in self)
        twin._own = True
        return twin

    def __copy__(self) -> list[Json]:
        return list(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return list, (thaw(self),)


@_guarded("clear", "pop", "popitem", "setdefault", "update", "__setitem__", "__delitem__", "__ior__")
class FrozenDict(dict[str, Any]):
    """A dict whose mutators raise `TypeError` unless it is a deep copy."""

    __json_dict__ = True
    __slots__ = ("_own",)
    _own: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        twin = FrozenDict((key, _copied(item)) for key, item in self.items())
        twin._own = True
        return twin

    def __copy__(self) -> dict[str, Json]:
        return dict(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return dict, (thaw(self),)


def _copied(value: Json) -> Json:
    return value.__deepcopy__({}) if isinstance(value, (FrozenDict, FrozenList)) else value


_LEAVES = frozenset((str, int, float, bool, type(None)))


def freeze(value: Json) -> Json:
    """A deep-frozen twin of JSON data; parts that are frozen already are shared."""
    kind = type(value)
    if kind is dict or (kind is FrozenDict and hasattr(value, "_own")):
        if _LEAVES.issuperset(map(type, value.values())):
            return FrozenDict(value)
        return FrozenDict([(key, freeze(item)) for key, item in value.items()])
    if kind is list or kind is tuple or (kind is FrozenList and hasattr(value, "_own")):
        return FrozenList(value if _LEAVES.issuperset(map(type, value)) else map(freeze, value))
    return value


def thaw(value: Json) -> Json:
    """A deep copy of JSON data as plain lists and dicts."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value
