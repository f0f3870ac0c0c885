"""Plain Python in a worker, without the dialect: for testing what the kernel layers hold alone.

No pack and no public argument leads here; `doctor` and the tests name it when they start a pool of their own.
"""

from __future__ import annotations

import math
import traceback
from typing import Any

from tool_gym.jsonvalue import NotJson, encode, loads
from tool_gym.sandbox.runtime import Outcome, Rejection


class RawLanguage:
    """Runs sources as they are, with all that Python can do; otherwise as `runtime.Runtime`."""

    def __init__(self, *, call_time_limit_s: float) -> None:
        self._call_time_limit_s = call_time_limit_s
        self._sources: dict[str, tuple[str, str]] = {}

    def add_table(self, sha256: str, data: bytes) -> None:
        """Takes a table and forgets it."""

    def add_source(self, key: str, name: str, source: str, tables: dict[str, str]) -> None:
        """Remembers a source."""
        self._sources[key] = (name, source)

    def check(self, key: str) -> Rejection | None:
        """Nothing is refused."""

    def run(
        self,
        key: str,
        arguments: bytes,
        seed: bytes,
        state: bytes | None = None,
        time_limit_s: float | None = None,
        wall_limit_s: float = math.inf,
    ) -> Outcome:
        """Runs a call without any limit of its own."""
        name, source = self._sources[key]
        namespace: dict[str, Any] = {}
        try:
            exec(source, namespace)
            return Outcome("ok", encode(namespace[name](**loads(arguments))), False, None)
        except NotJson as error:
            return Outcome("bad_result", str(error).encode(), False, None)
        except MemoryError:
            return Outcome("limit", b"out of memory", False, None)
        except Exception as error:
            return Outcome("tool_error", "".join(traceback.format_exception_only(error)).encode(), False, None)

    def interrupt_if_late(self) -> None:
        """Leaves it to the parent to end a call that takes too long."""
