"""The calls of one session, one after another: state and time budget pass from each to the next.

Both executions run this very code, so that the same calls give the same bytes in a sealed worker and in process. It
imports only what a worker may load before it is sealed.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Protocol

from tool_gym.sandbox.runtime import Outcome, Rejection
from tool_gym.sandbox.wire import Call, Job, Reply


class Language(Protocol):
    """What runs tools: `runtime.Runtime`, or a stand-in that tests the layers below it."""

    def add_table(self, sha256: str, data: bytes) -> None:
        """Remembers a table."""

    def add_source(self, key: str, name: str, source: str, tables: dict[str, str]) -> None:
        """Remembers a source."""

    def check(self, key: str) -> Rejection | None:
        """Compiles and loads a source."""

    def run(
        self,
        key: str,
        arguments: bytes,
        seed: bytes,
        state: bytes | None = None,
        time_limit_s: float | None = None,
        wall_limit_s: float = math.inf,
    ) -> Outcome:
        """Runs one call."""

    def interrupt_if_late(self) -> None:
        """Raises inside a tool that is past its time."""


class Turn:
    """Runs the calls of a `Job`.

    Args:
        language: Runs a call.
        job: Its state and its budget are where the turn starts.
        call_time_limit_s: Processor seconds that one call may take.
    """

    __slots__ = ("_language", "_left_s", "_limit_s", "_state")

    def __init__(self, language: Language, job: Job, call_time_limit_s: float) -> None:
        self._language = language
        _, self._state, self._left_s = job
        self._limit_s = call_time_limit_s

    def run(self, call: Call) -> Reply:
        """Runs the next call; what the tool does wrong is in the reply."""
        left_s = self._left_s
        if left_s <= 0:
            return spent()
        begun = perf_counter()
        key, arguments, seed = call
        if arguments is None:
            status, payload, deterministic, state = _check(self._language, key)
        else:
            limit_s = self._limit_s
            status, payload, deterministic, state = self._language.run(
                key, arguments, seed, self._state, limit_s if limit_s < left_s else left_s, left_s
            )
        if state is not None:
            self._state = state
        seconds = perf_counter() - begun
        self._left_s = left_s - seconds
        return Reply(status, payload, deterministic, state, seconds)


def spent() -> Reply:
    """The answer to a call for which earlier calls left no time."""
    return Reply("timeout", b"earlier calls of this turn used up its time; the call was not made", False, None, 0.0)


def _check(language: Language, key: str) -> Outcome:
    rejection = language.check(key)
    if rejection is None:
        return Outcome("ok", b"null", True, None)
    return Outcome("tool_error", f"{rejection.line or 0}:{rejection.reason}".encode(errors="replace"), True, None)
