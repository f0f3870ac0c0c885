"""Embedded execution: tools run in the calling process, under the dialect alone; for code that its caller trusts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from tool_gym.sandbox.runtime import Runtime
from tool_gym.sandbox.turn import Turn
from tool_gym.sandbox.work import Work

# What `signal.getsignal` wraps: looking for an enum member takes it as long as a tool takes to run.
_handler_of: Callable[[int], object] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_TICK_S = 0.025


class Embedded:
    """Runs works in process, one at a time. Safe to use from several threads.

    Fuel bounds what tools do in Python. What they do inside one call of a builtin is bounded by the clock only in the
    main thread, and only while SIGALRM has no other use.

    Args:
        call_time_limit_s: Seconds of one call.
    """

    layers = ("dialect",)

    def __init__(self, call_time_limit_s: float) -> None:
        self._limit_s = call_time_limit_s
        self._runtime = Runtime(call_time_limit_s=call_time_limit_s)
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def missing_layers(self, domain: str = "") -> dict[str, str]:
        """None is asked for, so none is missing."""
        return {}

    def run(self, works: Sequence[Work]) -> None:
        """Runs all calls of all works; what tools do wrong is in the results.

        Raises:
            PackError: If a tool's table is missing.
        """
        with self._lock:
            ticking = _start_alarm(self._runtime)
            try:
                for work in works:
                    self._teach(work)
                    turn = Turn(self._runtime, work.job(), self._limit_s)
                    for call in work.calls:
                        work.accept(turn.run(call))
            finally:
                if ticking:
                    _stop_alarm()

    def close(self) -> None:
        """Gives SIGALRM back."""
        if _in_main_thread() and _handler_of(signal.SIGALRM) is _look_at_clock:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def abandon(self) -> None:
        """Nothing is held that a forked process may not use."""

    def _teach(self, work: Work) -> None:
        for source in work.sources:
            key, _, _, tables = source
            if key in self._known:
                continue
            for sha256 in tables.values():
                if sha256 not in self._known:
                    self._runtime.add_table(sha256, work.table(sha256))
                    self._known.add(sha256)
            self._runtime.add_source(*source)
            self._known.add(key)


_ticking: Runtime | None = None
"""The runtime that the main thread is in, while the alarm is set."""


def _start_alarm(runtime: Runtime) -> bool:
    """Has the clock looked at while a runtime runs tools, if this thread may have an alarm."""
    global _ticking
    if not _in_main_thread():
        return False
    handler = _handler_of(signal.SIGALRM)
    if handler is not _look_at_clock:
        if handler != signal.SIG_DFL:
            return False
        # It stays until `close`: installing it takes as long as a call.
        signal.signal(signal.SIGALRM, _look_at_clock)
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        return False
    _ticking = runtime
    signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)
    return True


def _stop_alarm() -> None:
    global _ticking
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    _ticking = None


def _look_at_clock(number: int, frame: FrameType | None) -> None:
    if _ticking is not None:
        _ticking.interrupt_if_late()


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident
