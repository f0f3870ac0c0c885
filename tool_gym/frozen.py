"""Deep-frozen JSON data: lists and dicts that everything may read and nobody may change.

Observations share their past messages, so a step costs only its new ones; frozen containers keep an agent's hands out of
the shared part. They are real lists and dicts (chat templates and `json` take them), their mutators raise, and copying
or pickling them gives plain data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from tool_gym.jsonvalue import Json


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError("an observation is read-only; copy.deepcopy(it) gives plain data that may be changed")


class FrozenList(list[Any]):
    """A list whose mutators raise `TypeError`; `copy.deepcopy` and pickle give a plain list."""

    __json_list__ = True
    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Json]:
        return thaw(self)  # type: ignore[no-any-return]

    def __copy__(self) -> list[Json]:
        return list(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return list, (thaw(self),)

    append = extend = insert = remove = pop = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse  # type: ignore[assignment]


class FrozenDict(dict[str, Any]):
    """A dict whose mutators raise `TypeError`; `copy.deepcopy` and pickle give a plain dict."""

    __json_dict__ = True
    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Json]:
        return thaw(self)  # type: ignore[no-any-return]

    def __copy__(self) -> dict[str, Json]:
        return dict(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return dict, (thaw(self),)

    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]
    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]


def freeze(value: Json) -> Json:
    """A deep-frozen twin of JSON data; parts that are frozen already are shared."""
    if type(value) is dict:
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if type(value) is list or type(value) is tuple:
        return FrozenList([freeze(item) for item in value])
    return value


def thaw(value: Json) -> Json:
    """A deep copy of JSON data as plain lists and dicts."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value
