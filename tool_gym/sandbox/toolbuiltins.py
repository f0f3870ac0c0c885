"""The builtins that tools see, and the reserved names that their rewritten code calls."""

from __future__ import annotations

import builtins
import hashlib
import numbers
from collections.abc import Mapping
from types import FunctionType
from typing import Any, NoReturn

from tool_gym.sandbox.arithmetic import Arithmetic
from tool_gym.sandbox.bounded import Bounded
from tool_gym.sandbox.facades import Facade
from tool_gym.sandbox.fuel import Meter, Stop, TooDeep
from tool_gym.sandbox.guards import TYPE, Guards, build_class, positional, writable
from tool_gym.sandbox.rules import MODULE_NAME
from tool_gym.sandbox.sets import FrozenSet, Set, reordered, viewed
from tool_gym.sandbox.texts import TEXT, field, in_ascii, represented, shown

SHARED = (
    "abs all any bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float "
    "hex int isinstance issubclass len list map max min next object oct ord property reversed round slice sorted "
    "staticmethod str sum super tuple zip False None True NotImplemented Ellipsis"
)
"""Builtins handed out as they are."""

EXCEPTIONS = sorted(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type)
    and issubclass(value, BaseException)
    and not issubclass(value, BaseExceptionGroup)
    and name != "KeyboardInterrupt"
)
"""Exceptions handed out as they are."""

_INTERNAL_IMPORTS = frozenset({"_strptime", "time", "copyreg", "warnings"})
"""Modules that C code imports, by the tool's own `__import__`, to find them loaded."""


class KeyboardInterrupt(BaseException):
    """The tools' `KeyboardInterrupt`; the real one is the user's, and no tool raises or catches it."""


def install(
    names: dict[str, Any], meter: Meter, bounded: Bounded, guards: Guards, modules: Mapping[str, Facade]
) -> None:
    """Fills `names` with all that a tool can call without importing it."""
    names.update({name: getattr(builtins, name) for name in (*SHARED.split(), *EXCEPTIONS)})
    names.update(replaced(meter, bounded, guards))
    names.update(bounded.operators())
    names.update(
        KeyboardInterrupt=KeyboardInterrupt,
        __build_class__=build_class,
        __import__=_importer(modules),
        _attribute_=guards.attribute,
        _type_=TYPE,
        _write_=writable,
        _positional_=positional,
        _evaluate_=Arithmetic(bounded).evaluate,
        _set_=Set,
        _str_=shown,
        _text_=TEXT,
        _repr_=represented,
        _ascii_=in_ascii,
        _field_=field,
        _reordered_=reordered,
        _view_=viewed,
        RecursionError=TooDeep,
        # How deep Python lets a tool go besides the meter depends on how deep its caller is: no tool may see it.
        _stop_=(Stop, builtins.KeyboardInterrupt, MemoryError, builtins.RecursionError),
    )


def replaced(meter: Meter, bounded: Bounded, guards: Guards) -> dict[str, Any]:
    """Builtins that differ from Python's own; each docstring says how."""

    def print(*args: Any, **kwargs: Any) -> None:
        """Writes nowhere."""

    def input(prompt: object = "") -> NoReturn:
        """Raises `EOFError`: nobody answers."""
        raise EOFError("EOF when reading a line")

    def open(*args: Any, **kwargs: Any) -> NoReturn:
        """Raises `PermissionError`: there are no files."""
        raise PermissionError("tools cannot open files")

    def id(it: object) -> int:
        """Always 0: addresses differ from process to process."""
        return 0

    def hash(it: Any) -> int:
        """The same in every process."""
        native = builtins.hash(it)
        if isinstance(it, numbers.Number):
            return native if it == it else 0  # Python hashes NaN by its address
        method: Any = type(it).__hash__
        if method is object.__hash__:
            return 0
        if isinstance(method, FunctionType) and method.__module__ == MODULE_NAME:
            return native
        return int.from_bytes(hashlib.sha256(represented(it).encode("utf-8", "replace")).digest()[:7], "big")

    def iter(*args: Any) -> Any:
        """Counts the steps of `iter(function, sentinel)`."""
        return builtins.iter(*args) if len(args) < 2 else meter.metered(builtins.iter(*args))

    def vars(it: Any) -> dict[str, Any]:
        """A copy of the attributes of an instance of the tool's own classes."""
        if type(it).__module__ != MODULE_NAME:
            raise TypeError("vars() argument must be an instance of the tool's own classes")
        return dict(builtins.vars(it))

    return {
        "repr": represented, "ascii": in_ascii,
        "print": print, "input": input, "open": open, "id": id, "hash": hash, "iter": iter, "vars": vars,
        "getattr": guards.getattr, "hasattr": guards.hasattr, "setattr": guards.setattr, "delattr": guards.delattr,
        "type": TYPE, "range": bounded.range_type(), "set": Set, "frozenset": FrozenSet,
        "pow": bounded.pow, "format": bounded.format,
    }  # fmt: skip


def _importer(modules: Mapping[str, Facade]) -> Any:
    def find(name: str, globals: Any = None, locals: Any = None, wanted: Any = (), level: int = 0) -> Any:
        module = modules.get(name)
        if module is None:
            if name in _INTERNAL_IMPORTS:
                return None
            raise ModuleNotFoundError(f"the module {name!r} is not part of the tool dialect", name=name)
        for member in wanted or ():
            if not hasattr(module, member):
                raise ImportError(f"cannot import name {member!r} from {name!r} in the tool dialect", name=name)
        return module if wanted else modules[name.split(".")[0]]

    return find
