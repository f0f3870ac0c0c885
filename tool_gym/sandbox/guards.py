"""What compiled tools call where a name alone does not show whether an access is harmless.

`attribute` answers for guarded attributes (see `rules`), `getattr` and its like for names known only at run time,
`writable` for assignments to attributes. Everything else a tool does runs natively.
"""

from __future__ import annotations

import abc
import builtins
import functools
import string
from collections.abc import Callable
from decimal import Context
from types import FunctionType, MethodType
from typing import Any

from tool_gym.frozen import FrozenDict, FrozenList
from tool_gym.sandbox.bounded import Bounded
from tool_gym.sandbox.facades import Facade
from tool_gym.sandbox.rules import (
    DEPENDING,
    GUARDED,
    METHODS,
    MODULE_NAME,
    MUTATORS,
    WIDTHS,
    attribute_problem,
    is_guarded,
    name_problem,
)
from tool_gym.sandbox.sets import viewed
from tool_gym.sandbox.texts import in_ascii, plain_repr, represented, scrubbed, shown, without_addresses

_MISSING = object()
_TEXTS = frozenset({"__repr__", "__str__", "__format__"})
_TUPLE_PARTS = frozenset({"_asdict", "_fields", "_make", "_replace", "_field_defaults"})
_parse_format = string.Formatter().parse


class Guards:
    """The guards of one runtime.

    Args:
        bounded: Ends calls that ask for huge widths.
        answers: For each guarded name that depends on the machine: the attribute to hand out, given the object.
    """

    def __init__(self, bounded: Bounded, answers: dict[str, Callable[[Any], Any]]) -> None:
        self._bounded = bounded
        self._formatter = _Formatter(bounded)
        self._answers: dict[str, Callable[[Any], Any]] = {
            **answers,
            "format": self._format,
            "format_map": self._format_map,
            "obj": _obj,
            "register": _register,
            "args": _args,
            "elements": bounded.elements,
            "keys": lambda it: _viewer(it, "keys"),
            "items": lambda it: _viewer(it, "items"),
            **{name: functools.partial(self._padding, name=name) for name in WIDTHS},
            **{name: functools.partial(_mutator, name=name) for name in MUTATORS},
        }

    def attribute(self, it: Any, name: str) -> Any:
        """`it.name`, for a name that is guarded (or that the compiler could not clear)."""
        answer = self._answers.get(name)
        if answer is None:
            return _private(it, name)
        if type(it) is super and name in GUARDED:
            raise AttributeError(f"'super' object has no attribute {name!r} in the tool dialect")
        return answer(it)

    def getattr(self, it: Any, name: str, default: Any = _MISSING) -> Any:
        """The builtin `getattr`; refused names raise even with a default."""
        _check_name(name)
        if not is_guarded(name) and name not in DEPENDING:
            return builtins.getattr(it, name) if default is _MISSING else builtins.getattr(it, name, default)
        try:
            return self.attribute(it, name)
        except AttributeError:
            if default is _MISSING:
                raise
            return default

    def hasattr(self, it: Any, name: str) -> bool:
        """The builtin `hasattr`; False for refused names."""
        try:
            self.getattr(it, name)
        except AttributeError:
            return False
        return True

    def setattr(self, it: Any, name: str, value: Any) -> None:
        """The builtin `setattr`, for the tool's own objects."""
        _check_name(name, writing=True)
        builtins.setattr(writable(it), name, value)

    def delattr(self, it: Any, name: str) -> None:
        """The builtin `delattr`, for the tool's own objects."""
        _check_name(name, writing=True)
        builtins.delattr(writable(it), name)

    def _format(self, it: Any) -> Any:
        if isinstance(it, str) and type(it).format is str.format:
            return functools.partial(self._format_text, it)
        if isinstance(it, type) and issubclass(it, str) and it.format is str.format:
            return self._format_text
        return it.format

    def _format_map(self, it: Any) -> Any:
        if isinstance(it, str) and type(it).format_map is str.format_map:
            return functools.partial(self._format_text_map, it)
        if isinstance(it, type) and issubclass(it, str) and it.format_map is str.format_map:
            return self._format_text_map
        return it.format_map

    def _format_text(self, pattern: str, /, *args: Any, **kwargs: Any) -> str:
        self._check_pattern(pattern)
        if self._check_pattern(pattern):
            return self._formatter.vformat(pattern, args, kwargs)
        return without_addresses(str.format(pattern, *args, **kwargs), *args, *kwargs.values())

    def _format_text_map(self, pattern: str, mapping: Any, /) -> str:
        self._check_pattern(pattern)
        if self._check_pattern(pattern):
            return self._formatter.vformat(pattern, (), mapping)
        return without_addresses(str.format_map(pattern, mapping), mapping)

    def _check_pattern(self, pattern: str) -> bool:
        """Refuses fields that reach for attributes which source code could not name either.

        Returns:
            Whether a field's text must be looked at before it is cut or padded, or its specification is not in sight.
        """
        careful = False
        for _, field, spec, conversion in _parse_format(pattern):
            if field and "." in field:
                for part in field.replace("[", ".").replace("]", ".").split(".")[1:]:
                    if attribute_problem(part) or is_guarded(part):
                        raise AttributeError(f"the attribute {part!r} cannot be used in a format")
            if spec:
                self._bounded.check_widths(spec)
                if "{" in spec:
                    self._check_pattern(spec)
                careful = careful or conversion is not None or "{" in spec or "%" in spec
        return careful

    def _padding(self, it: Any, name: str) -> Any:
        method = getattr(it, name)
        cls = it if isinstance(it, type) else type(it)
        return self._bounded.padded(method) if issubclass(cls, (str, bytes, bytearray)) else method


