"""The tools of one runtime: their texts and tables, and what was compiled of them so far."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple

from tool_gym.frozen import FrozenDict, freeze
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.sandbox.dialect import Refused
from tool_gym.sandbox.guards import writable_instance
from tool_gym.sandbox.policy import ToolCode, compile_tool
from tool_gym.sandbox.rules import MODULE_NAME

MAX_KEPT = 4096
"""Compiled sources kept at a time; the least recently compiled goes first."""


class _Source(NamedTuple):
    name: str
    text: str
    tables: dict[str, str]


class Loaded(NamedTuple):
    """A compiled tool.

    Attributes:
        name: Its name.
        code: Its code, and what the text shows of it.
        data: What `DATA` is for it; empty if it reads no tables.
        namespace: The namespace that calls share, or None if each gets a fresh one.
        function: The function in it, or None.
    """

    name: str
    code: ToolCode
    data: FrozenDict
    namespace: dict[str, Any] | None
    function: Callable[..., Any] | None


class Library:
    """Texts, tables and compiled tools.

    Args:
        builtins: What tools see without importing it.
    """

    def __init__(self, builtins: dict[str, Any]) -> None:
        self._builtins = builtins
        self._sources: dict[str, _Source] = {}
        self._tables: dict[str, bytes] = {}
        self._rows: dict[str, Json] = {}
        self._kept: OrderedDict[str, Loaded | Refused] = OrderedDict()

    def add_table(self, sha256: str, data: bytes) -> None:
        """Keeps a table, JSON text, under its digest; it is parsed when a tool first needs it."""
        if not self.has_table(sha256):
            self._tables[sha256] = data

    def add_source(self, key: str, name: str, text: str, tables: Mapping[str, str]) -> None:
        """Keeps a tool's text."""
        self._sources[key] = _Source(name, text, dict(tables))

    def has_source(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self._sources

    def has_table(self, sha256: str) -> bool:
        """Whether there is a table of this digest."""
        return sha256 in self._tables or sha256 in self._rows

    def name(self, key: str) -> str:
        """The name of a tool."""
        return self._sources[key].name

    def kept(self, key: str) -> Loaded | None:
        """The compiled tool if it is in memory, or None."""
        loaded = self._kept.get(key)
        return loaded if type(loaded) is Loaded else None

    def load(self, key: str, compiled: Callable[[], None]) -> Loaded:
        """The compiled tool, from memory if it was needed before.

        Args:
            key: Of its source.
            compiled: Called when the source is compiled, before any of it runs.

        Raises:
            Refused: If it is outside the dialect.
            BaseException: Whatever its module raises when a namespace that calls share is filled.
        """
        loaded = self._kept.get(key)
        if loaded is None:
            if key not in self._sources:
                raise Refused(f"no source was added as {key!r}", None)
            try:
                loaded = self._compile(self._sources[key], compiled)
            except Refused as refused:
                loaded = refused.with_traceback(None)
            self._kept[key] = loaded
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        if isinstance(loaded, Refused):
            raise Refused(loaded.reason, loaded.line)
        return loaded

    def fresh(self, loaded: Loaded) -> tuple[dict[str, Any], Callable[..., Any]]:
        """A namespace of its own for one call of a tool, and the tool's function in it.

        Raises:
            Refused: If the source defines no such function.
            BaseException: Whatever the module raises.
        """
        return self._execute(loaded.name, loaded.code, loaded.data)

    def _compile(self, source: _Source, compiled: Callable[[], None]) -> Loaded:
        code = compile_tool(source.name, source.text)
        data = FrozenDict({name: self._table(digest) for name, digest in source.tables.items()})
        compiled()
        if not code.shareable:
            return Loaded(source.name, code, data, None, None)
        namespace, function = self._execute(source.name, code, data)
        namespace["_write_"] = writable_instance
        return Loaded(source.name, code, data, namespace, function)

    def _execute(self, name: str, code: ToolCode, data: FrozenDict) -> tuple[dict[str, Any], Callable[..., Any]]:
        namespace: dict[str, Any] = {"__builtins__": self._builtins, "__name__": MODULE_NAME}
        if data:
            namespace["DATA"] = data
        exec(code.code, namespace)
        function = namespace.get(name)
        own = isinstance(function, FunctionType) and function.__globals__ is namespace
        if not own and not isinstance(function, (functools.partial, functools._lru_cache_wrapper)):
            raise Refused(f"the source defines no function called {name!r}", None)
        return namespace, function  # type: ignore[return-value]

    def _table(self, digest: str) -> Json:
        if digest not in self._rows:
            if digest not in self._tables:
                raise Refused(f"the table {digest} that the tool reads is not there", None)
            try:
                self._rows[digest] = freeze(loads(self._tables.pop(digest)))
            except NotJson as error:
                raise Refused(f"the table {digest} is {error}", None) from None
        return self._rows[digest]
