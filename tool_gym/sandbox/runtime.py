"""Runs tools: text in, arguments in, JSON out, and a status for whatever may go wrong.

A `Runtime` lives in a sealed worker process, or in the caller's for `embedded` execution; both give the same bytes. It
knows no processes and no signals: whoever owns them calls `interrupt_if_late` now and then.
"""

from __future__ import annotations

import decimal
import functools
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import FunctionType, TracebackType
from typing import Any, NamedTuple

from tool_gym.frozen import FrozenDict, freeze
from tool_gym.jsonvalue import Json, NotJson, clean_text, encode, loads
from tool_gym.sandbox import toolbuiltins
from tool_gym.sandbox.bounded import Bounded
from tool_gym.sandbox.clock import Clock, Dice
from tool_gym.sandbox.dialect import Refused
from tool_gym.sandbox.facades import make_facades
from tool_gym.sandbox.fuel import Meter, TooDeep
from tool_gym.sandbox.guards import Guards, writable_instance
from tool_gym.sandbox.policy import ToolCode, compile_tool, file_name
from tool_gym.sandbox.rules import MODULE_NAME

DEFAULT_FUEL = 4_000_000
"""Steps of one call: an empty endless loop ends after some 0.1 s, a recursion after 0.5 s."""
MAX_KEPT = 4096
"""Compiled sources kept at a time."""
MAX_REASON_CHARS = 2000
_NO_SEED = bytes(32)
_TEXT_FUEL = 10_000
_TEXT_LIMIT_S = 0.2
_ADDRESS = re.compile(rb" at 0x[0-9a-f]{6,16}(?=>)")
_SCALARS = frozenset({str, int, float, bool, type(None)})


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


class _Source(NamedTuple):
    name: str
    text: str
    tables: dict[str, str]


class _Loaded(NamedTuple):
    """A compiled source; `namespace` and `function` are there if calls share them."""

    name: str
    code: ToolCode
    data: FrozenDict | None
    namespace: dict[str, Any] | None
    function: Callable[..., Any] | None
    uses_dice: bool
    uses_decimal: bool


class _BadResult(Exception):
    """The tool ended well and returned what has no JSON form, or too much of it."""