class _Formatter(string.Formatter):
    """`str.format` field by field."""

    def __init__(self, bounded: Bounded) -> None:
        self._bounded = bounded

    def format_field(self, value: Any, format_spec: str) -> str:
        """A field's text."""
        return self._bounded.format(value, format_spec)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """A field's value or, where the pattern asks for that, its text."""
        return value if conversion is None else _CONVERSIONS[conversion](value)


_CONVERSIONS: dict[str, Callable[[Any], str]] = {"s": shown, "r": represented, "a": in_ascii}


def build_class(body: Any, name: str, *bases: Any, **keywords: Any) -> Any:
    """A class statement: its objects' text holds no address, and no slot has a name that leads out of the tool."""
    cls: Any = builtins.__build_class__(body, name, *bases, **keywords)
    slots = vars(cls).get("__slots__", ())
    for slot in (slots,) if isinstance(slots, str) else slots:
        if problem := attribute_problem(slot):
            raise TypeError(problem)
    if cls.__repr__ is object.__repr__:
        cls.__repr__ = plain_repr
    return cls


def writable(it: Any) -> Any:
    """The object itself, if a tool may set its attributes: its own classes, functions and instances.

    Raises:
        AttributeError: For anything that other calls share.
    """
    if not _is_own(it) and not isinstance(it, (BaseException, Context)):
        raise AttributeError(f"attributes of {_kind(it)} cannot be set in the tool dialect")
    return it


def writable_instance(it: Any) -> Any:
    """As `writable`, without classes and functions: for sources whose namespace calls share."""
    if isinstance(it, (type, FunctionType)):
        raise AttributeError(f"attributes of {_kind(it)} cannot be set here")
    return writable(it)


def _is_own(it: Any) -> bool:
    """Whether an object is a class or function of the tool, or an instance of its classes."""
    own = it if isinstance(it, (type, FunctionType)) else type(it)
    return bool(own.__module__ == MODULE_NAME)


def _kind(it: Any) -> str:
    return f"the class {it.__name__!r}" if isinstance(it, type) else f"a {type(it).__name__!r} object"


def _check_name(name: Any, writing: bool = False) -> None:
    if type(name) is not str:
        raise TypeError("attribute name must be string, not " + repr(type(name).__name__))
    problem = attribute_problem(name) or (name_problem(name) if writing else None)
    if problem:
        raise AttributeError(problem)


