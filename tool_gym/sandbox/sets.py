"""Sets whose order does not depend on the process.

Python orders a set of text by hashes that differ from process to process. Tools get these classes as `set` and
`frozenset`, and set displays build them: they store and compare like Python's, and iterate in an order that only
depends on their content: as Python does for numbers (whose hashes are fixed), else sorted.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView
from types import CellType, FunctionType
from typing import Any

from tool_gym.sandbox.texts import scrubbed

_NUMBERS = frozenset({int, float, bool})
_MAX_NESTED = 6
_EMPTY = CellType()


def ordered(items: Iterable[Any]) -> list[Any]:
    """The items of a Python set, in an order that is the same in every process."""
    found = list(items)
    kinds = set(map(type, found))
    if kinds <= _NUMBERS and not (float in kinds and any(item != item for item in found)):  # NaN hashes by address
        return found
    if kinds == {str}:
        found.sort()
    else:
        found.sort(key=_rank)
    return found


def _rank(item: Any) -> tuple[str, str]:
    return type(item).__name__, _content(item, _MAX_NESTED)


def _content(item: Any, nested: int) -> str:
    """What tells an item from its like: its text, and what it holds where the text only says where it lies."""
    text = repr(item)
    if " at 0x" not in text or not nested:
        return scrubbed(text)
    if isinstance(item, (tuple, frozenset)):
        held: list[Any] = list(item)
    elif isinstance(item, FunctionType):
        cells = [cell.cell_contents for cell in item.__closure__ or () if cell != _EMPTY]
        held = [item.__code__.co_firstlineno, *(item.__defaults__ or ()), *cells]
    else:
        slots = [getattr(item, name, None) for kind in type(item).__mro__ for name in vars(kind).get("__slots__", ())]
        held = [*getattr(item, "__dict__", {}).items(), *slots]
    return scrubbed(text) + ", ".join(_content(part, nested - 1) for part in held)


class _Kind(type):
    """Makes Python's own sets, which some of its functions return, instances of the tools' classes."""

    def __instancecheck__(cls, value: object) -> bool:
        base = _BASES.get(cls)
        return isinstance(value, base) if base else type.__instancecheck__(cls, value)


def _wrapped(name: str, base: type, own: type) -> Any:
    """The method of Python's set, its result turned into a tool's set again."""
    native = getattr(base, name)

    def method(self: Any, *others: Any) -> Any:
        result = native(self, *others)
        return result if result is NotImplemented else own(result)

    method.__name__ = method.__qualname__ = name
    return method


_OPERATORS = "__and__ __or__ __sub__ __xor__ __rand__ __ror__ __rsub__ __rxor__"
_METHODS = "copy union intersection difference symmetric_difference"


class Set(set[Any], metaclass=_Kind):
    """A set that iterates in an order of its own: text is sorted."""

    def __iter__(self) -> Iterator[Any]:
        return iter(ordered(set.__iter__(self)))

    def __repr__(self) -> str:
        name = type(self).__name__
        items = ", ".join(map(repr, self))
        return (f"{{{items}}}" if name == "set" else f"{name}({{{items}}})") if items else f"{name}()"

    def pop(self) -> Any:
        """Removes and returns the first item."""
        for item in self:
            self.remove(item)
            return item
        raise KeyError("pop from an empty set")


class FrozenSet(frozenset[Any], metaclass=_Kind):
    """A frozenset that iterates in an order of its own: text is sorted."""

    def __iter__(self) -> Iterator[Any]:
        return iter(ordered(frozenset.__iter__(self)))

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({{{', '.join(map(repr, self))}}})" if self else f"{name}()"


_BASES: dict[type, type] = {Set: set, FrozenSet: frozenset}
for _class, _base in _BASES.items():
    for _name in f"{_OPERATORS} {_METHODS}".split():
        setattr(_class, _name, _wrapped(_name, _base, _class))
    _class.__name__ = _class.__qualname__ = _base.__name__
    _class.__module__ = "builtins"


def reordered(value: Any) -> Any:
    """A result of set algebra on dict views: Python's set becomes a tool's, all else stays."""
    return Set(value) if type(value) is set else value


class _View:
    """Of a view that goes where nobody sees what it is: its algebra makes tools' sets."""

    _mapping: Any

    @classmethod
    def _from_iterable(cls, items: Iterable[Any]) -> Any:
        return Set(items)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self))  # type: ignore[call-overload]

    def __repr__(self) -> str:
        return f"dict_{type(self).__name__}({list(self)!r})"  # type: ignore[call-overload]


class _Keys(_View, KeysView[Any]):
    pass


class _Items(_View, ItemsView[Any, Any]):
    pass


_Keys.__name__, _Items.__name__ = "keys", "items"
_KEYS: Any = type({}.keys())
_ITEMS: Any = type({}.items())


def viewed(value: Any) -> Any:
    """A view of a dict's keys or items as one whose algebra has an order; all else stays."""
    if type(value) is _KEYS:
        return _Keys(value.mapping)
    return _Items(value.mapping) if type(value) is _ITEMS else value
