"""Runs tools: text in, arguments in, JSON out, and a status for whatever may go wrong.

A `Runtime` lives in a sealed worker process, or in the caller's for `embedded` execution; both give the same bytes. It
knows no processes and no signals: whoever owns them calls `interrupt_if_late` now and then.
"""

from __future__ import annotations

import decimal
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from tool_gym.jsonvalue import Json, clean_text, loads
from tool_gym.sandbox import toolbuiltins
from tool_gym.sandbox.bounded import Bounded
from tool_gym.sandbox.clock import Clock, Dice
from tool_gym.sandbox.dialect import Refused
from tool_gym.sandbox.facades import make_facades
from tool_gym.sandbox.fuel import NEVER, Meter
from tool_gym.sandbox.guards import Guards
from tool_gym.sandbox.library import Library, Loaded
from tool_gym.sandbox.policy import file_name
from tool_gym.sandbox.results import BadResult, encode_result
from tool_gym.sandbox.texts import scrubbed

DEFAULT_FUEL = 4_000_000
"""Steps of one call: an empty endless loop ends after some 0.1 s, an endless recursion tree after 0.5 s."""
MIN_RECURSION_LIMIT = 3000
"""Python's own limit is raised to this, so that the dialect's (`fuel.MAX_DEPTH`) is reached first."""
COMPILE_LIMIT_S = 10.0
"""Processor seconds that compiling a source may take, apart from the limit of the call that needs it first."""
MAX_REASON_CHARS = 2000
_NO_SEED = bytes(32)
_TEXT_FUEL = 10_000
_TEXT_LIMIT_S = 0.2


class Outcome(NamedTuple):
    """How a call ended.

    Attributes:
        status: One of `tool_gym.messages.Status`.
        payload: The value as compact JSON if the status is `ok`; else the reason, UTF-8 text for the model.
        deterministic: False where clock or memory decided, so that a replay may differ.
        state: The new state as JSON after an `ok` call of a tool that names `STATE`; else None.
    """

    status: str
    payload: bytes
    deterministic: bool = True
    state: bytes | None = None


class Rejection(NamedTuple):
    """Why a source is refused: `reason` in one line, and the 1-based `line` to blame or None."""

    reason: str
    line: int | None = None