def _private(it: Any, name: str) -> Any:
    """An attribute that begins with an underscore: of the tool's own objects, or a special method of theirs."""
    cls = it if isinstance(it, type) else type(it)
    if cls.__module__ == MODULE_NAME:
        if isinstance(it, type) and name in METHODS:
            return _of_instances(it, name)
    elif type(it) is super or cls is object or issubclass(cls, BaseException):
        target = it.__self__ if type(it) is super else None  # type: ignore[attr-defined]
        if name not in METHODS or (type(it) is super and not _is_own(target)):
            raise AttributeError(f"{_kind(it)} has no attribute {name!r} in the tool dialect")
    elif not (name in _TUPLE_PARTS and issubclass(cls, tuple)):
        raise AttributeError(f"the attribute {name!r} of {_kind(it)} is not part of the dialect")
    method = getattr(it, name)
    if name in _TEXTS and not (isinstance(method, MethodType) and method.__module__ == MODULE_NAME):
        return lambda *args: scrubbed(method(*args))
    return method


def _of_instances(cls: Any, name: str) -> Any:
    """A special method of the tool's own class; what it inherits would change any object of the base: `C.__init__(it)`
    might empty a table."""
    method = getattr(cls, name)
    if isinstance(method, FunctionType) and method.__module__ == MODULE_NAME:
        return method

    def checked(it: Any, /, *args: Any, **kwargs: Any) -> Any:
        if cls not in type(it).__mro__:
            raise TypeError(f"{name} of {_kind(cls)} is for its own instances, not for {_kind(it)}")
        found = method(it, *args, **kwargs)
        return scrubbed(found) if name in _TEXTS else found

    return checked


def _mutator(it: Any, name: str) -> Any:
    method = getattr(it, name)
    if not isinstance(it, type) or not issubclass(it, (list, dict)) or isinstance(method, FunctionType):
        return method

    def checked(target: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, (FrozenDict, FrozenList)):
            raise TypeError("a table is read-only; copy.deepcopy(it) gives data that may be changed")
        return method(target, *args, **kwargs)

    return checked


def _obj(it: Any) -> Any:
    if isinstance(it, BaseException) and type(it).__module__ != MODULE_NAME:
        raise AttributeError(f"{_kind(it)} has no attribute 'obj' in the tool dialect")
    return it.obj


def _viewer(it: Any, name: str) -> Any:
    """A method that makes a view of a dict, for a tool that hands on the method itself."""
    method = getattr(it, name)
    if isinstance(it, dict) or (isinstance(it, type) and issubclass(it, dict)):
        return lambda *args: viewed(method(*args))
    return method


def _args(it: Any) -> Any:
    """What an exception was made with; Python's own messages may hold an address."""
    if isinstance(it, BaseException):
        return tuple(scrubbed(arg) if type(arg) is str else arg for arg in it.args)
    return it.args


def _register(it: Any) -> Any:
    method = it.register
    if getattr(method, "__func__", None) is abc.ABCMeta.register:  # others' objects would pass for the class's own
        raise AttributeError(f"{_kind(it)} has no attribute 'register' in the tool dialect")
    return method


def positional(*classes: Any) -> bool:
    """False, if patterns may match the fields of these classes by position.

    Raises:
        AttributeError: If one would read an attribute that source code cannot name, or that is guarded, of an object
            that may not be the tool's own.
    """
    for cls in classes:
        if not isinstance(cls, type):
            continue  # Python says so itself
        own = all(map(_is_own, cls.__mro__[:-1])) and not isinstance(cls, abc.ABCMeta)
        for name in getattr(cls, "__match_args__", ()):
            guarded = is_guarded(name) or name in DEPENDING
            if attribute_problem(name) or (guarded and not own):
                raise AttributeError(f"the attribute {name!r} cannot be used in a class pattern")
    return False


_SHOWN_AS: dict[type, type] = {FrozenList: list, FrozenDict: dict}


class _TypeKind(type):
    def __call__(cls, *args: Any) -> Any:
        if len(args) != 1:
            raise TypeError("type() makes no classes in the tool dialect; use a class statement")
        it = args[0]
        if isinstance(it, type):
            raise TypeError("the type of a class is not part of the tool dialect")
        found = type(it)
        if found is Facade:
            raise TypeError("the type of a module is not part of the tool dialect")
        return _SHOWN_AS.get(found, found)

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, type)


TYPE = _TypeKind("type", (), {"__module__": "builtins", "__doc__": "Tells the class of an object that is no class."})
"""The tools' `type`."""