class Runtime:
    """Compiles tools and runs their calls, one at a time.

    Args:
        call_time_limit_s: Seconds that a call may take by default, when somebody calls `interrupt_if_late`.
        fuel: Steps (rounds of loops, items of comprehensions, calls of functions) that a call may take.
        max_result_bytes: Longest result, and longest state, in bytes of JSON.
    """

    def __init__(
        self, *, call_time_limit_s: float = 1.0, fuel: int = DEFAULT_FUEL, max_result_bytes: int = 1_000_000
    ) -> None:
        self._time_limit_s = call_time_limit_s
        self._max_result_bytes = max_result_bytes
        self._names: dict[str, Any] = {}
        self._meter = Meter(self._names, fuel)
        self._clock = Clock()
        self._dice = Dice(0)
        bounded = Bounded(self._meter)
        modules = make_facades(self._meter, bounded, self._clock, self._dice)
        guards = Guards(bounded, self._clock.guarded())
        toolbuiltins.install(self._names, self._meter, bounded, guards, modules)
        self._sources: dict[str, _Source] = {}
        self._tables: dict[str, bytes] = {}
        self._rows: dict[str, Json] = {}
        self._kept: OrderedDict[str, _Loaded | Refused] = OrderedDict()

    def add_table(self, sha256: str, data: bytes) -> None:
        """Keeps a table, JSON text, under its digest; it is parsed when a tool first needs it."""
        if not self.has_table(sha256):
            self._tables[sha256] = data

    def add_source(self, key: str, name: str, source: str, tables: Mapping[str, str]) -> None:
        """Keeps a tool's text; it is compiled when it is first needed.

        Args:
            key: Identifies name, source and tables together.
            name: The tool's name, and its function's.
            source: Python text in the tool dialect.
            tables: For each name in `DATA`, the digest of the table.
        """
        self._sources[key] = _Source(name, source, dict(tables))

    def has_source(self, key: str) -> bool:
        """Whether `add_source` was called with this key."""
        return key in self._sources

    def has_table(self, sha256: str) -> bool:
        """Whether `add_table` was called with this digest."""
        return sha256 in self._tables or sha256 in self._rows

    def check(self, key: str) -> Rejection | None:
        """Compiles and loads a source now, and says why it is refused, or None."""
        _, error = self._attempt(self._time_limit_s, None, self._try_to_load, key)
        stopped = self._meter.stopped
        if stopped is not None:
            return Rejection(f"{stopped.reason} while the source was loaded", None)
        if error is None:
            return None
        if isinstance(error, Refused):
            return Rejection(error.reason, error.line)
        line = _line(error.__traceback__, file_name(self._sources[key].name))
        return Rejection(f"{type(error).__name__}: {self._text(error)}", line)

    def run(
        self,
        key: str,
        arguments: bytes | dict[str, Json],
        seed: bytes,
        state: bytes | None = None,
        time_limit_s: float | None = None,
    ) -> Outcome:
        """Runs one call. Never raises for a tool's fault; only the host's `KeyboardInterrupt` passes.

        Args:
            key: Of a source that was added.
            arguments: JSON object, as text or as data; data is handed to the tool as it is, which may change it.
            seed: 32 bytes; the call's clock and randomness follow from them.
            state: The episode's state as JSON, for tools that name `STATE`; None stands for `{}`.
            time_limit_s: Instead of the runtime's own limit.
        """
        limit_s = self._time_limit_s if time_limit_s is None else time_limit_s
        done, error = self._attempt(limit_s, None, self._play, key, arguments, seed, state)
        if self._meter.stopped is not None:
            stopped = self._meter.stopped
            return Outcome(stopped.status, stopped.reason.encode(), stopped.deterministic)
        if error is None:
            return Outcome("ok", done[0], True, done[1])
        return self._failure(error)

    def interrupt_if_late(self) -> None:
        """Ends the running call when it is past its time limit, by an exception that no tool can catch.

        To be called from a handler of a ticking alarm, in the thread that runs the tool.
        """
        self._meter.interrupt_if_late()

    def steps(self) -> int:
        """Steps that the last call took."""
        return self._meter.spent()

    def _attempt(
        self, limit_s: float, fuel: int | None, action: Callable[..., Any], *args: Any
    ) -> tuple[Any, BaseException | None]:
        """What `action` returns or raises, within limits. Nothing of the tool runs after its end."""
        meter = self._meter
        try:
            try:
                meter.begin(limit_s, fuel)
                return action(*args), None
            finally:
                meter.end()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an alarm may also strike between the two `try`
            meter.end()
            return None, error

    def _play(
        self, key: str, arguments: bytes | dict[str, Json], seed: bytes, state: bytes | None
    ) -> tuple[bytes, bytes | None]:
        """One call, as payload and new state."""
        loaded = self._kept.get(key)
        if type(loaded) is not _Loaded:
            loaded = self._load(key)
        self._clock.start(seed)
        if loaded.uses_dice:
            self._dice.start(seed)
        if loaded.uses_decimal:
            with decimal.localcontext(decimal.Context()):
                return self._enter(loaded, arguments, state)
        return self._enter(loaded, arguments, state)

    def _enter(
        self, loaded: _Loaded, arguments: bytes | dict[str, Json], state: bytes | None
    ) -> tuple[bytes, bytes | None]:
        namespace, function = loaded.namespace, loaded.function
        try:
            if namespace is None or function is None:
                namespace = self._namespace(loaded.code, loaded.data)
                function = _execute(loaded.code, namespace, loaded.name)
                self._meter.refuel()
            if loaded.code.uses_state:
                namespace["STATE"] = {} if state is None else loads(state)
            kwargs = loads(arguments) if isinstance(arguments, bytes) else arguments
            payload = self._encode(function(**kwargs), "the result")
            new_state = self._encode(namespace["STATE"], "STATE") if loaded.code.uses_state else None
            return payload, new_state
        finally:
            if loaded.namespace is None and namespace is not None:
                namespace.clear()  # what a call leaves behind dies within its limits

    def _encode(self, value: object, what: str) -> bytes:
        try:
            if type(value) not in _SCALARS:
                _weigh(value, self._max_result_bytes, what)
            payload = encode(value)
        except NotJson as error:
            raise _BadResult(f"{what} is not JSON: {error}") from None
        except _BadResult:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise _BadResult(f"{what} cannot be read: {type(error).__name__}") from None
        if b" at 0x" in payload:
            payload = _ADDRESS.sub(b" at 0x0", payload)
        if len(payload) > self._max_result_bytes:
            raise _BadResult(f"{what} takes {len(payload):,} bytes, at most {self._max_result_bytes:,} are taken")
        return payload

    def _load(self, key: str) -> _Loaded:
        """The compiled source, from memory if it was needed before.

        Raises:
            Refused: If it is outside the dialect.
            BaseException: Whatever it raises when a namespace that calls share is filled.
        """
        loaded = self._kept.get(key)
        if loaded is None:
            try:
                loaded = self._compile(self._sources[key])
            except Refused as refused:
                loaded = refused
            self._kept[key] = loaded
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        if isinstance(loaded, Refused):
            raise loaded.with_traceback(None)
        return loaded

    def _compile(self, source: _Source) -> _Loaded:
        code = compile_tool(source.name, source.text)
        data = FrozenDict({name: self._table(digest) for name, digest in source.tables.items()})
        namespace = function = None
        if code.shareable:
            namespace = self._namespace(code, data)
            namespace["_write_"] = writable_instance
            self._dice.start(_NO_SEED)
            self._clock.start(_NO_SEED)
            function = _execute(code, namespace, source.name)
            self._meter.refuel()
        modules = code.modules
        return _Loaded(
            source.name, code, data, namespace, function, bool(modules & {"random", "uuid"}), "decimal" in modules
        )

    def _namespace(self, code: ToolCode, data: FrozenDict | None) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__builtins__": self._names, "__name__": MODULE_NAME}
        if data:
            namespace["DATA"] = data
        return namespace

    def _table(self, digest: str) -> Json:
        if digest not in self._rows:
            if digest not in self._tables:
                raise Refused(f"the table {digest} that the tool reads is not there", None)
            try:
                self._rows[digest] = freeze(loads(self._tables.pop(digest)))
            except NotJson as error:
                raise Refused(f"the table {digest} is {error}", None) from None
        return self._rows[digest]

    def _try_to_load(self, key: str) -> None:
        loaded = self._load(key)
        if loaded.namespace is None:
            self._clock.start(_NO_SEED)
            self._dice.start(_NO_SEED)
            _execute(loaded.code, self._namespace(loaded.code, loaded.data), loaded.name)

    def _failure(self, error: BaseException) -> Outcome:
        if isinstance(error, _BadResult):
            return Outcome("bad_result", str(error).encode())
        if isinstance(error, Refused):
            place = f", line {error.line}" if error.line else ""
            return Outcome("tool_error", f"the tool does not load{place}: {error.reason}".encode())
        if isinstance(error, MemoryError):
            return Outcome("limit", b"the tool needs more memory than there is", False)
        deterministic = not isinstance(error, RecursionError) or isinstance(error, TooDeep)
        return Outcome("tool_error", self._text(error).encode(), deterministic)

    def _text(self, error: BaseException) -> str:
        """What an exception says, with its type where the text alone says nothing; it may be the tool's own class."""
        kind = type(error).__name__
        text, problem = self._attempt(_TEXT_LIMIT_S, _TEXT_FUEL, str, error)
        if problem is not None:
            return f"{kind} (its text cannot be read)"
        text = clean_text(text[:MAX_REASON_CHARS])
        if not text or isinstance(error, KeyError):
            text = f"{kind}: {text}" if text else kind
        return _ADDRESS.sub(b" at 0x0", text.encode()).decode()


def _execute(code: ToolCode, namespace: dict[str, Any], name: str) -> Callable[..., Any]:
    """Runs a module and returns the tool's function.

    Raises:
        Refused: If it defines none.
    """
    exec(code.code, namespace)
    function = namespace.get(name)
    own = isinstance(function, FunctionType) and function.__globals__ is namespace
    if not own and not isinstance(function, (functools.partial, functools._lru_cache_wrapper)):
        raise Refused(f"the source defines no function called {name!r}", None)
    return function  # type: ignore[return-value]


def _line(traceback: TracebackType | None, file: str) -> int | None:
    """The last line of the source that an exception passed."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _weigh(value: object, room: int, what: str) -> None:
    """Refuses a value whose JSON would surely be longer than `room` bytes, before anybody writes it.

    A list that holds another one many times, and that one a third, is small in memory and endless as text.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            room -= len(item)
        elif isinstance(item, dict):
            room -= 4 * len(item)
            waiting.extend(dict.keys(item))
            waiting.extend(dict.values(item))
        elif isinstance(item, (list, tuple)):
            room -= 2 * len(item)
            waiting.extend(item)
        if room < 0:
            raise _BadResult(f"{what} is cyclic, or longer than is taken")