class Runtime:
    """Compiles tools and runs their calls, one at a time.

    Args:
        call_time_limit_s: Processor seconds that a call may take by default, when somebody calls `interrupt_if_late`.
        fuel: Steps (rounds of loops, items of comprehensions, calls of functions) that a call may take.
        max_result_bytes: Longest result, and longest state, in bytes of JSON.
    """

    def __init__(
        self, *, call_time_limit_s: float = 1.0, fuel: int = DEFAULT_FUEL, max_result_bytes: int = 1_000_000
    ) -> None:
        self._time_limit_s = call_time_limit_s
        self._max_result_bytes = max_result_bytes
        sys.setrecursionlimit(max(sys.getrecursionlimit(), MIN_RECURSION_LIMIT))
        names: dict[str, Any] = {}
        self._meter = Meter(names, fuel)
        self._clock = Clock()
        self._dice = Dice(0)
        bounded = Bounded(self._meter)
        modules = make_facades(self._meter, bounded, self._clock, self._dice)
        guards = Guards(bounded, self._clock.guarded())
        toolbuiltins.install(names, self._meter, bounded, guards, modules)
        self._library = Library(names)

    def add_table(self, sha256: str, data: bytes) -> None:
        """Keeps a table, JSON text, under its digest; it is parsed when a tool first needs it."""
        self._library.add_table(sha256, data)

    def add_source(self, key: str, name: str, source: str, tables: Mapping[str, str]) -> None:
        """Keeps a tool's text; it is compiled when it is first needed.

        Args:
            key: Identifies name, source and tables together.
            name: The tool's name, and its function's.
            source: Python text in the tool dialect.
            tables: For each name in `DATA`, the digest of the table.
        """
        self._library.add_source(key, name, source, tables)

    def has_source(self, key: str) -> bool:
        """Whether `add_source` was called with this key."""
        return self._library.has_source(key)

    def has_table(self, sha256: str) -> bool:
        """Whether `add_table` was called with this digest."""
        return self._library.has_table(sha256)

    def check(self, key: str) -> Rejection | None:
        """Compiles and loads a source now, and says why it is refused, or None."""
        _, error = self._attempt(self._time_limit_s, NEVER, None, self._try_to_load, key)
        if self._meter.stopped is not None:
            return Rejection(f"{self._meter.stopped.reason} while the source was loaded")
        if error is None:
            return None
        if isinstance(error, Refused):
            return Rejection(error.reason, error.line)
        line = _line(error.__traceback__, file_name(self._library.name(key)))
        return Rejection(f"{type(error).__name__}: {self._text(error)}", line)

    def run(
        self,
        key: str,
        arguments: bytes | dict[str, Json],
        seed: bytes,
        state: bytes | None = None,
        time_limit_s: float | None = None,
        wall_limit_s: float = NEVER,
    ) -> Outcome:
        """Runs one call. Never raises for a tool's fault; only the host's `KeyboardInterrupt` passes.

        Args:
            key: Of a source that was added.
            arguments: JSON object, as text or as data; data is handed to the tool as it is, which may change it.
            seed: 32 bytes; the call's clock and randomness follow from them.
            state: The episode's state as JSON, for tools that name `STATE`; None stands for `{}`.
            time_limit_s: Instead of the runtime's own limit.
            wall_limit_s: Seconds of wall time that it may take at most.
        """
        limit_s = self._time_limit_s if time_limit_s is None else time_limit_s
        meter, failure = self._meter, None
        try:  # as `_attempt`, without the price of handing on nine arguments
            try:
                meter.begin(limit_s, wall_limit_s)
                payload, new_state = self._play(key, limit_s, arguments, seed, state)
            finally:
                meter.end()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            meter.end()  # an alarm may have struck inside `finally`
            failure = error
        stopped = meter.stopped
        if stopped is not None:
            return Outcome(stopped.status, stopped.reason.encode(), stopped.deterministic)
        if failure is not None:
            return self._failure(failure)
        return Outcome("ok", payload, True, new_state)

    def interrupt_if_late(self) -> None:
        """Ends the running call when it is past its time limit, by an exception that no tool can catch.

        To be called from a handler of a ticking alarm, in the thread that runs the tool.
        """
        self._meter.interrupt_if_late()

    def steps(self) -> int:
        """Steps that the last call took."""
        return self._meter.spent()

    def _attempt(
        self, limit_s: float, wall_s: float, fuel: int | None, action: Callable[..., Any], *args: Any
    ) -> tuple[Any, BaseException | None]:
        """What `action` returns or raises, within limits. Nothing of the tool runs after its end."""
        meter = self._meter
        try:
            try:
                meter.begin(limit_s, wall_s, fuel)
                return action(*args), None
            finally:
                meter.end()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            meter.end()  # an alarm may have struck inside `finally`
            return None, error

    def _play(
        self, key: str, limit_s: float, arguments: bytes | dict[str, Json], seed: bytes, state: bytes | None
    ) -> tuple[bytes, bytes | None]:
        """One call, as payload and new state."""
        loaded = self._library.kept(key) or self._load(key, limit_s)
        if modules := loaded.code.modules:  # who imports nothing has neither clock nor chance
            self._clock.start(seed)
            if "random" in modules or "uuid" in modules:
                self._dice.start(seed)
            if "decimal" in modules:
                with decimal.localcontext(decimal.Context()):
                    return self._call(loaded, arguments, state)
        return self._call(loaded, arguments, state)

    def _call(
        self, loaded: Loaded, arguments: bytes | dict[str, Json], state: bytes | None
    ) -> tuple[bytes, bytes | None]:
        _, code, _, namespace, function = loaded
        if namespace is None or function is None:
            namespace, function = self._library.fresh(loaded)
            self._meter.refuel()
        uses_state = code.uses_state
        try:
            if uses_state:
                namespace["STATE"] = {} if state is None else loads(state)
            kwargs = loads(arguments) if isinstance(arguments, bytes) else arguments
            payload = encode_result(function(**kwargs), "the result", self._max_result_bytes)
            if not uses_state:
                return payload, None
            return payload, encode_result(namespace["STATE"], "STATE", self._max_result_bytes)
        finally:
            if loaded.namespace is None:
                namespace.clear()  # what a call leaves behind dies within its limits

    def _load(self, key: str, limit_s: float) -> Loaded:
        """A source that is needed for the first time: what that takes counts against no call's limits or seed."""
        meter = self._meter
        self._clock.start(_NO_SEED)
        self._dice.start(_NO_SEED)
        meter.allow(COMPILE_LIMIT_S)
        loaded = self._library.load(key, compiled=lambda: meter.allow(limit_s))
        meter.refuel()
        meter.allow(limit_s)
        return loaded

    def _try_to_load(self, key: str) -> None:
        loaded = self._library.kept(key) or self._load(key, self._time_limit_s)
        if loaded.namespace is None:
            with decimal.localcontext(decimal.Context()):
                self._library.fresh(loaded)

    def _failure(self, error: BaseException) -> Outcome:
        if isinstance(error, BadResult):
            return Outcome("bad_result", str(error).encode())
        if isinstance(error, Refused):
            place = f", line {error.line}" if error.line else ""
            return Outcome("tool_error", f"the tool does not load{place}: {error.reason}".encode())
        if isinstance(error, MemoryError):
            return Outcome("limit", b"the tool needs more memory than there is", False)
        # Python's own recursion limit counts the caller's frames too.
        return Outcome("tool_error", self._text(error).encode(), not isinstance(error, RecursionError))

    def _text(self, error: BaseException) -> str:
        """What an exception, perhaps of the tool's own class, says; with its type where the text alone says nothing."""
        kind = type(error).__name__
        text, problem = self._attempt(_TEXT_LIMIT_S, NEVER, _TEXT_FUEL, str, error)
        if problem is not None:
            return f"{kind} (its text cannot be read)"
        text = clean_text(text[:MAX_REASON_CHARS])
        if not text or isinstance(error, KeyError):
            text = f"{kind}: {text}" if text else kind
        return scrubbed(text)


def _line(traceback: TracebackType | None, file: str) -> int | None:
    """The last line of the source that an exception passed."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
