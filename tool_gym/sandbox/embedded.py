"""Embedded execution: tools run in the calling process, under the dialect alone; for code that its caller trusts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from types import FrameType

from tool_gym.sandbox.runtime import Runtime
from tool_gym.sandbox.turn import Turn
from tool_gym.sandbox.wire import Source
from tool_gym.sandbox.work import Work

_TICK_S = 0.025


class Embedded:
    """Runs works in process, one at a time. Safe to use from several threads.

    Fuel bounds what tools do in Python. What they do inside one call of a builtin is bounded by the clock only in the
    main thread, and only while SIGVTALRM has no other use.

    Args:
        call_time_limit_s: Processor seconds of one call.
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
            if not (_in_main_thread() and _alarm.watch(self._runtime)):
                self._run(works)
                return
            try:
                self._run(works)
            finally:
                _alarm.runtime = None

    def start(self, works: Sequence[Work], wait: bool) -> None:
        """Nothing runs beside the caller."""

    def _run(self, works: Sequence[Work]) -> None:
        for work in works:
            for source in work.sources:
                if source[0] not in self._known:
                    self._learn(work, source)
            run, accept = Turn(self._runtime, work.job(), self._limit_s).run, work.accept
            for call in work.calls:
                accept(run(call))

    def close(self) -> None:
        """Gives SIGVTALRM back."""
        if _in_main_thread():
            _alarm.give_back()

    def abandon(self) -> None:
        """Starts ticking anew: a forked process has no timers, and is in none of its parent's calls."""
        _alarm.ticking, _alarm.runtime = False, None

    def _learn(self, work: Work, source: Source) -> None:
        for sha256 in source[3].values():
            if sha256 not in self._known:
                self._runtime.add_table(sha256, work.table(sha256))
                self._known.add(sha256)
        self._runtime.add_source(*source)
        self._known.add(source[0])


class _Alarm:
    """Has a runtime look at its clock while it runs tools in the main thread.

    The timer counts this process's own work, so that it wakes nobody who sleeps. It is set by a call and stops itself
    when it ticks twice without one: setting and stopping it for each call would take longer than the call.

    Attributes:
        runtime: The runtime that the main thread is in, or None.
        ticking: Whether the timer is set.
    """

    def __init__(self) -> None:
        self.runtime: Runtime | None = None
        self.ticking = False
        self._used = False

    def watch(self, runtime: Runtime) -> bool:
        """Watches a runtime from here on, if the signal is to be had; the caller ends it by `runtime = None`."""
        if not self.ticking and not self._start():
            return False
        self._used = True
        self.runtime = runtime
        return True

    def give_back(self) -> None:
        """Leaves the signal as it was before the first call."""
        if signal.getsignal(signal.SIGVTALRM) == self._tick:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
            self.ticking = False

    def _start(self) -> bool:
        handler = signal.getsignal(signal.SIGVTALRM)
        if handler != self._tick:
            if handler != signal.SIG_DFL:
                return False
            signal.signal(signal.SIGVTALRM, self._tick)
        signal.setitimer(signal.ITIMER_VIRTUAL, _TICK_S, _TICK_S)
        self.ticking = True
        return True

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self.runtime is not None:
            self.runtime.interrupt_if_late()
        elif self._used:
            self._used = False
        else:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            self.ticking = False


_alarm = _Alarm()


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident
