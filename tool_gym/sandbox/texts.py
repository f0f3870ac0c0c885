"""The text of objects, as tools see it: Python's, without the addresses that differ from process to process."""

from __future__ import annotations

import abc
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from tool_gym.sandbox.rules import MODULE_NAME

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose text holds no address."""
_GROUPS = (list, tuple, set, frozenset, dict)
_ADDRESS = re.compile(r" (at|@) 0x[0-9a-f]{6,16}(?=>)")


def scrubbed(text: str) -> str:
    """The text with its addresses replaced."""
    return _ADDRESS.sub(r" \1 0x0", text) if " 0x" in text else text


def without_addresses(text: str, *of: Any) -> str:
    """The text that Python made of some values; a text among them that looks as if it held an address stays."""
    return text if " 0x" not in text or _is_data(of) else scrubbed(text)


def _is_data(values: Iterable[Any]) -> bool:
    """Whether values are numbers, texts, and containers of such."""
    groups: list[Iterable[Any]] = [values]
    seen = set()
    for group in groups:  # grows as containers are found in it
        for item in group:
            kind = type(item)
            if isinstance(item, _GROUPS) and kind is not defaultdict and kind.__module__ != MODULE_NAME:
                if builtins.id(item) not in seen:
                    seen.add(builtins.id(item))
                    groups += (item, item.values()) if isinstance(item, dict) else (item,)
            elif kind not in PLAIN and not _writes_itself(kind):
                return False
    return True


def _writes_itself(kind: Any) -> bool:
    """Whether a class is the tool's own and says in the tool's own code what its instances' text is."""
    methods = (kind.__repr__, kind.__str__)
    return kind.__module__ == MODULE_NAME and all(
        isinstance(method, FunctionType) and method.__module__ == MODULE_NAME
        for method in methods
        if method is not object.__str__
    )


def shown(*args: Any, **kwargs: Any) -> str:
    """`str(...)`."""
    if len(args) == 1 and not kwargs:
        it = args[0]
        return it if type(it) is str else without_addresses(str(it), it)
    return str(*args, **kwargs)


def represented(it: Any) -> str:
    """As Python's own, without addresses."""
    return without_addresses(builtins.repr(it), it)


def in_ascii(it: Any) -> str:
    """As Python's own, without addresses."""
    return without_addresses(builtins.ascii(it), it)


def field(it: Any) -> Any:
    """What to put into a field of an f-string in place of a value."""
    return it if type(it) in PLAIN else without_addresses(format(it), it)


def plain_repr(it: Any) -> str:
    """The `__repr__` of the tool's classes that have none of their own: Python's, without the address."""
    return f"<{type(it).__module__}.{type(it).__qualname__} object at 0x0>"


class _StandInKind(abc.ABCMeta):
    """Stand-ins have `_make` of their own; the tools' classes that derive from one have not, and are as any others."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        make = vars(cls).get("_make")
        return super().__call__(*args, **kwargs) if make is None else make(*args, **kwargs)

    def __instancecheck__(cls, value: object) -> bool:
        return cls._stands_for(type(value)) or super().__instancecheck__(value)

    def __subclasscheck__(cls, other: type) -> bool:
        return cls._stands_for(other) or super().__subclasscheck__(other)

    def _stands_for(cls, other: type) -> bool:
        return "_make" in vars(cls) and cls.__mro__[1] in other.__mro__

    def __eq__(cls, other: object) -> bool:
        return cls is other or ("_make" in vars(cls) and other is cls.__mro__[1])

    def __hash__(cls) -> int:
        return hash(cls.__mro__[1]) if "_make" in vars(cls) else super().__hash__()


def stand_in(base: type, make: Any) -> Any:
    """A class to hand out in place of `base`: it only differs in that `make` answers its calls."""
    members = {"_make": staticmethod(make), "__module__": base.__module__, "__qualname__": base.__qualname__}
    return _StandInKind(base.__name__, (base,), {**members, "__slots__": (), "__doc__": base.__doc__})


TEXT = stand_in(str, shown)
"""The class `str` where it is handed on as a value: called by whoever it may be, it writes no addresses."""
