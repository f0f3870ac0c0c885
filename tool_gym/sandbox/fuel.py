"""What a call may spend: steps (deterministic), depth of calls (deterministic), and time.

The compiler puts a call of `_tick_` into every loop, comprehension and function. `_tick_` is the `__next__` of a chain
of n times True and then an iterator that raises: counting happens in C, for about 20 ns a step. The same chain, as the
selector of `itertools.compress`, meters iterators that no Python code steps through (`Meter.metered`).
"""

from __future__ import annotations

import operator
import time
from collections.abc import Iterable, Iterator
from itertools import chain, compress, repeat
from typing import Any, NoReturn

NEVER = float("inf")
MAX_DEPTH = 400
"""Calls of a tool's own functions that may be open at once."""


class Stop(BaseException):
    """The call is over, whatever the tool would like. Compiled `except` clauses let it pass.

    Attributes:
        status: How the call ends: `timeout` or `limit`.
        reason: Why, for the model to read.
        deterministic: False where the clock decided.
    """

    def __init__(self, status: str, reason: str, deterministic: bool = True) -> None:
        super().__init__(reason)
        self.status, self.reason, self.deterministic = status, reason, deterministic


class TooDeep(RuntimeError):
    """The tools' `RecursionError`: their own functions called each other too deep, which is the same depth everywhere.

    Python's own error is none of these: how deep it lets a tool go depends on its caller.
    """


TooDeep.__name__ = TooDeep.__qualname__ = "RecursionError"
TooDeep.__module__ = "builtins"


class _Empty:
    """The end of the fuel: an iterator that raises at every step."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __iter__(self) -> Iterator[bool]:
        return self

    def __next__(self) -> bool:
        self._meter.out_of_fuel()


class Meter:
    """Counts what the current call spends, and ends it.

    Args:
        names: The builtins that tools see; the meter keeps `_tick_`, `_down_`, `_up_` and `_too_deep_` there.
        fuel: Steps per call.
    """

    def __init__(self, names: dict[str, Any], fuel: int) -> None:
        self._names = names
        self._fuel = fuel
        self._empty = _Empty(self)
        self._pool: list[bool] = []
        self._left = repeat(True, 0)
        self._steps: Iterator[bool] = iter(self._empty)
        self._limit_s = self._deadline = NEVER
        self._since: float | None = None
        self.stopped: Stop | None = None
        names.update(_down_=self._pool.pop, _up_=self._pool.append, _too_deep_=self._too_deep)
        self.end()

    def begin(self, limit_s: float, wall_s: float = NEVER, fuel: int | None = None) -> None:
        """Starts a call: no depth, full fuel (or `fuel` steps), so many seconds of processor and of wall time."""
        self.stopped = None
        self.refuel(fuel)
        if len(self._pool) != MAX_DEPTH + 1:
            self._pool[:] = [False, *repeat(True, MAX_DEPTH)]
        self._deadline = time.perf_counter() + wall_s
        self.allow(limit_s)

    def allow(self, limit_s: float) -> None:
        """Grants `limit_s` seconds of processor time from here."""
        self._limit_s, self._since = limit_s, None

    def refuel(self, fuel: int | None = None) -> None:
        """Fills up the fuel (or sets it to `fuel` steps)."""
        left = repeat(True, self._fuel if fuel is None else fuel)
        if fuel is None:
            self._left = left
        self._steps = chain(left, self._empty)
        self._names["_tick_"] = self._steps.__next__

    def spent(self) -> int:
        """Steps that the last call took since it was last given its full fuel."""
        return self._fuel - operator.length_hint(self._left)

    def end(self) -> None:
        """Ends a call: from here, code that a tool left behind stops at its first step."""
        self._limit_s = self._deadline = NEVER
        self._names["_tick_"] = self._closed

    def metered(self, items: Iterable[Any]) -> Iterator[Any]:
        """The same items, each costing a step even when they are consumed in C."""
        return compress(items, self._steps)

    def stop(self, status: str, reason: str, deterministic: bool = True) -> NoReturn:
        """Ends the call. Remembered, so that a tool which swallows the exception gains nothing."""
        if self.stopped is None:
            self.stopped = Stop(status, reason, deterministic)
        self._names["_tick_"] = self._stop_again
        raise Stop(self.stopped.status, self.stopped.reason, self.stopped.deterministic)

    def out_of_fuel(self) -> NoReturn:
        """Ends the call as `timeout`: its steps are spent."""
        self.stop("timeout", f"the tool did not finish within {self._fuel:,} steps")

    def interrupt_if_late(self) -> None:
        """Ends the call as `timeout` when it is past a limit; to be called from a ticking signal's handler.

        Limits are in processor time, so that a busy machine ends no good call, and counted from a call's first tick:
        asking for the processor time costs as much as a small tool.
        """
        limit_s, since = self._limit_s, self._since
        if limit_s == NEVER:
            return
        now = time.thread_time()
        if since is None:
            self._since = now
        elif now - since > limit_s:
            self._too_long(limit_s)
        if time.perf_counter() > self._deadline:
            self._too_long(limit_s)

    def _too_long(self, limit_s: float) -> NoReturn:
        self.stop("timeout", f"the tool did not finish within {limit_s:g} s", deterministic=False)

    def _too_deep(self) -> NoReturn:
        self._pool.append(False)
        raise TooDeep("maximum recursion depth exceeded")

    def _stop_again(self) -> NoReturn:
        self.stop("timeout", "the tool went on after its end")

    def _closed(self) -> NoReturn:
        raise Stop("timeout", "the call is over")
