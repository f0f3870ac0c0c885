"""Native tools in a worker: plain Python, for classes of others that no dialect could hold. Sealed, but not metered.

A native tool keeps to the rules of the dialect's tools: its source defines a function of its name, reads its tables as
`DATA`, and changes `STATE`. Beyond that it may import what Python brings, and the modules of its table `modules`, which
holds their sources by dotted name. Its module lives as long as its worker, so that only `STATE` belongs to an episode.

Random numbers and the clock follow from the call's seed, the time zone is UTC. Only the parent ends a call that takes
too long.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.abc
import importlib.machinery
import importlib.util
import math
import os
import random
import sys
import time
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tool_gym.jsonvalue import Json, loads
from tool_gym.sandbox.clock import Clock
from tool_gym.sandbox.results import BadResult, encode_result
from tool_gym.sandbox.runtime import MAX_REASON_CHARS, Outcome, Rejection
from tool_gym.sandbox.texts import scrubbed

MODULES = "modules"
"""Name of the table that holds the sources of modules."""
MAX_RESULT_BYTES = 1_000_000
"""Longest result, and longest state, in bytes of JSON."""
_AT_HAND = (
    "abc", "base64", "bisect", "calendar", "collections", "copy", "csv", "dataclasses", "decimal", "difflib", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "pathlib", "re",
    "statistics", "string", "subprocess", "textwrap", "typing", "unicodedata", "uuid", "mpmath",
)  # fmt: skip
"""What native sources may import: a sealed process finds no file, so it is all imported before."""


class NativeLanguage:
    """Runs native tools; otherwise as `runtime.Runtime`."""

    def __init__(self, *, call_time_limit_s: float) -> None:
        self._tables: dict[str, Json] = {}
        self._sources: dict[str, tuple[str, str, dict[str, str]]] = {}
        self._loaded: dict[str, dict[str, Any]] = {}
        self._clock = Clock()
        self._modules = _Modules()
        sys.meta_path.insert(0, self._modules)
        os.environ["TZ"] = "UTC"
        time.tzset()
        for name in _AT_HAND:
            with contextlib.suppress(ImportError):  # mpmath is not Python's own
                importlib.import_module(name)
        time.time = self._clock.time
        setattr(datetime, "datetime", _datetime_by(self._clock))  # noqa: B010 - mypy takes no class for another

    def add_table(self, sha256: str, data: bytes) -> None:
        """Keeps a table."""
        self._tables[sha256] = loads(data)

    def add_source(self, key: str, name: str, source: str, tables: dict[str, str]) -> None:
        """Keeps a source."""
        self._sources[key] = (name, source, tables)

    def check(self, key: str) -> Rejection | None:
        """Loads a source now, and says why it does not load, or None."""
        try:
            self._load(key)
        except Exception as error:
            return Rejection(_text(error))
        return None

    def run(
        self,
        key: str,
        arguments: bytes,
        seed: bytes,
        state: bytes | None = None,
        time_limit_s: float | None = None,
        wall_limit_s: float = math.inf,
    ) -> Outcome:
        """Runs one call. What the tool raises becomes `tool_error`."""
        try:
            namespace = self._load(key)
            random.seed(seed)
            self._clock.start(seed)
            namespace["STATE"] = {} if state is None else loads(state)
            value = namespace[self._sources[key][0]](**loads(arguments))
            payload = encode_result(value, "the result", MAX_RESULT_BYTES)
            return Outcome("ok", payload, True, encode_result(namespace["STATE"], "STATE", MAX_RESULT_BYTES))
        except BadResult as error:
            return Outcome("bad_result", str(error).encode())
        except MemoryError:
            return Outcome("limit", b"the tool needs more memory than there is", False)
        except Exception as error:
            return Outcome("tool_error", _text(error).encode())

    def interrupt_if_late(self) -> None:
        """Leaves it to the parent to end a call that takes too long."""

    def _load(self, key: str) -> dict[str, Any]:
        if key not in self._loaded:
            name, source, tables = self._sources[key]
            data = {table: self._tables[sha256] for table, sha256 in tables.items()}
            self._modules.sources.update(data.get(MODULES, {}))
            namespace: dict[str, Any] = {"__name__": f"tool_{name}", "DATA": data}
            exec(compile(source, f"<tool {name}>", "exec"), namespace)
            if not callable(namespace.get(name)):
                raise ImportError(f"the source defines no function called {name!r}")
            self._loaded[key] = namespace
        return self._loaded[key]


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds modules among sources by dotted name; the packages above them are there, and empty."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's specification, or None."""
        above = any(name.startswith(f"{fullname}.") for name in self.sources)
        if fullname not in self.sources and not above:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=above)

    def get_source(self, fullname: str) -> str:
        """The module's source."""
        return self.sources.get(fullname, "")

    def is_package(self, fullname: str) -> bool:
        """Whether there are modules below it."""
        return any(name.startswith(f"{fullname}.") for name in self.sources)


def _datetime_by(clock: Clock) -> type:
    """`datetime.datetime`, but with the clock's time for the machine's."""

    class _Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> _Datetime:
            return cls.fromtimestamp(clock.time(), tz)

        utcnow = today = now

    _Datetime.__name__ = _Datetime.__qualname__ = "datetime"
    return _Datetime


def _text(error: BaseException) -> str:
    """What an exception says, with its type where that is all that it says."""
    text = str(error) or "".join(traceback.format_exception_only(error)).strip()
    return scrubbed(text[:MAX_REASON_CHARS])
